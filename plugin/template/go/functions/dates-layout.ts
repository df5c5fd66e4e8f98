/**
 * Go's time layouts: what in a layout stands for a part of a time and what for itself.
 *
 * A part is written as the reference time Mon Jan 2 15:04:05 MST 2006 has it.
 */
import type { GoString } from "../text.ts";
import { ascii, sliceBytes } from "../text.ts";

interface LayoutPart {
  /** Text before the part that stands for itself. */
  readonly before: GoString;
  /** The part as written in the layout, or "" at the layout's end. */
  readonly part: GoString;
}

const parts = new RegExp(
  [
    "January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST",
    "0[1-6]|002|15|1|2006|__2|_2(?!006)|2|3|4|5|PM|pm",
    "[-Z](?:070000|07:00:00|0700|07:00|07)",
    "[.,](?:0+|9+)(?![0-9])",
  ].join("|"),
  "g",
);

/** The layout's parts in order; the last one is always empty. */
export function layoutParts(layout: GoString): LayoutPart[] {
  const found: LayoutPart[] = [];
  let from = 0;
  for (const match of layout.matchAll(parts)) {
    found.push({ before: sliceBytes(layout, from, match.index), part: ascii(match[0]) });
    from = match.index + match[0].length;
  }
  found.push({ before: sliceBytes(layout, from), part: ascii("") });
  return found;
}

export const isFraction = (part: string): boolean => /^[.,][09]/.test(part);

export const longMonths = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

export const longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
