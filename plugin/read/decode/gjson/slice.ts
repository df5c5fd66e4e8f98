/**
 * Raw JSON, walked without parsing it: every value is a piece of the text it came from.
 *
 * All text here and in the neighbouring files is *byte text*: one character per byte (latin1), so that order, length and
 * invalid UTF-8 are those of the bytes. Broken JSON never throws: a value that cannot be read ends the walk.
 */
import { unescape } from "./text.ts";

export type SliceKind = "null" | "false" | "true" | "number" | "string" | "json";

/** One JSON value as it stands in the document. `json` is an object or array. */
export interface Slice {
  readonly kind: SliceKind;
  readonly raw: string;
}

interface Read {
  readonly slice: Slice;
  /** Position behind the value. */
  readonly end: number;
}

export const isObject = (slice: Slice): boolean => slice.kind === "json" && slice.raw.startsWith("{");
export const isArray = (slice: Slice): boolean => slice.kind === "json" && slice.raw.startsWith("[");

/** The content of a string slice, unescaped. */
export function stringOf(raw: string): string {
  const closed = raw.length > 1 && raw.endsWith('"');
  return unescape(raw.slice(1, closed ? -1 : undefined));
}

/** Position behind the string whose quote stands at `at`; undefined when it is not closed. */
export function endOfString(text: string, at: number): number | undefined {
  for (let i = text.indexOf('"', at + 1); i !== -1; i = text.indexOf('"', i + 1)) {
    let slashes = 0;
    while (i - 1 - slashes > at && text[i - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return i + 1;
  }
  return undefined;
}

/** Position behind the bracket that closes the one at `at`; any kind closes any kind. The end of the text when none does. */
export function endOfBrackets(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: {
        const end = endOfString(text, i);
        if (end === undefined) return text.length;
        i = end - 1;
        break;
      }
      case 0x28: // (
      case 0x5b: // [
      case 0x7b: // {
        depth++;
        break;
      case 0x29: // )
      case 0x5d: // ]
      case 0x7d: // }
        if (--depth <= 0) return i + 1;
    }
  }
  return text.length;
}

const valueStart = /[{["tfn+\-0-9iIN]/g;
const literal = /[a-z]*/y;
const number = /[^][^\0- ,\]}]*/y;

/** The first value at or behind `at`. Separators on the way are skipped. */
export function valueAt(text: string, at: number): Read | undefined {
  valueStart.lastIndex = at;
  const start = valueStart.exec(text)?.index;
  if (start === undefined) return undefined;
  const first = text[start]!;
  if (first === '"') return read("string", text, start, endOfString(text, start));
  if (first === "{" || first === "[") return read("json", text, start, endOfBrackets(text, start));
  if (first === "t" || first === "f" || (first === "n" && (text[start + 1] ?? "u") === "u")) {
    literal.lastIndex = start;
    literal.exec(text);
    return read(first === "t" ? "true" : first === "f" ? "false" : "null", text, start, literal.lastIndex);
  }
  number.lastIndex = start;
  number.exec(text);
  return read("number", text, start, number.lastIndex);
}

function read(kind: SliceKind, text: string, start: number, end: number | undefined): Read | undefined {
  return end === undefined ? undefined : { slice: { kind, raw: text.slice(start, end) }, end };
}

/**
 * A whole text as one value. An object or array keeps everything behind its first bracket, white space included, as
 * gjson hands it on. Undefined for an empty text or one that starts with no value.
 */
export function parseWhole(text: string): Slice | undefined {
  const start = /[^\0- ]/.exec(text)?.index;
  if (start === undefined || !/[{["tfn+\-0-9iIN]/.test(text[start]!)) return undefined;
  if (text[start] === "{" || text[start] === "[") return { kind: "json", raw: text.slice(start) };
  const whole = valueAt(text, start)?.slice;
  return whole ?? { kind: "string", raw: text.slice(start) };
}

/** Calls back for each element of an array's text (its closing bracket may be missing) until one returns true. */
export function someElement(text: string, visit: (value: Slice, index: number) => boolean): boolean {
  let at = 1;
  for (let index = 0; ; index++) {
    at = skipSeparators(text, at);
    if (at >= text.length || text[at] === "]") return false;
    const next = valueAt(text, at);
    if (!next) return false;
    if (visit(next.slice, index)) return true;
    at = next.end;
  }
}

/** Calls back for each member of an object's text until one returns true. `key` is unescaped, `rawKey` as it stands. */
export function someMember(text: string, visit: (key: string, value: Slice, rawKey: string) => boolean): boolean {
  let at = 1;
  for (;;) {
    while (at < text.length && text[at] !== '"' && text[at] !== "}") at++;
    if (at >= text.length || text[at] === "}") return false;
    const keyEnd = endOfString(text, at);
    if (keyEnd === undefined) return false;
    const rawKey = text.slice(at, keyEnd);
    const next = valueAt(text, keyEnd);
    if (!next) return false;
    if (visit(stringOf(rawKey), next.slice, rawKey)) return true;
    at = next.end;
  }
}

/** Every element of an array, every value of an object; a scalar counts as its own only element. */
export function children(slice: Slice): Slice[] {
  const found: Slice[] = [];
  const keep = (value: Slice): boolean => (found.push(value), false);
  if (isArray(slice)) someElement(slice.raw, keep);
  else if (isObject(slice)) someMember(slice.raw, (_key, value) => keep(value));
  else found.push(slice);
  return found;
}

function skipSeparators(text: string, from: number): number {
  let at = from;
  while (at < text.length && (text[at]! <= " " || text[at] === "," || text[at] === ":")) at++;
  return at;
}
