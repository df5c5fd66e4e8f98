/** Go's escapers html, js and urlquery, over bytes. */
import type { FunctionTable, Meter } from "../functions.ts";
import { variadic } from "../functions.ts";
import { sprint } from "../print.ts";
import { isPrint } from "../quote.ts";
import { ascii, decodeRune } from "../text.ts";
import { anyType } from "../types.ts";
import type { GoString, GoValue } from "../values.ts";

/** The arguments as one text: a missing value reads as an action would print it. */
function textOfAll(values: readonly GoValue[], meter: Meter): GoString {
  return sprint(
    values.map((value) => (value === null ? ascii("<no value>") : value)),
    meter,
  );
}

const htmlEscapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\xef\xbf\xbd"],
  ['"', "&#34;"],
  ["'", "&#39;"],
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);

const escapeHtml = (text: string): GoString => ascii(text.replace(/[\0"'&<>]/g, (char) => htmlEscapes.get(char)!));

const jsEscapes: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["'", "\\'"],
  ['"', '\\"'],
]);

const unicodeEscape = (rune: number): string => `\\u${rune.toString(16).toUpperCase().padStart(4, "0")}`;

function escapeJs(text: GoString): GoString {
  const special = /[\\'"<>&=\0-\x1f]|[\x80-\xff]+/g;
  return ascii(
    text.replace(special, (part) => {
      if (part < "\x80") return jsEscapes.get(part) ?? unicodeEscape(part.charCodeAt(0));
      let out = "";
      for (let at = 0; at < part.length;) {
        const { rune, width } = decodeRune(part, at);
        out += isPrint(rune) ? part.slice(at, at + width) : unicodeEscape(rune);
        at += width;
      }
      return out;
    }),
  );
}

/** url.QueryEscape. */
export function escapeQuery(text: GoString): GoString {
  return ascii(
    text.replace(/[^A-Za-z0-9\-_.~]/g, (char) =>
      char === " " ? "+" : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    ),
  );
}

/** Escapes make up to six bytes of one: counted before they are made. */
function escaper(escape: (text: GoString) => GoString) {
  return variadic([], anyType, (values, ctx) => {
    const text = textOfAll(values, ctx);
    ctx.charge(Math.ceil(text.length / 64));
    return escape(text);
  });
}

export const escapeFunctions: FunctionTable = {
  html: escaper(escapeHtml),
  js: escaper(escapeJs),
  urlquery: escaper(escapeQuery),
};
