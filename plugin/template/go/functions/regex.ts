/**
 * Sprig's regular expressions: RE2's syntax and linear time, matched over bytes, with Go's rules for empty matches and
 * its replacement templates (`$1`, `${name}`, `$$`).
 */
import { fail, secret } from "../errors.ts";
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn } from "../functions.ts";
import { canBackquote, quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii, sliceBytes } from "../text.ts";
import { intType, stringType } from "../types.ts";
import type { GoSlice } from "../values.ts";
import { nilSlice, stringSlice } from "../values.ts";
import { made, scan } from "./costs.ts";
import type { Match, Pattern } from "./regex-match.ts";
import { compilePattern, matchesOf } from "./regex-match.ts";
import { expansionOf } from "./regex-expand.ts";
import { GrowingText } from "./growing-text.ts";

type Compile = (text: GoString, ctx: CallContext) => Pattern;

const strict: Compile = (text, ctx) => compilePattern(ctx, text, (problem) => fail(problem));

/** regexp.MustCompile: its panic names the expression. */
const panicking: Compile = (text, ctx) =>
  compilePattern(ctx, text, (problem) =>
    fail(`regexp: Compile(${secret(canBackquote(text) ? `\`${text}\`` : quote(text))}): ${problem}`),
  );

const wholeOf = (text: GoString, match: Match): GoString => sliceBytes(text, match.start(0), match.end(0));

function firstMatch(ctx: CallContext, pattern: Pattern, text: GoString): GoString {
  for (const match of matchesOf(ctx, pattern, text, 1)) return wholeOf(text, match);
  return ascii("");
}

function findAll(ctx: CallContext, pattern: Pattern, text: GoString, most: bigint): GoSlice {
  const found: GoString[] = [];
  for (const match of matchesOf(ctx, pattern, text, limitOf(most))) found.push(wholeOf(text, match));
  return found.length > 0 ? stringSlice(found) : nilSlice(stringType);
}

const limitOf = (count: bigint): number => (count < 0n ? Infinity : Number(count));

function replace(ctx: CallContext, pattern: Pattern, text: GoString, by: (match: Match) => GoString): GoString {
  const out = new GrowingText(ctx);
  let from = 0;
  for (const match of matchesOf(ctx, pattern, text, Infinity)) {
    out.add(sliceBytes(text, from, match.start(0)));
    out.add(by(match));
    from = match.end(0);
  }
  out.add(sliceBytes(text, from));
  return out.text();
}

/** Pieces between matches; a match of nothing at the start separates nothing. */
function split(ctx: CallContext, pattern: Pattern, text: GoString, most: bigint): GoSlice {
  if (most === 0n) return nilSlice(stringType);
  if (!pattern.isEmpty && text === "") return stringSlice([text]);
  const limit = limitOf(most);
  const pieces: GoString[] = [];
  let from = 0;
  let end = 0;
  for (const match of matchesOf(ctx, pattern, text, limit)) {
    if (pieces.length === limit - 1) break;
    end = match.start(0);
    if (match.end(0) !== 0) pieces.push(sliceBytes(text, from, end));
    from = match.end(0);
  }
  if (end !== text.length) pieces.push(sliceBytes(text, from));
  return stringSlice(pieces);
}

const escaped = /[\\.+*?()|[\]{}^$]/g;

/** The functions that compile an expression, in their panicking or their error form. */
function family(
  compile: Compile,
): Record<"find" | "findAll" | "replaceAll" | "replaceAllLiteral" | "split", GoFunction> {
  return {
    find: fn([stringType, stringType], ([regex, text], ctx) => firstMatch(ctx, compile(regex, ctx), text)),
    findAll: fn([stringType, stringType, intType], ([regex, text, most], ctx) =>
      findAll(ctx, compile(regex, ctx), text, most),
    ),
    replaceAll: fn([stringType, stringType, stringType], ([regex, text, template], ctx) => {
      const pattern = compile(regex, ctx);
      return replace(ctx, pattern, text, expansionOf(ctx, pattern, text, template));
    }),
    replaceAllLiteral: fn([stringType, stringType, stringType], ([regex, text, by], ctx) =>
      replace(ctx, compile(regex, ctx), text, () => by),
    ),
    split: fn([stringType, stringType, intType], ([regex, text, most], ctx) =>
      split(ctx, compile(regex, ctx), text, most),
    ),
  };
}

function matches(ctx: CallContext, pattern: Pattern, text: GoString): boolean {
  for (const _match of matchesOf(ctx, pattern, text, 1)) return true;
  return false;
}

const panic = family(panicking);
const must = family(strict);

export const regexFunctions: FunctionTable = {
  regexMatch: fn([stringType, stringType], ([regex, text], ctx) => {
    const pattern = compilePattern(ctx, regex, () => undefined);
    return pattern !== undefined && matches(ctx, pattern, text);
  }),
  mustRegexMatch: fn([stringType, stringType], ([regex, text], ctx) => matches(ctx, strict(regex, ctx), text)),
  regexFind: panic.find,
  mustRegexFind: must.find,
  regexFindAll: panic.findAll,
  mustRegexFindAll: must.findAll,
  regexReplaceAll: panic.replaceAll,
  mustRegexReplaceAll: must.replaceAll,
  regexReplaceAllLiteral: panic.replaceAllLiteral,
  mustRegexReplaceAllLiteral: must.replaceAllLiteral,
  regexSplit: panic.split,
  mustRegexSplit: must.split,
  regexQuoteMeta: fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return made(ctx, ascii(text.replace(escaped, "\\$&")));
  }),
};
