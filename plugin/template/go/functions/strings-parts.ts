/** Taking texts apart as Go's package strings does: by bytes, or by runes where the separator is empty. */
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { concat, decodeRune, sliceBytes } from "../text.ts";
import { joined, scan } from "./costs.ts";

/** strings.TrimFunc. */
export function trimRunes(text: GoString, drop: (rune: number) => boolean): GoString {
  let from = 0;
  while (from < text.length) {
    const { rune, width } = decodeRune(text, from);
    if (!drop(rune)) break;
    from += width;
  }
  let to = text.length;
  while (to > from) {
    const at = lastRuneStart(text, to);
    if (!drop(decodeRune(text, at).rune)) break;
    to = at;
  }
  return sliceBytes(text, from, to);
}

/** Where the last rune before `to` begins; a byte that belongs to none stands alone. */
function lastRuneStart(text: GoString, to: number): number {
  let at = to - 1;
  while (at > to - 4 && at > 0 && (text.charCodeAt(at) & 0xc0) === 0x80) at--;
  return decodeRune(text, at).width === to - at ? at : to - 1;
}

/** Each rune's own bytes, at most `limit` parts. */
function explode(text: GoString, limit: number): GoString[] {
  const parts: GoString[] = [];
  let at = 0;
  while (at < text.length && parts.length < limit - 1) {
    const { width } = decodeRune(text, at);
    parts.push(sliceBytes(text, at, at + width));
    at += width;
  }
  if (at < text.length) parts.push(sliceBytes(text, at));
  return parts;
}

/** strings.SplitN: at most `limit` parts, below 0 all of them, 0 none. */
export function splitText(ctx: CallContext, text: GoString, separator: GoString, limit: number): GoString[] {
  if (limit === 0) return [];
  scan(ctx, text);
  const most = limit < 0 ? Infinity : limit;
  if (separator === "") {
    ctx.charge(Math.min(text.length, most));
    return explode(text, most);
  }
  const parts: GoString[] = [];
  let from = 0;
  while (parts.length < most - 1) {
    const at = text.indexOf(separator, from);
    if (at < 0) break;
    ctx.charge(1);
    parts.push(sliceBytes(text, from, at));
    from = at + separator.length;
  }
  parts.push(sliceBytes(text, from));
  return parts;
}

/** strings.ReplaceAll: an empty `old` stands before, between and after all runes. */
export function replaceAll(ctx: CallContext, text: GoString, old: GoString, now: GoString): GoString {
  const parts = splitText(ctx, text, old, -1);
  if (old !== "") return joined(ctx, parts, now);
  ctx.produce(text.length + now.length * (parts.length + 1));
  return concat(now, ...(parts.length > 0 ? [joined(ctx, parts, now), now] : []));
}
