/** What may be handed to a parameter of a type: Go's assignability, and its words where it fails. */
import { GoMap, GoSlice, typeName, typeOf } from "./values.ts";
import type { GoValue } from "./values.ts";
import type { Machine } from "./machine.ts";
import { anyType, reflectValueType } from "./types.ts";
import type { GoType } from "./types.ts";

/** The nil of a type that has one; undefined (and no property) where it has none. */
export function nilOf(type: GoType): { readonly value: GoValue } | undefined {
  if (type === anyType) return { value: null };
  if (type === reflectValueType) return { value: undefined };
  if (type.kind === "slice") return { value: new GoSlice(type, [], true) };
  if (type.kind === "map") return { value: new GoMap(type, new Map(), true) };
  return type.kind === "ptr" ? { value: null } : undefined;
}

/** The value as an argument of that type, or the execution fails with Go's text. */
export function fit(machine: Machine, value: GoValue, type: GoType): GoValue {
  if (type === anyType) return value === undefined ? null : value;
  if (type === reflectValueType) return value;
  if (typeOf(value) === type) return value;
  if (value === undefined) {
    const nil = nilOf(type);
    return nil ? nil.value : machine.fail(`invalid value; expected ${type.name}`);
  }
  const got = value === null ? anyType.name : typeName(value);
  return machine.fail(`wrong type for value; expected ${type.name}; got ${got}`);
}
