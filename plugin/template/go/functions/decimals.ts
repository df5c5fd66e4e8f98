/**
 * Decimal arithmetic for sprig's addf, subf, mulf, divf: exact but for division, which keeps 16 digits after the point.
 *
 * So 0.1 + 0.2 is 0.3. Each operand is the shortest decimal that reads back as its float64.
 */
import { fail, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";

/** value = coefficient × 10^exponent. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const divisionDigits = 16;

/** The shortest decimal of a float64. Fails for NaN and infinities. */
export function decimalOf(value: number): Decimal {
  if (!Number.isFinite(value))
    fail(`Cannot create a Decimal from ${secret(Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf")}`);
  const [mantissa, power] = value.toExponential().split("e") as [string, string];
  const [whole, fraction = ""] = mantissa.split(".") as [string, string?];
  if (value === 0) return { coefficient: 0n, exponent: 0 };
  return { coefficient: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

const scaled = ({ coefficient, exponent }: Decimal, to: number): bigint => coefficient * 10n ** BigInt(exponent - to);

export function add(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  return { coefficient: scaled(a, exponent) + scaled(b, exponent), exponent };
}

export const subtract = (a: Decimal, b: Decimal): Decimal => add(a, { ...b, coefficient: -b.coefficient });

export const multiply = (a: Decimal, b: Decimal): Decimal => ({
  coefficient: a.coefficient * b.coefficient,
  exponent: a.exponent + b.exponent,
});

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** Rounded at the 16th digit after the point, halves away from zero. */
export function divide(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) fail("decimal division by 0");
  const shift = a.exponent - b.exponent + divisionDigits;
  const dividend = shift >= 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient;
  const divisor = shift >= 0 ? b.coefficient : b.coefficient * 10n ** BigInt(-shift);
  const quotient = dividend / divisor;
  const up = absolute(dividend % divisor) * 2n >= absolute(divisor);
  const away = dividend < 0n === divisor < 0n ? 1n : -1n;
  return { coefficient: up ? quotient + away : quotient, exponent: -divisionDigits };
}

/** The nearest float64. */
export const floatOfDecimal = ({ coefficient, exponent }: Decimal): number => Number(`${coefficient}e${exponent}`);

/** Pays for what a result weighs: products of long chains grow without end. */
export function weighed(ctx: CallContext, value: Decimal): Decimal {
  const digits = absolute(value.coefficient).toString(16).length;
  ctx.charge(1 + (digits >> 4) + (Math.abs(value.exponent) >> 6));
  ctx.produce(digits);
  return value;
}
