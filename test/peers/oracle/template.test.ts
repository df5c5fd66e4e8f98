/**
 * Our templates beside Go's, live: the recorded rows and many generated ones.
 * After rows changed, KEYFERRY_RECORD=template writes what Go makes of them into test/template/data/.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { format } from "prettier";
import { fuzzData } from "../../template/fuzz/attempt.ts";
import { readCorpus } from "../../template/fuzz/corpus.ts";
import { functionCalls } from "../../template/grammar/calls.ts";
import { randomTemplates } from "../../template/grammar/templates.ts";
import { differences, endsAtBudget } from "../../template/differences.ts";
import { expected, loadRows, renderRow } from "../../template/rows.ts";
import type { Row } from "../../template/rows.ts";
import type { Answer } from "./template.ts";
import { askTemplates } from "./template.ts";

const folder = new URL("../../template/data/", import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

for (const name of names)
  test(`${name}: the recorded rows are what Go makes of them`, async () => {
    if (process.env.KEYFERRY_RECORD === "template") await record(name);
    const rows = loadRows(name);
    const answers = await askTemplates(rows);
    for (const [i, row] of rows.entries()) assert.deepEqual(expected(row), answers[i], row.template);
  });

/** Writes Go's answers into a file of rows. */
async function record(name: string): Promise<void> {
  const file = new URL(`${name}.json`, folder);
  const answers = await askTemplates(loadRows(name));
  const content = JSON.parse(readFileSync(file, "utf8")) as { data?: Row["data"]; rows: Row[] };
  const rows = content.rows.map(({ out: _out, outBase64: _base64, err: _err, ...asked }, i) => ({
    ...asked,
    ...recorded(answers[i]!),
  }));
  writeFileSync(file, await format(JSON.stringify({ ...content, rows }), { parser: "json", printWidth: 120 }));
}

function recorded(answer: Answer): Pick<Row, "out" | "outBase64" | "err"> {
  if ("err" in answer) return answer;
  const text = answer.out.toString();
  return Buffer.from(text).equals(answer.out) ? { out: text } : { outBase64: answer.out.toString("base64") };
}

/** Ours beside Go's: the same bytes, or the same error at the same place. */
async function compare(rows: readonly Row[]): Promise<void> {
  const answers = await askTemplates(rows);
  const wrong = rows.flatMap((row, i) => {
    const [go, ours] = [answers[i]!, renderRow(row)];
    if (isSame(go, ours) || endsAtBudget(ours)) return [];
    return [{ template: row.template, go: shown(go), ours: shown(ours) }];
  });
  assert.equal(wrong.length, 0, `${wrong.length} of ${rows.length} differ: ${inspect(wrong.slice(0, 10))}`);
}

function isSame(go: Answer, ours: Answer): boolean {
  if ("err" in go) return "err" in ours && go.err === ours.err;
  return "out" in ours && go.out.equals(ours.out);
}

const shown = (answer: Answer): string =>
  "err" in answer ? answer.err : JSON.stringify(answer.out.toString("latin1"));

test("at the intended differences Go does what the list says", async () => {
  const answers = await askTemplates(differences.map(({ row }) => row));
  for (const [i, { go, heading }] of differences.entries()) {
    const answer = answers[i]!;
    assert.match("err" in answer ? answer.err : answer.out.toString(), go, heading);
  }
});

for (const seed of [21, 22, 23])
  test(`2,000 templates of the whole grammar (seed ${seed}) render as in Go`, () =>
    compare(randomTemplates(seed, 2_000)));

test("the corpus of the fuzzer renders as in Go", async () => {
  const rows = readCorpus()
    .map(({ template, ...more }) => ({ ...more, template: Buffer.from(template, "latin1").toString(), data: fuzzData }))
    // Not what is no text, what differs each time, and what Go would never finish.
    .filter(
      (row) =>
        !row.template.includes("\ufffd") &&
        !/rand|now|ago|date|Date|durationRound|uuid|shuffle|gen[A-Z]|bcrypt|htpasswd|encryptAES|12|keys|values|%p/.test(
          row.template,
        ),
    )
    .filter((row) => !endsAtBudget(renderRow(row)));
  assert.ok(rows.length > 200, `${rows.length} rows`);
  await compare(rows);
});

for (const seed of [31, 32])
  test(`calls of every function (seed ${seed}) give what they give in Go`, () => compare(functionCalls(seed, 12)));
