/**
 * Sprig's reading of any value as a number (spf13/cast): what is no number is 0, without an error.
 *
 * Text is read as Go reads integers with base 0: 0x1f, 0b1, 1_000, and a leading zero means octal.
 */
import { parseFloat, parseInteger } from "../parse-number.ts";
import type { GoValue } from "../values.ts";
import { floatOf, GoNumber } from "../values.ts";

const smallest = -(2n ** 63n);

/** int64(float) as the processor does it: what does not fit, and NaN, is the smallest one. */
export function truncated(value: number): bigint {
  if (!(Math.abs(value) < 2 ** 63)) return smallest;
  return BigInt(Math.trunc(value));
}

/** "3.0", "3." and ".5" count as whole numbers: what stands after the point is dropped. */
function wholePart(text: string): string {
  const parts = /^([-+]?[0-9]*)(?:\.[0-9]*)?$/.exec(text);
  if (!text.includes(".") || !parts) return text;
  const whole = parts[1]!;
  return /[0-9]$/.test(whole) ? whole : `${whole}0`;
}

/** cast.ToInt64; `int` is the same size. */
export function toInteger(value: GoValue): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "string") {
    const read = value === "" ? 0n : parseInteger(wholePart(value), 0);
    return typeof read === "bigint" ? read : 0n;
  }
  if (typeof value === "boolean") return value ? 1n : 0n;
  const float = floatOf(value);
  if (float !== undefined) return truncated(float);
  if (value instanceof GoNumber) return BigInt.asIntN(64, value.value as bigint);
  return 0n;
}

/** cast.ToFloat64. */
export function toFloat(value: GoValue): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    const read = value === "" ? 0 : parseFloat(value);
    return typeof read === "number" ? read : 0;
  }
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof GoNumber) return Number(value.value);
  return 0;
}

const largest = 2n ** 63n - 1n;

/** strconv.ParseInt with its error thrown away: out of range is the nearest number, no number is 0. */
export function parsedOrNearest(text: string, base = 10): bigint {
  const read = parseInteger(text, base);
  if (typeof read === "bigint") return read;
  if (read === "invalid syntax") return 0n;
  return text.startsWith("-") ? smallest : largest;
}
