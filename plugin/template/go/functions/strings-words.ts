/**
 * Words inside names, for snake_case and kebab-case: HTTPServer2xx is http, server, 2xx.
 *
 * The rules and their odd corners (which side a number joins, what punctuation does) are xstrings'.
 */
import type { GoString } from "../text.ts";
import { ascii, decodeRune, fromRune, runeError, runesOf } from "../text.ts";
import { isLetter, isNumber, isPunct, isSpace, isUpper, toLower } from "./runes.ts";

type WordKind = "nothing" | "number" | "capitals" | "letters" | "connector" | "punctuation" | "other";

interface Word {
  readonly kind: WordKind;
  readonly text: GoString;
  readonly end: number;
}

/** What stands between the words of a name. */
export const isConnector = (rune: number): boolean => rune === 0x2d || rune === 0x5f || isSpace(rune);

const cjk: readonly (readonly [number, number])[] = [
  [0x3400, 0x4d85],
  [0x4e00, 0x9fcc],
  [0x20000, 0x2b81d],
];
const isAlphabet = (rune: number): boolean => isLetter(rune) && !cjk.some(([from, to]) => rune >= from && rune <= to);

/** The next rune that is one; bytes that are none go with it. At the text's end it is `otherwise`. */
function runeAfter(text: GoString, at: number, otherwise: number): { rune: number; end: number } {
  let end = at;
  while (end < text.length) {
    const { rune, width } = decodeRune(text, end);
    end += width;
    if (rune !== runeError) return { rune, end };
  }
  return { rune: otherwise, end };
}

/** How far runes that `belong` go on from `at`. */
function runOf(text: GoString, at: number, rune: number, belong: (rune: number) => boolean): number {
  let end = at;
  let last = rune;
  while (end < text.length) {
    const next = runeAfter(text, end, last);
    if (!belong(next.rune)) break;
    last = next.rune;
    end = next.end;
  }
  return end;
}

const isSmall = (rune: number): boolean => isAlphabet(rune) && !isUpper(rune);
const isOther = (rune: number): boolean => !isConnector(rune) && !isAlphabet(rune) && !isNumber(rune) && !isPunct(rune);

/** One capital and small letters, or capitals up to the one that begins the next word. */
function capitalsEnd(text: GoString, first: { rune: number; end: number }): number {
  if (first.end >= text.length) return first.end;
  const second = runeAfter(text, first.end, first.rune);
  if (!isUpper(second.rune)) return runOf(text, first.end, first.rune, isSmall);
  let end = second.end;
  let start = first.end;
  let last = second.rune;
  while (end < text.length) {
    const next = runeAfter(text, end, last);
    last = next.rune;
    if (!isUpper(next.rune)) return isAlphabet(next.rune) ? start : end;
    start = end;
    end = next.end;
  }
  return end;
}

function wordAt(text: GoString, at: number): Word {
  const word = (kind: WordKind, end: number): Word => ({ kind, text: ascii(text.slice(at, end)), end });
  const first = runeAfter(text, at, runeError);
  const { rune, end } = first;
  if (at >= text.length || rune === runeError) return word("nothing", end);
  if (isConnector(rune)) return word("connector", runOf(text, end, rune, isConnector));
  if (isPunct(rune)) return word("punctuation", runOf(text, end, rune, isPunct));
  if (isUpper(rune)) return word("capitals", capitalsEnd(text, first));
  if (isAlphabet(rune)) return word("letters", runOf(text, end, rune, isSmall));
  if (isNumber(rune)) return word("number", runOf(text, end, rune, isNumber));
  return word("other", runOf(text, end, rune, isOther));
}

function lowered({ kind, text }: Word, connector: string): string {
  if (kind !== "capitals" && kind !== "connector") return text;
  return runesOf(text)
    .map((rune) => (isConnector(rune) ? connector : fromRune(isUpper(rune) ? toLower(rune) : rune)))
    .join("");
}

const joinsNumbers = (word: Word): boolean => word.kind === "letters" || word.kind === "number";
const separatesItself = (word: Word): boolean => word.kind === "connector" || word.kind === "punctuation";

/** The name's words in lower case with the connector between them. */
export function separateWords(text: GoString, connector: string): GoString {
  let out = "";
  let word = wordAt(text, 0);
  const take = (taken: Word): Word => {
    out += lowered(taken, connector);
    return wordAt(text, word.end);
  };
  const more = (): boolean => word.end < text.length;
  const takeNumber = (): void => {
    while (joinsNumbers(word)) word = take(word);
    if (word.kind !== "nothing" && !separatesItself(word)) out += connector;
  };
  while (more()) {
    const before = word;
    word = take(before);
    if (before.kind === "number") takeNumber();
    else if (before.kind !== "connector" && before.kind !== "punctuation") afterWord();
  }
  return ascii(out + lowered(word, connector));

  /** A number after a word belongs to it, unless small letters follow: Bld4Floor is bld4_floor, http2xx is http_2xx. */
  function afterWord(): void {
    if (word.kind !== "number") {
      if (!separatesItself(word)) out += connector;
      return;
    }
    if (!more()) return;
    const number = word;
    const next = wordAt(text, number.end);
    if (next.kind !== "letters") {
      word = take(number);
      if (!separatesItself(word)) out += connector;
      return;
    }
    out += connector;
    word = take(number);
    takeNumber();
  }
}
