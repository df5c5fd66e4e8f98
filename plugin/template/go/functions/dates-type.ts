/** time.Time and its parts as template values, with the methods that a template can call. */
import { fail } from "../errors.ts";
import { fn } from "../functions.ts";
import type { GoFunction } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import type { GoType } from "../types.ts";
import { intType, namedType, stringType } from "../types.ts";
import { GoNumber, GoObject, int, int64 } from "../values.ts";
import type { GoValue } from "../values.ts";
import { durationType, durationValue } from "./dates-duration.ts";
import { formatTime, timeText } from "./dates-format.ts";
import { longDays, longMonths } from "./dates-layout.ts";
import type { Shown, Time } from "./dates-time.ts";
import { addNanos, fromUnixNanos, shown, timeOf, unixNanos, zeroTime } from "./dates-time.ts";
import type { Zone } from "./dates-zones.ts";
import { utc } from "./dates-zones.ts";

export type TimeObject = GoObject<Time>;

/** A whole number with a name for each of its values: time.Month, time.Weekday. */
function named(name: string, names: readonly string[], first: bigint): GoType<GoNumber> {
  const print = (self: GoNumber): GoString => {
    const text = names[Number((self.value as bigint) - first)];
    return ascii(text ?? `%!${name.slice("time.".length)}(${self.value})`);
  };
  return namedType<GoNumber>(name, "int", { print, methods: { String: (self) => fn([], () => print(self)) } });
}

const monthType = named("time.Month", longMonths, 1n);
const weekdayType = named("time.Weekday", longDays, 0n);

type LocationObject = GoObject<Zone>;
const locationType: GoType<LocationObject> = namedType<LocationObject>("*time.Location", "ptr", {
  print: (self) => self.state.name,
  methods: { String: (self) => fn([], () => self.state.name) },
});

const clock =
  (read: (now: Shown) => GoValue) =>
  ({ state }: TimeObject): GoFunction =>
    fn([], () => read(shown(state)));

const unix =
  (unit: bigint) =>
  ({ state }: TimeObject): GoFunction =>
    fn([], () => {
      const nanos = unixNanos(state);
      return int64((nanos - (((nanos % unit) + unit) % unit)) / unit);
    });

const comparing =
  (use: (difference: bigint) => boolean | bigint) =>
  ({ state }: TimeObject): GoFunction =>
    fn([timeType], ([other]) => use(unixNanos(state) - unixNanos(other.state)));

const inZone =
  (zone: Zone) =>
  ({ state }: TimeObject): GoFunction =>
    fn([], () => timeValue({ ...state, zone }));

function addDate(time: Time, years: bigint, months: bigint, days: bigint): Time {
  const now = shown(time);
  const [year, month, day] = [now.year + Number(years), now.month + Number(months), now.day + Number(days)];
  if (![year, month, day].every((part) => Math.abs(part) < 1e12)) fail("time: date out of range");
  return timeOf({ ...now, year, month, day, nanos: time.nanos }, time.zone);
}

/** What is left over after whole multiples since Go's zero time. */
function remainder(time: Time, multiple: bigint): bigint {
  const since = unixNanos(time) - unixNanos(zeroTime);
  return ((since % multiple) + multiple) % multiple;
}

/** Cut down to a multiple, or the nearest multiple, halves up. */
function toMultiple(time: Time, multiple: bigint, nearest: boolean): Time {
  if (multiple <= 0n) return time;
  const rest = remainder(time, multiple);
  return addNanos(time, nearest && rest * 2n >= multiple ? multiple - rest : -rest);
}

const toMultipleOf =
  (nearest: boolean) =>
  ({ state }: TimeObject): GoFunction =>
    fn([durationType], ([multiple]) => timeValue(toMultiple(state, multiple.value as bigint, nearest)));

const methods: Record<string, (self: TimeObject) => GoFunction> = {
  Year: clock(({ year }) => int(year)),
  Month: clock(({ month }) => new GoNumber(monthType, BigInt(month))),
  Day: clock(({ day }) => int(day)),
  Weekday: clock(({ weekday }) => new GoNumber(weekdayType, BigInt(weekday))),
  YearDay: clock(({ yearDay }) => int(yearDay)),
  Hour: clock(({ hour }) => int(hour)),
  Minute: clock(({ minute }) => int(minute)),
  Second: clock(({ second }) => int(second)),
  Nanosecond: ({ state }) => fn([], () => int(state.nanos)),
  Unix: unix(1_000_000_000n),
  UnixMilli: unix(1_000_000n),
  UnixMicro: unix(1_000n),
  UnixNano: unix(1n),
  IsZero: ({ state }) => fn([], () => unixNanos(state) === unixNanos(zeroTime)),
  After: comparing((difference) => difference > 0n),
  Before: comparing((difference) => difference < 0n),
  Equal: comparing((difference) => difference === 0n),
  Compare: comparing((difference) => (difference > 0n ? 1n : difference < 0n ? -1n : 0n)),
  Format: ({ state }) => fn([stringType], ([layout], ctx) => formatTime(ctx, state, layout)),
  String: ({ state }) => fn([], () => timeText(state)),
  Add: ({ state }) => fn([durationType], ([by]) => timeValue(addNanos(state, by.value as bigint))),
  AddDate: ({ state }) =>
    fn([intType, intType, intType], ([years, months, days]) => timeValue(addDate(state, years, months, days))),
  Sub: ({ state }) => fn([timeType], ([other]) => durationValue(unixNanos(state) - unixNanos(other.state))),
  Truncate: toMultipleOf(false),
  Round: toMultipleOf(true),
  UTC: inZone(utc),
  Local: inZone(utc),
  In: ({ state }) => fn([locationType], ([location]) => timeValue({ ...state, zone: location.state })),
  Location: ({ state }) => fn([], () => new GoObject(locationType, state.zone)),
};

export const timeType: GoType<TimeObject> = namedType<TimeObject>("time.Time", "struct", {
  print: (self) => timeText(self.state),
  methods,
});

export const timeValue = (time: Time): TimeObject => new GoObject(timeType, time);

export const timeOfMs = (epochMs: number): Time => fromUnixNanos(BigInt(Math.trunc(epochMs)) * 1_000_000n);

export const isTime = (value: GoValue): value is TimeObject => value instanceof GoObject && value.type === timeType;
