/** What functions pay for their work, so that no template can make them run away. */
import { BudgetError } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import type { GoValue } from "../values.ts";
import { GoMap, GoSlice } from "../values.ts";

/** Deeper values exist only to exhaust the stack. */
export const deepestValue = 1_000;

/** Pays for looking at every byte of the texts. */
export function scan(ctx: CallContext, ...texts: readonly string[]): void {
  for (const text of texts) if (text.length >= 64) ctx.charge(text.length >> 6);
}

/** Pays for a text that is already there: one that cannot be much longer than what the function was given. */
export function made(ctx: CallContext, text: GoString): GoString {
  ctx.produce(text.length);
  return text;
}

/**
 * Pays for a walk through everything inside the value: a shared list counts each time it is met, as a walk would meet
 * it, so values that double themselves are paid in full before anything touches them.
 */
export function chargeTree(ctx: CallContext, value: GoValue, depth = 0): void {
  if (typeof value === "string") return scan(ctx, value);
  if (typeof value !== "object" || value === null) return;
  if (depth > deepestValue) throw new BudgetError("depth");
  if (value instanceof GoSlice) {
    ctx.charge(value.items.length);
    for (const item of value.items) chargeTree(ctx, item, depth + 1);
  } else if (value instanceof GoMap) {
    ctx.charge(value.entries.size);
    for (const item of value.entries.values()) chargeTree(ctx, item, depth + 1);
  }
}

/** The parts in one text, paid for before it is made. */
export function joined(ctx: CallContext, parts: readonly GoString[], separator: GoString): GoString {
  let length = separator.length * Math.max(parts.length - 1, 0);
  for (const part of parts) length += part.length;
  ctx.charge(parts.length);
  ctx.produce(length);
  return parts.join(separator) as GoString;
}
