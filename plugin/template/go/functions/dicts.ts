/** Sprig's dicts: `map[string]interface {}`, changed in place by set, unset and merge. */
import { fail } from "../errors.ts";
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn, variadic } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { anyMapType, anyType, stringType } from "../types.ts";
import type { GoValue } from "../values.ts";
import { anyMap, anySlice, GoMap, stringSlice, typeOf } from "../values.ts";
import { deepCopy } from "./dicts-copy.ts";
import { DifferentTypes, mergeInto } from "./dicts-merge.ts";
import { stringOf } from "./text-of-values.ts";

type Value = Exclude<GoValue, undefined>;

function dict(values: readonly Value[], ctx: CallContext): GoMap {
  const made = anyMap();
  for (let at = 0; at < values.length; at += 2)
    made.entries.set(stringOf(ctx, values[at]), at + 1 < values.length ? values[at + 1] : ascii(""));
  return made;
}

function set(map: GoMap, key: GoString, value: Value): GoMap {
  if (map.isNil) fail("assignment to entry in nil map");
  map.entries.set(key, value);
  return map;
}

function unset(map: GoMap, key: GoString): GoMap {
  map.entries.delete(key);
  return map;
}

/** The value under the key, or undefined: a key may hold nil. */
const lookup = (map: GoMap, key: GoString): Value | undefined =>
  map.entries.has(key) ? (map.entries.get(key) ?? null) : undefined;

const pluck = (key: GoString, maps: readonly GoMap[]): Value[] =>
  maps.map((map) => lookup(map, key)).filter((value) => value !== undefined);

function keep(ctx: CallContext, map: GoMap, wanted: (key: GoString) => boolean): GoMap {
  ctx.charge(map.entries.size);
  return anyMap([...map.entries].filter(([key]) => wanted(key)));
}

/** Go gives keys in a random order; here they come sorted. */
function sortedKeys(ctx: CallContext, map: GoMap): GoString[] {
  ctx.charge(map.entries.size);
  return map.sortedKeys();
}

/** A type assertion of Go that does not hold. */
const notA = (wanted: string, value: Value): never =>
  fail(`interface conversion: interface {} is ${typeOf(value)?.name ?? "nil"}, not ${wanted}`);

function dig(args: readonly Value[]): Value {
  if (args.length < 3) fail("dig needs at least three arguments");
  const keys = args.slice(0, -2).map((key) => (typeof key === "string" ? key : undefined));
  const fallback = args.at(-2)!;
  let step: Value = args.at(-1)!;
  if (!isDict(step)) return notA(anyMapType.name, step);
  for (const [at, key] of keys.entries()) if (key === undefined) return notA("string", args[at]!);
  for (const key of keys) {
    if (!isDict(step)) return notA(anyMapType.name, step);
    const next = lookup(step, key!);
    if (next === undefined) return fallback;
    step = next;
  }
  return step;
}

const isDict = (value: Value): value is GoMap => value instanceof GoMap && value.type === anyMapType;

/** Where Go's merge gives up it hides the error, its `must` twin does not. */
const merging = (overwrite: boolean, must: boolean): GoFunction =>
  variadic([anyMapType], anyMapType, ([first, ...sources], ctx) => {
    let target = first;
    try {
      for (const source of sources) target = mergeInto(ctx, target, source, overwrite);
    } catch (thrown) {
      if (!(thrown instanceof DifferentTypes)) throw thrown;
      return must ? fail(thrown.message) : ascii("");
    }
    return target;
  });

const copy = fn([anyType], ([value], ctx) => deepCopy(ctx, value));

export const dictFunctions: FunctionTable = {
  dict: variadic([], anyType, dict),
  get: fn([anyMapType, stringType], ([map, key]) => lookup(map, key) ?? (map.entries.has(key) ? null : ascii(""))),
  set: fn([anyMapType, stringType, anyType], ([map, key, value]) => set(map, key, value)),
  unset: fn([anyMapType, stringType], ([map, key]) => unset(map, key)),
  hasKey: fn([anyMapType, stringType], ([map, key]) => map.entries.has(key)),
  pluck: variadic([stringType], anyMapType, ([key, ...maps]) => anySlice(pluck(key, maps))),
  keys: variadic([], anyMapType, (maps, ctx) => stringSlice(maps.flatMap((map) => sortedKeys(ctx, map)))),
  values: fn([anyMapType], ([map], ctx) => anySlice(sortedKeys(ctx, map).map((key) => map.entries.get(key)))),
  pick: variadic([anyMapType], stringType, ([map, ...keys], ctx) => {
    const wanted = new Set(keys);
    return keep(ctx, map, (key) => wanted.has(key));
  }),
  omit: variadic([anyMapType], stringType, ([map, ...keys], ctx) => {
    const omitted = new Set(keys);
    return keep(ctx, map, (key) => !omitted.has(key));
  }),
  merge: merging(false, false),
  mustMerge: merging(false, true),
  mergeOverwrite: merging(true, false),
  mustMergeOverwrite: merging(true, true),
  dig: variadic([], anyType, dig),
  deepCopy: copy,
  mustDeepCopy: copy,
};
