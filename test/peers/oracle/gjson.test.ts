/**
 * Our look-up beside the real gjson, live: the recorded questions and many random ones.
 * After the questions changed, KEYFERRY_RECORD=gjson writes test/read/decode/gjson-cases.jsonl anew.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  formatGjsonCases,
  gjsonCasesFile,
  ourAnswer,
  readGjsonCases,
  type GjsonAnswer,
} from "../../read/decode/gjson-cases.ts";
import { randomQuestions, recordedQuestions } from "../../read/decode/gjson-questions.ts";
import { askGjson } from "./gjson.ts";

test("the recorded answers are those of the real gjson", async () => {
  const questions = recordedQuestions();
  const answers = await askGjson(questions);
  const cases = questions.map((question, i) => ({ ...question, answer: normalized(answers[i]!) }));
  if (process.env.KEYFERRY_RECORD === "gjson") writeFileSync(gjsonCasesFile, formatGjsonCases(cases));
  const recorded = readGjsonCases();
  assert.equal(recorded.length, cases.length, "the questions changed: record them anew");
  for (const [i, one] of cases.entries()) assert.deepEqual(recorded[i], one);
});

for (const seed of [11, 12, 13, 14]) {
  test(`10,000 random questions (seed ${seed}) have gjson's answers`, async () => {
    const questions = randomQuestions(seed, 10_000);
    const answers = await askGjson(questions);
    for (const [i, question] of questions.entries()) {
      assert.deepEqual(ourAnswer(question), normalized(answers[i]!), JSON.stringify(question));
    }
  });
}

/** Of a value that does not exist only that matters. */
function normalized(answer: GjsonAnswer): GjsonAnswer {
  return answer.exists ? answer : { exists: false, type: "Null", raw: "", str: "" };
}
