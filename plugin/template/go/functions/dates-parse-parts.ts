/** How each part of a layout is read from a value, one part after the other. */
import { isFraction, longDays, longMonths } from "./dates-layout.ts";
import { zoneLettersLength } from "./dates-zone-letters.ts";

/** What has been read so far, and what is left of the value. */
export interface Reading {
  readonly layout: string;
  readonly whole: string;
  value: string;
  year: number;
  month?: number;
  day?: number;
  yearDay?: number;
  hour: number;
  minute: number;
  second: number;
  nanos: number;
  afternoon?: boolean;
  isUtc?: boolean;
  offset?: number;
  letters: string;
}

/** Reads one part and takes it off the value. false: the value does not fit; a text: out of which range it is. */
type PartReader = (reading: Reading, part: string, next: string) => boolean | string;

/** Takes what the form matches at the value's start. */
export function take(reading: Reading, form: RegExp): string | undefined {
  const found = form.exec(reading.value)?.[0];
  if (found !== undefined) reading.value = reading.value.slice(found.length);
  return found;
}

type NumberField = "month" | "day" | "hour" | "minute" | "second";

/** One or two digits, always two where the layout has a leading zero. */
function number(field: NumberField, from: number, to: number, rangeName: string = field): PartReader {
  return (reading, part) => {
    const digits = take(reading, part.startsWith("0") ? /^[0-9]{2}/ : /^[0-9]{1,2}/);
    if (digits === undefined) return false;
    const value = Number(digits);
    reading[field] = value;
    return value < from || value > to ? rangeName : true;
  };
}

/** A name of the list in any case of its letters, cut to `length`. */
function nameIn(reading: Reading, names: readonly string[], length: number): number {
  const value = reading.value.toLowerCase();
  const at = names.findIndex((name) => value.startsWith(name.slice(0, length).toLowerCase()));
  if (at >= 0) reading.value = reading.value.slice(Math.min(length, names[at]!.length));
  return at;
}

const monthName =
  (length: number): PartReader =>
  (reading) => {
    const at = nameIn(reading, longMonths, length);
    reading.month = at + 1;
    return at >= 0;
  };

const dayName =
  (length: number): PartReader =>
  (reading) =>
    nameIn(reading, longDays, length) >= 0;

/** Nanoseconds from a separator and digits; more than nine are cut off. */
function readFraction(reading: Reading, digits: number): boolean {
  const text = new RegExp(`^[.,][0-9]{${digits}}`).exec(reading.value)?.[0];
  if (text === undefined) return false;
  reading.nanos = Number(text.slice(1, 10).padEnd(9, "0"));
  reading.value = reading.value.slice(text.length);
  return true;
}

const digitsAfterPoint = (value: string): number => /^[.,]([0-9]+)/.exec(value)?.[1]?.length ?? 0;

/** Seconds may have a fraction that the layout does not mention. */
const seconds: PartReader = (reading, part, next) => {
  const read = number("second", 0, 59)(reading, part, next);
  if (read !== true) return read;
  const digits = digitsAfterPoint(reading.value);
  return digits === 0 || isFraction(next) || readFraction(reading, digits);
};

const fraction: PartReader = (reading, part) => {
  if (part.charAt(1) === "0") return readFraction(reading, part.length - 1);
  const digits = digitsAfterPoint(reading.value);
  return digits === 0 || readFraction(reading, digits);
};

const offsetForms: Readonly<Record<string, RegExp>> = {
  "070000": /^(.)(..)(..)(..)/s,
  "07:00:00": /^(.)(..):(..):(..)/s,
  "0700": /^(.)(..)(..)/s,
  "07:00": /^(.)(..):(..)/s,
  "07": /^(.)(..)/s,
};

const zoneOffset: PartReader = (reading, part) => {
  if (part.startsWith("Z") && take(reading, /^Z/) !== undefined) {
    reading.isUtc = true;
    return true;
  }
  const [all, sign = "", hours = "", minutes = "00", rest = "00"] =
    offsetForms[part.slice(1)]!.exec(reading.value) ?? [];
  if (all === undefined) return false;
  reading.value = reading.value.slice(all.length);
  const bad = [hours, minutes, rest].findIndex((digits) => !/^[0-9]{2}$/.test(digits));
  const [h, m, s] = [hours, minutes, rest].map((digits, at) => (bad < 0 || at < bad ? Number(digits) : 0)) as [
    number,
    number,
    number,
  ];
  if (s > 60) return "time zone offset second";
  if (m > 60) return "time zone offset minute";
  if (h > 24) return "time zone offset hour";
  if (bad >= 0 || !/[+-]/.test(sign)) return false;
  reading.offset = (sign === "-" ? -1 : 1) * (h * 3600 + m * 60 + s);
  return true;
};

const zoneLetters: PartReader = (reading) => {
  if (take(reading, /^UTC/) !== undefined) {
    reading.isUtc = true;
    return true;
  }
  const length = zoneLettersLength(reading.value);
  reading.letters = reading.value.slice(0, length);
  reading.value = reading.value.slice(length);
  return length > 0;
};

const halfOfDay =
  (before: string, after: string): PartReader =>
  (reading) => {
    const found = take(reading, /^[^]{2}/);
    if (found !== before && found !== after) return false;
    reading.afternoon = found === after;
    return true;
  };

const yearDay: PartReader = (reading, part) => {
  if (part === "__2") take(reading, /^ {1,2}/);
  const digits = take(reading, part === "002" ? /^[0-9]{3}/ : /^[0-9]{1,3}/);
  reading.yearDay = Number(digits);
  return digits !== undefined;
};

const longYear: PartReader = (reading) => {
  if (!/^[0-9]/.test(reading.value) || reading.value.length < 4) return false;
  const digits = take(reading, /^[0-9]{4}/);
  reading.year = Number(digits);
  return digits !== undefined;
};

/** Two digits: 69 and above belong to the last century. */
const shortYear: PartReader = (reading) => {
  const digits = take(reading, /^(?:[0-9]{2}|[+-][0-9])/);
  const year = Number(digits);
  reading.year = year + (year >= 69 ? 1900 : 2000);
  return digits !== undefined;
};

const monthNumber = number("month", 1, 12);
const day = number("day", 0, 99);
const hour12 = number("hour", 0, 12);

const spacedDay: PartReader = (reading, part, next) => {
  take(reading, /^ /);
  return day(reading, part, next);
};

const readers: Readonly<Record<string, PartReader>> = {
  "2006": longYear,
  "06": shortYear,
  January: monthName(9),
  Jan: monthName(3),
  "1": monthNumber,
  "01": monthNumber,
  Monday: dayName(9),
  Mon: dayName(3),
  "2": day,
  _2: spacedDay,
  "02": day,
  __2: yearDay,
  "002": yearDay,
  "15": (reading, _part, next) => number("hour", 0, 23)(reading, "1", next),
  "3": hour12,
  "03": hour12,
  "4": number("minute", 0, 59),
  "04": number("minute", 0, 59),
  "5": seconds,
  "05": seconds,
  PM: halfOfDay("AM", "PM"),
  pm: halfOfDay("am", "pm"),
  MST: zoneLetters,
};

/** The reader of a part; the ones with many forms are fractions and offsets. */
export const readerOf = (part: string): PartReader => readers[part] ?? (isFraction(part) ? fraction : zoneOffset);
