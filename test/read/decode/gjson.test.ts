import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lookUp, lookUpBytes, type LookUp } from "../../../plugin/read/decode/gjson.ts";
import { ourAnswer, readGjsonCases } from "./gjson-cases.ts";
import { randomQuestions } from "./gjson-questions.ts";

test("every recorded question has the answer of the real gjson", () => {
  const cases = readGjsonCases();
  assert.ok(cases.length >= 2_000, "the recorded cases are there");
  for (const { json, path, answer } of cases) {
    assert.deepEqual(ourAnswer({ json, path }), answer, `${JSON.stringify(path)} on ${json}`);
  }
});

function textAt(document: string | Buffer, path: string): string | undefined {
  const found = lookUp(Buffer.from(document as string), path);
  return found.outcome === "found" ? lookUpBytes(found.value).toString() : undefined;
}

const table: readonly { name: string; document: string; path: string; want: string | undefined }[] = [
  {
    name: "a 64-bit id keeps its digits",
    document: '{"id":12345678901234567890}',
    path: "id",
    want: "12345678901234567890",
  },
  { name: "a sub-document keeps its bytes", document: '{"a":{ "x" : 1.50 }}', path: "a", want: '{ "x" : 1.50 }' },
  { name: "a raw line break inside a string is no end", document: '{"k":"a\nb\\"c"}', path: "k", want: 'a\nb"c' },
  { name: "the text of a string is no document", document: '{"k":"[1,2]"}', path: "k|0", want: undefined },
  { name: "a prototype's members are not found", document: "{}", path: "constructor", want: undefined },
  { name: "__proto__ is an ordinary key", document: '{"__proto__":{"a":1}}', path: "__proto__.a", want: "1" },
];
for (const c of table) test(c.name, () => assert.equal(textAt(c.document, c.path), c.want));

test("invalid UTF-8 comes out as it went in", () => {
  const document = Buffer.concat([Buffer.from('{"k":{"v":"'), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('"}}')]);
  const found = lookUp(document, "k.v");
  assert.ok(found.outcome === "found");
  assert.deepEqual([...lookUpBytes(found.value)], [0xff, 0xc3, 0x28]);
});

const hostile: readonly { name: string; document: string; path: string }[] = [
  {
    name: "a document doubled by every multipath",
    document: `"${"x".repeat(1_000)}"`,
    path: "[@this,@this]|".repeat(60) + "@this",
  },
  { name: "a path of ten thousand pipes", document: "{}", path: "@this|".repeat(10_000) },
  { name: "ten thousand brackets in a path", document: "[1]", path: "[".repeat(10_000) + "]".repeat(10_000) },
  {
    name: "a big document read again and again",
    document: `{"a":[${"1,".repeat(500_000)}1]}`,
    path: "[a.#,a.#,a.#,a.#,a.#,a.#,a.#,a.#]",
  },
  {
    name: "a deep document searched at every level",
    document: "[".repeat(50_000) + "]".repeat(50_000),
    path: "@dig:0",
  },
  {
    name: "a wildcard that must try everything",
    document: `{"${"a".repeat(20_000)}":1}`,
    path: `*${"a".repeat(10_000)}b*`,
  },
];
for (const c of hostile) {
  test(`too much work ends as too_costly: ${c.name}`, () => {
    assert.equal(lookUp(Buffer.from(c.document), c.path).outcome, "too_costly");
  });
}

test("a deep path over a document of the largest size is not too much", () => {
  const document = Buffer.from(`{"a":{"b":{"c":"${"x".repeat(4 * 1024 * 1024 - 100)}"}}}`);
  assert.equal(lookUp(document, "a.b.c").outcome, "found");
});

test("nothing throws, whatever the document and the path", () => {
  const fragments = fc.constantFrom(
    ...["{", "}", "[", "]", "(", ")", '"', "\\", ":", ",", ".", "|", "#", "@", "!", "*", "?", "~", "=", "%", "<"],
    ...["a", "b", "0", "1", "-", "e", "null", "true", "@this", "@pretty:", "@flatten", "@join", "@tostr", "@fromstr"],
    ...["@group", "@dig:", "@keys", "@values", "@reverse", "\\u12", "\\ud83d", "é", "\n", " ", '"a":', '{"a":1}'],
  );
  const text = fc.array(fragments, { maxLength: 25 }).map((parts) => parts.join(""));
  const outcomes: ReadonlySet<LookUp["outcome"]> = new Set(["found", "absent", "too_costly"]);
  fc.assert(
    fc.property(fc.oneof(text, fc.json()), fc.oneof(text, fc.string()), (document, path) => {
      assert.ok(outcomes.has(lookUp(Buffer.from(document), path).outcome));
    }),
    { numRuns: 3_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), text, (document, path) => {
      assert.ok(outcomes.has(lookUp(Buffer.from(document), path).outcome));
    }),
    { numRuns: 1_000 },
  );
});

test("a document cut off anywhere finds less, never throws", () => {
  for (const { json, path } of randomQuestions(5, 200)) {
    for (let end = 0; end < json.length; end += 3) lookUp(Buffer.from(json.slice(0, end)), path);
  }
});
