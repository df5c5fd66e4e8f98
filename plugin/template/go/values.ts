/**
 * Go's values as a template sees them.
 *
 * | Go                          | here                                                        |
 * |-----------------------------|-------------------------------------------------------------|
 * | invalid reflect.Value       | undefined: a missing key, "no value"; functions never see it in `any` parameters |
 * | nil in an interface         | null                                                        |
 * | string                      | GoString: one character per byte (text.ts)                  |
 * | bool                        | boolean                                                     |
 * | int                         | bigint                                                      |
 * | float64                     | number                                                      |
 * | int64, uint8, float32, time.Duration, time.Month … | GoNumber with its type              |
 * | complex128                  | GoComplex                                                   |
 * | []T                         | GoSlice with element type (typed nil: `isNil`)              |
 * | map[string]T                | GoMap with element type (typed nil: `isNil`); iterate with `sortedKeys` |
 * | structs, pointers, time.Time, *semver.Version | GoObject with a namedType()               |
 *
 * Everything is keyed by Map, nothing by object property: `__proto__` and `constructor` are ordinary missing keys.
 */
import { GoComplex, GoMap, GoNumber, GoSlice } from "./model.ts";
import type { GoType, GoValue } from "./model.ts";
import {
  anySliceType,
  anyMapType,
  boolType,
  complex128Type,
  float64Type,
  int64Type,
  intType,
  mapOf,
  sliceOf,
  stringMapType,
  stringSliceType,
  stringType,
  uint8Type,
} from "./types.ts";
import type { GoString } from "./text.ts";

export { GoComplex, GoMap, GoNumber, GoObject, GoSlice, byBytes } from "./model.ts";
export type { GoValue } from "./model.ts";
export type { GoString } from "./text.ts";

/** `[]interface {}`. */
export const anySlice = (items: GoValue[]): GoSlice => new GoSlice(anySliceType, items);
/** `[]string`. */
export const stringSlice = (items: GoString[]): GoSlice => new GoSlice(stringSliceType, items);
/** `[]elem`. */
export const slice = (elem: GoType, items: GoValue[]): GoSlice => new GoSlice(sliceOf(elem), items);
/** A nil `[]elem`: prints `[]`, marshals to null. */
export const nilSlice = (elem: GoType): GoSlice => new GoSlice(sliceOf(elem), [], true);
/** `map[string]interface {}`. */
export const anyMap = (entries?: Iterable<readonly [GoString, GoValue]>): GoMap =>
  new GoMap(anyMapType, new Map(entries));
/** `map[string]string`. */
export const stringMap = (entries?: Iterable<readonly [GoString, GoString]>): GoMap =>
  new GoMap(stringMapType, new Map<GoString, GoValue>(entries));
/** `map[string]elem`. */
export const map = (elem: GoType, entries?: Iterable<readonly [GoString, GoValue]>): GoMap =>
  new GoMap(mapOf(elem), new Map(entries));
/** int64, wrapped to 64 bits as Go's arithmetic does. */
export const int64 = (value: bigint | number): GoNumber => new GoNumber(int64Type, BigInt.asIntN(64, BigInt(value)));
/** int, wrapped to 64 bits as Go's arithmetic does. */
export const int = (value: bigint | number): bigint => BigInt.asIntN(64, BigInt(value));
export const uint8 = (value: number): GoNumber => new GoNumber(uint8Type, BigInt(value));

/** A value's dynamic type; undefined for null and undefined (Go prints `<nil>`). */
export function typeOf(value: GoValue): GoType | undefined {
  if (typeof value === "string") return stringType;
  if (typeof value === "bigint") return intType;
  if (typeof value === "number") return float64Type;
  if (typeof value === "boolean") return boolType;
  if (value === null || value === undefined) return undefined;
  return value instanceof GoComplex ? complex128Type : value.type;
}

/** `%T`: the dynamic type's name, `<nil>` for nil. */
export const typeName = (value: GoValue): string => typeOf(value)?.name ?? "<nil>";

/** reflect.Kind's name: `invalid` for nil. */
export const kindOf = (value: GoValue): GoType["kind"] => typeOf(value)?.kind ?? "invalid";

/** The integer in a value of any signed or unsigned integer type (named ones too), else undefined. */
export function integerOf(value: GoValue): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (value instanceof GoNumber && typeof value.value === "bigint") return value.value;
  return undefined;
}

/** The number in a float64 or float32, else undefined. */
export function floatOf(value: GoValue): number | undefined {
  if (typeof value === "number") return value;
  if (value instanceof GoNumber && typeof value.value === "number") return value.value;
  return undefined;
}
