/** Sprig's text functions that look at bytes and whole texts. Case is in strings-case.ts, lines in strings-lines.ts. */
import { fail, secret } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn, variadic, volatile } from "../functions.ts";
import { quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii, concat, fromRune, fromRunes, runesOf, sliceBytes } from "../text.ts";
import { anyType, intType, stringType } from "../types.ts";
import { stringMap, stringSlice } from "../values.ts";
import { joined, made, scan } from "./costs.ts";
import { isSpace } from "./runes.ts";
import { caseFunctions } from "./strings-case.ts";
import { lineFunctions } from "./strings-lines.ts";
import { replaceAll, splitText, trimRunes } from "./strings-parts.ts";
import { printedText, stringOf, stringsOf } from "./text-of-values.ts";

const trimAll = fn([stringType, stringType], ([cutset, text], ctx) => {
  scan(ctx, text);
  const runes = new Set(runesOf(cutset));
  return trimRunes(text, (rune) => runes.has(rune));
});

/** From a number of an argument to one of JavaScript's: what is beyond any text stays beyond. */
const farthest = 2n ** 40n;
const index = (value: bigint): number => Number(value > farthest ? farthest : value < -farthest ? -farthest : value);

function substr(from: bigint, to: bigint, text: GoString): GoString {
  const length = BigInt(text.length);
  const end = from < 0n ? to : to < 0n || to > length ? length : to;
  const start = from < 0n ? 0n : from;
  if (end > length)
    fail(`runtime error: slice bounds out of range [:${secret(`${end}`)}] with length ${secret(`${length}`)}`);
  if (end < 0n) fail(`runtime error: slice bounds out of range [:${secret(`${end}`)}]`);
  if (start > end) fail(`runtime error: slice bounds out of range [${secret(`${start}`)}:${secret(`${end}`)}]`);
  return sliceBytes(text, Number(start), Number(end));
}

function trunc(count: bigint, text: GoString): GoString {
  const at = index(count);
  if (at < 0) return text.length + at > 0 ? sliceBytes(text, text.length + at) : text;
  return sliceBytes(text, 0, at);
}

function repeat(count: bigint, text: GoString, ctx: CallContext): GoString {
  if (count < 0n) fail("strings: negative Repeat count");
  if (text === "") return text;
  ctx.produce(text.length * index(count));
  return ascii(text.repeat(index(count)));
}

/** Goes by bytes, as goutils does: a byte above 127 becomes the rune of that number. */
function eachByte(text: GoString, take: (space: boolean) => boolean): GoString {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    const byte = text.charCodeAt(at);
    if (take(isSpace(byte))) out += fromRune(byte);
  }
  return ascii(out);
}

/** What has no space in it comes back as it is. */
function nospace(text: GoString, ctx: CallContext): GoString {
  scan(ctx, text);
  const kept = eachByte(text, (space) => !space);
  return /[\t-\r \x85\xa0]/.test(text) ? made(ctx, kept) : text;
}

function initials(text: GoString, ctx: CallContext): GoString {
  scan(ctx, text);
  let gap = true;
  return eachByte(text, (space) => {
    const taken = !space && gap;
    gap = space;
    return taken;
  });
}

const abbreviation = ascii("...");

/** Keeps `width` bytes of the text from about `offset` on, with dots where something is missing. */
function abbreviate(text: GoString, offset: number, width: number): GoString {
  if (text.length <= width) return text;
  const from = Math.min(offset, text.length, text.length - (width - 3));
  if (from <= 4) return concat(sliceBytes(text, 0, width - 3), abbreviation);
  if (from + width - 3 < text.length) return concat(abbreviation, abbreviate(sliceBytes(text, from), 0, width - 3));
  return concat(abbreviation, sliceBytes(text, text.length - (width - 3)));
}

const abbrev = fn([intType, stringType], ([width, text]) => (width < 4n ? text : abbreviate(text, 0, index(width))));

const abbrevboth = fn([intType, intType, stringType], ([left, right, text]) =>
  right < 4n || (left > 0n && right < 7n) ? text : abbreviate(text, index(left), index(right)),
);

/** A random order of the runes; a difference of one in 2^32 between them is nobody's concern. */
function shuffle(text: GoString, ctx: CallContext): GoString {
  scan(ctx, text);
  const runes = runesOf(text);
  ctx.charge(runes.length);
  const random = ctx.randomBytes(runes.length * 4);
  for (let last = runes.length - 1; last > 0; last--) {
    const other = random.readUInt32LE(last * 4) % (last + 1);
    [runes[last], runes[other]] = [runes[other]!, runes[last]!];
  }
  return fromRunes(runes);
}

function numbered(parts: readonly GoString[]) {
  return stringMap(parts.map((part, at) => [ascii(`_${at}`), part] as const));
}

const space = ascii(" ");

export const stringFunctions: FunctionTable = {
  ...caseFunctions,
  ...lineFunctions,
  abbrev,
  abbrevboth,
  trunc: fn([intType, stringType], ([count, text]) => trunc(count, text)),
  trim: fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return trimRunes(text, isSpace);
  }),
  trimAll,
  trimall: trimAll,
  trimSuffix: fn([stringType, stringType], ([suffix, text]) =>
    text.endsWith(suffix) ? sliceBytes(text, 0, text.length - suffix.length) : text,
  ),
  trimPrefix: fn([stringType, stringType], ([prefix, text]) =>
    text.startsWith(prefix) ? sliceBytes(text, prefix.length) : text,
  ),
  substr: fn([intType, intType, stringType], ([from, to, text]) => substr(from, to, text)),
  repeat: fn([intType, stringType], ([count, text], ctx) => repeat(count, text, ctx)),
  nospace: fn([stringType], ([text], ctx) => nospace(text, ctx)),
  initials: fn([stringType], ([text], ctx) => initials(text, ctx)),
  shuffle: volatile(fn([stringType], ([text], ctx) => shuffle(text, ctx))),
  contains: fn([stringType, stringType], ([part, text], ctx) => {
    scan(ctx, text);
    return text.includes(part);
  }),
  hasPrefix: fn([stringType, stringType], ([prefix, text]) => text.startsWith(prefix)),
  hasSuffix: fn([stringType, stringType], ([suffix, text]) => text.endsWith(suffix)),
  quote: variadic([], anyType, (values, ctx) =>
    joined(
      ctx,
      values.filter((value) => value !== null).map((value) => made(ctx, quote(stringOf(ctx, value)))),
      space,
    ),
  ),
  squote: variadic([], anyType, (values, ctx) =>
    joined(
      ctx,
      values.filter((value) => value !== null).map((value) => ascii(`'${printedText(ctx, value)}'`)),
      space,
    ),
  ),
  cat: variadic([], anyType, (values, ctx) =>
    joined(
      ctx,
      values.filter((value) => value !== null).map((value) => printedText(ctx, value)),
      space,
    ),
  ),
  replace: fn([stringType, stringType, stringType], ([old, now, text], ctx) => replaceAll(ctx, text, old, now)),
  plural: fn([stringType, stringType, intType], ([one, many, count]) => (count === 1n ? one : many)),
  toString: fn([anyType], ([value], ctx) => stringOf(ctx, value)),
  toStrings: fn([anyType], ([value], ctx) => stringSlice(stringsOf(ctx, value))),
  join: fn([stringType, anyType], ([separator, list], ctx) => joined(ctx, stringsOf(ctx, list), separator)),
  split: fn([stringType, stringType], ([separator, text], ctx) => numbered(splitText(ctx, text, separator, -1))),
  splitn: fn([stringType, intType, stringType], ([separator, count, text], ctx) =>
    numbered(splitText(ctx, text, separator, index(count))),
  ),
  splitList: fn([stringType, stringType], ([separator, text], ctx) => stringSlice(splitText(ctx, text, separator, -1))),
  hello: fn([], () => ascii("Hello!")),
};
