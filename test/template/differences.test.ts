/** The intended differences from Go: ours is what the list says, and the document tells each of them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { TemplateError, shownText } from "../../plugin/template/go/errors.ts";
import { Machine } from "../../plugin/template/go/machine.ts";
import { prepare } from "../../plugin/template/go/program.ts";
import { fromText } from "../../plugin/template/go/text.ts";
import { defaultBudgets } from "../../plugin/template/request.ts";
import { differences } from "./differences.ts";
import { goMap, renderRow, stillWorld } from "./rows.ts";

for (const { heading, row, ours } of differences)
  test(heading, () => {
    const result = renderRow(row);
    const told = "err" in result ? result.err : result.out.toString();
    assert.equal(told, ours);
  });

test("Errors do not show values", () => {
  const machine = new Machine(prepare(fromText("t"), fromText("{{range .s}}{{end}}")), goMap({ s: "hunter2" }), {
    missingKey: "error",
    limits: defaultBudgets,
    world: stillWorld,
  });
  assert.throws(
    () => machine.run(),
    (thrown) =>
      thrown instanceof TemplateError &&
      shownText(thrown.message) === 'template: t:1:8: executing "t" at <.s>: range can\'t iterate over [secret]',
  );
});

test("The local zone is UTC", () => {
  const out = Buffer.from("UTC 00:00 UTC");
  assert.deepEqual(renderRow({ template: '{{date "MST 15:04" 0}} {{dateInZone "MST" 0 "Local"}}' }), { out });
});

test("the document has these headings and no other", () => {
  const document = readFileSync(new URL("../../docs/templates-differences.md", import.meta.url), "utf8");
  const headings = [...document.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  const listed = [...differences.map(({ heading }) => heading), "Errors do not show values", "The local zone is UTC"];
  assert.deepEqual(headings.sort(), listed.sort());
});
