import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { canonicalJson } from "../../../plugin/core/canonical-json.ts";
import { parseJson } from "../../../plugin/core/json.ts";
import { compilePath, takeFirst } from "../../../plugin/stores/webhook/json-path.ts";

const document = parseJson(`{
  "a": {"b": "deep", "a-b": "hyphen", "0": "digit", "constructor": "own"},
  "list": [{"name": "x", "value": 1}, {"name": "y", "value": 9007199254740993, "on": true}, {"name": "z"}],
  "nested": [["first"]], "none": null, "empty": [], "text": "", "big": 12345678901234567890
}`);

const paths: readonly [path: string, found: string | undefined][] = [
  ["$.a.b", '"deep"'],
  ["$.a['b']", '"deep"'],
  ['$.a["a-b"]', '"hyphen"'],
  ["$.a.a-b", '"hyphen"'],
  ['$.a["0"]', '"digit"'],
  ["$.a.constructor", '"own"'],
  ["$.list.constructor", undefined],
  ["$.text.length", undefined],
  ["$.a.toString", undefined],
  ["$.list[0].name", '"x"'],
  ["$.list[-1].name", '"z"'],
  ["$.list[*].name", '"x"'],
  ["$..name", '"x"'],
  ['$.list[?(@.name=="y")].value', "9007199254740993"],
  ["$.list[?(@.name == 'y' && @.on)].name", '"y"'],
  ["$.list[?@.value > 1].name", '"y"'],
  ["$.list[?length(@.name) == 1].name", '"x"'],
  ["$.list[?(@.name=='nobody')]", undefined],
  ["$.list", '{"name":"x","value":1}'],
  ["$.nested", '"first"'],
  ["$.empty", undefined],
  ["$.none", "null"],
  ["$.big", "12345678901234567890"],
  ["$.missing", undefined],
];

suite("a JSONPath", () => {
  for (const [path, expected] of paths)
    test(`${path} is ${expected ?? "nothing"}`, () => {
      const compiled = compilePath(path);
      assert.ok(compiled);
      const taken = takeFirst(compiled, document);
      assert.deepEqual(taken.outcome === "found" ? canonicalJson(taken.value) : taken.outcome, expected ?? "absent");
    });
  for (const text of [
    "a.b",
    "",
    "$.",
    "$[",
    "$.a; $.b",
    "{$.a}",
    "$.list[?match(@.name, 'x')]",
    "$.list[?search(@.name, '(a+)+$')]",
  ])
    test(`${JSON.stringify(text)} is none`, () => assert.equal(compilePath(text), undefined));
  const rows = `[${Array.from({ length: 3_000 }, (_, i) => `{"a":{"b":${i}}}`).join(",")}]`;
  const chain = `${"[".repeat(95)}1${"]".repeat(95)}`;
  const costly: readonly [what: string, path: string, text: string][] = [
    ["a list compared with itself", "$[?count($..*) == 0]", rows],
    ["descents in descents", "$..*..*..*..x", chain],
  ];
  for (const [what, path, text] of costly)
    test(`that takes too long is given up: ${what}`, () =>
      assert.equal(takeFirst(compilePath(path)!, parseJson(text)).outcome, "too_costly"));
  test("that is plain finds the last of many", () =>
    assert.equal(takeFirst(compilePath("$[?@.a.b == 2999].a")!, parseJson(rows)).outcome, "found"));
});
