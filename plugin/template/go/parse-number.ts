/** Go's reading of numbers (strconv.ParseInt, ParseUint with base 0 or a given base, ParseFloat). */

const prefixes: readonly (readonly [RegExp, number])[] = [
  [/^0[xX]/, 16],
  [/^0[bB]/, 2],
  [/^0[oO]/, 8],
];

const digitValue = (digit: string): number => {
  const code = digit.toLowerCase().charCodeAt(0);
  return code <= 0x39 ? code - 0x30 : code - 0x57;
};

/** Go's rule: an underscore stands between digits, or between a base prefix and a digit. */
const underscoresFit = (body: string): boolean =>
  !body.includes("_") ||
  (/^(?:0[xXbBoO])?_?[0-9a-fA-F]/.test(body) &&
    !/__|_$|_[^0-9a-fA-F]|[^0-9a-fA-FxXbBoO]_/.test(body) &&
    !/^_/.test(body));

function magnitude(text: string, base: number): bigint | undefined {
  let body = text;
  let actual = base;
  if (base === 0) {
    if (!underscoresFit(text)) return undefined;
    const prefix = prefixes.find(([form]) => form.test(text));
    actual = prefix?.[1] ?? (/^0./.test(text) ? 8 : 10);
    body = (prefix ? text.slice(2) : text).replaceAll("_", "");
  }
  if (!/^[0-9a-zA-Z]+$/.test(body)) return undefined;
  if ([...body].some((digit) => digitValue(digit) >= actual)) return undefined;
  if (actual === 10) return BigInt(body);
  const wide = BigInt(actual);
  return [...body].reduce((sum, digit) => sum * wide + BigInt(digitValue(digit)), 0n);
}

/** What strconv says about a text that is no number of the asked type. */
export type NumberProblem = "invalid syntax" | "value out of range";

/** No number of 64 bits has more digits; longer ones with leading zeros only. */
const longestDigits = 4096;

/** strconv.ParseInt(text, base, bits): base 0 reads prefixes and underscores. */
export function parseInteger(text: string, base = 10, bits = 64): bigint | NumberProblem {
  if (text.length > longestDigits) return "value out of range";
  const negative = text.startsWith("-");
  const size = magnitude(negative || text.startsWith("+") ? text.slice(1) : text, base);
  if (size === undefined) return "invalid syntax";
  const value = negative ? -size : size;
  return BigInt.asIntN(bits, value) === value ? value : "value out of range";
}

/** strconv.ParseUint: no sign. */
export function parseUnsigned(text: string, base = 10, bits = 64): bigint | NumberProblem {
  if (text.length > longestDigits) return "value out of range";
  const value = magnitude(text, base);
  if (value === undefined) return "invalid syntax";
  return BigInt.asUintN(bits, value) === value ? value : "value out of range";
}

const decimalForm = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const hexForm = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/;
const specials: ReadonlyMap<string, number> = new Map([
  ["inf", Infinity],
  ["infinity", Infinity],
  ["nan", NaN],
]);

/** strconv.ParseFloat(text, 64): decimal, hexadecimal with exponent, inf and nan. */
export function parseFloat(text: string): number | NumberProblem {
  const bare = text.replace(/^[+-]/, "").toLowerCase();
  const special = specials.get(bare);
  if (special !== undefined && !(bare === "nan" && bare !== text.toLowerCase()))
    return text.startsWith("-") ? -special : special;
  if (!floatUnderscoresFit(text)) return "invalid syntax";
  const plain = text.replaceAll("_", "");
  const hex = hexForm.exec(plain);
  if (hex) return hexFloat(hex);
  if (!decimalForm.test(plain)) return "invalid syntax";
  const value = Number(plain);
  return Number.isFinite(value) ? value : "value out of range";
}

function floatUnderscoresFit(text: string): boolean {
  if (!text.includes("_")) return true;
  const body = text.replace(/^[+-]/, "");
  return /^0[xXbBoO]/.test(body)
    ? !/__|_$|_[^0-9a-fA-F]|[^0-9a-fA-FxX]_/.test(body)
    : !/^_|__|_$|_[^0-9]|[^0-9]_/.test(body);
}

function hexFloat([, sign, whole, fraction, exponent]: RegExpExecArray): number | NumberProblem {
  const digits = whole! + fraction!;
  if (digits === "") return "invalid syntax";
  const mantissa = BigInt(`0x${digits}`);
  const shift = Math.max(-5000, Math.min(5000, Number(exponent))) - 4 * fraction!.length;
  const value = scaled(mantissa, shift);
  if (!Number.isFinite(value)) return "value out of range";
  return sign === "-" ? -value : value;
}

/** mantissa × 2^shift, rounded once to the nearest float64, ties to even. */
function scaled(mantissa: bigint, shift: number): number {
  const width = mantissa === 0n ? 0 : mantissa.toString(2).length;
  // The lowest bit that a float64 of this size keeps: 53 bits, fewer below 2^-1022.
  const drop = Math.max(width - 53, -1074 - shift);
  if (mantissa === 0n) return 0;
  if (drop <= 0) return Number(mantissa) * 2 ** shift;
  if (drop > width + 1) return 0;
  const half = 1n << BigInt(drop - 1);
  const rest = mantissa & ((half << 1n) - 1n);
  let kept = mantissa >> BigInt(drop);
  if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
  const power = shift + drop;
  return power > 1023 ? Infinity : Number(kept) * 2 ** Math.max(power, -1074);
}
