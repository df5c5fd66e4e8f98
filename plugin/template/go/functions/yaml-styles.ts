/** How go-yaml v2 writes a text: plain where nothing can mistake it, else in one of three kinds of quotes. */
import type { CallContext } from "../functions.ts";
import { fromText } from "../text.ts";
import { resolveScalar } from "./yaml-scalars.ts";

export type Style = "plain" | "single" | "double" | "literal";

/** Older readers take 1:30 for a number. */
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Characters that only double quotes can carry; go-yaml counts all beyond U+FFFF among them. */
const special = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;

/** What makes a plain text something else: an indicator at its start, a colon before a space, a comment. */
const indicator = /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t]|$)|---|\.\.\.)|:(?:[ \t]|$)|[ \n\u2028\u2029]#/;

const anyBreak = /[\n\r\x85\u2028\u2029]/;
const edge = /^[ \n\u2028\u2029]|[ \n\u2028\u2029]$/;

export const isMultiline = (text: string): boolean => anyBreak.test(text);

function wanted(ctx: CallContext, text: string): Style {
  if (text.includes("\n")) return "literal";
  const bytes = fromText(text);
  return resolveScalar(ctx, bytes).tag === "str" && !base60.test(bytes) ? "plain" : "double";
}

/** The style for a text; keys stay on one line. */
export function chooseStyle(ctx: CallContext, text: string, isKey: boolean): Style {
  ctx.charge(1 + (text.length >> 5));
  const style = wanted(ctx, text);
  const multiline = isMultiline(text);
  if (style === "double" || (isKey && multiline)) return "double";
  const needsDouble = special.test(text) || / [\n\u2028\u2029]/.test(text);
  if (needsDouble) return "double";
  if (style === "literal") return isKey || text.endsWith(" ") ? "double" : "literal";
  if (!multiline && !edge.test(text) && !indicator.test(text)) return "plain";
  return /[\n\u2028\u2029] /.test(text) ? "double" : "single";
}

const named: ReadonlyMap<number, string> = new Map([
  [0, "0"],
  [7, "a"],
  [8, "b"],
  [9, "t"],
  [10, "n"],
  [11, "v"],
  [12, "f"],
  [13, "r"],
  [0x1b, "e"],
  [0x22, '"'],
  [0x5c, "\\"],
  [0x85, "N"],
  [0xa0, "_"],
  [0x2028, "L"],
  [0x2029, "P"],
]);

function escaped(char: string): string {
  const rune = char.codePointAt(0)!;
  const hex = (digits: number): string => rune.toString(16).toUpperCase().padStart(digits, "0");
  const short = named.get(rune);
  if (short !== undefined) return `\\${short}`;
  if (rune <= 0xff) return `\\x${hex(2)}`;
  return rune <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

const toEscape = new RegExp(`${special.source}|[\\n"\\\\\\u2028\\u2029]`, "gu");

/**
 * What stands between double quotes. go-yaml looks for a byte order mark at the text's start whichever character it is
 * at, and then escapes each one.
 */
export function doubleQuotable(text: string): string {
  return text.replace(text.startsWith("\ufeff") ? /[^]/gu : toEscape, escaped);
}
