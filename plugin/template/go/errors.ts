/**
 * Errors with Go's texts, in which parts that came from values are marked.
 *
 * A Go string holds only characters up to 255, so two characters above that can fence such parts without escaping.
 * `exactText` gives Go's own words (tests compare them with Go); `shownText` is what may leave: each marked part reads
 * `[secret]`.
 */
import type { GoString } from "./text.ts";
import { ascii, fromText, textOf } from "./text.ts";

const open = "\ue000";
const close = "\ue001";
const marked = /\ue000[^\ue000\ue001]*\ue001/g;
const marks = /[\ue000\ue001]/g;

/** An operand's text inside an error: anything that a value may have shaped (a string, a number, a key from data). */
export const secret = (text: string): string => open + text.replace(marks, "") + close;

/** Takes the marks off: for text that only the template's author can have shaped. */
export const unmarked = (text: string): string => text.replace(marks, "");

/** Go's exact text. Never let it leave. */
export const exactText = (text: string): string => textOf(ascii(unmarked(text)));

/** The text with `[secret]` in place of every marked part. */
export const shownText = (text: string): string => textOf(ascii(unmarked(text.replace(marked, "[secret]"))));

/**
 * What a Go function returns as its error: the evaluator adds the position and `error calling NAME: `.
 * `message` is bytes (fromText non-ASCII text) with operands wrapped in `secret()`.
 */
export class GoError extends Error {
  override readonly name = "GoError";
}

/** Throws a GoError: fail`index out of range: ${secret(text)}` is spelled fail("…" + secret(text)). */
export function fail(message: string): never {
  throw new GoError(message);
}

/** The message of a foreign error (a library's), as one secret part: such texts often quote their input. */
export const foreign = (thrown: unknown): string =>
  secret(fromText(thrown instanceof Error ? thrown.message : String(thrown)) satisfies GoString);

/** A parse or execution error of a template, complete with name and position, operands marked. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly stage: "parse" | "exec";
  /** `name:line`, and the column where something was executed. */
  readonly place: string;
  constructor(stage: "parse" | "exec", place: string, problem: string) {
    super(`template: ${place}: ${problem}`);
    this.stage = stage;
    this.place = place;
  }
}

export type BudgetName = "steps" | "depth" | "output" | "time";

/** A budget is used up. Not an error of Go's: it ends the whole render. */
export class BudgetError extends Error {
  override readonly name = "BudgetError";
  readonly budget: BudgetName;
  constructor(budget: BudgetName) {
    super(`template budget "${budget}" is used up`);
    this.budget = budget;
  }
}
