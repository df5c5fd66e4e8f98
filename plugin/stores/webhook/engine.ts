/**
 * Executes a webhook's templates. Reached by `await import()` at the first login: the engine is large, and most
 * processes have no webhook.
 *
 * Requests are small, so budgets are: what takes a worker elsewhere (keys, certificates, password hashes) is refused here.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { pause } from "../../core/deadline.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { dotOf, templateFailure } from "../../template/execute.ts";
import { findFunction } from "../../template/go/functions/table.ts";
import { Machine, OverrunError } from "../../template/go/machine.ts";
import type { Program, Slice } from "../../template/go/machine.ts";
import { prepare } from "../../template/go/program.ts";
import { bytesOf, fromText } from "../../template/go/text.ts";
import type { NamedTemplate, TemplateBudgets, TemplateData } from "../../template/request.ts";

/** A template that can be executed. */
export interface Prepared {
  readonly template: NamedTemplate & { readonly field: string };
  readonly program: Program;
}

const budgets: TemplateBudgets = { steps: 100_000, depth: 100, outputBytes: 1024 * 1024, timeMs: 500 };
const slice: Slice = { ms: 5, overrunMs: 15, overrunBytes: 256 * 1024 };

/** Throws Failure `store_invalid`: it does not parse, or calls what is too heavy for a request. */
export function prepareTemplate(field: string, text: string): Prepared {
  const template = { key: field, text, field };
  const program = parsed(template);
  const heavy = [...program.functions].filter((name) => findFunction(name)?.heavy).sort();
  if (heavy.length === 0) return { template, program };
  throw new Failure("store_invalid", `${field}: ${heavy.join(", ")} is too heavy for a request; leave it out`, {
    field,
  });
}

function parsed(template: Prepared["template"]): Program {
  try {
    return prepare(fromText(template.key), fromText(template.text));
  } catch (thrown) {
    const failure = templateFailure(thrown, template, budgets);
    if (!(failure instanceof Failure)) throw thrown;
    const { field } = template;
    throw new Failure("store_invalid", `${field}: ${failure.message}`, { field });
  }
}

/** Rejects with Failure `template_failed`, or the signal's reason. */
export async function renderTemplate(
  { template, program }: Prepared,
  data: TemplateData,
  clock: Clock,
  signal: AbortSignal,
): Promise<SecretValue> {
  const world = { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs(), randomBytes };
  try {
    const machine = new Machine(program, dotOf(data), { missingKey: "default", limits: budgets, world });
    while (!machine.run(slice)) await pause(clock, 0, signal);
    return new SecretValue(bytesOf(machine.output));
  } catch (thrown) {
    const { field } = template;
    if (thrown instanceof OverrunError)
      throw new Failure("template_failed", `${field} takes too long in one step; shorten what it works on`, { field });
    throw templateFailure(thrown, template, budgets);
  }
}
