/**
 * Templates to values: Go's text/template, or Handlebars for who asks for it, bounded in every direction.
 *
 * Ordinary templates run on the event loop in slices; templates with heavy functions, large inputs, and what proves too
 * slow for a slice go to a worker. All keys or none. Output is never executed again.
 */
import type { Clock } from "../core/clock.ts";
import { pause } from "../core/deadline.ts";
import { SecretValue } from "../core/secret-value.ts";
import { dotOf, startMachine, templateFailure } from "./execute.ts";
import { findFunction } from "./go/functions/table.ts";
import { OverrunError } from "./go/machine.ts";
import type { Program, Slice } from "./go/machine.ts";
import { bytesOf } from "./go/text.ts";
import { createPreparedTemplates } from "./prepared.ts";
import { defaultBudgets } from "./request.ts";
import type { NamedTemplate, Rendered, RenderRequest, TemplateBudgets, TemplateData } from "./request.ts";
import { TemplateWorker } from "./worker.ts";

export { defaultBudgets } from "./request.ts";
export type { NamedTemplate, Rendered, RenderRequest, TemplateBudgets, TemplateData } from "./request.ts";

export interface Renderer {
  /** Rejects with Failure `template_failed` (Go's text, operands `[secret]`, or the budget's name) or the signal's reason. */
  render(request: RenderRequest, budgets: TemplateBudgets, signal: AbortSignal): Promise<Rendered>;
  /**
   * The functions in these templates that give another result each time (random, time), sorted.
   * Throws what `render` rejects with for a Go template that does not parse.
   */
  volatileFunctions(request: Pick<RenderRequest, "engine" | "templates" | "delimiters">): readonly string[];
  /** Ends the worker. */
  close(): void;
}

/** Templates, and templates and values together: beyond, parsing or copying alone would hold the loop. */
const inlineTextBytes = 64 * 1024;
const inlineBytes = 256 * 1024;
/** How long the event loop is held at a time, and what moves the whole request to the worker. */
const slice: Slice = { ms: 5, overrunMs: 15, overrunBytes: inlineBytes };

export function createRenderer(clock: Clock): Renderer {
  const prepared = createPreparedTemplates();
  const worker = new TemplateWorker(clock);

  /** The programs of a request, or the first template's failure. */
  const programsOf = (
    { templates, delimiters }: Pick<RenderRequest, "templates" | "delimiters">,
    budgets = defaultBudgets,
  ) =>
    templates.map((template) => {
      try {
        return { template, program: prepared.get(template, delimiters) };
      } catch (thrown) {
        throw templateFailure(thrown, template, budgets);
      }
    });

  return {
    async render(request, budgets, signal) {
      signal.throwIfAborted();
      if (request.engine === "handlebars" || isLarge(request)) return worker.render(request, budgets, signal);
      const programs = programsOf(request, budgets);
      if (programs.some(({ program }) => isHeavy(program))) return worker.render(request, budgets, signal);
      try {
        return await renderInline(programs, request, budgets, signal, clock);
      } catch (thrown) {
        if (thrown instanceof OverrunError) return worker.render(request, budgets, signal);
        throw thrown;
      }
    },
    volatileFunctions(request) {
      const names =
        request.engine === "handlebars"
          ? request.templates.flatMap(({ text }) => calledWords(text))
          : programsOf(request).flatMap(({ program }) => [...program.functions]);
      return [...new Set(names)].filter((name) => findFunction(name)?.deterministic === false).sort();
    },
    close: () => worker.close(),
  };
}

/** The words where Handlebars calls a function; its parser is not loaded here for that. */
const calledWords = (text: string): readonly string[] => [...text.matchAll(/[{(]~?\s*(\w+)/g)].map(([, word]) => word!);

const isHeavy = ({ functions }: Program): boolean => [...functions].some((name) => findFunction(name)?.heavy);

function isLarge({ templates, data }: RenderRequest): boolean {
  const textBytes = templates.reduce((sum, { text }) => sum + text.length, 0);
  return textBytes > inlineTextBytes || textBytes + dataBytes(data) > inlineBytes;
}

function dataBytes(data: TemplateData): number {
  let sum = 0;
  for (const [key, value] of data)
    sum += key.length + (value instanceof SecretValue ? value.byteLength : dataBytes(value));
  return sum;
}

async function renderInline(
  programs: readonly { readonly template: NamedTemplate; readonly program: Program }[],
  request: RenderRequest,
  budgets: TemplateBudgets,
  signal: AbortSignal,
  clock: Clock,
): Promise<Rendered> {
  const dot = dotOf(request.data);
  const values = new Map<string, SecretValue>();
  let spentMs = 0;
  for (const { template, program } of programs)
    try {
      const left = { ...budgets, timeMs: budgets.timeMs - spentMs };
      const machine = startMachine(program, dot, request, left, clock);
      while (!machine.run(slice)) await pause(clock, 0, signal);
      spentMs += machine.spentMs;
      values.set(template.key, new SecretValue(bytesOf(machine.output)));
    } catch (thrown) {
      throw templateFailure(thrown, template, budgets);
    }
  return { values, spentMs };
}
