/** Numbers under Go's printing verbs. Each function gives undefined for a verb that its type does not know. */
import type { FloatVerb } from "./decimal.ts";
import { formatFloat } from "./decimal.ts";
import type { PrintSpec } from "./print-spec.ts";
import { pad, padSpaces } from "./print-spec.ts";
import { isPrint, quoteRune } from "./quote.ts";
import type { GoString } from "./text.ts";
import { ascii, fromRune } from "./text.ts";

const bases: Readonly<Partial<Record<string, number>>> = { b: 2, d: 10, o: 8, O: 8, v: 10, x: 16, X: 16 };

/** A signed or unsigned integer of 64 bits or less. */
export function printInteger(spec: PrintSpec, value: bigint, signed: boolean, verb: string): GoString | undefined {
  if (verb === "v" && spec.sharpV && !signed) return integerText({ ...spec, sharp: true }, value, 16, "x");
  const base = bases[verb];
  if (base !== undefined) return integerText(spec, value, base, verb);
  if (verb === "c") return pad(spec, fromRune(runeOf(value)));
  if (verb === "q") return pad(spec, quoteRune(runeOf(value), spec.plus));
  if (verb === "U") return unicodeText(spec, value);
  return undefined;
}

const runeOf = (value: bigint): number => (value < 0n || value > 0x10ffffn ? 0xfffd : Number(value));

function integerText(spec: PrintSpec, value: bigint, base: number, verb: string): GoString {
  const negative = value < 0n;
  const { width, precision } = spec;
  if (precision === 0 && value === 0n) return padSpaces(spec, "");
  const sign = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  let digits = (negative ? -value : value).toString(base);
  if (precision !== undefined) digits = digits.padStart(precision, "0");
  else if (spec.zero && !spec.minus && width !== undefined) digits = digits.padStart(width - sign.length, "0");
  if (spec.sharp) digits = prefixed(digits, base);
  if (verb === "O") digits = `0o${digits}`;
  if (verb === "X") digits = digits.toUpperCase();
  return padSpaces(spec, sign + digits);
}

function prefixed(digits: string, base: number): string {
  if (base === 16) return `0x${digits}`;
  if (base === 2) return `0b${digits}`;
  return base === 8 && !digits.startsWith("0") ? `0${digits}` : digits;
}

function unicodeText(spec: PrintSpec, value: bigint): GoString {
  const unsigned = BigInt.asUintN(64, value);
  const digits = unsigned
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, spec.precision ?? 0), "0");
  const shown = spec.sharp && unsigned <= 0x10ffffn && isPrint(Number(unsigned));
  return padSpaces(spec, `U+${digits}${shown ? ` '${fromRune(Number(unsigned))}'` : ""}`);
}

/** float64 or float32. */
export function printFloat(spec: PrintSpec, value: number, bits: 32 | 64, verb: string): GoString | undefined {
  switch (verb) {
    case "v":
      return floatText(spec, value, bits, "g", -1);
    case "b":
    case "g":
    case "G":
    case "x":
    case "X":
      return floatText(spec, value, bits, verb, -1);
    case "e":
    case "E":
    case "f":
      return floatText(spec, value, bits, verb, 6);
    case "F":
      return floatText(spec, value, bits, "f", 6);
    default:
      return undefined;
  }
}

function floatText(spec: PrintSpec, value: number, bits: 32 | 64, verb: FloatVerb, usual: number): GoString {
  const precision = spec.precision ?? usual;
  const text = formatFloat(value, verb, precision, bits);
  const signed = /^[+-]/.test(text);
  let sign = signed ? text.charAt(0) : "+";
  let body = signed ? text.slice(1) : text;
  if (spec.space && sign === "+" && !spec.plus) sign = " ";
  if (body === "Inf" || body === "NaN") {
    const bare = body === "NaN" && !spec.space && !spec.plus;
    return padSpaces(spec, bare ? body : sign + body);
  }
  if (spec.sharp && verb !== "b") body = keepZeros(body, verb, precision);
  if (!spec.plus && sign === "+") return pad(spec, body);
  const fills = spec.zero && !spec.minus && spec.width !== undefined && spec.width > body.length + 1;
  return fills ? ascii(sign + body.padStart(spec.width - 1, "0")) : pad(spec, sign + body);
}

/** The # flag: a decimal point always, and the zeros that %g would drop. */
function keepZeros(body: string, verb: FloatVerb, precision: number): string {
  const inHex = verb === "x" || verb === "X";
  const at = body.search(inHex ? /p/i : /e/i);
  const tail = at < 0 ? "" : body.slice(at);
  let number = at < 0 ? body : body.slice(0, at);
  let wanted = verb === "g" || verb === "G" || verb === "x" ? (precision === -1 ? 6 : precision) : 0;
  const point = number.includes(".");
  wanted -= number.replace(".", "").replace(/^0+/, "").length;
  if (!point) {
    if (number === "0") wanted--;
    number += ".";
  }
  return number + "0".repeat(Math.max(wanted, 0)) + tail;
}

const complexVerbs = new Set(["v", "b", "g", "G", "x", "X", "f", "F", "e", "E"]);

export function printComplex(spec: PrintSpec, re: number, im: number, verb: string): GoString | undefined {
  if (!complexVerbs.has(verb)) return undefined;
  const real = printFloat(spec, re, 64, verb)!;
  const imaginary = printFloat({ ...spec, plus: true }, im, 64, verb)!;
  return ascii(`(${real}${imaginary}i)`);
}
