import assert from "node:assert/strict";
import { test } from "node:test";
import { parseYamlDocuments } from "../../plugin/manifests/yaml-text.ts";
import { yaml } from "./outcome.ts";

test("scalars are read as YAML 1.2 does", () => {
  assert.deepEqual(
    yaml("a: 0400\nb: yes\nc: '7'\nd: 1e3\ne: 0x1f\nf: ~\ng: !!str 12\nh: 2001-01-01\ni: true\nj: 1_000"),
    {
      a: 400,
      b: "yes",
      c: "7",
      d: 1000,
      e: 31,
      f: null,
      g: "12",
      h: "2001-01-01",
      i: true,
      j: "1_000",
    },
  );
});

test("a function says what texts without quotes mean, but not what keys are", () => {
  const text = "x: &x {on: 0400}\na: 1\nb: '1'\nc: [1, \"1\"]\n1: |\n  1\nd:\ne: {<<: *x, 1: &y 1, f: *y}\n";
  const [document] = parseYamlDocuments(text, undefined, (plain) => `<${plain}>`);
  assert.deepEqual(document, {
    ok: true,
    line: 1,
    value: {
      x: { on: "<0400>" },
      a: "<1>",
      b: "1",
      c: ["<1>", "1"],
      1: "1\n",
      d: "<>",
      e: { on: "<0400>", 1: "<1>", f: "<1>" },
    },
  });
});

test("a version directive does not change that", () => {
  assert.deepEqual(yaml("%YAML 1.1\n---\na: 0400\nb: yes"), { a: 400, b: "yes" });
});

test("every document of a stream is read, empty ones are left out, a broken one hides no other", () => {
  const text = "---\n# only a comment\n---\na: 1\n---\nb: [\n---\nc: 3\n---\nnull\n";
  assert.deepEqual(
    parseYamlDocuments(text).map((document) => (document.ok ? [document.line, document.value] : [document.line])),
    [[4, { a: 1 }], [7], [8, { c: 3 }]],
  );
});

test("an empty file has no documents", () => {
  assert.deepEqual(parseYamlDocuments(""), []);
  assert.deepEqual(parseYamlDocuments("# nothing\n"), []);
});

test("JSON with tabs, a byte order mark and Windows line ends are all fine", () => {
  assert.deepEqual(yaml('{\n\t"a": [\n\t\t1\n\t]\n}'), { a: [1] });
  assert.deepEqual(yaml("\uFEFFa: 1\r\nb: 2\r\n"), { a: 1, b: 2 });
});

test("aliases and merge keys within reason", () => {
  assert.deepEqual(yaml("base: &base {x: 1, y: 2}\nother: {<<: *base, y: 3}\nsame: *base"), {
    base: { x: 1, y: 2 },
    other: { x: 1, y: 3 },
    same: { x: 1, y: 2 },
  });
});

test("__proto__ is an ordinary key", () => {
  const value = yaml("__proto__: {polluted: 1}") as object;
  assert.deepEqual(Object.keys(value), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
for (const [name, from] of ["ba", "cb", "dc", "ed"])
  bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${from}`).join(", ")}]`);

const refused: readonly (readonly [sentence: string, text: string, line: number, problem: RegExp])[] = [
  ["a key that is there twice", "a: 1\nb:\n  canary: 1\n  canary: 2", 4, /^a key is there twice; /],
  ["one key written in two ways", "1: a\n'1': b", 2, /^a key is there twice; /],
  ["an alias bomb", bomb.join("\n"), 1, /^too many or unknown aliases; /],
  ["an alias without an anchor", "a: *canary", 1, /^too many or unknown aliases; /],
  ["an alias inside of itself", "a: 1\nb: &b [*b]", 2, /^an alias holds itself; /],
  ["an unknown tag", "a: 1\nb: !canary x", 2, /^a tag is unknown; /],
  ["a binary tag", "b: !!binary aGk=", 1, /^a tag is unknown; /],
  ["a bracket that stays open", "a: [canary", 1, /missing|indentation/],
  ["a quote that stays open", 'a: "canary', 1, /closing quote/],
  ["a tab as indentation", "a:\n\tcanary: 1", 2, /^a tab is used to indent; /],
  ["wrong indentation", "a: 1\n  canary: 2", 1, /indentation/],
  ["a reserved character", "a: @canary", 1, /^a value starts with a reserved character; /],
  ["infinity", "a: .inf", 1, /^infinity and NaN/],
  ["not a number", "a: {b: .nan}", 1, /^infinity and NaN/],
  ["a list as key", "? [canary]\n: 1", 1, /^a key must be text; /],
  ["65 levels", "[".repeat(65) + "]".repeat(65), 1, /^nested deeper than 64 levels; /],
  ["100,000 open brackets", "a: 1\nb: " + "[".repeat(100_000), 2, /^nested deeper than 64 levels; /],
  ["5,000 levels of a list", "- ".repeat(5_000), 1, /^nested /],
];
for (const [sentence, text, line, problem] of refused)
  test(`refuses ${sentence}, by line and without quoting it`, () => {
    const [document, ...others] = parseYamlDocuments(text);
    assert.deepEqual(others, []);
    assert.ok(document && !document.ok);
    assert.equal(document.line, line);
    assert.match(document.problem, problem);
    assert.doesNotMatch(document.problem, /canary/);
  });

test("64 levels are fine, of maps too", () => {
  assert.equal(parseYamlDocuments("[".repeat(64) + "]".repeat(64))[0]!.ok, true);
  assert.equal(parseYamlDocuments("{a: ".repeat(64) + "}".repeat(64))[0]!.ok, true);
  assert.equal(parseYamlDocuments("{a: ".repeat(65) + "}".repeat(65))[0]!.ok, false);
});

test("bounds on size and number of documents", () => {
  const limits = { characters: 20, documents: 2, depth: 5 };
  assert.deepEqual(parseYamlDocuments("a".repeat(21), limits), [
    { ok: false, line: 1, problem: "larger than 20 characters; split it" },
  ]);
  assert.deepEqual(parseYamlDocuments("a\n---\nb\n---\nc", limits), [
    { ok: false, line: 1, problem: "more than 2 documents; split it" },
  ]);
});
