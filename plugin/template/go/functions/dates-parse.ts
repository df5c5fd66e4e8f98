/** Reading a time by a layout (time.ParseInLocation with the local zone, which is UTC), with Go's error texts. */
import { fail, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { layoutParts } from "./dates-layout.ts";
import type { Reading } from "./dates-parse-parts.ts";
import { readerOf, take } from "./dates-parse-parts.ts";
import { quoteTime } from "./dates-quote.ts";
import { daysIn, daysOf, isLeap, timeOf } from "./dates-time.ts";
import type { CivilDate, Time } from "./dates-time.ts";
import { fixedZone, utc } from "./dates-zones.ts";

const refuse = (reading: Reading, message: string): never =>
  fail(`parsing time ${secret(quoteTime(reading.whole))}${message}`);

function mismatch(reading: Reading, value: string, part: string): never {
  const { layout } = reading;
  return refuse(
    reading,
    ` as ${secret(quoteTime(layout))}: cannot parse ${secret(quoteTime(value))} as ${secret(quoteTime(part))}`,
  );
}

/** Takes the layout's own text off the value; one space of it stands for any number of them. */
function skip(reading: Reading, text: string): void {
  let left = text;
  while (left !== "") {
    if (left.startsWith(" ")) {
      if (reading.value !== "" && !reading.value.startsWith(" ")) mismatch(reading, reading.value, text);
      left = left.replace(/^ +/, "");
      take(reading, /^ +/);
    } else {
      if (left.charAt(0) !== reading.value.charAt(0)) mismatch(reading, reading.value, text);
      left = left.slice(1);
      reading.value = reading.value.slice(1);
    }
  }
}

function hourOf({ hour, afternoon }: Reading): number {
  if (afternoon === true && hour < 12) return hour + 12;
  return afternoon === false && hour === 12 ? 0 : hour;
}

/** The date of a day of the year, which must agree with a month and a day that were read too. */
function dateOfYearDay(reading: Reading, yearDay: number): CivilDate {
  const { year, month, day } = reading;
  const last = isLeap(year) ? 366 : 365;
  if (yearDay < 1 || yearDay > last) refuse(reading, ": day-of-year out of range");
  let found = 1;
  while (found < 12 && daysOf(year, found + 1, 1) - daysOf(year, 1, 1) < yearDay) found++;
  const date = { year, month: found, day: yearDay - (daysOf(year, found, 1) - daysOf(year, 1, 1)) };
  if (month !== undefined && month !== date.month) refuse(reading, ": day-of-year does not match month");
  if (day !== undefined && day !== date.day) refuse(reading, ": day-of-year does not match day");
  return date;
}

function dateOf(reading: Reading): CivilDate {
  const { year, month = 1, day = 1, yearDay } = reading;
  const date = yearDay === undefined ? { year, month, day } : dateOfYearDay(reading, yearDay);
  if (date.day < 1 || date.day > daysIn(date.year, date.month)) refuse(reading, ": day out of range");
  return date;
}

/** Letters of a zone say nothing about its offset, but GMT+3 does. */
const offsetOfLetters = (letters: string): number =>
  letters.startsWith("GMT") && letters.length > 3 ? Number(letters.slice(3)) * 3600 : 0;

function timeRead(reading: Reading): Time {
  const { minute, second, nanos, isUtc, offset, letters } = reading;
  const time = timeOf({ ...dateOf(reading), hour: hourOf(reading), minute, second, nanos }, utc);
  if (isUtc) return time;
  if (offset !== undefined) {
    const seconds = time.seconds - BigInt(offset);
    const isLocal = offset === 0 && (letters === "" || letters === "UTC");
    return { ...time, seconds, zone: isLocal ? utc : fixedZone(ascii(letters), offset) };
  }
  return letters === "" ? time : { ...time, zone: fixedZone(ascii(letters), offsetOfLetters(letters)) };
}

/** time.ParseInLocation(layout, value, time.Local). */
export function parseTime(ctx: CallContext, layout: GoString, value: GoString): Time {
  ctx.charge(1 + (layout.length >> 4) + (value.length >> 4));
  const start = { year: 0, hour: 0, minute: 0, second: 0, nanos: 0, letters: "" };
  const reading: Reading = { ...start, layout, whole: value, value };
  const parts = layoutParts(layout);
  for (const [at, { before, part }] of parts.entries()) {
    skip(reading, before);
    if (part === "") break;
    const hold = reading.value;
    const read = readerOf(part)(reading, part, parts[at + 1]?.part ?? "");
    if (read === false) mismatch(reading, hold, part);
    if (typeof read === "string") refuse(reading, `: ${read} out of range`);
  }
  if (reading.value !== "") refuse(reading, `: extra text: ${secret(quoteTime(reading.value))}`);
  return timeRead(reading);
}
