/** One execution of one input, and what must be true of it whatever the input is. */
import { BudgetError, TemplateError, shownText } from "../../../plugin/template/go/errors.ts";
import { findFunction } from "../../../plugin/template/go/functions/table.ts";
import { Machine } from "../../../plugin/template/go/machine.ts";
import type { Program } from "../../../plugin/template/go/machine.ts";
import { prepare } from "../../../plugin/template/go/program.ts";
import { fromBytes, fromText, textOf } from "../../../plugin/template/go/text.ts";
import { defaultBudgets } from "../../../plugin/template/request.ts";
import { rulesIn } from "../grammar/rules.ts";
import { data } from "../grammar/templates.ts";
import { goMap, stillWorld } from "../rows.ts";
import type { Row } from "../rows.ts";

export interface Input {
  /** The template's bytes, one character each. */
  readonly template: string;
  readonly missingKey?: "default";
  readonly delimiters?: readonly [string, string];
}

export interface Outcome {
  /** What the input met: rules and functions with how they ended, and the shape of the error. */
  readonly features: readonly string[];
  /** Of processor time. */
  readonly tookMs: number;
  /** A promise that was broken. */
  readonly problem?: string;
}

/** Found in an error that leaves, it is a leak. */
const canary = "Zw9canary";
const inner = { k: canary, in: { leaf: canary }, [canary]: 1 };
/** What the inputs may name. */
export const fuzzData: NonNullable<Row["data"]> = { ...data, s: canary, m: inner, big: canary.repeat(5_000) };

/** How much longer than its budget an execution may take before the worker would be killed. */
const graceMs = 1_000;

/** Rounds of key generation and password hashing tell nothing new and take their time. */
const isSlow = ({ functions }: Program): boolean =>
  [...functions].some((name) => /^gen[A-Z]|bcrypt|htpasswd|derivePassword/.test(name) && findFunction(name)?.heavy);

const world = { ...stillWorld, monotonicMs: () => performance.now() };

export function attempt(input: Input): Outcome {
  const began = process.threadCpuUsage();
  const { ending, functions, problem } = execute(input);
  const { user, system } = process.threadCpuUsage(began);
  const tookMs = (user + system) / 1_000;
  const stage = ending.split(": ", 1)[0]!;
  const met = [...rulesIn(textOf(fromBytes(Buffer.from(input.template, "latin1"))), input.delimiters), ...functions];
  const features = stage === "skipped" ? [] : [...met.map((name) => `${name} ${stage}`), shapeOf(ending)];
  const late = tookMs > defaultBudgets.timeMs + graceMs ? `took ${Math.round(tookMs)} ms` : undefined;
  const fault = problem ?? late;
  return { features, tookMs, ...(fault !== undefined && { problem: fault }) };
}

function execute({ template, missingKey, delimiters }: Input): {
  ending: string;
  functions: Iterable<string>;
  problem?: string;
} {
  let functions: ReadonlySet<string> = new Set();
  try {
    const pair = delimiters && { left: fromText(delimiters[0]), right: fromText(delimiters[1]) };
    const program = prepare(fromText("t"), fromBytes(Buffer.from(template, "latin1")), pair);
    ({ functions } = program);
    if (isSlow(program)) return { ending: "skipped", functions };
    const machine = new Machine(program, goMap(fuzzData), {
      missingKey: missingKey ?? "error",
      limits: defaultBudgets,
      world,
    });
    machine.run();
    const length = machine.output.length;
    if (length <= defaultBudgets.outputBytes) return { ending: "ok", functions };
    return { ending: "ok", functions, problem: `put out ${length} bytes` };
  } catch (thrown) {
    if (thrown instanceof BudgetError) return { ending: `budget: ${thrown.budget}`, functions };
    if (!(thrown instanceof TemplateError))
      return { ending: "crash", functions, problem: `crashed: ${stackOf(thrown)}` };
    const shown = shownText(thrown.message);
    const ending = `${thrown.stage}: ${shown}`;
    if (shown.includes(canary) && !template.includes(canary)) return { ending, functions, problem: `leaked: ${shown}` };
    return { ending, functions };
  }
}

const stackOf = (thrown: unknown): string =>
  thrown instanceof Error ? (thrown.stack ?? thrown.message).split("\n").slice(0, 6).join("\n") : String(thrown);

/** An error without what is the input's own: its first words. What a function complains of stands for its function. */
function shapeOf(ending: string): string {
  const message = ending.replace(/template: [^ ]*: /, "").replace(/executing ".*?" at <.*>: /s, "");
  const words = message
    .replace(/error calling .*/s, "error calling")
    .replace(/"(?:[^"\\]|\\.)*"(?:\.\.\.)?|<[^>]*>|'.*|\[secret\]|U\+.*/gs, "_");
  const first = words
    .replace(/: [^ ]+ is not /, ": _ is not ")
    .split(" ")
    .slice(0, 4);
  return first.map((word) => (/^[a-z{}.:=']+$/i.test(word) ? word : "_")).join(" ");
}
