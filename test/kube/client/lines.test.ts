/** Lines out of a stream that is cut anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LineTooLong, wholeLines } from "../../../plugin/kube/client/lines.ts";

async function linesOf(pieces: readonly Uint8Array[], limitBytes = 1_000): Promise<string[]> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const lines: string[] = [];
  for await (const line of wholeLines(stream(), limitBytes)) lines.push(line);
  return lines;
}

const rows = [
  { name: "a line in one piece", pieces: ["one\n"], lines: ["one"] },
  { name: "two lines in one piece", pieces: ["one\ntwo\n"], lines: ["one", "two"] },
  { name: "a line in three pieces", pieces: ["o", "n", "e\n"], lines: ["one"] },
  { name: "a line feed by itself", pieces: ["one", "\n", "two", "\n"], lines: ["one", "two"] },
  { name: "empty lines", pieces: ["\n\none\n\n"], lines: ["one"] },
  { name: "a line that is cut off at the end", pieces: ["one\ntw"], lines: ["one"] },
  { name: "nothing", pieces: [], lines: [] },
];
for (const { name, pieces, lines } of rows) {
  test(`${name}: ${lines.length} lines`, async () => {
    assert.deepEqual(await linesOf(pieces.map((piece) => Buffer.from(piece))), lines);
  });
}

test("the same lines come out wherever the stream is cut, also inside a character", async () => {
  const text = fc.string({ unit: "grapheme" }).map((line) => line.replaceAll("\n", "") || "é");
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 8 }),
      fc.array(fc.nat(200), { maxLength: 30 }),
      async (lines, cuts) => {
        const whole = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const ends = [...new Set(cuts), whole.length].filter((cut) => cut <= whole.length).sort((a, b) => a - b);
        const pieces = ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end));
        assert.deepEqual(
          await linesOf(pieces),
          lines.map((line) => Buffer.from(line).toString("utf8")),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("a line at the limit passes, one byte more does not, in however many pieces", async () => {
  assert.deepEqual(await linesOf([Buffer.from("12345\n")], 5), ["12345"]);
  await assert.rejects(linesOf([Buffer.from("123456\n")], 5), LineTooLong);
  await assert.rejects(linesOf([Buffer.from("123"), Buffer.from("456")], 5), LineTooLong);
});
