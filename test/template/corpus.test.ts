/** The inputs that fuzzing kept: none crashes the engine, exceeds a budget, or brings a value out in an error. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "./fuzz/attempt.ts";
import { readCorpus } from "./fuzz/corpus.ts";
import { grammarRules } from "./grammar/rules.ts";

const corpus = readCorpus();
const outcomes = corpus.map((input) => ({ input, outcome: attempt(input) }));

test("every input of the corpus ends as it should", () => {
  const broken = outcomes.filter(({ outcome }) => outcome.problem !== undefined);
  assert.deepEqual(broken, []);
});

test("the corpus meets every rule of the grammar, in templates that succeed and in ones that fail", () => {
  const met = new Set(outcomes.flatMap(({ outcome }) => outcome.features));
  const missing = grammarRules.filter(
    (rule) => !met.has(`${rule} ok`) || !(met.has(`${rule} parse`) || met.has(`${rule} exec`)),
  );
  assert.deepEqual(missing, []);
});
