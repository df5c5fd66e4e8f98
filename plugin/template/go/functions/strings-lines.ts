/** Indenting and wrapping. Columns are bytes, as in sprig. */
import { fail } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, concat, sliceBytes } from "../text.ts";
import { intType, stringType } from "../types.ts";
import { joined, scan } from "./costs.ts";
import { replaceAll } from "./strings-parts.ts";

const newline = ascii("\n");

function indent(spaces: bigint, text: GoString, ctx: CallContext): GoString {
  if (spaces < 0n) fail("strings: negative Repeat count");
  ctx.produce(Number(spaces));
  const pad = ascii(" ".repeat(Number(spaces)));
  return concat(pad, replaceAll(ctx, text, newline, concat(newline, pad)));
}

/** The text's lines of at most `width` bytes; spaces at a line's start are left out. */
function linesOf(ctx: CallContext, text: GoString, width: number, breakWords: boolean): GoString[] {
  const lines: GoString[] = [];
  let from = 0;
  while (text.length - from > width) {
    if (text.charCodeAt(from) === space) {
      from++;
      continue;
    }
    ctx.charge(1);
    const before = lastSpace(text, from, from + width);
    const after = before >= 0 || breakWords ? before : text.indexOf(" ", from + width);
    if (after < 0 && !breakWords) break;
    const end = after < 0 ? from + width : after;
    lines.push(sliceBytes(text, from, end));
    from = after < 0 ? end : end + 1;
  }
  lines.push(sliceBytes(text, from));
  return lines;
}

const space = 0x20;

/** Like lastIndexOf, but never before `from`. */
function lastSpace(text: GoString, from: number, to: number): number {
  for (let at = to; at >= from; at--) if (text.charCodeAt(at) === space) return at;
  return -1;
}

function wrap(ctx: CallContext, text: GoString, width: bigint, separator: GoString, breakWords: boolean): GoString {
  if (text === "") return text;
  scan(ctx, text);
  const columns = width < 1n ? 1 : Math.min(Number(width), text.length);
  return joined(ctx, linesOf(ctx, text, columns, breakWords), separator === "" ? newline : separator);
}

export const lineFunctions: FunctionTable = {
  indent: fn([intType, stringType], ([spaces, text], ctx) => indent(spaces, text, ctx)),
  nindent: fn([intType, stringType], ([spaces, text], ctx) => concat(newline, indent(spaces, text, ctx))),
  wrap: fn([intType, stringType], ([width, text], ctx) => wrap(ctx, text, width, newline, false)),
  wrapWith: fn([intType, stringType, stringType], ([width, separator, text], ctx) =>
    wrap(ctx, text, width, separator, true),
  ),
};
