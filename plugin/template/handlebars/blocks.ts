/** The helpers of Handlebars itself, counted: if, unless, each, with, lookup. There is no log. */
import type Handlebars from "handlebars";
import { fail } from "../go/errors.ts";
import type { CallContext } from "../go/model.ts";
import { isTrue } from "./functions.ts";
import type { Plain } from "./values.ts";

type Options = Handlebars.HelperOptions;

export interface Block {
  readonly context: unknown;
  readonly options: Options;
  readonly ctx: CallContext;
  readonly strict: boolean;
}

export const blockNames = ["if", "unless", "each", "with", "lookup"] as const;
export type BlockName = (typeof blockNames)[number];

/** Makes the data of an inner block. */
type CreateFrame = typeof Handlebars.createFrame;

export function callBlock(name: BlockName, args: readonly Plain[], block: Block, createFrame: CreateFrame): Plain {
  block.ctx.charge(1);
  const wanted = name === "lookup" ? 2 : 1;
  if (args.length !== wanted) fail(`wants ${wanted} arguments and has ${args.length}`);
  const [value, key] = args;
  if (name === "lookup") return found(value, key, block.strict);
  const { options, context } = block;
  if (typeof options.fn !== "function") fail("is a block: write {{#" + name + " …}}…{{/" + name + "}}");
  if (name === "if" || name === "unless")
    return (isTrue(value) === (name === "if") ? options.fn : options.inverse)(context);
  if (value === undefined && block.strict) fail("argument 1 is not defined");
  if (name === "each") return everyItem(value, block, createFrame);
  if (!isTrue(value)) return options.inverse(context);
  return options.fn(value, { data: framed(block, createFrame), blockParams: [value] });
}

/** An own entry of an object or a list. */
function found(value: Plain, key: Plain, strict: boolean): Plain {
  if (typeof value === "object" && value !== null && (typeof key === "string" || typeof key === "number"))
    if (Object.hasOwn(value, key)) return (value as Readonly<Record<string, Plain>>)[key];
  return strict ? fail("argument 1 has no such entry") : undefined;
}

function framed({ options }: Block, createFrame: CreateFrame): Record<string, unknown> | undefined {
  return options.data === undefined ? undefined : (createFrame(options.data) as Record<string, unknown>);
}

function everyItem(value: Plain, block: Block, createFrame: CreateFrame): string {
  const { options, context, ctx } = block;
  if (!isTrue(value) || typeof value !== "object" || value === null) return options.inverse(context);
  const isList = Array.isArray(value);
  const entries = Object.entries(value as Readonly<Record<string, Plain>>);
  const data = framed(block, createFrame);
  let out = "";
  for (const [index, [name, item]] of entries.entries()) {
    const key = isList ? index : name;
    if (data) Object.assign(data, { key, index, first: index === 0, last: index === entries.length - 1 });
    out += options.fn(item, { data, blockParams: [item, key] });
    ctx.produce(out.length);
  }
  return out;
}
