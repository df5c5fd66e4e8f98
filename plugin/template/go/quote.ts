/** Go's quoting of strings and characters (strconv.Quote, Unquote and their kin), over byte strings. */
import type { GoString } from "./text.ts";
import { ascii, decodeRune, fromRune, isUtf8, runeError } from "./text.ts";

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

/** unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrint(rune: number): boolean {
  if (rune < 0x7f) return rune >= 0x20;
  return rune <= 0x10ffff && printable.test(String.fromCodePoint(rune));
}

const named: ReadonlyMap<number, string> = new Map([
  [7, "\\a"],
  [8, "\\b"],
  [12, "\\f"],
  [10, "\\n"],
  [13, "\\r"],
  [9, "\\t"],
  [11, "\\v"],
]);

export const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

function escapedRune(rune: number, quote: string, asciiOnly: boolean): string {
  if (rune === quote.charCodeAt(0) || rune === 0x5c) return `\\${String.fromCharCode(rune)}`;
  if (rune < 0x80 ? isPrint(rune) : !asciiOnly && isPrint(rune)) return fromRune(rune);
  const short = named.get(rune);
  if (short) return short;
  if (rune < 0x20 || rune === 0x7f) return `\\x${hex(rune, 2)}`;
  return rune < 0x10000 ? `\\u${hex(rune, 4)}` : `\\U${hex(rune, 8)}`;
}

const plainAscii = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** strconv.Quote; with `asciiOnly` strconv.QuoteToASCII. */
export function quote(value: GoString, asciiOnly = false): GoString {
  if (plainAscii.test(value)) return ascii(`"${value}"`);
  return ascii(`"${value.replace(special, (part) => escapedPart(part, asciiOnly))}"`);
}

/** What Quote does not leave as it is: one ASCII character, or a run of bytes beyond. */
const special = /["\\\x00-\x1f\x7f]|[\x80-\xff]+/g;

function escapedPart(part: string, asciiOnly: boolean): string {
  let out = "";
  for (let at = 0; at < part.length;) {
    const { rune, width } = decodeRune(part, at);
    const bad = rune === runeError && width === 1;
    out += bad ? `\\x${hex(part.charCodeAt(at), 2)}` : escapedRune(rune, '"', asciiOnly);
    at += width;
  }
  return out;
}

/** strconv.QuoteRune; with `asciiOnly` strconv.QuoteRuneToASCII. */
export function quoteRune(rune: number, asciiOnly = false): GoString {
  const valid = rune >= 0 && rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff);
  return ascii(`'${escapedRune(valid ? rune : runeError, "'", asciiOnly)}'`);
}

/** strconv.CanBackquote: one line, no control character but tab, no backquote, no byte order mark, valid UTF-8. */
export function canBackquote(value: GoString): boolean {
  for (let at = 0; at < value.length;) {
    const { rune, width } = decodeRune(value, at);
    if (rune === 0xfeff || (rune === runeError && width === 1)) return false;
    if ((rune < 0x20 && rune !== 9) || rune === 0x60 || rune === 0x7f) return false;
    at += width;
  }
  return true;
}

const simpleEscapes: Readonly<Record<string, number>> = Object.freeze({
  __proto__: null,
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 0x5c,
}) as unknown as Readonly<Record<string, number>>;

const numeric: ReadonlyMap<string, RegExp> = new Map([
  ["x", /^[0-9a-fA-F]{2}/],
  ["u", /^[0-9a-fA-F]{4}/],
  ["U", /^[0-9a-fA-F]{8}/],
]);

/** One character or escape of a quoted literal. `byte` is true where an escape names a byte, not a rune. */
export interface Unquoted {
  readonly rune: number;
  readonly byte: boolean;
  readonly width: number;
}

/** strconv.UnquoteChar at `at`; undefined where Go says "invalid syntax". */
export function unquoteChar(value: string, at: number, quoteMark: string): Unquoted | undefined {
  const first = value.charAt(at);
  if (first === "" || first === quoteMark || first === "\n") return undefined;
  if (first !== "\\") {
    const { rune, width } = decodeRune(value, at);
    return { rune, byte: false, width };
  }
  const letter = value.charAt(at + 1);
  const simple = simpleEscapes[letter];
  if (simple !== undefined) return { rune: simple, byte: false, width: 2 };
  if (letter === "'" || letter === '"')
    return letter === quoteMark ? { rune: letter.charCodeAt(0), byte: false, width: 2 } : undefined;
  return numericEscape(value, at, letter);
}

function numericEscape(value: string, at: number, letter: string): Unquoted | undefined {
  const form = numeric.get(letter);
  if (form) {
    const digits = form.exec(value.slice(at + 2, at + 10))?.[0];
    if (digits === undefined) return undefined;
    const rune = Number.parseInt(digits, 16);
    const valid = rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff);
    return letter === "x" || valid ? { rune, byte: letter === "x", width: 2 + digits.length } : undefined;
  }
  const octal = /^[0-7]{3}/.exec(value.slice(at + 1, at + 4))?.[0];
  const rune = octal === undefined ? 256 : Number.parseInt(octal, 8);
  return rune > 255 ? undefined : { rune, byte: true, width: 4 };
}

const plainBody = /^[\x20\x21\x23-\x5b\x5d-\x7f]*$/;

/** strconv.Unquote of a `"…"` or backquoted literal; undefined where Go says "invalid syntax". */
export function unquote(literal: string): GoString | undefined {
  const mark = literal.charAt(0);
  if (literal.length < 2 || literal.at(-1) !== mark) return undefined;
  const body = literal.slice(1, -1);
  if (mark === "`") return body.includes("`") ? undefined : ascii(body.replaceAll("\r", ""));
  if (plainBody.test(body) || (!/[\\\n"]/.test(body) && isUtf8(ascii(body)))) return ascii(body);
  let out = "";
  for (let at = 0; at < body.length;) {
    const part = unquoteChar(body, at, mark);
    if (!part) return undefined;
    out += part.byte ? String.fromCharCode(part.rune) : fromRune(part.rune);
    at += part.width;
  }
  return ascii(out);
}
