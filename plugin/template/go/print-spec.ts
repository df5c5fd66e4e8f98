/** What stands between % and the verb, and the padding that follows from it. */
import type { Meter } from "./functions.ts";
import type { GoString } from "./text.ts";
import { ascii, runeCount } from "./text.ts";

export interface PrintSpec {
  readonly width?: number | undefined;
  readonly precision?: number | undefined;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  /** %+v: field names. */
  readonly plusV: boolean;
  /** %#v: Go syntax. */
  readonly sharpV: boolean;
  /** Inside %!verb(…): no String() method is asked. */
  readonly erroring: boolean;
  readonly meter: Meter;
}

/** A bare verb. */
export const plainSpec = (meter: Meter): PrintSpec => ({
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  plusV: false,
  sharpV: false,
  erroring: false,
  meter,
});

/** Pads to the width in runes: zeros only to the left. */
export function pad(spec: PrintSpec, text: string): GoString {
  const { width } = spec;
  if (width === undefined) return ascii(text);
  const missing = width - runeCount(ascii(text));
  if (missing <= 0) return ascii(text);
  if (spec.minus) return ascii(text + " ".repeat(missing));
  return ascii((spec.zero ? "0" : " ").repeat(missing) + text);
}

/** Pads with spaces, whatever the flags say. */
export const padSpaces = (spec: PrintSpec, text: string): GoString => pad({ ...spec, zero: false }, text);
