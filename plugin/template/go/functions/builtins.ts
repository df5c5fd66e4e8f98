/** Go's own template functions. Not its `slice`: sprig's takes that name. */
import { isTrue } from "../equality.ts";
import { fail, secret } from "../errors.ts";
import type { FunctionTable } from "../functions.ts";
import { fn, variadic } from "../functions.ts";
import { sprint, sprintln } from "../print.ts";
import { sprintf } from "../printf.ts";
import { ascii } from "../text.ts";
import { anyType, reflectValueType, stringType } from "../types.ts";
import { comparisonFunctions } from "./comparisons.ts";
import { escapeFunctions } from "./escapes.ts";
import { GoMap, GoSlice, int, integerOf, typeName, uint8 } from "../values.ts";
import type { GoValue } from "../values.ts";

/** What reflect says when a nil Value is asked for its type. */
const zeroValue = (method: string): never => fail(`reflect: call of reflect.Value.${method} on zero Value`);

/** The type, or what it points to: these functions look through a pointer. */
const targetName = (item: GoValue): string => typeName(item).replace(/^\*/, "");

/** An index that lies within 0…cap, as Go converts it. */
function indexWithin(index: GoValue, cap: number): number {
  if (index === undefined || index === null) fail("cannot index slice/array with nil");
  const number = integerOf(index);
  if (number === undefined) return fail(`cannot index slice/array with type ${typeName(index)}`);
  const signed = BigInt.asIntN(64, number);
  if (signed < 0n || signed > BigInt(cap)) fail(`index out of range: ${secret(signed.toString())}`);
  return Number(signed);
}

/** What `index` finds for a map key that is absent: the element type's zero, nil where it is an interface. */
const zeroOf = (map: GoMap): GoValue => (map.type.elem === stringType ? ascii("") : null);

function indexOnce(item: GoValue, index: GoValue): GoValue {
  if (item === null) fail("index of nil pointer");
  if (item instanceof GoMap) {
    if (index === undefined || index === null) fail("value is nil; should be of type string");
    if (typeof index !== "string") return fail(`value has type ${typeName(index)}; should be string`);
    return item.entries.has(index) ? item.entries.get(index) : zeroOf(item);
  }
  if (item instanceof GoSlice) {
    const at = indexWithin(index, item.items.length);
    return at < item.items.length ? item.items[at] : fail("reflect: slice index out of range");
  }
  if (typeof item !== "string") return fail(`can't index item of type ${targetName(item)}`);
  const at = indexWithin(index, item.length);
  return at < item.length ? uint8(item.charCodeAt(at)) : fail("reflect: string index out of range");
}

function length(item: GoValue): GoValue {
  if (item === null) fail("len of nil pointer");
  if (item === undefined) return zeroValue("Type");
  if (typeof item === "string") return int(item.length);
  if (item instanceof GoSlice) return int(item.items.length);
  if (item instanceof GoMap) return int(item.entries.size);
  return fail(`len of type ${targetName(item)}`);
}

/** The evaluator does these itself: it stops at the argument that decides, and knows the callee's text. */
const evaluated = () => fail("unreachable");

export const builtinFunctions: FunctionTable = {
  and: variadic([reflectValueType], reflectValueType, evaluated),
  or: variadic([reflectValueType], reflectValueType, evaluated),
  call: variadic([reflectValueType], reflectValueType, evaluated),
  not: fn([reflectValueType], ([value]) => !isTrue(value)),
  len: fn([reflectValueType], ([item]) => length(item)),
  index: variadic([reflectValueType], reflectValueType, ([item, ...indexes]) => {
    if (item === undefined || item === null) fail("index of untyped nil");
    return indexes.reduce(indexOnce, item);
  }),
  print: variadic([], anyType, (values, ctx) => sprint(values, ctx)),
  printf: variadic([stringType], anyType, ([format, ...values], ctx) => sprintf(format, values, ctx)),
  println: variadic([], anyType, (values, ctx) => sprintln(values, ctx)),
  ...escapeFunctions,
  ...comparisonFunctions,
};
