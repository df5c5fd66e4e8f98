/** Writing a time by a layout (time.Format). */
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { isFraction, layoutParts, longDays, longMonths } from "./dates-layout.ts";
import type { Shown, Time } from "./dates-time.ts";
import { shown } from "./dates-time.ts";
import { GrowingText } from "./growing-text.ts";

const padded = (value: number, width: number): string =>
  (value < 0 ? "-" : "") + String(Math.abs(value)).padStart(width, "0");

const hour12 = ({ hour }: Shown): number => hour % 12 || 12;

/** ±hh, ±hhmm, ±hh:mm, with seconds when the part has them; a part with Z writes Z for UTC. */
function offsetText({ offset }: Shown, part: string): string {
  if (offset === 0 && part.startsWith("Z")) return "Z";
  const size = Math.abs(offset);
  const pieces = [Math.trunc(size / 3600), Math.trunc(size / 60) % 60, size % 60];
  const digits = part.replace(/[^0-9]/g, "").length;
  // The sign is that of whole minutes.
  const sign = Math.trunc(offset / 60) < 0 ? "-" : "+";
  return (
    sign +
    pieces
      .slice(0, digits / 2)
      .map((piece) => padded(piece, 2))
      .join(part.includes(":") ? ":" : "")
  );
}

/** .000 keeps its zeros, .999 loses them. */
function fractionText(nanos: number, part: string): string {
  const digits = padded(nanos, 9)
    .slice(0, part.length - 1)
    .padEnd(Math.min(part.length - 1, 9), "0");
  if (part.charAt(1) === "0") return part.charAt(0) + digits;
  const trimmed = digits.replace(/0+$/, "");
  return trimmed === "" ? "" : part.charAt(0) + trimmed;
}

const writers: Readonly<Record<string, (time: Shown) => string>> = {
  "2006": ({ year }) => padded(year, 4),
  "06": ({ year }) => padded(Math.abs(year) % 100, 2),
  January: ({ month }) => longMonths[month - 1]!,
  Jan: ({ month }) => longMonths[month - 1]!.slice(0, 3),
  "1": ({ month }) => String(month),
  "01": ({ month }) => padded(month, 2),
  Monday: ({ weekday }) => longDays[weekday]!,
  Mon: ({ weekday }) => longDays[weekday]!.slice(0, 3),
  "2": ({ day }) => String(day),
  _2: ({ day }) => String(day).padStart(2),
  "02": ({ day }) => padded(day, 2),
  __2: ({ yearDay }) => String(yearDay).padStart(3),
  "002": ({ yearDay }) => padded(yearDay, 3),
  "15": ({ hour }) => padded(hour, 2),
  "3": (time) => String(hour12(time)),
  "03": (time) => padded(hour12(time), 2),
  "4": ({ minute }) => String(minute),
  "04": ({ minute }) => padded(minute, 2),
  "5": ({ second }) => String(second),
  "05": ({ second }) => padded(second, 2),
  PM: ({ hour }) => (hour >= 12 ? "PM" : "AM"),
  pm: ({ hour }) => (hour >= 12 ? "pm" : "am"),
  MST: (time) => time.letters || offsetText(time, "-0700"),
};

/** time.Time.Format. */
export function formatTime(meter: Meter, time: Time, layout: GoString): GoString {
  meter.charge(1 + (layout.length >> 4));
  const now = shown(time);
  const out = new GrowingText(meter);
  for (const { before, part } of layoutParts(layout)) {
    out.add(before);
    if (isFraction(part)) out.add(fractionText(time.nanos, part));
    else if (part !== "") out.add(writers[part]?.(now) ?? offsetText(now, part));
  }
  return out.text();
}

const free: Meter = { charge: () => undefined, produce: () => undefined };

/** time.Time.String. */
export const timeText = (time: Time): GoString =>
  formatTime(free, time, ascii("2006-01-02 15:04:05.999999999 -0700 MST"));

/** The time as RFC 3339 writes it, with the fraction that it has. */
export const timeJson = (time: Time): GoString => formatTime(free, time, ascii("2006-01-02T15:04:05.999999999Z07:00"));
