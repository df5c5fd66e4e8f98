import assert from "node:assert/strict";
import { test } from "node:test";
import { compileNamespacePattern, patternProblem } from "../../plugin/manifests/namespace-pattern.ts";

const matching: readonly (readonly [source: string, yes: string, no: string])[] = [
  ["prod", "nonprod", "dev"],
  ["^prod$", "prod", "nonprod"],
  ["^team\\-[a-z]+$", "team-red", "team_red"],
  ["^(red|blue)-[0-9]{2}$", "blue-07", "blue-7"],
  ["^[\\w\\-]+x$", "a-x", "a-y"],
  ["^a\\.b$", "a.b", "a-b"],
  ["^(?:a|b)$", "a", "c"],
  ["^\\d+$", "42", "x"],
  ["^[[a]$", "[", "b"],
];
for (const [source, yes, no] of matching)
  test(`${source} admits ${yes} and not ${no}`, () => {
    assert.equal(patternProblem(source), undefined);
    const pattern = compileNamespacePattern(source);
    assert.deepEqual([pattern.test(yes), pattern.test(no)], [true, false]);
  });

const refused: readonly (readonly [source: string, problem: RegExp])[] = [
  ["", /must not be empty/],
  ["a(?=b)", /look-around/],
  ["a(?!b)", /look-around/],
  ["(?<=a)b", /look-around/],
  ["(?<!a)b", /look-around/],
  ["(a)\\1", /back-references/],
  ["(?<n>a)\\k<n>", /back-references/],
  ["(?P<n>a)", /named groups/],
  ["[[:alpha:]]", /POSIX classes/],
  ["[^]", /name the characters/],
  ["\\Aprod\\z", /does not compile/],
  ["\\Qprod\\E", /does not compile/],
  ["(?i)prod", /does not compile/],
  ["[", /does not compile/],
  ["a{2,1}", /does not compile/],
  ["\\", /does not compile/],
  ["\\é", /backslash/],
  ["a".repeat(1_001), /longer than 1000/],
];
for (const [source, problem] of refused)
  test(`refuses ${source.slice(0, 20) || "an empty pattern"}`, () =>
    assert.match(patternProblem(source) ?? "", problem));

test("an escaped bracket opens no class, and look-around inside a class is plain text", () => {
  assert.equal(patternProblem("^\\[[(?=]$"), undefined);
  assert.match(patternProblem("\\[(?=a)") ?? "", /look-around/);
});
