/**
 * Handlebars, locked in: strict, no partials, no decorators, no inherited property, no helper but ours.
 *
 * It makes code of a template's text, so it runs in the worker alone. It takes text and nothing else: a parsed template
 * that comes from outside could carry code.
 */
import Handlebars from "handlebars/dist/cjs/handlebars.js";
import { LRUCache } from "lru-cache";
import { BudgetError, GoError } from "../go/errors.ts";
import { isStackOverflow } from "../go/machine.ts";
import type { CallContext } from "../go/model.ts";
import { fromText } from "../go/text.ts";
import { blockNames, callBlock } from "./blocks.ts";
import { checkTemplate } from "./check.ts";
import { callFunction, helperNames } from "./functions.ts";
import { HandlebarsProblem } from "./problem.ts";
import { TextCompiler } from "./text-compiler.ts";
import type { Plain } from "./values.ts";

export interface Engine {
  /** Throws HandlebarsProblem and BudgetError. */
  render(text: string, data: Plain, use: { readonly ctx: CallContext; readonly strict: boolean }): string;
}

/** Code takes some hundred bytes for each character. */
const cachedCharacters = 64 * 1024;

const loopNames: ReadonlySet<string> = new Set(["index", "first", "last"]);

const noInheritance = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false } as const;

export function createEngine(): Engine {
  const environment = Handlebars.create();
  environment.JavaScriptCompiler = TextCompiler;
  for (const name of Object.keys(environment.helpers)) environment.unregisterHelper(name);
  const known = new LRUCache<string, HandlebarsTemplateDelegate>({ maxSize: cachedCharacters });
  /** Helpers are registered once; what they charge is the template that runs. */
  let running: { readonly ctx: CallContext; readonly strict: boolean };

  for (const name of helperNames)
    environment.registerHelper(name, (...all: unknown[]) => {
      const options = all.pop() as Handlebars.HelperOptions;
      // Handlebars takes {{@first}} for a call of first.
      const data = options.data as Readonly<Record<string, Plain>> | undefined;
      if (all.length === 0 && data && loopNames.has(name) && Object.hasOwn(data, name)) return data[name];
      return placed(name, options, () => callFunction(name, all as Plain[], running.ctx, running.strict));
    });
  for (const name of blockNames)
    environment.registerHelper(name, function (this: unknown, ...all: unknown[]) {
      const options = all.pop() as Handlebars.HelperOptions;
      const block = { context: this, options, ...running };
      return placed(name, options, () => callBlock(name, all as Plain[], block, Handlebars.createFrame));
    });

  const prepared = (text: string, strict: boolean): HandlebarsTemplateDelegate => {
    if (typeof text !== "string") throw new HandlebarsProblem("parse", undefined, "a template is a text");
    const id = `${strict} ${text}`;
    const cached = known.get(id);
    if (cached) return cached;
    checkTemplate(text);
    const template = environment.compile(text, { strict, noEscape: true, knownHelpersOnly: true, knownHelpers });
    known.set(id, template, { size: id.length });
    return template;
  };

  return {
    render(text, data, use) {
      try {
        const template = prepared(text, use.strict);
        running = use;
        const out = template(data, noInheritance);
        use.ctx.produce(out.length);
        return out;
      } catch (thrown) {
        throw explained(thrown);
      }
    },
  };
}

/** What Handlebars knows by itself is forgotten. */
const knownHelpers: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["log", "helperMissing", "blockHelperMissing"].map((name) => [name, false])),
  ...Object.fromEntries([...helperNames, ...blockNames].map((name) => [name, true])),
};

/** A function's error with its name and place. */
function placed<Result>(name: string, options: Handlebars.HelperOptions, call: () => Result): Result {
  try {
    return call();
  } catch (thrown) {
    if (!(thrown instanceof GoError)) throw thrown;
    const { start } = (options as unknown as { readonly loc: hbs.AST.SourceLocation }).loc;
    throw new HandlebarsProblem("exec", start, `${name}: ${thrown.message}`);
  }
}

function explained(thrown: unknown): unknown {
  if (thrown instanceof HandlebarsProblem || thrown instanceof BudgetError) return thrown;
  if (isStackOverflow(thrown)) return new BudgetError("depth");
  if (thrown instanceof RangeError) return new BudgetError("output");
  const { lineNumber, column, message } = thrown as { lineNumber?: number; column?: number; message?: unknown };
  const place = lineNumber === undefined ? undefined : { line: lineNumber, ...(column !== undefined && { column }) };
  // The name stands in the template; the object after it is always "[object]".
  const name = /^("[^"]*") not defined in /.exec(String(message))?.[1];
  const inText =
    thrown instanceof TypeError ? "a name is looked up in a value that has none" : "Handlebars cannot render it";
  return new HandlebarsProblem("exec", place, name ? `${fromText(name)} is not defined` : inText);
}
