/**
 * JSON as Go's encoding/json writes it: keys in byte order, floats in their shortest form, bytes in base64, bytes that
 * are no UTF-8 as \\ufffd.
 */
import { BudgetError, fail, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf, decodeRune, runeError } from "../text.ts";
import { uint8Type } from "../types.ts";
import type { GoValue, GoObject } from "../values.ts";
import { GoComplex, GoMap, GoNumber, GoSlice } from "../values.ts";
import { deepestValue } from "./costs.ts";
import { jsonTextOf } from "./json-objects.ts";
import { textOfBytes } from "./text-of-values.ts";

export interface JsonStyle {
  /** Write <, > and & as \\u003c, \\u003e and \\u0026. */
  readonly escapeHtml: boolean;
  /** Two spaces for each level, one value a line. */
  readonly indent: boolean;
}

interface Writer extends JsonStyle {
  readonly ctx: CallContext;
  /** What the value lies in: dicts can be put into themselves. */
  readonly inside: Set<GoValue>;
}

const named: ReadonlyMap<number, string> = new Map([
  [0x22, '\\"'],
  [0x5c, "\\\\"],
  [8, "\\b"],
  [12, "\\f"],
  [10, "\\n"],
  [13, "\\r"],
  [9, "\\t"],
]);

const unicodeEscape = (rune: number): string => `\\u${rune.toString(16).padStart(4, "0")}`;

const plain = /^[\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x5b\x5d-\x7f]*$/;

/** A JSON string. */
export function quoteJson(text: GoString, escapeHtml: boolean): string {
  if (plain.test(text)) return `"${text}"`;
  let out = '"';
  for (let at = 0; at < text.length;) {
    const { rune, width } = decodeRune(text, at);
    const isHtml = rune === 0x3c || rune === 0x3e || rune === 0x26;
    const short = named.get(rune);
    if (short) out += short;
    else if (rune < 0x20 || (isHtml && escapeHtml)) out += unicodeEscape(rune);
    else if (rune === 0x2028 || rune === 0x2029 || (rune === runeError && width === 1)) out += unicodeEscape(rune);
    else out += text.slice(at, at + width);
    at += width;
  }
  return `${out}"`;
}

/** A float: no exponent between 1e-6 and 1e21, as JavaScript has it too; -0 keeps its sign. */
function floatText(value: number, bits: 32 | 64): string {
  if (!Number.isFinite(value))
    fail(`json: unsupported value: ${secret(Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf")}`);
  if (Object.is(value, -0)) return "-0";
  return bits === 64 ? String(value) : String(shortestOf32(value));
}

/** The shortest decimal that reads back as the same float32. */
function shortestOf32(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** The parts of a list or an object, between its brackets; an empty one stays on its line. */
function bracketed({ indent, ctx }: Writer, parts: readonly string[], brackets: string, depth: number): string {
  const [open, close] = [brackets.charAt(0), brackets.charAt(1)];
  const length = parts.reduce((sum, part) => sum + part.length + 1, 2);
  ctx.produce(length + (indent ? (parts.length + 1) * (depth + 1) * 2 : 0));
  if (!indent || parts.length === 0) return open + parts.join(",") + close;
  const pad = "  ".repeat(depth);
  return `${open}\n${parts.map((part) => `${pad}  ${part}`).join(",\n")}\n${pad}${close}`;
}

function nested(writer: Writer, value: GoSlice | GoMap, depth: number, write: () => string): string {
  const { ctx, inside } = writer;
  if (inside.has(value)) fail(`json: unsupported value: encountered a cycle via ${value.type.name}`);
  if (depth > deepestValue) throw new BudgetError("depth");
  ctx.charge(1 + (value instanceof GoSlice ? value.items.length : value.entries.size));
  inside.add(value);
  const text = write();
  inside.delete(value);
  return text;
}

function objectText(writer: Writer, pairs: Iterable<readonly [string, GoValue]>, depth: number): string {
  const colon = writer.indent ? ": " : ":";
  const parts = [...pairs].map(
    ([key, item]) => quoteJson(ascii(key), writer.escapeHtml) + colon + valueText(writer, item, depth + 1),
  );
  return bracketed(writer, parts, "{}", depth);
}

function listText(writer: Writer, value: GoSlice, depth: number): string {
  if (value.isNil) return "null";
  if (value.type.elem === uint8Type) return `"${bytesOf(textOfBytes(value)).toString("base64")}"`;
  return nested(writer, value, depth, () =>
    bracketed(
      writer,
      value.items.map((item) => valueText(writer, item, depth + 1)),
      "[]",
      depth,
    ),
  );
}

function valueText(writer: Writer, value: GoValue, depth: number): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return stringText(writer, value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") return floatText(value, 64);
  if (value instanceof GoNumber)
    return typeof value.value === "bigint" ? String(value.value) : floatText(value.value, 32);
  if (value instanceof GoComplex) return fail("json: unsupported type: complex128");
  if (value instanceof GoSlice) return listText(writer, value, depth);
  if (value instanceof GoMap) {
    if (value.isNil) return "null";
    const keys = (): (readonly [string, GoValue])[] =>
      value.sortedKeys().map((key) => [key, value.entries.get(key)] as const);
    return nested(writer, value, depth, () => objectText(writer, keys(), depth));
  }
  return structText(writer, value, depth);
}

function stringText({ ctx, escapeHtml }: Writer, value: GoString): string {
  ctx.produce(value.length);
  return quoteJson(value, escapeHtml);
}

/** A struct writes itself, or its exported fields. */
function structText(writer: Writer, value: GoObject, depth: number): string {
  const own = jsonTextOf(value);
  if (own !== undefined) return quoteJson(own, writer.escapeHtml);
  const fields = [...(value.type.fields ?? [])];
  return objectText(
    writer,
    fields.map(([name, read]) => [name, read(value)] as const),
    depth,
  );
}

/** json.Marshal and its kin. Fails with Go's texts for what JSON cannot say: NaN, complex numbers, cycles. */
export function encodeJson(ctx: CallContext, value: GoValue, style: JsonStyle): GoString {
  return ascii(valueText({ ...style, ctx, inside: new Set() }, value, 0));
}
