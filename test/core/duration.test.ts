import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatGoDuration, parseGoDuration } from "../../plugin/core/duration.ts";

const rows: ReadonlyArray<{ text: string; ms: number | undefined }> = [
  { text: "0", ms: 0 },
  { text: "0s", ms: 0 },
  { text: "1h0m0s", ms: 3_600_000 },
  { text: "1.5h", ms: 5_400_000 },
  { text: ".5s", ms: 500 },
  { text: "5.s", ms: 5_000 },
  { text: "300ms", ms: 300 },
  { text: "1m30s", ms: 90_000 },
  { text: "-10s", ms: -10_000 },
  { text: "+10s", ms: 10_000 },
  { text: "1000us", ms: 1 },
  { text: "1000µs", ms: 1 },
  { text: "1000000ns", ms: 1 },
  { text: "1s1h", ms: 3_601_000 },
  { text: "", ms: undefined },
  { text: "1", ms: undefined },
  { text: "1d", ms: undefined },
  { text: "1 h", ms: undefined },
  { text: "h", ms: undefined },
  { text: ".s", ms: undefined },
  { text: "-", ms: undefined },
  { text: "1h-1m", ms: undefined },
  { text: "1e3s", ms: undefined },
  { text: "3000000h", ms: undefined },
];
for (const row of rows)
  test(`"${row.text}" is ${row.ms === undefined ? "no duration" : `${row.ms} ms`}`, () =>
    assert.equal(parseGoDuration(row.text), row.ms));

test("what it prints, it reads back", () =>
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => assert.equal(parseGoDuration(formatGoDuration(ms)), ms)),
  ));

const printed: ReadonlyArray<[number, string]> = [
  [0, "0s"],
  [250, "250ms"],
  [1_500, "1.5s"],
  [60_000, "1m0s"],
  [3_600_000, "1h0m0s"],
  [86_400_000, "24h0m0s"],
];
for (const [ms, text] of printed) test(`${ms} ms prints as ${text}`, () => assert.equal(formatGoDuration(ms), text));
