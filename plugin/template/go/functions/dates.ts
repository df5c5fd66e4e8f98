/** Sprig's dates. Seconds since 1970 are taken for a time, anything else that is no time for the present one. */
import { GoError } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn, volatile } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { anyType, int32Type, int64Type, stringType } from "../types.ts";
import type { GoValue } from "../values.ts";
import { GoNumber } from "../values.ts";
import { parsedOrNearest } from "./cast.ts";
import { durationText, durationValue, hour, minute, parseDuration, roundDuration, second } from "./dates-duration.ts";
import { formatTime } from "./dates-format.ts";
import { parseTime } from "./dates-parse.ts";
import type { Time } from "./dates-time.ts";
import { addNanos, unixNanos, zeroTime } from "./dates-time.ts";
import type { TimeObject } from "./dates-type.ts";
import { isTime, timeOfMs, timeType, timeValue } from "./dates-type.ts";
import { loadZone, utc } from "./dates-zones.ts";

const now = (ctx: CallContext): Time => timeOfMs(ctx.nowMs());

const isInt64 = (value: GoValue): value is GoNumber => value instanceof GoNumber && value.type === int64Type;
const isInt32 = (value: GoValue): value is GoNumber => value instanceof GoNumber && value.type === int32Type;

function timeFrom(ctx: CallContext, value: GoValue): Time {
  if (isTime(value)) return value.state;
  if (typeof value === "bigint") return { seconds: value, nanos: 0, zone: utc };
  if (isInt64(value) || isInt32(value)) return { seconds: value.value as bigint, nanos: 0, zone: utc };
  return now(ctx);
}

const local = ascii("Local");
const day = ascii("2006-01-02");

function dateInZone(ctx: CallContext, layout: GoString, value: GoValue, zone: GoString): GoString {
  return formatTime(ctx, { ...timeFrom(ctx, value), zone: loadZone(zone) ?? utc }, layout);
}

/** What a call gives, or `otherwise` when Go would have returned an error. */
function orElse<Result>(call: () => Result, otherwise: Result): Result {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof GoError) return otherwise;
    throw thrown;
  }
}

function modified(ctx: CallContext, duration: GoString, time: TimeObject): TimeObject {
  ctx.charge(duration.length >> 3);
  return timeValue(addNanos(time.state, parseDuration(duration)));
}

const since = (ctx: CallContext, time: Time): bigint =>
  durationValue(unixNanos(now(ctx)) - unixNanos(time)).value as bigint;

/** Whole seconds in words, from text or an int64; anything else is none. */
function durationOfSeconds(value: GoValue): GoString {
  const count = typeof value === "string" ? parsedOrNearest(value) : isInt64(value) ? (value.value as bigint) : 0n;
  return durationText(BigInt.asIntN(64, count * second));
}

const units: readonly (readonly [size: bigint, letters: string])[] = [
  [365n * 24n * hour, "y"],
  [30n * 24n * hour, "mo"],
  [24n * hour, "d"],
  [hour, "h"],
  [minute, "m"],
  [second, "s"],
];

/** How many of the largest unit that fits more than once. */
function rounded(ctx: CallContext, value: GoValue): GoString {
  let nanoseconds = 0n;
  if (typeof value === "string") {
    ctx.charge(value.length >> 3);
    nanoseconds = orElse(() => parseDuration(value), 0n);
  } else if (isInt64(value)) nanoseconds = value.value as bigint;
  else if (isTime(value)) nanoseconds = since(ctx, value.state);
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const unit = units.find(([unitSize]) => size > unitSize);
  return ascii(unit ? `${size / unit[0]}${unit[1]}` : "0s");
}

const inZone = fn([stringType, anyType, stringType], ([layout, value, zone], ctx) =>
  dateInZone(ctx, layout, value, zone),
);
const modify = fn([stringType, timeType], ([duration, time], ctx) => orElse(() => modified(ctx, duration, time), time));
const mustModify = fn([stringType, timeType], ([duration, time], ctx) => modified(ctx, duration, time));

export const dateFunctions: FunctionTable = {
  now: volatile(fn([], (_args, ctx) => timeValue(now(ctx)))),
  date: fn([stringType, anyType], ([layout, value], ctx) => dateInZone(ctx, layout, value, local)),
  dateInZone: inZone,
  date_in_zone: inZone,
  htmlDate: fn([anyType], ([value], ctx) => dateInZone(ctx, day, value, local)),
  htmlDateInZone: fn([anyType, stringType], ([value, zone], ctx) => dateInZone(ctx, day, value, zone)),
  dateModify: modify,
  date_modify: modify,
  mustDateModify: mustModify,
  must_date_modify: mustModify,
  toDate: fn([stringType, stringType], ([layout, text], ctx) =>
    timeValue(orElse(() => parseTime(ctx, layout, text), zeroTime)),
  ),
  mustToDate: fn([stringType, stringType], ([layout, text], ctx) => timeValue(parseTime(ctx, layout, text))),
  ago: volatile(
    fn([anyType], ([value], ctx) => {
      // An int32 is a time for date, but not here.
      const time = isInt32(value) ? now(ctx) : timeFrom(ctx, value);
      return durationText(roundDuration(since(ctx, time), second));
    }),
  ),
  duration: fn([anyType], ([value]) => durationOfSeconds(value)),
  durationRound: fn([anyType], ([value], ctx) => rounded(ctx, value)),
  unixEpoch: fn([timeType], ([time]) => ascii(time.state.seconds.toString())),
};
