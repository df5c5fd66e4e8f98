/**
 * Go's printing of values: what fmt does for each verb and each kind, and print, println.
 *
 * A verb that a kind does not know reads `%!verb(type=value)`, as in Go.
 */
import type { Meter } from "./functions.ts";
import { printComplex, printFloat, printInteger } from "./print-numbers.ts";
import type { PrintSpec } from "./print-spec.ts";
import { pad, plainSpec } from "./print-spec.ts";
import { canBackquote, quote } from "./quote.ts";
import type { GoString } from "./text.ts";
import { ascii, bytesOf, decodeRune, isAscii } from "./text.ts";
import { isUnsigned } from "./types.ts";
import { GoComplex, GoMap, GoNumber, GoSlice, typeName, typeOf } from "./values.ts";
import type { GoObject, GoValue } from "./values.ts";

/** `%v` of one value: what an action prints, and fmt.Sprint of a single operand. */
export function printed(value: GoValue, meter: Meter): GoString {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return ascii(value.toString());
  if (typeof value === "boolean") return ascii(value ? "true" : "false");
  return printOne(plainSpec(meter), value, "v");
}

/** fmt.Sprint: a space between operands when neither is a string. */
export function sprint(values: readonly GoValue[], meter: Meter): GoString {
  if (values.length === 1) return printed(values[0], meter);
  let out = "";
  let afterString = true;
  for (const [index, value] of values.entries()) {
    const isString = typeOf(value)?.kind === "string";
    if (index > 0 && !isString && !afterString) out += " ";
    out += printed(value, meter);
    afterString = isString;
  }
  return ascii(out);
}

/** fmt.Sprintln: a space between operands, a newline at the end. */
export function sprintln(values: readonly GoValue[], meter: Meter): GoString {
  const spec = plainSpec(meter);
  return ascii(`${values.map((value) => printOne(spec, value, "v")).join(" ")}\n`);
}

/** One operand of a printf verb. */
export function printOne(spec: PrintSpec, value: GoValue, verb: string): GoString {
  if (value === null || value === undefined)
    return verb === "T" || verb === "v" ? pad(spec, "<nil>") : ascii(`%!${verb}(<nil>)`);
  if (verb === "T") return printText(spec, ascii(typeName(value)), "s")!;
  if (verb === "p") return printPointer(spec, value, verb);
  if (verb === "w") return badVerb(spec, value, verb, 0);
  return printAt(spec, value, verb, 0);
}

function printAt(spec: PrintSpec, value: GoValue, verb: string, depth: number): GoString {
  spec.meter.charge(1);
  if (value === null || value === undefined) return ascii(spec.sharpV ? "interface {}(nil)" : "<nil>");
  const text = ownText(spec, value, verb) ?? byKind(spec, value, verb, depth);
  if (text === undefined) return badVerb(spec, value, verb, depth);
  // Each level of a nested value copies what the levels below have made.
  if (text.length > 64) spec.meter.produce(text.length);
  return text;
}

function badVerb(spec: PrintSpec, value: GoValue, verb: string, depth: number): GoString {
  const inner = printAt({ ...spec, erroring: true }, value, "v", depth);
  return ascii(`%!${verb}(${typeName(value)}=${inner})`);
}

/** What a String() or Error() method says, where fmt asks it. */
function ownText(spec: PrintSpec, value: GoValue, verb: string): GoString | undefined {
  if (typeof value !== "object" || value === null || spec.sharpV || spec.erroring) return undefined;
  const print = typeOf(value)!.print;
  return print && "vsxXq".includes(verb) ? printText(spec, print(value), verb) : undefined;
}

function byKind(spec: PrintSpec, value: GoValue, verb: string, depth: number): GoString | undefined {
  if (typeof value === "string") return printText(spec, value, verb);
  if (typeof value === "bigint") return printInteger(spec, value, true, verb);
  if (typeof value === "number") return printFloat(spec, value, 64, verb);
  if (typeof value === "boolean") return verb === "t" || verb === "v" ? pad(spec, String(value)) : undefined;
  if (value instanceof GoNumber) return printNumber(spec, value, verb);
  if (value instanceof GoComplex) return printComplex(spec, value.re, value.im, verb);
  if (value instanceof GoSlice) return printSlice(spec, value, verb, depth);
  if (value instanceof GoMap) return printMap(spec, value, verb, depth);
  return printObject(spec, value as GoObject, verb, depth);
}

function printNumber(spec: PrintSpec, { type, value }: GoNumber, verb: string): GoString | undefined {
  if (typeof value === "bigint") return printInteger(spec, value, !isUnsigned(type.kind), verb);
  return printFloat(spec, value, type.kind === "float32" ? 32 : 64, verb);
}

/** A string, or bytes printed like one. */
function printText(spec: PrintSpec, value: GoString, verb: string): GoString | undefined {
  switch (verb) {
    case "v":
      return spec.sharpV ? printQuoted(spec, value) : pad(spec, truncated(spec, value));
    case "s":
      return pad(spec, truncated(spec, value));
    case "q":
      return printQuoted(spec, value);
    case "x":
    case "X":
      return printHex(spec, value, verb);
    default:
      return undefined;
  }
}

function truncated({ precision }: PrintSpec, value: GoString): GoString {
  if (precision === undefined) return value;
  if (isAscii(value)) return ascii(value.slice(0, precision));
  let at = 0;
  for (let left = precision; left > 0 && at < value.length; left--) at += decodeRune(value, at).width;
  return ascii(value.slice(0, at));
}

function printQuoted(spec: PrintSpec, whole: GoString): GoString {
  const value = truncated(spec, whole);
  return pad(spec, spec.sharp && canBackquote(value) ? `\`${value}\`` : quote(value, spec.plus));
}

function printHex(spec: PrintSpec, value: GoString, verb: "x" | "X"): GoString {
  const bytes = bytesOf(ascii(value.slice(0, spec.precision ?? value.length))).toString("hex");
  const prefix = spec.sharp && bytes !== "" ? "0x" : "";
  const text = spec.space ? bytes.replace(/..(?!$)/g, `$& ${prefix}`) : bytes;
  return pad(spec, verb === "X" ? (prefix + text).toUpperCase() : prefix + text);
}

function printSlice(spec: PrintSpec, value: GoSlice, verb: string, depth: number): GoString | undefined {
  const isBytes = value.type.elem!.kind === "uint8";
  if (isBytes && "sqxX".includes(verb)) return printText(spec, bytesText(value), verb);
  if (!spec.sharpV) return ascii(`[${value.items.map((item) => printAt(spec, item, verb, depth + 1)).join(" ")}]`);
  const name = isBytes && depth === 0 ? "[]byte" : value.type.name;
  if (value.isNil) return ascii(`${name}(nil)`);
  return ascii(`${name}{${value.items.map((item) => printAt(spec, item, verb, depth + 1)).join(", ")}}`);
}

const bytesText = (value: GoSlice): GoString =>
  ascii(value.items.map((item) => String.fromCharCode(Number((item as GoNumber).value))).join(""));

function printMap(spec: PrintSpec, value: GoMap, verb: string, depth: number): GoString {
  const pairs = value
    .sortedKeys()
    .map((key) => printAt(spec, key, verb, depth + 1) + ":" + printAt(spec, value.entries.get(key), verb, depth + 1));
  if (!spec.sharpV) return ascii(`map[${pairs.join(" ")}]`);
  return ascii(value.isNil ? `${value.type.name}(nil)` : `${value.type.name}{${pairs.join(", ")}}`);
}

function printObject(spec: PrintSpec, value: GoObject, verb: string, depth: number): GoString | undefined {
  const { type } = value;
  const isPointer = type.kind === "ptr";
  if (!type.fields || (isPointer && depth > 0)) return isPointer ? printPointer(spec, value, verb) : undefined;
  const pairs = [...type.fields].map(([name, field]) => {
    const text = printAt(spec, field(value), verb, depth + 1);
    return spec.plusV || spec.sharpV ? `${name}:${text}` : text;
  });
  const name = isPointer ? (type.elem?.name ?? type.name.slice(1)) : type.name;
  const body = spec.sharpV ? `${name}{${pairs.join(", ")}}` : `{${pairs.join(" ")}}`;
  return ascii(isPointer ? `&${body}` : body);
}

/** There are no addresses here; a constant stands for every one. */
const address = 0xc000010000n;

function printPointer(spec: PrintSpec, value: GoValue, verb: string): GoString {
  const pointing = value instanceof GoSlice || value instanceof GoMap || (value as GoObject).type?.kind === "ptr";
  if (!pointing) return badVerb(spec, value, verb, 0);
  const isNil = (value instanceof GoSlice || value instanceof GoMap) && value.isNil;
  const hexSpec = { ...spec, sharp: !spec.sharp };
  if (verb === "v" && spec.sharpV) return ascii(`(${typeName(value)})(0x${address.toString(16)})`);
  if (verb === "v" || verb === "p") return printInteger(hexSpec, isNil ? 0n : address, false, "x")!;
  return printInteger(spec, address, false, verb) ?? badVerb(spec, value, "v", 0);
}
