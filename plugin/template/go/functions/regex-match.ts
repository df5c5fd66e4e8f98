/** Compiled expressions, and their matches one after the other. */
import { LRUCache } from "lru-cache";
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { bytesOf, decodeRune, fromText, isAscii, isUtf8, textOf } from "../text.ts";

/** A match over bytes; -1 where a group took no part. */
export interface Match {
  start(group: number): number;
  end(group: number): number;
}

export interface Pattern {
  readonly compiled: RE2JS;
  /** Instructions: the cost of one byte of text at worst. */
  readonly size: number;
  readonly groups: number;
  readonly names: ReadonlyMap<GoString, number>;
  readonly isEmpty: boolean;
}

/** How many bytes go through one instruction for the price of a step. */
const bytesPerStep = 32;

/** The rest of an expression from its first byte that is no UTF-8. */
function invalidTail(text: GoString): string {
  let at = 0;
  for (;;) {
    const { rune, width } = decodeRune(text, at);
    if (rune === 0xfffd && width === 1) return text.slice(at);
    at += width;
  }
}

/** Go's text of what is wrong with an expression, the expression's parts marked. */
function problemOf(thrown: RE2JSSyntaxException): string {
  const [, problem, part] = /^(error parsing regexp: [^`]*?)(?:: `([^]*)`)?$/.exec(thrown.message) ?? [];
  if (problem === undefined) return secret(fromText(thrown.message));
  return `${problem}: \`${secret(fromText(part ?? ""))}\``;
}

/** Compiling takes ten times as long as most searches. Only short expressions stay, without what searches cached. */
const kept = new LRUCache<GoString, Pattern>({ max: 64 });
const longestKept = 256;

/** Throws RE2JSSyntaxException. */
function compile(text: GoString): Pattern {
  const compiled = RE2JS.compile(textOf(text));
  const names = new Map(Object.entries(compiled.namedGroups()).map(([name, group]) => [fromText(name), group]));
  const [size, groups] = [compiled.programSize(), compiled.groupCount()];
  return { compiled, size, groups, names, isEmpty: text === "" };
}

/** regexp.Compile; `refuse` gets Go's error text. */
export function compilePattern<Refused>(
  ctx: CallContext,
  text: GoString,
  refuse: (problem: string) => Refused,
): Pattern | Refused {
  ctx.charge(1 + (text.length >> 2));
  if (!isUtf8(text)) return refuse(`error parsing regexp: invalid UTF-8: \`${secret(invalidTail(text))}\``);
  let pattern = kept.get(text);
  try {
    pattern ??= compile(text);
  } catch (thrown) {
    if (thrown instanceof RE2JSSyntaxException) return refuse(problemOf(thrown));
    throw thrown;
  }
  ctx.charge(pattern.size >> 2);
  if (text.length <= longestKept && pattern.size <= longestKept * 4) kept.set(text, pattern);
  return pattern;
}

/**
 * The matches that Go finds, at most `most`: none of nothing right after another match. Each is valid until the next
 * is asked for.
 */
export function* matchesOf(ctx: CallContext, pattern: Pattern, text: GoString, most: number): Generator<Match> {
  if (most <= 0) return;
  ctx.charge(Math.ceil((text.length * pattern.size) / bytesPerStep));
  const matcher = pattern.compiled.matcher(isAscii(text) ? text : bytesOf(text));
  let from = 0;
  let lastEnd = -1;
  let left = most;
  try {
    while (left > 0 && from <= text.length) {
      // A look ahead to the text's end at each match would be quadratic: then the clock must be looked at often.
      ctx.charge(1 + (((text.length - from) * pattern.size) >> 14));
      if (!matcher.find(from)) return;
      const end = matcher.end(0);
      if (end > lastEnd) {
        left--;
        yield matcher;
      }
      lastEnd = end;
      from = end > from ? end : from + widthAt(text, from);
    }
  } finally {
    // Up to 8 MiB of states, made from the text.
    pattern.compiled.reset();
  }
}

/** The bytes of the rune there; 1 past the end. */
const widthAt = (text: GoString, at: number): number => (at < text.length ? decodeRune(text, at).width : 1);
