/**
 * One template against one dot, and what a failure of it may say.
 *
 * Used by both places that execute: the event loop in slices, the worker at one go.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import { BudgetError, TemplateError, shownText } from "./go/errors.ts";
import { Machine } from "./go/machine.ts";
import type { Program } from "./go/machine.ts";
import { ascii, fromBytes, fromText, textOf } from "./go/text.ts";
import { stringMapType } from "./go/types.ts";
import { anyMap, map, stringMap } from "./go/values.ts";
import type { GoMap } from "./go/values.ts";
import type { NamedTemplate, RenderRequest, TemplateBudgets, TemplateData } from "./request.ts";

const textMap = (values: ReadonlyMap<string, SecretValue>): GoMap =>
  stringMap([...values].map(([key, value]) => [fromText(key), fromBytes(value.reveal())] as const));

/** The data as Go's dot: map[string]string, or maps of them. */
export function dotOf(data: TemplateData): GoMap {
  const nested = [...data.values()].some((value) => value instanceof Map);
  if (!nested) return textMap(data as ReadonlyMap<string, SecretValue>);
  const entries = [...data].map(([key, value]) => {
    const inner = value instanceof Map ? textMap(value) : fromBytes((value as SecretValue).reveal());
    return [fromText(key), inner] as const;
  });
  const allMaps = entries.every(([, value]) => typeof value !== "string");
  return allMaps ? map(stringMapType, entries) : anyMap(entries);
}

/** An execution that may still spend `timeMs`. */
export function startMachine(
  program: Program,
  dot: GoMap,
  { missingKey }: Pick<RenderRequest, "missingKey">,
  limits: TemplateBudgets,
  clock: Clock,
): Machine {
  const world = { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs(), randomBytes };
  return new Machine(program, dot, { missingKey, limits, world });
}

const wayOut: Readonly<Record<BudgetError["budget"], (budgets: TemplateBudgets) => string>> = {
  steps: ({ steps }) => `more than ${steps} steps: shorten its loops`,
  depth: ({ depth }) => `nested deeper than ${depth}: end its recursion`,
  output: ({ outputBytes }) => `more than ${outputBytes} bytes: shorten its result`,
  time: ({ timeMs }) => `more than ${timeMs} ms: simplify it or its siblings`,
};

/** What was thrown, as a Failure that may be shown: values read `[secret]`. */
export function templateFailure(
  thrown: unknown,
  { key, field, secretText }: NamedTemplate,
  budgets: TemplateBudgets,
): unknown {
  const options = field === undefined ? {} : { field };
  if (thrown instanceof TemplateError) {
    const { stage, place, message } = thrown;
    const hidden = `template: ${textOf(ascii(place))}: ${stage === "parse" ? "does not parse" : "fails"}: [secret]`;
    return new Failure("template_failed", secretText ? hidden : shownText(message), options);
  }
  return thrown instanceof BudgetError ? budgetFailure(thrown, { key, ...options }, budgets) : thrown;
}

/** A budget that was used up, with the way out. */
export function budgetFailure(
  { budget }: BudgetError,
  { key, field }: Pick<NamedTemplate, "key" | "field">,
  budgets: TemplateBudgets,
): Failure {
  const text = `template ${JSON.stringify(key)} exceeds its budget "${budget}", ${wayOut[budget](budgets)}`;
  return new Failure("template_failed", text, field === undefined ? {} : { field });
}
