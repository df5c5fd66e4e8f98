/** Go's fmt.Sprintf: flags, widths, precisions, argument indexes, and the texts for every mistake in them. */
import type { Meter } from "./functions.ts";
import { printOne } from "./print.ts";
import type { PrintSpec } from "./print-spec.ts";
import { plainSpec } from "./print-spec.ts";
import type { GoString } from "./text.ts";
import { ascii, decodeRune } from "./text.ts";
import { integerOf, typeName } from "./values.ts";
import type { GoValue } from "./values.ts";

/** Beyond this, a width, precision or argument number counts as a mistake, as in Go. */
const largest = 1_000_000;

/** Where the format is read, and which operand comes next. */
interface Cursor {
  readonly format: string;
  readonly args: readonly GoValue[];
  readonly meter: Meter;
  at: number;
  next: number;
  reordered: boolean;
  goodIndex: boolean;
  afterIndex: boolean;
}

export function sprintf(format: GoString, args: readonly GoValue[], meter: Meter): GoString {
  const cursor: Cursor = {
    format,
    args,
    meter,
    at: 0,
    next: 0,
    reordered: false,
    goodIndex: true,
    afterIndex: false,
  };
  let out = "";
  while (cursor.at < format.length) {
    const percent = format.indexOf("%", cursor.at);
    if (percent < 0) {
      out += format.slice(cursor.at);
      break;
    }
    out += format.slice(cursor.at, percent);
    cursor.at = percent + 1;
    out += directive(cursor);
  }
  if (!cursor.reordered && cursor.next < args.length) out += extras(args.slice(cursor.next), meter);
  return ascii(out);
}

function extras(args: readonly GoValue[], meter: Meter): string {
  const texts = args.map((arg) =>
    arg === null || arg === undefined ? "<nil>" : `${typeName(arg)}=${printOne(plainSpec(meter), arg, "v")}`,
  );
  return `%!(EXTRA ${texts.join(", ")})`;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const flags: ReadonlyMap<string, "sharp" | "zero" | "plus" | "minus" | "space"> = new Map([
  ["#", "sharp"],
  ["0", "zero"],
  ["+", "plus"],
  ["-", "minus"],
  [" ", "space"],
]);

/** One % up to and with its verb. */
function directive(cursor: Cursor): string {
  const spec: Mutable<PrintSpec> = { ...plainSpec(cursor.meter) };
  cursor.goodIndex = true;
  cursor.afterIndex = false;
  for (;;) {
    const flag = flags.get(cursor.format.charAt(cursor.at));
    if (!flag) break;
    spec[flag] = true;
    cursor.at++;
  }
  let problems = "";
  readIndex(cursor);
  problems += readWidth(cursor, spec);
  problems += readPrecision(cursor, spec);
  if (!cursor.afterIndex) readIndex(cursor);
  if (cursor.at >= cursor.format.length) return `${problems}%!(NOVERB)`;
  return problems + operand(cursor, spec);
}

function operand(cursor: Cursor, spec: Mutable<PrintSpec>): string {
  const { rune, width } = decodeRune(cursor.format, cursor.at);
  const raw = cursor.format.slice(cursor.at, cursor.at + width);
  const verb = rune === 0xfffd ? "\xef\xbf\xbd" : raw;
  cursor.at += width;
  if (verb === "%") return "%";
  if (!cursor.goodIndex) return `%!${verb}(BADINDEX)`;
  if (cursor.next >= cursor.args.length) return `%!${verb}(MISSING)`;
  if (verb === "v" || verb === "w") {
    spec.sharpV = spec.sharp;
    spec.plusV = spec.plus;
    spec.sharp = spec.plus = false;
  }
  cursor.meter.produce((spec.width ?? 0) + (spec.precision ?? 0));
  return printOne(spec, cursor.args[cursor.next++], verb);
}

function readWidth(cursor: Cursor, spec: Mutable<PrintSpec>): string {
  if (cursor.format.charAt(cursor.at) !== "*") {
    spec.width = readNumber(cursor);
    if (cursor.afterIndex && spec.width !== undefined) cursor.goodIndex = false;
    return "";
  }
  cursor.at++;
  cursor.afterIndex = false;
  const width = starOperand(cursor);
  if (width === undefined) return "%!(BADWIDTH)";
  if (width < 0) {
    spec.minus = true;
    spec.zero = false;
  }
  spec.width = Math.abs(width);
  return "";
}

function readPrecision(cursor: Cursor, spec: Mutable<PrintSpec>): string {
  // A point that ends the format is no precision but a verb.
  if (cursor.format.charAt(cursor.at) !== "." || cursor.at + 1 >= cursor.format.length) return "";
  cursor.at++;
  if (cursor.afterIndex) cursor.goodIndex = false;
  readIndex(cursor);
  if (cursor.format.charAt(cursor.at) !== "*") {
    spec.precision = readNumber(cursor) ?? 0;
    return "";
  }
  cursor.at++;
  cursor.afterIndex = false;
  const precision = starOperand(cursor);
  if (precision === undefined || precision < 0) return "%!(BADPREC)";
  spec.precision = precision;
  return "";
}

/** Digits at the cursor; a number that is too large swallows the rest of the format, as in Go. */
function readNumber(cursor: Cursor): number | undefined {
  let number: number | undefined;
  for (;;) {
    const digit = cursor.format.charAt(cursor.at);
    if (digit < "0" || digit > "9" || digit === "") return number;
    if ((number ?? 0) > largest) {
      cursor.at = cursor.format.length;
      return undefined;
    }
    number = (number ?? 0) * 10 + Number(digit);
    cursor.at++;
  }
}

/** The operand that a `*` takes. */
function starOperand(cursor: Cursor): number | undefined {
  if (cursor.next >= cursor.args.length) return undefined;
  const number = integerOf(cursor.args[cursor.next++]);
  return number === undefined || number > largest || number < -largest ? undefined : Number(number);
}

/** `[n]`: which operand is next. */
function readIndex(cursor: Cursor): void {
  cursor.afterIndex = false;
  if (cursor.format.charAt(cursor.at) !== "[") return;
  cursor.reordered = true;
  const close = cursor.format.indexOf("]", cursor.at);
  if (close < 0 || cursor.format.length - cursor.at < 3) {
    cursor.goodIndex = false;
    cursor.at++;
    return;
  }
  const digits = cursor.format.slice(cursor.at + 1, close);
  cursor.at = close + 1;
  const index = /^\d{1,7}$/.test(digits) ? Number(digits) : undefined;
  if (index !== undefined && index >= 1 && index <= cursor.args.length) cursor.next = index - 1;
  else cursor.goodIndex = false;
  cursor.afterIndex = index !== undefined;
}
