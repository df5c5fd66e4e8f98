/** The small Go programs of ours that answer for real libraries: built once, one JSON line in, one out. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { obtained, run } from "../cache.ts";

/** Path of the program `name`. The Go toolchain fetches the locked modules; an edited source is another folder of the cache. */
export async function obtainProgram(name: string): Promise<string> {
  const source = join(import.meta.dirname, name);
  const digest = createHash("sha256");
  for (const file of readdirSync(source).sort()) digest.update(file).update(readFileSync(join(source, file)));
  const folder = await obtained(`${name}-${digest.digest("hex").slice(0, 12)}`, async (work) => {
    await run("go", ["build", "-mod=readonly", "-o", join(work, "oracle"), "."], { cwd: source });
  });
  return join(folder, "oracle");
}

/** All answers, in the order of the questions. */
export async function askProgram<Answer>(
  path: string,
  questions: readonly unknown[],
  env: Readonly<Record<string, string>> = {},
): Promise<Answer[]> {
  const child = spawn(path, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  // A program that dies over a question is told by the answers that are missing.
  child.stdin.on("error", () => undefined);
  child.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(""));
  let output = "";
  child.stdout.setEncoding("utf8");
  for await (const chunk of child.stdout) output += chunk as string;
  const answers = output.split("\n").filter((line) => line !== "");
  if (answers.length !== questions.length) {
    const next = JSON.stringify(questions[answers.length]);
    throw new Error(`the oracle answered ${answers.length} of ${questions.length} questions; next was ${next}`);
  }
  return answers.map((line) => JSON.parse(line) as Answer);
}
