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

/** Where a line that begins at `from` ends and the next begins; spaces at a line's start are left out. */
function* lines(text: GoString, width: number, breakWords: boolean): Generator<GoString> {
  let from = 0;
  while (text.length - from > width) {
    if (text.charAt(from) === " ") {
      from++;
      continue;
    }
    const before = text.slice(from, from + width + 1).lastIndexOf(" ");
    const after = before >= 0 ? from + before : text.indexOf(" ", from + width);
    if (before < 0 && breakWords) {
      yield sliceBytes(text, from, from + width);
      from += width;
    } else if (after < 0) break;
    else {
      yield sliceBytes(text, from, after);
      from = after + 1;
    }
  }
  yield sliceBytes(text, from);
}

function wrap(ctx: CallContext, text: GoString, width: bigint, separator: GoString, breakWords: boolean): GoString {
  if (text === "") return text;
  scan(ctx, text);
  const columns = width < 1n ? 1 : Math.min(Number(width), text.length);
  const all: GoString[] = [];
  for (const line of lines(text, columns, breakWords)) {
    ctx.charge(1);
    all.push(line);
  }
  return joined(ctx, all, separator === "" ? newline : separator);
}

export const lineFunctions: FunctionTable = {
  indent: fn([intType, stringType], ([spaces, text], ctx) => indent(spaces, text, ctx)),
  nindent: fn([intType, stringType], ([spaces, text], ctx) => concat(newline, indent(spaces, text, ctx))),
  wrap: fn([intType, stringType], ([width, text], ctx) => wrap(ctx, text, width, newline, false)),
  wrapWith: fn([intType, stringType, stringType], ([width, separator, text], ctx) =>
    wrap(ctx, text, width, separator, true),
  ),
};
