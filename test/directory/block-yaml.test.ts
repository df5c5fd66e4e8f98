import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseDocument } from "yaml";
import { blockYaml, type YamlMap } from "../../plugin/directory/block-yaml.ts";

function readBack(text: string, version: "1.1" | "1.2"): unknown {
  const document = parseDocument(text, { version, uniqueKeys: false });
  assert.deepEqual(document.errors, []);
  return document.toJS();
}

const lines: readonly (readonly [name: string, map: YamlMap, text: string])[] = [
  ["plain keys and values", { a: "b", "tls.crt": "eA==" }, "a: b\ntls.crt: eA==\n"],
  ["words that YAML takes for something else", { on: "yes", y: "NO" }, '"on": "yes"\n"y": "NO"\n'],
  [
    "numbers, dates and null as text",
    { 1: "1e3", d: "2026-01-01", n: "null", t: "~" },
    '"1": "1e3"\nd: "2026-01-01"\n"n": "null"\nt: "~"\n',
  ],
  ["colons and comments", { "a: b": "c # d" }, '"a: b": "c # d"\n'],
  ["several lines stay one line", { a: "x\ny\n" }, 'a: "x\\ny\\n"\n'],
  ["breaks that only YAML knows", { a: "x\u0085y\u2028z\ufeff" }, 'a: "x\\u0085y\\u2028z\\ufeff"\n'],
  ["long values are not folded", { a: `${"word ".repeat(100)}end` }, `a: "${"word ".repeat(100)}end"\n`],
  ["maps and lists", { m: { k: "v" }, l: ["a", { b: 1, c: true }] }, "m:\n  k: v\nl:\n  - a\n  - b: 1\n    c: true\n"],
  ["nothing in them", { m: {}, l: [], x: undefined }, "m: {}\nl: []\n"],
];

suite("block YAML", () => {
  for (const [name, map, text] of lines) test(name, () => assert.equal(blockYaml(map), text));

  test("every reader gets exactly the strings that were given", () => {
    const awkward = fc.constantFrom(
      "on",
      "No",
      "1",
      "0o7",
      "1:30",
      "=",
      "<<",
      "~",
      "",
      " ",
      "- a",
      "? a",
      "&a",
      "*a",
      "!a",
      "%",
      "@",
      "`",
      "a: b",
      "a #b",
      "'",
      '"',
      "\\",
      "\t",
      "\0",
      "\u0085",
      "\u2028",
      "\ufeff",
      "😀",
      "---",
      "...",
      ".inf",
      "0x1",
      "+1",
      "1_000",
      "2026-01-01",
    );
    const scalar = fc.oneof(awkward, fc.string(), fc.string({ unit: "binary" }));
    const map = fc.dictionary(
      scalar.filter((key) => key !== "__proto__"),
      fc.oneof(scalar, fc.integer(), fc.boolean(), fc.array(scalar, { maxLength: 3 })),
      { maxKeys: 6 },
    );
    fc.assert(
      fc.property(map, (given) => {
        const text = blockYaml(given);
        for (const version of ["1.1", "1.2"] as const) assert.deepEqual(readBack(text, version), { ...given });
        assert.ok(text.split("\n").every((line) => !/[|>]$/.test(line)));
      }),
      { numRuns: 200 },
    );
  });
});
