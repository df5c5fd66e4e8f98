/** Sprig's arithmetic: whole numbers are int64 and wrap around, the …f functions count in decimals. */
import { fail } from "../errors.ts";
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn, variadic } from "../functions.ts";
import { parseInteger } from "../parse-number.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { anyType, float64Type, intType, stringType } from "../types.ts";
import type { GoNumber, GoSlice, GoValue } from "../values.ts";
import { int, int64, slice } from "../values.ts";
import { parsedOrNearest, toFloat, toInteger } from "./cast.ts";
import type { Decimal } from "./decimals.ts";
import { add, decimalOf, divide, floatOfDecimal, multiply, subtract, weighed } from "./decimals.ts";
import { printedText } from "./text-of-values.ts";

const divisible = (divisor: bigint): bigint =>
  divisor === 0n ? fail("runtime error: integer divide by zero") : divisor;

const pair = (operate: (a: bigint, b: bigint) => bigint): GoFunction =>
  fn([anyType, anyType], ([a, b]) => int64(operate(toInteger(a), toInteger(b))));

const fold = (operate: (sum: bigint, next: bigint) => bigint): GoFunction =>
  variadic([anyType], anyType, ([first, ...others], ctx) => {
    ctx.charge(others.length);
    return others.reduce<GoNumber>(
      (sum, next) => int64(operate(sum.value as bigint, toInteger(next))),
      int64(toInteger(first)),
    );
  });

const foldFloat = (operate: (a: number, b: number) => number): GoFunction =>
  variadic([anyType], anyType, ([first, ...others], ctx) => {
    ctx.charge(others.length);
    return others.reduce<number>((best, next) => operate(best, toFloat(next)), toFloat(first));
  });

type Operation = (a: Decimal, b: Decimal) => Decimal;

function inDecimals(ctx: CallContext, first: number, others: readonly GoValue[], operate: Operation): number {
  let result = decimalOf(first);
  for (const other of others) result = weighed(ctx, operate(result, decimalOf(toFloat(other))));
  return floatOfDecimal(result);
}

const foldDecimal = (operate: Operation): GoFunction =>
  variadic([anyType], anyType, ([first, ...others], ctx) => inDecimals(ctx, toFloat(first), others, operate));

/** Go rounds by looking at the fraction that floating-point arithmetic leaves; so 2.675 is 2.68 only by luck. */
function round(value: number, places: bigint, roundUpFrom = 0.5): number {
  const scale = powerOf10(Number(places));
  const shifted = scale * value;
  const fraction = Number.isFinite(shifted) ? shifted - Math.trunc(shifted) : NaN;
  return (fraction >= roundUpFrom ? Math.ceil(shifted) : Math.floor(shifted)) / scale;
}

/** Go's math.Pow(10, n): squares multiplied, so the last digit of far powers is Go's and not the nearest one. */
function powerOf10(places: number): number {
  if (Math.abs(places) > 400) return places > 0 ? Infinity : 0;
  let result = 1;
  let resultExponent = 0;
  let square = 0.625;
  let squareExponent = 4;
  for (let left = Math.abs(places); left > 0; left >>= 1) {
    if (left & 1) {
      result *= square;
      resultExponent += squareExponent;
    }
    square *= square;
    squareExponent *= 2;
    if (square < 0.5) {
      square *= 2;
      squareExponent--;
    }
  }
  if (places >= 0) return result * 2 ** Math.min(resultExponent, 1023) * 2 ** Math.max(resultExponent - 1023, 0);
  return (1 / result) * 2 ** Math.max(-resultExponent, -1022) * 2 ** Math.min(-resultExponent + 1022, 0);
}

/** The numbers from start to stop, stop left out. Each is paid for before it is made. */
function steps(ctx: CallContext, start: bigint, stop: bigint, step: bigint): bigint[] {
  const numbers: bigint[] = [];
  const down = stop < start;
  if (down ? step >= 0n : step <= 0n) return numbers;
  for (let at = start; down ? at > stop : at < stop; at = int(at + step)) {
    ctx.charge(1);
    numbers.push(at);
  }
  return numbers;
}

const until = (ctx: CallContext, start: bigint, stop: bigint, step: bigint): GoSlice =>
  slice(intType, steps(ctx, start, stop, step));

function seq(numbers: readonly bigint[], ctx: CallContext): GoString {
  if (numbers.length === 0 || numbers.length > 3) return ascii("");
  const start = numbers.length === 1 ? 1n : numbers[0]!;
  const end = numbers.at(-1)!;
  const direction = end < start ? -1n : 1n;
  const step = numbers.length === 3 ? numbers[1]! : direction;
  if (numbers.length === 3 && direction < 0n && step > 0n) return ascii("");
  const all = steps(ctx, start, int(end + direction), step);
  ctx.produce(all.length * 8);
  return ascii(all.join(" "));
}

function octal(value: GoValue, ctx: CallContext): GoNumber {
  const read = parseInteger(printedText(ctx, value), 8);
  return int64(typeof read === "bigint" ? read : 0n);
}

const max = fold((a, b) => (b > a ? b : a));

export const mathFunctions: FunctionTable = {
  add1: fn([anyType], ([value]) => int64(toInteger(value) + 1n)),
  add: variadic([], anyType, (values, ctx) => {
    ctx.charge(values.length);
    return int64(values.reduce<bigint>((sum, value) => sum + toInteger(value), 0n));
  }),
  sub: pair((a, b) => a - b),
  div: pair((a, b) => a / divisible(b)),
  mod: pair((a, b) => a % divisible(b)),
  mul: fold((a, b) => a * b),
  add1f: fn([anyType], ([value], ctx) => inDecimals(ctx, toFloat(value), [1n], add)),
  addf: variadic([], anyType, (values, ctx) => inDecimals(ctx, 0, values, add)),
  subf: foldDecimal(subtract),
  divf: foldDecimal(divide),
  mulf: foldDecimal(multiply),
  max,
  biggest: max,
  min: fold((a, b) => (b < a ? b : a)),
  maxf: foldFloat((a, b) => (a === Infinity || b === Infinity ? Infinity : Math.max(a, b))),
  minf: foldFloat((a, b) => (a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b))),
  ceil: fn([anyType], ([value]) => Math.ceil(toFloat(value))),
  floor: fn([anyType], ([value]) => Math.floor(toFloat(value))),
  round: variadic([anyType, intType], float64Type, ([value, places, ...from]) =>
    round(toFloat(value), places, from[0]),
  ),
  until: fn([intType], ([count], ctx) => until(ctx, 0n, count, count < 0n ? -1n : 1n)),
  untilStep: fn([intType, intType, intType], ([start, stop, step], ctx) => until(ctx, start, stop, step)),
  seq: variadic([], intType, (numbers, ctx) => seq(numbers, ctx)),
  atoi: fn([stringType], ([text]) => parsedOrNearest(text)),
  int: fn([anyType], ([value]) => toInteger(value)),
  int64: fn([anyType], ([value]) => int64(toInteger(value))),
  float64: fn([anyType], ([value]) => toFloat(value)),
  toDecimal: fn([anyType], ([value], ctx) => octal(value, ctx)),
};
