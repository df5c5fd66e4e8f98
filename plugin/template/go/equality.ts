/** Go's truth, emptiness and reflect.DeepEqual. */
import type { Meter } from "./functions.ts";
import { GoComplex, GoMap, GoNumber, GoObject, GoSlice, typeOf } from "./values.ts";
import type { GoValue } from "./values.ts";

/** text/template's truth: false for nil, zero numbers, "", false, empty slices and maps; structs are true. */
export function isTrue(value: GoValue): boolean {
  if (typeof value === "string") return value.length > 0;
  if (typeof value === "boolean") return value;
  if (value === null || value === undefined) return false;
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "number") return value !== 0;
  if (value instanceof GoSlice) return value.items.length > 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  if (value instanceof GoNumber) return value.value !== 0n && value.value !== 0;
  if (value instanceof GoComplex) return value.re !== 0 || value.im !== 0;
  return true;
}

/** reflect.DeepEqual: same dynamic type, same content; a nil and an empty slice differ. */
export function deepEqual(a: GoValue, b: GoValue, meter: Meter): boolean {
  meter.charge(1);
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (typeOf(a) !== typeOf(b)) return false;
  if (a instanceof GoSlice && b instanceof GoSlice)
    return (
      a.isNil === b.isNil &&
      a.items.length === b.items.length &&
      a.items.every((x, i) => deepEqual(x, b.items[i], meter))
    );
  if (a instanceof GoMap && b instanceof GoMap) return equalMaps(a, b, meter);
  if (a instanceof GoNumber && b instanceof GoNumber) return a.value === b.value;
  if (a instanceof GoComplex && b instanceof GoComplex) return a.re === b.re && a.im === b.im;
  if (a instanceof GoObject && b instanceof GoObject) return equalFields(a, b, meter);
  return false;
}

function equalMaps(a: GoMap, b: GoMap, meter: Meter): boolean {
  if (a.isNil !== b.isNil || a.entries.size !== b.entries.size) return false;
  for (const [key, value] of a.entries)
    if (!b.entries.has(key) || !deepEqual(value, b.entries.get(key), meter)) return false;
  return true;
}

function equalFields(a: GoObject, b: GoObject, meter: Meter): boolean {
  if (a.state === b.state) return true;
  const fields = a.type.fields;
  if (!fields) return a.type.print !== undefined && a.type.print(a) === a.type.print(b);
  return [...fields.values()].every((field) => deepEqual(field(a), field(b), meter));
}
