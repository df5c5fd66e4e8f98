/** How sprig's functions make text of any value, and texts of any list. */
import type { CallContext } from "../functions.ts";
import { printed } from "../print.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { uint8Type } from "../types.ts";
import type { GoValue, GoNumber } from "../values.ts";
import { GoSlice } from "../values.ts";
import { chargeTree } from "./costs.ts";

/** fmt.Sprint of one value, paid for. */
export function printedText(ctx: CallContext, value: GoValue): GoString {
  if (typeof value === "string") return value;
  chargeTree(ctx, value);
  const text = printed(value, ctx);
  ctx.produce(text.length);
  return text;
}

/** sprig's `toString`: text and bytes as they are, everything else as it prints. */
export function stringOf(ctx: CallContext, value: GoValue): GoString {
  if (value instanceof GoSlice && value.type.elem === uint8Type) return textOfBytes(value);
  return printedText(ctx, value);
}

/** string(bytes). */
export const textOfBytes = (bytes: GoSlice): GoString =>
  ascii(bytes.items.map((item) => String.fromCharCode(Number((item as GoNumber).value))).join(""));

/** sprig's `toStrings`: a list's values but nil, or the one value there is. */
export function stringsOf(ctx: CallContext, value: GoValue): GoString[] {
  if (value === null || value === undefined) return [];
  if (!(value instanceof GoSlice)) return [stringOf(ctx, value)];
  ctx.charge(value.items.length);
  return value.items.filter((item) => item !== null).map((item) => stringOf(ctx, item));
}
