/** The real gjson behind a small Go program of ours: one JSON line in, one out. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GjsonAnswer } from "../../read/decode/gjson-cases.ts";
import type { Question } from "../../read/decode/gjson-questions.ts";
import { obtained, run } from "../cache.ts";

const source = join(import.meta.dirname, "gjson");

/** Path of the program. The Go toolchain fetches the locked modules; an edited source is another folder of the cache. */
export async function obtainGjsonOracle(): Promise<string> {
  const digest = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) digest.update(readFileSync(join(source, file)));
  const folder = await obtained(`gjson-${digest.digest("hex").slice(0, 12)}`, async (work) => {
    await run("go", ["build", "-mod=readonly", "-o", join(work, "oracle"), "."], { cwd: source });
  });
  return join(folder, "oracle");
}

/** All answers, in the order of the questions. */
export async function askGjson(questions: readonly Question[]): Promise<GjsonAnswer[]> {
  const child = spawn(await obtainGjsonOracle(), { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(""));
  let output = "";
  child.stdout.setEncoding("utf8");
  for await (const chunk of child.stdout) output += chunk as string;
  const answers = output.split("\n").filter((line) => line !== "");
  if (answers.length !== questions.length)
    throw new Error(`the oracle answered ${answers.length} of ${questions.length} questions`);
  return answers.map((line) => JSON.parse(line) as GjsonAnswer);
}
