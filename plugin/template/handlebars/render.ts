/** A request's Handlebars templates to values, in the worker. All keys or none. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { BudgetError, shownText } from "../go/errors.ts";
import { budgetFailure } from "../execute.ts";
import type { NamedTemplate, RenderRequest, TemplateBudgets, TemplateData } from "../request.ts";
import { createEngine } from "./engine.ts";
import { createMeter } from "./meter.ts";
import { HandlebarsProblem } from "./problem.ts";
import { bytesOfText, plainObject, textOfBytes } from "./values.ts";
import type { Plain } from "./values.ts";

const engine = createEngine();

/** Rejects with Failure `template_failed`. */
export function renderHandlebars(
  { templates, data, missingKey }: Pick<RenderRequest, "templates" | "data" | "missingKey">,
  budgets: TemplateBudgets,
  clock: Clock,
): { readonly values: Map<string, Uint8Array>; readonly spentMs: number } {
  const root = objectOf(data);
  const values = new Map<string, Uint8Array>();
  let spentMs = 0;
  for (const template of templates) {
    const ctx = createMeter(clock, { ...budgets, timeMs: budgets.timeMs - spentMs });
    try {
      values.set(
        template.key,
        bytesOfText(engine.render(template.text, root, { ctx, strict: missingKey === "error" })),
      );
    } catch (thrown) {
      throw failureOf(thrown, template, budgets);
    }
    spentMs += ctx.spentMs();
  }
  return { values, spentMs };
}

const objectOf = (data: TemplateData): Plain =>
  plainObject(
    [...data].map(([key, value]) => [
      key,
      value instanceof SecretValue ? textOfBytes(value.reveal()) : objectOf(value),
    ]),
  );

function failureOf(thrown: unknown, template: NamedTemplate, budgets: TemplateBudgets): unknown {
  if (thrown instanceof BudgetError) return budgetFailure(thrown, template, budgets);
  if (!(thrown instanceof HandlebarsProblem)) return thrown;
  const { key, field, secretText } = template;
  const { stage, place, message } = thrown;
  const at = [key, place?.line, place?.column].filter((part) => part !== undefined).join(":");
  const hidden = stage === "parse" ? "does not parse: [secret]" : "fails: [secret]";
  const shown = shownText(message);
  const text = `handlebars: ${at}: ${secretText ? hidden : shown}`;
  return new Failure("template_failed", text, field === undefined ? {} : { field });
}
