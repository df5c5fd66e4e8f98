/**
 * Time zones by name: offsets through Intl, the letters (CET, EDT) from the table beside.
 *
 * The local zone is UTC. A zone that nobody knows is not an error here: callers fall back to UTC, as sprig does.
 */
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { zoneLines } from "./dates-zone-data.ts";

/** What holds in a zone at one moment. */
export interface ZoneTime {
  /** Seconds east of UTC. */
  readonly offset: number;
  /** Letters, or "" when there are none: then the offset is printed. */
  readonly letters: GoString;
}

export interface Zone {
  readonly name: GoString;
  readonly at: (unixSeconds: bigint) => ZoneTime;
}

export const utc: Zone = { name: ascii("UTC"), at: () => ({ offset: 0, letters: ascii("UTC") }) };

/** Always the same offset; a name may be empty. */
export function fixedZone(name: GoString, offset: number): Zone {
  return { name, at: () => ({ offset, letters: name }) };
}

interface Letters {
  readonly text: string;
  readonly offset: number;
  /** Seconds since 1970 from which on this does not hold any more. */
  readonly before: number;
}

/** Zone name → what is printed for its offsets; made when the first zone is asked for. */
let known: ReadonlyMap<string, readonly Letters[]> | undefined;

function readTable(): ReadonlyMap<string, readonly Letters[]> {
  const lines = zoneLines.trim().replaceAll("\n ", " ").split("\n");
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      const letters = line.slice(0, colon).split(" ").filter(Boolean).map(readLetters);
      return line
        .slice(colon + 1)
        .trim()
        .split(" ")
        .map((name) => [name, letters] as const);
    }),
  );
}

function readLetters(item: string): Letters {
  const [, text, minutes, before] = /^(.+)=(-?[\d.]+)(?:<(\d+))?$/.exec(item)!;
  return { text: text!, offset: Number(minutes) * 60, before: before === undefined ? Infinity : Number(before) };
}

function digits(offset: number): string {
  const minutes = Math.trunc(Math.abs(offset) / 60);
  const hours = String(Math.trunc(minutes / 60)).padStart(2, "0");
  const rest = minutes % 60 === 0 ? "" : String(minutes % 60).padStart(2, "0");
  return (offset < 0 ? "-" : "+") + hours + rest;
}

/** The Gregorian calendar and (in what Intl knows) the rules of zones repeat after 400 years. */
const cycle = 146_097n * 86_400n;
/** Both ends lie inside what Intl can show. */
const latest = 8_000_000_000_000n;

function intoRange(seconds: bigint): number {
  if (seconds > latest) return Number(latest - cycle + ((seconds - latest) % cycle));
  if (seconds < -latest) return Number(-latest + cycle + ((seconds + latest) % cycle));
  return Number(seconds);
}

/** The zone's clock less UTC's, in seconds. */
function offsetAt(format: Intl.DateTimeFormat, seconds: number): number {
  const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, value] as const));
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get("era") === "BC" ? 1 - number("year") : number("year");
  const clock = new Date(0);
  clock.setUTCFullYear(year, number("month") - 1, number("day"));
  clock.setUTCHours(number("hour"), number("minute"), number("second"));
  return Math.round(clock.getTime() / 1000 - seconds);
}

const formatOptions = {
  calendar: "gregory",
  numberingSystem: "latn",
  era: "short",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
  hourCycle: "h23",
} as const;

const zones = new Map<string, Zone>();

function intlZone(name: string, letters: readonly Letters[]): Zone | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { ...formatOptions, timeZone: name });
  } catch {
    return undefined;
  }
  const at = (unixSeconds: bigint): ZoneTime => {
    const seconds = intoRange(unixSeconds);
    const offset = offsetAt(format, seconds);
    const found = letters.find((item) => item.offset === offset && seconds < item.before)?.text ?? "+";
    return { offset, letters: ascii(found === "+" ? digits(offset) : found) };
  };
  return { name: ascii(name), at };
}

/** time.LoadLocation, or undefined for a name that Go does not know. */
export function loadZone(name: string): Zone | undefined {
  if (name === "" || name === "UTC" || name === "Local") return utc;
  const made = zones.get(name);
  if (made) return made;
  known ??= readTable();
  const letters = known.get(name);
  const zone = letters && intlZone(name, letters);
  if (zone) zones.set(name, zone);
  return zone;
}
