import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../plugin/core/canonical-json.ts";
import { isJsonObject, JsonProblem, parseJson } from "../../plugin/core/json.ts";

const kept: ReadonlyArray<{ name: string; text: string; want: string }> = [
  { name: "64-bit ids keep their digits", text: '{"id": 12345678901234567890}', want: '{"id":12345678901234567890}' },
  { name: "trailing zeros and exponents stay", text: "[1.50, 1E5, -0]", want: "[1.50,1E5,-0]" },
  { name: "__proto__ is an ordinary key", text: '{"__proto__": {"x": 1}}', want: '{"__proto__":{"x":1}}' },
  {
    name: "keys come out in byte order",
    text: '{"b":1,"a":2,"10":3,"9":4,"é":5,"😀":6,"\uffff":7}',
    want: '{"10":3,"9":4,"a":2,"b":1,"é":5,"\uffff":7,"😀":6}',
  },
  { name: "the last of two equal keys wins", text: '{"a":1,"a":2}', want: '{"a":2}' },
  { name: "null, booleans and text", text: '[null,true,false,"<&>"]', want: '[null,true,false,"<&>"]' },
];
for (const row of kept) test(row.name, () => assert.equal(canonicalJson(parseJson(row.text)), row.want));

test("a document has only its own keys", () => {
  const value = parseJson('{"a":{}}');
  assert.ok(isJsonObject(value));
  assert.equal("constructor" in value, false);
  assert.equal("toString" in (value["a"] as object), false);
});

const refused: ReadonlyArray<{ name: string; text: string; want: RegExp }> = [
  { name: "text that is no JSON, without quoting it", text: '{"password": canary', want: /^not valid JSON$/ },
  { name: "an empty text", text: "", want: /^not valid JSON$/ },
  { name: "deep nesting", text: "[".repeat(5_000_000), want: /deeper than 100 levels/ },
  {
    name: "a million keys",
    text: `{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":1`).join(",")}}`,
    want: /more than 100000 members/,
  },
];
for (const row of refused)
  test(`refuses ${row.name}`, () =>
    assert.throws(
      () => parseJson(row.text),
      (problem) => problem instanceof JsonProblem && row.want.test(problem.message) && problem.cause === undefined,
    ));

test("brackets inside strings do not count as nesting", () => {
  const text = JSON.stringify({ a: "[".repeat(1_000), b: '\\"{{{' });
  assert.equal(canonicalJson(parseJson(text)), text);
});

test("any document survives the round trip", () =>
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.deepEqual(JSON.parse(canonicalJson(parseJson(JSON.stringify(value)))), JSON.parse(JSON.stringify(value))),
    ),
  ));

test("one value has one text, whatever the order of its keys", () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (record) =>
      assert.equal(canonicalJson(Object.fromEntries(Object.entries(record).reverse())), canonicalJson(record)),
    ),
  ));
