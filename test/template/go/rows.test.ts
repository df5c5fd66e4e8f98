/** The language, its errors and its builtins, row by row as Go renders them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expected, loadRows, renderRow } from "../rows.ts";

for (const file of ["syntax", "language", "builtins", "printf"]) {
  test(`${file}: every row reads as in Go`, () => {
    const rows = loadRows(file);
    assert.ok(rows.length > 80, `${file} has ${rows.length} rows`);
    for (const row of rows) assert.deepEqual(renderRow(row), expected(row), row.template);
  });
}
