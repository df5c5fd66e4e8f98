/** toYaml and fromYaml: what goes out comes back, nothing makes the reader fall, and documents that grow are ended. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderRow } from "../rows.ts";

const outOf = (template: string, data: Record<string, string>): string => {
  const answer = renderRow({ template, data });
  assert.ok("out" in answer, JSON.stringify(answer));
  return answer.out.toString();
};

/** Text with the signs that mean something to YAML; what its texts must not hold is left out. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(..."ab1 -:#\n'\"\\,[]{}é.0:?!&*|>%@`~=<_+eEx\t😀\u2028"), maxLength: 10 }),
  fc.constantFrom(
    "",
    "yes",
    "n",
    "~",
    "null",
    "1_000",
    "0x1f",
    "1:30",
    "2020-01-02",
    "<<",
    "---",
    "...",
    ".inf",
    "- a",
  ),
);
/** Go writes the key `<<` without quotes, and so takes it for a merge when it reads it back; so do we. */
const key = text.filter((name) => name !== "<<");
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

test("a value that toYaml wrote is the same when fromYaml has read it", () => {
  fc.assert(
    fc.property(values.value, (value) => {
      const data = { j: JSON.stringify(value) };
      // Not the last line: of that, toYaml cuts the line ends off, as in Go.
      const before = outOf('{{ dict "k" (fromJson .j) "z" 1 | toJson }}', data);
      const after = outOf('{{ dict "k" (fromJson .j) "z" 1 | toYaml | fromYaml | toJson }}', data);
      assert.equal(after, before);
    }),
    { numRuns: 400 },
  );
});

test("no text makes fromYaml fall: it gives a map, or the map of its error", () => {
  const part = fc.constantFrom(
    ..."ab:-?[]{},#&*!|>'\"%@` \n\t",
    ": ",
    "- ",
    "\n  ",
    "&x ",
    "*x",
    "!!int ",
    "<<: ",
    "---\n",
    "...\n",
    "\\u00e9",
    "|\n ",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
      assert.equal(outOf('{{ fromYaml .s | printf "%T" }}', { s: parts.join("") }), "map[string]interface {}");
    }),
    { numRuns: 500 },
  );
});

/** Each name is nine times the one before. */
const doubling = (first: string, next: (name: string) => string): string =>
  Array.from({ length: 9 }, (_, index) => {
    const [before, name] = [String.fromCharCode(97 + index), String.fromCharCode(98 + index)];
    return `${name}: &${name} ${next(Array.from({ length: 9 }, () => `*${before}`).join(","))}\n`;
  }).reduce((all, line) => all + line, `a: &a ${first}\n`);

const excessive = "error converting YAML to JSON: yaml: document contains excessive aliasing";

test("a document that grows by its references is refused", () => {
  for (const bomb of [doubling("[x,x]", (names) => `[${names}]`), doubling("{x: 1}", (names) => `{<<: [${names}]}`)])
    assert.equal(outOf("{{ (fromYaml .s).Error }}", { s: bomb }), excessive);
});

const attacks: readonly (readonly [name: string, template: string, data: Record<string, string>, budget: string])[] = [
  ["brackets without end", "{{ fromYaml .s }}", { s: "[".repeat(100_000) }, "depth"],
  ["dashes without end", "{{ fromYaml .s }}", { s: "- ".repeat(100_000) }, "depth"],
  ["question marks without end", "{{ fromYaml .s }}", { s: "? ".repeat(100_000) }, "depth"],
  ["a list of a million", "{{ fromYaml .s }}", { s: `[${"1,".repeat(1_000_000)}]` }, "steps"],
  [
    "a value deeper than any stack",
    "{{ $l := list 1 }}{{ range until 5000 }}{{ $l = list $l }}{{ end }}{{ toYaml $l }}",
    {},
    "depth",
  ],
  [
    "a list that doubles",
    "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ toYaml $l }}",
    {},
    "steps",
  ],
  [
    "indentation times lines",
    '{{ $l := until 3000 }}{{ range until 900 }}{{ $l = dict "a" $l }}{{ end }}{{ toYaml $l }}',
    {},
    "output",
  ],
];

for (const [name, template, data, budget] of attacks)
  test(`a budget ends ${name}`, () => {
    assert.deepEqual(renderRow({ template, data }), { err: `budget: ${budget}` });
  });

test("a dict in itself gives no YAML, as in Go", () => {
  assert.equal(outOf('{{ $d := dict "a" 1 }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}|', {}), "|");
});

test("keys of every name are keys, nothing more", () => {
  const template =
    '{{ $m := fromYaml "__proto__: {a: 1}\\nconstructor: 2" }}{{ $m.__proto__.a }} {{ $m.constructor }} {{ hasKey $m "toString" }}';
  assert.equal(outOf(template, {}), "1 2 false");
});
