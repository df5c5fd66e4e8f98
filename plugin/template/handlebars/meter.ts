/**
 * What one Handlebars template has used of its budgets.
 *
 * Only helpers are counted, the loops among them: without a loop a template's work is bounded by its text. Whatever gets
 * by is ended by the worker's own limits of time and memory.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { BudgetError } from "../go/errors.ts";
import type { CallContext } from "../go/model.ts";
import type { TemplateBudgets } from "../request.ts";

const bytesPerStep = 64;
const stepsPerLook = 512;

export interface SpentMeter extends CallContext {
  readonly spentMs: () => number;
}

export function createMeter(clock: Clock, budgets: TemplateBudgets): SpentMeter {
  const beganMs = clock.monotonicMs();
  const spentMs = (): number => clock.monotonicMs() - beganMs;
  let steps = 0;
  let nextLook = stepsPerLook;
  const charge = (count: number): void => {
    steps += count;
    if (steps > budgets.steps) throw new BudgetError("steps");
    if (steps < nextLook) return;
    nextLook = steps + stepsPerLook;
    if (spentMs() > budgets.timeMs) throw new BudgetError("time");
  };
  const produce = (bytes: number): void => {
    if (bytes > budgets.outputBytes) throw new BudgetError("output");
    charge(Math.ceil(bytes / bytesPerStep));
  };
  return {
    charge,
    produce,
    spentMs,
    nowMs: () => clock.nowMs(),
    randomBytes(count) {
      produce(count);
      return randomBytes(count);
    },
  };
}
