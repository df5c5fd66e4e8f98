/** Letter case, and names in camelCase, snake_case and kebab-case as sprig makes them. */
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, fromRunes, isAscii, runesOf } from "../text.ts";
import { stringType } from "../types.ts";
import { made, scan } from "./costs.ts";
import { isDigit, isLetter, isLower, isSpace, isTitle, isUpper, toLower, toTitle, toUpper } from "./runes.ts";
import { isConnector, separateWords } from "./strings-words.ts";

/** A rune → rune function over a whole text; bytes that are no UTF-8 become U+FFFD. */
function mapping(convert: (runes: number[]) => number[]): GoFunction {
  return fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return made(ctx, fromRunes(convert(runesOf(text))));
  });
}

function changedCase(ctx: CallContext, text: GoString, native: (text: string) => string, rune: (r: number) => number) {
  scan(ctx, text);
  return made(ctx, isAscii(text) ? ascii(native(text)) : fromRunes(runesOf(text).map(rune)));
}

/** Go's idea of what stands between words: of the ASCII characters all but letters, digits and underscores. */
function separates(rune: number): boolean {
  if (rune < 0x80) return !isLetter(rune) && !isDigit(rune) && rune !== 0x5f;
  return !isLetter(rune) && !isDigit(rune) && isSpace(rune);
}

function title(runes: number[]): number[] {
  let before = 0x20;
  return runes.map((rune) => {
    const starts = separates(before);
    before = rune;
    return starts ? toTitle(rune) : rune;
  });
}

function untitle(runes: number[]): number[] {
  let starts = true;
  return runes.map((rune) => {
    if (isSpace(rune)) {
      starts = true;
      return rune;
    }
    const result = starts ? toLower(rune) : rune;
    starts = false;
    return result;
  });
}

/** Lower case at a word's start becomes title case. */
function swapcase(runes: number[]): number[] {
  let starts = true;
  return runes.map((rune) => {
    const began = starts;
    starts = false;
    if (isUpper(rune) || isTitle(rune)) return toLower(rune);
    if (isLower(rune)) return began ? toTitle(rune) : toUpper(rune);
    starts = isSpace(rune);
    return rune;
  });
}

/** Each word with a capital; of several connectors in a row the last falls away, at the start and the end none. */
function camelcase(runes: number[]): number[] {
  const start = runes.findIndex((rune) => !isConnector(rune));
  // Text of connectors alone comes back with its last one doubled: so does xstrings.
  if (start < 0) return runes.length > 0 ? [...runes, runes.at(-1)!] : runes;
  const out = runes.slice(0, start);
  let inCapitals = isUpper(runes[start]!);
  let before = toUpper(runes[start]!);
  for (let rune of runes.slice(start + 1)) {
    if (!isConnector(before)) {
      out.push(before);
      inCapitals &&= isUpper(rune);
      if (inCapitals) rune = toLower(rune);
    } else if (isConnector(rune)) {
      out.push(before);
    } else {
      inCapitals = isUpper(rune);
      rune = toUpper(rune);
    }
    before = rune;
  }
  out.push(before);
  return out;
}

function separating(connector: string): GoFunction {
  return fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return made(ctx, separateWords(text, connector));
  });
}

export const caseFunctions: FunctionTable = {
  upper: fn([stringType], ([text], ctx) => changedCase(ctx, text, (plain) => plain.toUpperCase(), toUpper)),
  lower: fn([stringType], ([text], ctx) => changedCase(ctx, text, (plain) => plain.toLowerCase(), toLower)),
  title: mapping(title),
  untitle: mapping(untitle),
  swapcase: mapping(swapcase),
  camelcase: mapping(camelcase),
  snakecase: separating("_"),
  kebabcase: separating("-"),
};
