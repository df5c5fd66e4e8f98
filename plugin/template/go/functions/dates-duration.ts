/** time.Duration: nanoseconds in an int64, their text (1h2m3.5s) and how it is read. */
import { fail, secret } from "../errors.ts";
import { fn } from "../functions.ts";
import type { GoFunction } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, fromText } from "../text.ts";
import type { GoType } from "../types.ts";
import { namedType } from "../types.ts";
import { GoNumber, int64 } from "../values.ts";
import { quoteTime } from "./dates-quote.ts";

export const second = 1_000_000_000n;
export const minute = 60n * second;
export const hour = 60n * minute;
const largest = 2n ** 63n - 1n;
const smallest = -(2n ** 63n);

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** A fraction's digits without zeros at the end, with its point. */
function fraction(value: bigint, width: number): string {
  const digits = value.toString().padStart(width, "0").replace(/0+$/, "");
  return digits === "" ? "" : `.${digits}`;
}

/** Duration.String: 1h0m0s, 1.5s, 20ms, 3µs, 0s. */
export function durationText(nanoseconds: bigint): GoString {
  const size = absolute(nanoseconds);
  const sign = nanoseconds < 0n ? "-" : "";
  if (size === 0n) return ascii("0s");
  if (size < 1_000n) return ascii(`${sign}${size}ns`);
  if (size < 1_000_000n) return fromText(`${sign}${size / 1_000n}${fraction(size % 1_000n, 3)}µs`);
  if (size < second) return ascii(`${sign}${size / 1_000_000n}${fraction(size % 1_000_000n, 6)}ms`);
  const hours = size / hour;
  const minutes = (size / minute) % 60n;
  const seconds = `${(size / second) % 60n}${fraction(size % second, 9)}s`;
  const before = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : "";
  return ascii(sign + before + seconds);
}

const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  [fromText("µs"), 1_000n],
  [fromText("μs"), 1_000n],
  ["us", 1_000n],
  ["ms", 1_000_000n],
  ["s", second],
  ["m", minute],
  ["h", hour],
]);

const invalid = (text: string): never => fail(`time: invalid duration ${secret(quoteTime(text))}`);

/** Digits after the point as nanoseconds of a unit, in float64 as Go counts them. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > largest / 10n) break;
    value = value * 10n + BigInt(digit);
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** time.ParseDuration in nanoseconds. Fails with Go's texts. */
export function parseDuration(text: GoString): bigint {
  const negative = text.startsWith("-");
  let rest: string = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0n;
  if (rest === "") return invalid(text);
  let sum = 0n;
  while (rest !== "") {
    const [number, whole, after] = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest)! as unknown as [string, string, string?];
    if (whole === "" && (after ?? "") === "") return invalid(text);
    if (whole.replace(/^0+/, "").length > 19 || BigInt(whole) > 2n ** 63n) return invalid(text);
    const unitText = /^[^.0-9]*/.exec(rest.slice(number.length))![0];
    if (unitText === "") fail(`time: missing unit in duration ${secret(quoteTime(text))}`);
    const unit = units.get(unitText);
    if (unit === undefined)
      return fail(`time: unknown unit ${secret(quoteTime(unitText))} in duration ${secret(quoteTime(text))}`);
    sum += BigInt(whole) * unit + (after ? fractionOf(after, unit) : 0n);
    if (sum > 2n ** 63n) return invalid(text);
    rest = rest.slice(number.length + unitText.length);
  }
  if (!negative && sum > largest) return invalid(text);
  return negative ? -sum : sum;
}

/** To a multiple, halves away from zero. */
export function roundDuration(value: bigint, multiple: bigint): bigint {
  if (multiple <= 0n) return value;
  const rest = absolute(value % multiple);
  const toZero = value < 0n ? value + rest : value - rest;
  if (rest * 2n < multiple) return toZero;
  const away = value < 0n ? toZero - multiple : toZero + multiple;
  return away > largest ? largest : away < smallest ? smallest : away;
}

const inUnits = (value: bigint, unit: bigint): number => Number(value / unit) + Number(value % unit) / Number(unit);

type DurationNumber = GoNumber;
const of = (self: DurationNumber): bigint => self.value as bigint;
const float =
  (unit: bigint) =>
  (self: DurationNumber): GoFunction =>
    fn([], () => inUnits(of(self), unit));
const whole =
  (unit: bigint) =>
  (self: DurationNumber): GoFunction =>
    fn([], () => int64(of(self) / unit));

export const durationType: GoType<GoNumber> = namedType<GoNumber>("time.Duration", "int64", {
  print: (self) => durationText(of(self)),
  methods: {
    Hours: float(hour),
    Minutes: float(minute),
    Seconds: float(second),
    Milliseconds: whole(1_000_000n),
    Microseconds: whole(1_000n),
    Nanoseconds: whole(1n),
    String: (self) => fn([], () => durationText(of(self))),
    Abs: (self) => fn([], () => durationValue(of(self) === smallest ? largest : absolute(of(self)))),
    Round: (self) => fn([durationType], ([multiple]) => durationValue(roundDuration(of(self), of(multiple)))),
    Truncate: (self) =>
      fn([durationType], ([multiple]) =>
        durationValue(of(multiple) <= 0n ? of(self) : of(self) - (of(self) % of(multiple))),
      ),
  },
});

export const durationValue = (nanoseconds: bigint): GoNumber =>
  new GoNumber(durationType, nanoseconds > largest ? largest : nanoseconds < smallest ? smallest : nanoseconds);
