/** A moment in a zone (time.Time), and the calendar: days since 1970 to year, month, day and back, for all years. */
import type { Zone, ZoneTime } from "./dates-zones.ts";
import { utc } from "./dates-zones.ts";

export interface Time {
  /** Seconds since 1970 in UTC. */
  readonly seconds: bigint;
  /** 0 to 999,999,999. */
  readonly nanos: number;
  readonly zone: Zone;
}

export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** What the clock and the calendar in the zone show. */
export interface Shown extends CivilDate, ZoneTime {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly yearDay: number;
}

const secondsPerDay = 86_400n;
const daysPerCycle = 146_097;
/** Days from 1 March of year 0 to 1 January 1970. */
const marchOffset = 719_468;

const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/** Years are counted from 1 March inside, so that the leap day comes last. */
function civilDate(days: number): CivilDate {
  const shifted = days + marchOffset;
  const cycle = Math.floor(shifted / daysPerCycle);
  const dayOfCycle = shifted - cycle * daysPerCycle;
  const yearOfCycle = Math.floor(
    (dayOfCycle - Math.floor(dayOfCycle / 1460) + Math.floor(dayOfCycle / 36_524) - Math.floor(dayOfCycle / 146_096)) /
      365,
  );
  const dayOfYear = dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

/** Days since 1970; months and days beyond their range go on into the next ones. */
export function daysOf(year: number, month: number, day: number): number {
  const months = month - 1;
  const inRange = ((months % 12) + 12) % 12;
  const march = year + Math.floor(months / 12) - (inRange < 2 ? 1 : 0);
  const cycle = Math.floor(march / 400);
  const yearOfCycle = march - cycle * 400;
  const dayOfYear = Math.floor((153 * ((inRange + 10) % 12) + 2) / 5);
  const dayOfCycle = yearOfCycle * 365 + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100) + dayOfYear;
  return cycle * daysPerCycle + dayOfCycle - marchOffset + day - 1;
}

export const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

export const daysIn = (year: number, month: number): number => daysOf(year, month + 1, 1) - daysOf(year, month, 1);

/** The time as its zone shows it. */
export function shown({ seconds, zone }: Time): Shown {
  const zoneTime = zone.at(seconds);
  const local = seconds + BigInt(zoneTime.offset);
  const day = floorDivide(local, secondsPerDay);
  const rest = Number(local - day * secondsPerDay);
  const days = Number(day);
  const date = civilDate(days);
  return {
    ...date,
    ...zoneTime,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - daysOf(date.year, 1, 1) + 1,
  };
}

export interface Fields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanos: number;
}

/** time.Date: what a clock in the zone shows at that time. In a gap or an overlap Go's choice of the two. */
export function timeOf(fields: Fields, zone: Zone): Time {
  const days = BigInt(daysOf(fields.year, fields.month, fields.day));
  const local = days * secondsPerDay + BigInt(fields.hour * 3600 + fields.minute * 60 + fields.second);
  // Go asks for the offset at this clock time as if it were UTC, and once more with that offset taken off.
  const first = local - BigInt(zone.at(local).offset);
  const second = zone.at(first).offset;
  return { seconds: local - BigInt(second), nanos: fields.nanos, zone };
}

const nanosPerSecond = 1_000_000_000n;

export const unixNanos = ({ seconds, nanos }: Time): bigint => seconds * nanosPerSecond + BigInt(nanos);

export function fromUnixNanos(value: bigint, zone: Zone = utc): Time {
  const seconds = floorDivide(value, nanosPerSecond);
  return { seconds, nanos: Number(value - seconds * nanosPerSecond), zone };
}

export const addNanos = (time: Time, by: bigint): Time => fromUnixNanos(unixNanos(time) + by, time.zone);

/** Go's zero time: 1 January of year 1, UTC. */
export const zeroTime: Time = { seconds: -62_135_596_800n, nanos: 0, zone: utc };
