/** Go's comparisons: basic kinds of one sort, signed with unsigned integers, nil with anything. */
import { fail, secret } from "../errors.ts";
import type { FunctionTable, Meter } from "../functions.ts";
import { fn, variadic } from "../functions.ts";
import { plainSpec } from "../print-spec.ts";
import { printOne } from "../print.ts";
import { isFloat, isSigned, isUnsigned, reflectValueType } from "../types.ts";
import { GoComplex, GoMap, GoNumber, GoObject, GoSlice, kindOf, typeName } from "../values.ts";
import type { GoValue } from "../values.ts";

type Sort = "bool" | "complex" | "int" | "float" | "string" | "uint";

function sortOf(value: GoValue): Sort | undefined {
  if (typeof value === "string") return "string";
  const kind = kindOf(value);
  if (isSigned(kind)) return "int";
  if (isUnsigned(kind)) return "uint";
  if (isFloat(kind)) return "float";
  if (kind === "bool") return "bool";
  return value instanceof GoComplex ? "complex" : undefined;
}

/** The number or text of a value of a basic kind, to be compared by JavaScript's operators. */
const plain = (value: GoValue): string | number | bigint | boolean =>
  (value instanceof GoNumber ? value.value : value) as string | number | bigint | boolean;

const integers = (a: Sort | undefined, b: Sort | undefined): boolean =>
  (a === "int" || a === "uint") && (b === "int" || b === "uint");

const isNil = (value: GoValue): boolean =>
  value === undefined || value === null || ((value instanceof GoSlice || value instanceof GoMap) && value.isNil);

function incompatible(a: GoValue, b: GoValue): never {
  return fail(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}

function equal(a: GoValue, b: GoValue, meter: Meter): boolean {
  const sortA = sortOf(a);
  const sortB = sortOf(b);
  if (sortA !== sortB && !integers(sortA, sortB)) {
    const missing = a === undefined || a === null || b === undefined || b === null;
    return missing ? false : incompatible(a, b);
  }
  if (a instanceof GoComplex && b instanceof GoComplex) return a.re === b.re && a.im === b.im;
  if (sortA !== undefined) return plain(a) === plain(b);
  return equalOthers(a, b, meter);
}

/** Values that only compare with nil: slices and maps; and structs by identity. */
function equalOthers(a: GoValue, b: GoValue, meter: Meter): boolean {
  const nilA = a === undefined || a === null;
  const nilB = b === undefined || b === null;
  const text = (value: GoValue, verb = "s"): string => secret(printOne(plainSpec(meter), value, verb));
  if (!nilA && !nilB && kindOf(a) !== kindOf(b))
    return fail(`non-comparable types ${text(a)}: ${typeName(a)}, ${typeName(b)}: ${text(b, "v")}`);
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (!(b instanceof GoObject)) return fail(`non-comparable type ${text(b)}: ${typeName(b)}`);
  return a === b;
}

function less(a: GoValue, b: GoValue): boolean {
  const sortA = sortOf(a);
  const sortB = sortOf(b);
  if (!sortA || !sortB) return fail("invalid type for comparison");
  if (sortA !== sortB && !integers(sortA, sortB)) return incompatible(a, b);
  if (sortA === "bool" || sortA === "complex") fail("invalid type for comparison");
  return plain(a) < plain(b);
}

const two = [reflectValueType, reflectValueType] as const;

/** Not the opposite of greater: Go asks for less, then for equal. */
const lessOrEqual = (a: GoValue, b: GoValue, meter: Meter): boolean => less(a, b) || equal(a, b, meter);

export const comparisonFunctions: FunctionTable = {
  eq: variadic([reflectValueType], reflectValueType, ([first, ...others], ctx) => {
    if (others.length === 0) fail("missing argument for comparison");
    return others.some((other) => equal(first, other, ctx));
  }),
  ne: fn(two, ([a, b], ctx) => !equal(a, b, ctx)),
  lt: fn(two, ([a, b]) => less(a, b)),
  le: fn(two, ([a, b], ctx) => lessOrEqual(a, b, ctx)),
  gt: fn(two, ([a, b], ctx) => !lessOrEqual(a, b, ctx)),
  ge: fn(two, ([a, b]) => !less(a, b)),
};
