/**
 * `npm run fuzz -- template [--minutes N] [--seed N]`: tries inputs until the time is over.
 *
 * No input may crash the engine, hang it, or exceed a budget; one that does is printed and makes the exit code 1. Inputs
 * that meet something new go to test/template/corpus/, which `npm test` replays.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Input, Outcome } from "../test/template/fuzz/attempt.ts";
import { readCorpus, smallest, writeCorpus } from "../test/template/fuzz/corpus.ts";
import type { Kept } from "../test/template/fuzz/corpus.ts";
import { createInputs, randomNumbers } from "../test/template/fuzz/inputs.ts";
import { grammarRules } from "../test/template/grammar/rules.ts";

const batchSize = 500;
const quickMs = 20;
/** Far beyond a budget of 2 s and its grace: a busy machine is not taken for a hang. */
const hangMs = 30_000;
/** What the product gives its own worker. */
const memoryMiB = 256;

let thread: Worker | undefined;
/** Which input of the batch the thread is at. */
const current = new Int32Array(new SharedArrayBuffer(4));

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = { minutes: { type: "string" }, seed: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const minutes = Number(values.minutes ?? 10);
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  if (positionals[0] !== "template") return refuse(`${positionals[0] ?? "no name"}: nothing to fuzz; write template`);
  if (!(minutes > 0)) return refuse("--minutes: is not a number above 0; write --minutes 2");
  if (!Number.isInteger(seed)) return refuse("--seed: is not a whole number; write --seed 7");
  process.stdout.write(`fuzz: seed ${seed}\n`);
  return fuzz(minutes * 60_000, seed);
}

function refuse(problem: string): 2 {
  process.stderr.write(`keyferry: ${problem}\n`);
  return 2;
}

async function fuzz(forMs: number, seed: number): Promise<number> {
  const inputs = createInputs(randomNumbers(seed));
  const met = new Set<string>();
  const kept: Kept[] = [];
  const problems = new Map<string, Input>();
  let executions = 0;
  let nextReportMs = 0;
  const endMs = performance.now() + forMs;
  let batch: readonly Input[] = readCorpus();
  do {
    for (const [index, outcome] of (await tryAll(batch)).entries()) {
      executions++;
      const input = batch[index]!;
      if (outcome.problem !== undefined) note(problems, outcome.problem, input);
      else if (outcome.features.some((name) => !met.has(name))) kept.push({ input, outcome });
      for (const name of outcome.features) met.add(name);
    }
    if (performance.now() >= nextReportMs) {
      process.stdout.write(`fuzz: ${summary(executions, met, kept.length, problems.size)}\n`);
      nextReportMs = performance.now() + 30_000;
    }
    // What uses a budget up breeds its like, and they take a second each.
    const quick = kept.filter(({ outcome }) => outcome.tookMs < quickMs);
    batch = inputs.next(
      batchSize,
      quick.map(({ input }) => input),
    );
  } while (performance.now() < endMs);
  await thread?.terminate();
  const corpus = smallest(kept);
  await writeCorpus(corpus.map(({ input }) => input));
  process.stdout.write(`fuzz: ${summary(executions, met, corpus.length, problems.size)}\n`);
  return problems.size > 0 ? 1 : 0;
}

/** One line for each kind of problem, with the first input that showed it. */
function note(problems: Map<string, Input>, problem: string, input: Input): void {
  const kind = problem.replace(/\d+/g, "N");
  if (problems.has(kind)) return;
  problems.set(kind, input);
  process.stdout.write(`fuzz: PROBLEM ${problem}\n      ${JSON.stringify(input)}\n`);
}

function summary(executions: number, met: ReadonlySet<string>, corpus: number, problems: number): string {
  const ends = ["ok", "parse", "exec", "budget"];
  const rules = grammarRules.filter((rule) => ends.some((end) => met.has(`${rule} ${end}`))).length;
  const failing = grammarRules.filter((rule) => met.has(`${rule} parse`) || met.has(`${rule} exec`)).length;
  return [
    `${executions} executions`,
    `${rules} of ${grammarRules.length} grammar rules met (${failing} in failing templates)`,
    `${met.size} features`,
    `corpus ${corpus}`,
    `${problems} problems`,
  ].join(", ");
}

/** The outcomes of a batch. An input that hangs or kills the thread is one of them, and the rest goes on. */
async function tryAll(batch: readonly Input[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  while (outcomes.length < batch.length) {
    const rest = batch.slice(outcomes.length);
    Atomics.store(current, 0, 0);
    const answer = await run(rest);
    if (typeof answer !== "string") {
      outcomes.push(...answer);
      continue;
    }
    await thread?.terminate();
    thread = undefined;
    const at = Atomics.load(current, 0);
    // What came before it was fine, and is not asked again.
    outcomes.push(...rest.slice(0, at).map(() => ({ features: [], tookMs: 0 })));
    outcomes.push({ features: [], tookMs: hangMs, problem: answer });
  }
  return outcomes;
}

/** The thread's answer, or what became of the thread. */
function run(batch: readonly Input[]): Promise<readonly Outcome[] | string> {
  thread ??= new Worker(new URL("./fuzz-worker.ts", import.meta.url), {
    workerData: current.buffer,
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  });
  const worker = thread;
  return new Promise((resolve) => {
    let seen = -1;
    let sinceMs = performance.now();
    const watch = setInterval(() => {
      const at = Atomics.load(current, 0);
      if (at !== seen) [seen, sinceMs] = [at, performance.now()];
      else if (performance.now() - sinceMs > hangMs) end(`hung for ${hangMs} ms`);
    }, 500);
    const answered = (outcomes: readonly Outcome[]): void => end(outcomes);
    const failed = (problem: unknown): void => end(`died: ${problem instanceof Error ? problem.message : "?"}`);
    const end = (answer: readonly Outcome[] | string): void => {
      clearInterval(watch);
      worker.off("message", answered).off("error", failed);
      // A thread that is being ended may still report why.
      if (typeof answer === "string") worker.on("error", () => undefined);
      resolve(answer);
    };
    worker.on("message", answered).on("error", failed);
    worker.postMessage(batch);
  });
}
