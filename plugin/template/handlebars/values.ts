/**
 * Values between the two worlds: JavaScript's, which Handlebars walks, and Go's, which the functions take.
 *
 * Objects have a prototype without a single name, so nothing is inherited that a template could reach. Bytes that are no
 * UTF-8 live in JavaScript text as lone surrogates (U+DC80 to U+DCFF, one a byte) and come out as they went in.
 */
import { ascii, bytesOf, decodeRune, fromBytes, fromText, isUtf8, runeError, textOf } from "../go/text.ts";
import type { GoString } from "../go/text.ts";
import type { Meter } from "../go/model.ts";
import { printed } from "../go/print.ts";
import { floatOf, GoMap, GoSlice, anyMap, anySlice, integerOf } from "../go/values.ts";
import type { GoValue } from "../go/values.ts";

export type Plain = undefined | null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Handlebars puts an object into an error's text; a symbol is no name that a template could say. */
const nameless = Object.freeze(Object.create(null, { [Symbol.toPrimitive]: { value: () => "[object]" } }) as object);

/** An object with these entries and nothing else. */
export function plainObject(entries: Iterable<readonly [string, Plain]>): { readonly [key: string]: Plain } {
  const object = Object.create(nameless) as Record<string, Plain>;
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: false, writable: false });
  return object;
}

const loneByte = /[\udc80-\udcff]/u;
const escapedByte = 0xdc00;

/** Bytes as JavaScript text. */
export function textOfBytes(bytes: Uint8Array): string {
  return jsText(fromBytes(bytes));
}

function jsText(value: GoString): string {
  if (isUtf8(value)) return textOf(value);
  const parts: string[] = [];
  for (let at = 0; at < value.length;) {
    const { rune, width } = decodeRune(value, at);
    const isByte = rune === runeError && width === 1;
    parts.push(isByte ? String.fromCharCode(escapedByte + value.charCodeAt(at)) : String.fromCodePoint(rune));
    at += width;
  }
  return parts.join("");
}

/** JavaScript text as Go's bytes. */
export function goText(text: string): GoString {
  if (!loneByte.test(text)) return fromText(text);
  return ascii(
    [...text]
      .map((char) => (loneByte.test(char) ? String.fromCharCode(char.charCodeAt(0) - escapedByte) : fromText(char)))
      .join(""),
  );
}

export const bytesOfText = (text: string): Buffer => bytesOf(goText(text));

/** A whole number is Go's int, any other a float64. */
export function toGo(value: Plain): Exclude<GoValue, undefined> {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return goText(value);
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return anySlice((value as readonly Plain[]).map(toGo));
  return anyMap(Object.entries(value).map(([key, item]) => [goText(key), toGo(item)] as const));
}

/** Integers that JavaScript cannot hold, and Go's objects, come as their text. */
export function toPlain(value: GoValue, meter: Meter): Plain {
  if (value === undefined || value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return jsText(value);
  const whole = integerOf(value);
  if (whole !== undefined && Number.isSafeInteger(Number(whole))) return Number(whole);
  const float = floatOf(value);
  if (float !== undefined) return float;
  meter.charge(1);
  if (value instanceof GoSlice) return Object.freeze(value.items.map((item) => toPlain(item, meter)));
  if (!(value instanceof GoMap)) return jsText(printed(value, meter));
  return plainObject([...value.entries].map(([key, item]) => [jsText(key), toPlain(item, meter)] as const));
}
