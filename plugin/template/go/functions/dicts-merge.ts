/**
 * Merging of dicts as sprig's merge does it, mergo's corners included: without overwriting an empty value ("", 0, false,
 * an empty list or dict, nil) counts as missing; dicts inside dicts are merged in place; lists are never joined.
 */
import { isTrue } from "../equality.ts";
import { BudgetError, fail } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import type { GoType } from "../types.ts";
import { anyType } from "../types.ts";
import { GoMap, GoObject, GoSlice, kindOf } from "../values.ts";
import type { GoValue } from "../values.ts";
import { deepestValue } from "./costs.ts";

interface Merge {
  readonly ctx: CallContext;
  readonly overwrite: boolean;
}

/** A pointer that meets something else: the one case where sprig's merge gives "" and mustMerge an error. */
export class DifferentTypes extends Error {
  override readonly name = "DifferentTypes";
}

/** Reflection refuses a value of a type that the map does not hold. */
function put(target: GoMap, key: GoString, value: GoValue, type: GoType): void {
  const elem = target.type.elem!;
  if (elem !== anyType && elem !== type)
    fail(`reflect.Value.SetMapIndex: value of type ${type.name} is not assignable to type ${elem.name}`);
  target.entries.set(key, value);
}

/** Merges what `before` holds with a dict or a struct, in place. */
function mergeInside(merge: Merge, before: GoValue, value: GoMap | GoObject, depth: number): void {
  if (before instanceof GoMap) {
    if (value instanceof GoMap && !before.isNil) mergeMaps(merge, before, value, depth + 1);
  } else if (before instanceof GoObject) {
    if (before.type.kind === "struct" && before.type.fields && value.type.kind !== "struct")
      fail(`reflect: call of reflect.Value.Field on ${kindOf(value)} Value`);
    if (before.type.kind === "ptr" && value.type.kind !== "ptr" && !merge.overwrite)
      throw new DifferentTypes("src and dst must be of same type");
  }
}

/** A list replaces when overwriting or when the dict is empty; else what is there is stored again. */
function mergeList(merge: Merge, target: GoMap, key: GoString, value: GoSlice): void {
  const before = target.entries.get(key);
  const replaces = merge.overwrite || target.entries.size === 0;
  const list = replaces || before === undefined || before === null ? value : before;
  put(target, key, list, list instanceof GoSlice ? list.type : anyType);
}

function mergeMaps(merge: Merge, target: GoMap, source: GoMap, depth: number): void {
  if (depth > deepestValue) throw new BudgetError("depth");
  merge.ctx.charge(source.entries.size);
  const type = source.type.elem!;
  for (const [key, value] of [...source.entries]) {
    if (value === null || value === undefined) {
      if (merge.overwrite) put(target, key, value, type);
      continue;
    }
    const before = target.entries.get(key);
    if (value instanceof GoMap || value instanceof GoObject) mergeInside(merge, before, value, depth);
    else if (value instanceof GoSlice) mergeList(merge, target, key, value);
    if (isTrue(before)) {
      if (value instanceof GoSlice || (value instanceof GoMap && before instanceof GoMap)) continue;
      if (!merge.overwrite) continue;
    }
    put(target, key, value, type);
  }
}

/** Merges the source into the target and gives the target, or a new dict in place of a nil one. */
export function mergeInto(ctx: CallContext, target: GoMap, source: GoMap, overwrite: boolean): GoMap {
  const into = target.isNil && !source.isNil ? new GoMap(target.type) : target;
  mergeMaps({ ctx, overwrite }, into, source, 0);
  return into;
}
