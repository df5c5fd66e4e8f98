import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesAddress } from "../../plugin/read/policy.ts";

const cases: readonly { pattern: string; yes?: readonly string[]; no?: readonly string[] }[] = [
  { pattern: "secret/data/a", yes: ["secret/data/a"], no: ["secret/data/a/b", "secret/data/ab", "secret/data", ""] },
  {
    pattern: "secret/data/a/*",
    yes: ["secret/data/a/b"],
    no: [
      "secret/data/a",
      "secret/data/a/",
      "secret/data/a/b/c",
      "secret/data/ab/c",
      "secret/data/a/..",
      "x/secret/data/a/b",
    ],
  },
  {
    pattern: "secret/data/a/**",
    yes: ["secret/data/a/b", "secret/data/a/b/c"],
    no: [
      "secret/data/a",
      "secret/data/a/",
      "secret/data/ab",
      "secret/data/a/../b",
      "secret/data/a/./b",
      "secret/data/a//b",
    ],
  },
  { pattern: "a.c", yes: ["a.c"], no: ["abc"] },
  { pattern: "*", no: ["a"] },
  { pattern: "**", no: ["a", "a/b"] },
];

for (const { pattern, yes = [], no = [] } of cases) {
  for (const address of yes)
    test(`${pattern} covers ${address}`, () => assert.equal(matchesAddress(pattern, address), true));
  for (const address of no)
    test(`${pattern} does not cover "${address}"`, () => assert.equal(matchesAddress(pattern, address), false));
}
