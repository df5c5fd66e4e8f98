import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { decodeEntry, openEntry } from "../../../plugin/read/decode/decode.ts";
import type { RefEntry } from "../../../plugin/read/request.ts";
import type { PropertySyntax } from "../../../plugin/stores/contract.ts";

type Given = Partial<Pick<RefEntry, "property" | "decoding" | "nullBytes" | "take">>;

const asMap: RefEntry["take"] = { as: "map", conversion: "Default" };
const asUnicodeMap: RefEntry["take"] = { as: "map", conversion: "Unicode" };

function entry(given: Given): RefEntry {
  return {
    field: "spec.data[2]",
    store: { kind: "SecretStore", name: "vault-prod" },
    ref: { key: "payments/db", metadataPolicy: "None" },
    take: { as: "value", name: "password" },
    decoding: "None",
    nullBytes: "Ignore",
    optional: false,
    ...given,
  };
}

function decode(
  payload: string | Uint8Array,
  given: Given,
  syntax: PropertySyntax = "key-then-gjson",
): Map<string, Buffer> {
  const value = new SecretValue(Buffer.from(payload as string));
  const opened = openEntry(entry(given), value, syntax);
  return new Map([...decodeEntry(entry(given), opened)].map(([name, one]) => [name, one.reveal()]));
}

function texts(payload: string, given: Given, syntax?: PropertySyntax): Record<string, string> {
  return Object.fromEntries([...decode(payload, given, syntax)].map(([name, bytes]) => [name, bytes.toString()]));
}

function failureOf(payload: string | Uint8Array, given: Given, syntax?: PropertySyntax): Failure {
  try {
    decode(payload, given, syntax);
  } catch (thrown) {
    assert.ok(thrown instanceof Failure);
    assert.equal(thrown.field, "spec.data[2]");
    return thrown;
  }
  assert.fail("did not fail");
}

const properties: readonly {
  name: string;
  payload: string;
  property?: string;
  syntax?: PropertySyntax;
  want: string;
}[] = [
  { name: "no property: the payload as it is", payload: ' {"a": 1}\n', want: ' {"a": 1}\n' },
  { name: "an empty property is none", payload: '{"":"x"}', property: "", want: '{"":"x"}' },
  { name: "a top-level string", payload: '{"user":"ada\\n\\u00e9"}', property: "user", want: "ada\né" },
  { name: "a nested path", payload: '{"db":{"users":[{"name":"ada"}]}}', property: "db.users.0.name", want: "ada" },
  { name: "an exact key wins over the path", payload: '{"a.b":"key","a":{"b":"path"}}', property: "a.b", want: "key" },
  {
    name: "an exact key may hold every special character",
    payload: '{"a|#(x)*":"key"}',
    property: "a|#(x)*",
    want: "key",
  },
  { name: "an exact key named like a modifier", payload: '{"@this":"key"}', property: "@this", want: "key" },
  { name: "of a doubled exact key the last one", payload: '{"a":"1","a":"2"}', property: "a", want: "2" },
  { name: "an exact key beyond ASCII", payload: '{"schl\\u00fcssel":"x"}', property: "schlüssel", want: "x" },
  { name: "an exact key with null: empty", payload: '{"a":null}', property: "a", want: "" },
  { name: "a path to null: empty", payload: '{"a":{"b":null}}', property: "a.b", want: "" },
  { name: "an exact number keeps its digits", payload: '{"a":1.50}', property: "a", want: "1.50" },
  { name: "a 64-bit id by key", payload: '{"id":9223372036854775807}', property: "id", want: "9223372036854775807" },
  {
    name: "a 64-bit id by path",
    payload: '{"a":{"id":9223372036854775807}}',
    property: "a.id",
    want: "9223372036854775807",
  },
  { name: "a fraction by path is gjson's", payload: '{"a":{"f":1.50}}', property: "a.f", want: "1.5" },
  { name: "an exponent by key is written out", payload: '{"a":1e3}', property: "a", want: "1000" },
  {
    name: "an object by key is compact",
    payload: '{"a":{ "b" : [ 1 , "x y" ] }}',
    property: "a",
    want: '{"b":[1,"x y"]}',
  },
  { name: "an object by path is raw", payload: '{"a":{"b":{ "c" : 1 }}}', property: "a.b", want: '{ "c" : 1 }' },
  { name: "true", payload: '{"a":true}', property: "a", want: "true" },
  { name: "an array at the top", payload: '["x","y"]', property: "1", want: "y" },
  { name: "JSON lines", payload: '{"a":1}\n{"a":2}', property: "..1.a", want: "2" },
  { name: "nearly JSON is searched too", payload: '{"a":"line\nbreak",}', property: "a", want: "line\nbreak" },
  {
    name: "gjson alone does not take a dotted key",
    payload: '{"a.b":"key","a":{"b":"path"}}',
    property: "a.b",
    syntax: "gjson",
    want: "path",
  },
  {
    name: "escaped first: the dotted key wins",
    payload: '{"a.b":"key","a":{"b":"path"}}',
    property: "a.b",
    syntax: "escaped-then-gjson",
    want: "key",
  },
  {
    name: "escaped first: else the path",
    payload: '{"a":{"b":"path"}}',
    property: "a.b",
    syntax: "escaped-then-gjson",
    want: "path",
  },
  {
    name: "gjson first: the path wins",
    payload: '{"a.b":"key","a":{"b":"path"}}',
    property: "a.b",
    syntax: "gjson-then-escaped",
    want: "path",
  },
  {
    name: "gjson first: else the dotted key",
    payload: '{"a.b":"key"}',
    property: "a.b",
    syntax: "gjson-then-escaped",
    want: "key",
  },
];
for (const { name, payload, property, syntax, want } of properties) {
  test(`property: ${name}`, () => {
    const given = property === undefined ? {} : { property };
    assert.deepEqual(texts(payload, given, syntax), { password: want });
  });
}

const absent: readonly { name: string; payload: string; property: string; syntax?: PropertySyntax; code: string }[] = [
  { name: "a missing key", payload: '{"canary-key":"canary-value"}', property: "user", code: "property_not_found" },
  { name: "a path into a string", payload: '{"a":"canary-value"}', property: "a.b", code: "property_not_found" },
  { name: "a prototype's member", payload: "{}", property: "constructor", code: "property_not_found" },
  {
    name: "a dotted key under plain gjson",
    payload: '{"a.b":1}',
    property: "a.b",
    syntax: "gjson",
    code: "property_not_found",
  },
  { name: "a payload that is no JSON", payload: "canary-value", property: "user", code: "answer_invalid" },
  { name: "an empty payload", payload: "", property: "user", code: "answer_invalid" },
  { name: "JSON lines without it", payload: "{}\n{}", property: "..0.x", code: "property_not_found" },
  {
    name: "a path that never ends",
    payload: '["canary-value"]',
    property: "[@this,@this]|".repeat(50) + "@this",
    code: "decode_failed",
  },
];
for (const { name, payload, property, syntax, code } of absent) {
  test(`no property: ${name} is ${code} and shows nothing of the answer`, () => {
    const failure = failureOf(payload, { property }, syntax);
    assert.equal(failure.code, code);
    assert.ok(failure.message.includes(JSON.stringify(property)), failure.message);
    assert.doesNotMatch(failure.message, /canary/);
  });
}

const maps: readonly { name: string; payload: string; given?: Given; want: Record<string, string> }[] = [
  {
    name: "every kind of value",
    payload:
      '{"s":"x","o":{ "a" : 1.50 },"l":[ 1, 2 ],"i":12345678901234567890,"d":1.50,"e":1.5e3,"small":2E-7,"neg":-0.0,"t":true,"f":false,"n":null}',
    want: {
      ...{ s: "x", o: '{"a":1.50}', l: "[1,2]", i: "12345678901234567890", d: "1.50", e: "1500", small: "0.0000002" },
      ...{ neg: "-0.0", t: "true", f: "false", n: "" },
    },
  },
  { name: "a number beyond every float keeps its text", payload: '{"a":1e999}', want: { a: "1e999" } },
  { name: "an empty object", payload: "{}", want: {} },
  { name: "of a doubled name the last value", payload: '{"a":"1","a":"2"}', want: { a: "2" } },
  {
    name: "__proto__ is a name like others",
    payload: '{"__proto__":"x"}',
    given: { take: asUnicodeMap },
    want: Object.fromEntries([["__proto__", "x"]]),
  },
  { name: "an empty name is dropped", payload: '{"":"x","a":"y"}', want: { a: "y" } },
  { name: "Default turns unfit characters into _", payload: '{"a b/c:d":"x"}', want: { a_b_c_d: "x" } },
  { name: "Default counts characters, not UTF-16 units", payload: '{"a😀b":"x"}', want: { a_b: "x" } },
  {
    name: "Unicode shows what was there",
    payload: '{"a b/c":"x"}',
    given: { take: asUnicodeMap },
    want: { a_U0020_b_U002f_c: "x" },
  },
  { name: "Unicode beyond four digits", payload: '{"😀":"x"}', given: { take: asUnicodeMap }, want: { _U1f600_: "x" } },
  { name: "a property that is an object", payload: '{"db":{"a":"x"}}', given: { property: "db" }, want: { a: "x" } },
  {
    name: "a property that is a string with an object in it",
    payload: '{"db":"{\\"a\\":7}"}',
    given: { property: "db" },
    want: { a: "7" },
  },
  {
    name: "each value decoded",
    payload: '{"a":"eA==","b":"eQ=="}',
    given: { decoding: "Base64" },
    want: { a: "x", b: "y" },
  },
];
for (const { name, payload, given, want } of maps) {
  test(`map: ${name}`, () => assert.deepEqual(texts(payload, { take: asMap, ...given }), want));
}

test("map: the order is that of the document, also for names that are numbers", () => {
  assert.deepEqual([...decode('{"b":1,"10":2,"9":3,"a":4}', { take: asMap }).keys()], ["b", "10", "9", "a"]);
});

const refusedMaps: readonly { name: string; payload: string; given?: Given; code: string; says: RegExp }[] = [
  { name: "plain text", payload: "canary", code: "answer_invalid", says: /"payments\/db" is not a JSON object/ },
  { name: "a scalar", payload: '"canary"', code: "answer_invalid", says: /not a JSON object/ },
  { name: "an array", payload: '["canary"]', code: "answer_invalid", says: /not a JSON object/ },
  { name: "broken JSON", payload: '{"canary":"canary",}', code: "answer_invalid", says: /not valid JSON/ },
  { name: "nothing", payload: "", code: "answer_invalid", says: /not a JSON object/ },
  {
    name: "deeper than 100 levels",
    payload: '{"a":'.repeat(101) + "1" + "}".repeat(101),
    code: "answer_invalid",
    says: /deeper/,
  },
  {
    name: "a property that is no object",
    payload: '{"a":"canary"}',
    given: { property: "a" },
    code: "answer_invalid",
    says: /property "a" of key/,
  },
  {
    name: "two names that become one",
    payload: '{"a b":"canary","a/b":"canary"}',
    code: "decode_failed",
    says: /"a b" and "a\/b".*"a_b".*Unicode/,
  },
  {
    name: "two names that become one even in Unicode",
    payload: '{"a_U0020_b":"canary","a b":"canary"}',
    given: { take: asUnicodeMap },
    code: "decode_failed",
    says: /both become "a_U0020_b"/,
  },
  {
    name: "letters that a Secret cannot have",
    payload: '{"clé":"canary"}',
    code: "decode_failed",
    says: /"clé" \(TIP: use rewrite or conversionStrategy/,
  },
  {
    name: "a name of 254 characters",
    payload: `{"${"k".repeat(254)}":"canary"}`,
    code: "decode_failed",
    says: /at most 253/,
  },
  {
    name: "one value that is no base64",
    payload: '{"ok":"eA==","bad":"canary!"}',
    given: { decoding: "Base64" },
    code: "decode_failed",
    says: /"bad" is not Base64/,
  },
  {
    name: "one value with a null byte",
    payload: '{"ok":"x","bad":"a\\u0000canary"}',
    given: { nullBytes: "Fail" },
    code: "decode_failed",
    says: /"bad" contains null bytes/,
  },
];
for (const { name, payload, given, code, says } of refusedMaps) {
  test(`map refused: ${name}`, () => {
    const failure = failureOf(payload, { take: asMap, ...given });
    assert.equal(failure.code, code);
    assert.match(failure.message, says);
    assert.doesNotMatch(failure.message, /canary/);
  });
}

/** What Go's encoding/base64 does with each text under each strategy; null = it refuses. */
const base64: readonly [text: string, standard: string | null, url: string | null][] = [
  ["", "", ""],
  ["eHl6", "xyz", "xyz"],
  ["eA==", "x", "x"],
  ["eHk=", "xy", "xy"],
  ["eA", null, null],
  ["eA=", null, null],
  ["eA===", null, null],
  ["eHl6=", null, null],
  ["eA==eA==", null, null],
  ["=", null, null],
  ["e", null, null],
  ["eH\nl6\r\n", "xyz", "xyz"],
  ["eA=\n=\n", "x", "x"],
  ["eA= =", null, null],
  [" eHl6", null, null],
  ["eHl6\t", null, null],
  ["eB==", "x", "x"],
  ["Pj4+", ">>>", null],
  ["Pz8/", "???", null],
  ["Pj4-", null, ">>>"],
  ["Pz8_", null, "???"],
  ["Pj4-Pz8/", null, null],
  ["päss", null, null],
];
for (const [text, standard, url] of base64) {
  test(`base64: ${JSON.stringify(text)}`, () => {
    const outcome = (decoding: RefEntry["decoding"]): string | null => {
      try {
        return texts(text, { decoding }).password!;
      } catch (thrown) {
        assert.equal((thrown as Failure).code, "decode_failed");
        return null;
      }
    };
    assert.equal(outcome("Base64"), standard);
    assert.equal(outcome("Base64URL"), url);
    assert.equal(outcome("Auto"), standard ?? url ?? text);
    assert.equal(outcome("None"), text);
  });
}

test("null bytes: Ignore lets them through, Fail names the key", () => {
  const payload = Buffer.from([0x61, 0, 0x62]);
  assert.deepEqual(decode(payload, {}).get("password"), payload);
  assert.match(failureOf(payload, { nullBytes: "Fail" }).message, /"password" contains null bytes/);
  assert.match(failureOf("YQBi", { nullBytes: "Fail", decoding: "Base64" }).message, /null bytes/, "after decoding");
});

test("bytes without JSON come out as they went in, whatever they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
      assert.deepEqual([...decode(payload, {}).get("password")!], [...payload]);
    }),
  );
});

test("invalid UTF-8 inside a JSON string comes out as it went in", () => {
  const payload = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
  for (const given of [{ property: "a" }, { take: asMap }] as const) {
    assert.deepEqual(
      [...decode(payload, given).values()].map((bytes) => [...bytes]),
      [[0xff, 0xfe]],
    );
  }
});

test("any JSON object as a map: strings exact, the rest the JSON that was there", () => {
  const value = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), fc.array(fc.string()));
  const key = fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/);
  fc.assert(
    fc.property(fc.dictionary(key, value), (object) => {
      const got = decode(JSON.stringify(object), { take: asMap });
      assert.deepEqual([...got.keys()].sort(), Object.keys(object).sort());
      for (const [name, one] of Object.entries(object)) {
        const want = typeof one === "string" ? one : JSON.stringify(one);
        assert.deepEqual(got.get(name), Buffer.from(want));
      }
    }),
  );
});

test("decoding fails with a Failure or not at all, and its message holds nothing of the payload", () => {
  const strategies = fc.record({
    property: fc.constantFrom("", "a", "a.b", "..0", "@pretty", "#(a)", "{a}"),
    decoding: fc.constantFrom("None", "Auto", "Base64", "Base64URL"),
    nullBytes: fc.constantFrom("Ignore", "Fail"),
    take: fc.constantFrom<RefEntry["take"]>(asMap, asUnicodeMap, { as: "value", name: "password" }),
  });
  const payload = fc.oneof(fc.string(), fc.json()).map((text) => `canary${text}canary`);
  const embedded = fc.json().map((text) => `{"a":["canary",${text}]}`);
  fc.assert(
    fc.property(fc.oneof(payload, embedded), strategies, (text, given) => {
      try {
        decode(text, given, "gjson");
      } catch (thrown) {
        assert.ok(thrown instanceof Failure);
        assert.doesNotMatch(thrown.message, /canary/);
      }
    }),
    { numRuns: 1_000 },
  );
});
