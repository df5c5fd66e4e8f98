/**
 * Sprig's lists. Every list function takes a slice of any element type and gives a new `[]interface {}`.
 *
 * The `must` twin of a function is the same here: in a template an error and a panic read alike.
 */
import { deepEqual, isTrue } from "../equality.ts";
import { fail } from "../errors.ts";
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn, variadic } from "../functions.ts";
import type { GoString } from "../text.ts";
import { anySliceType, anyType, intType } from "../types.ts";
import type { GoValue } from "../values.ts";
import { anySlice, byBytes, GoSlice, kindOf, nilSlice, slice, stringSlice } from "../values.ts";
import { toInteger } from "./cast.ts";
import { chargeTree } from "./costs.ts";
import { stringOf, stringsOf } from "./text-of-values.ts";

type Value = Exclude<GoValue, undefined>;

/** The list's items, a copy of them paid for. A nil interface ends as Go's nil pointer does. */
function itemsOf(ctx: CallContext, list: Value, refusal: (kind: string) => string): readonly Value[] {
  if (list === null) fail("runtime error: invalid memory address or nil pointer dereference");
  if (!(list instanceof GoSlice)) return fail(refusal(kindOf(list)));
  ctx.charge(1 + (list.items.length >> 3));
  return list.items as Value[];
}

/** A function of one list; `name` stands in the error text. */
const ofList = (name: string, call: (items: readonly Value[], ctx: CallContext) => Value): GoFunction =>
  fn([anyType], ([list], ctx) =>
    call(
      itemsOf(ctx, list, (kind) => `Cannot ${name} on type ${kind}`),
      ctx,
    ),
  );

function contains(items: readonly Value[], wanted: Value, ctx: CallContext): boolean {
  return items.some((item) => {
    chargeTree(ctx, item);
    return deepEqual(wanted, item, ctx);
  });
}

function uniq(items: readonly Value[], ctx: CallContext): GoSlice {
  const scalars = new Set<Value>();
  const kept: Value[] = [];
  for (const item of items) {
    // Looking through all of them is for values that have parts, or (NaN) are not equal to themselves.
    const simple = typeof item !== "object" && item === item;
    if (simple ? scalars.has(item) : contains(kept, item, ctx)) continue;
    scalars.add(item);
    kept.push(item);
  }
  return anySlice(kept);
}

/** Sizes below 1 are nobody's wish; what Go makes of them follows from its division. */
function chunkCount(size: bigint, length: number): number {
  const count = Math.floor((length - 1) / Number(size)) + 1;
  const emptyOne = size < 0n && count > 0 && BigInt(length) % size === 0n;
  if (!(count >= 0 && count <= length) || emptyOne) fail("runtime error: makeslice: len out of range");
  return count;
}

function chunk(size: bigint, items: readonly Value[]): GoSlice {
  const count = chunkCount(size, items.length);
  const length = size > 0n && size < BigInt(items.length) ? Number(size) : items.length;
  const chunks: GoSlice[] = [];
  for (let at = 0; at < count; at++) chunks.push(anySlice(items.slice(at * length, (at + 1) * length)));
  return slice(anySliceType, chunks);
}

const chunks = fn([intType, anyType], ([size, list], ctx) =>
  chunk(
    size,
    itemsOf(ctx, list, (kind) => `Cannot chunk type ${kind}`),
  ),
);

/** Items from start to end; the result has the list's own type. */
const sliced = variadic([anyType], anyType, ([list, ...indices], ctx) => {
  const items = itemsOf(ctx, list, (kind) => `list should be type of slice or array but ${kind}`);
  if (items.length === 0) return null;
  const start = indices.length > 0 ? toInteger(indices[0]) : 0n;
  const end = indices.length > 1 ? toInteger(indices[1]) : BigInt(items.length);
  if (start < 0n || end < start || end > BigInt(items.length)) fail("reflect.Value.Slice: slice index out of bounds");
  return new GoSlice((list as GoSlice).type, items.slice(Number(start), Number(end)));
});

function concat(lists: readonly Value[], ctx: CallContext): GoSlice {
  const all: Value[] = [];
  for (const list of lists) {
    const items = itemsOf(ctx, list, (kind) => `Cannot concat type ${kind} as list`);
    ctx.charge(items.length);
    for (const item of items) all.push(item);
  }
  return all.length > 0 ? anySlice(all) : nilSlice(anyType);
}

function sortAlpha(list: Value, ctx: CallContext): GoString[] {
  if (!(list instanceof GoSlice)) return [stringOf(ctx, list)];
  const texts = stringsOf(ctx, list);
  ctx.charge(texts.length);
  return texts.sort(byBytes);
}

const list = variadic([], anyType, (values) => anySlice([...values]));
const push = fn([anyType, anyType], ([list, value], ctx) =>
  anySlice([...itemsOf(ctx, list, (kind) => `Cannot push on type ${kind}`), value]),
);
const prepend = fn([anyType, anyType], ([list, value], ctx) =>
  anySlice([value, ...itemsOf(ctx, list, (kind) => `Cannot prepend on type ${kind}`)]),
);
const first = ofList("find first", (items) => items[0] ?? null);
const last = ofList("find last", (items) => items.at(-1) ?? null);
const butSome = (items: readonly Value[], from: number, to: number): GoSlice =>
  items.length === 0 ? nilSlice(anyType) : anySlice(items.slice(from, to));
const rest = ofList("find rest", (items) => butSome(items, 1, items.length));
const initial = ofList("find initial", (items) => butSome(items, 0, items.length - 1));
const reverse = ofList("find reverse", (items) => anySlice(items.toReversed()));
const compact = ofList("compact", (items) => anySlice(items.filter(isTrue)));
const unique = ofList("find uniq", uniq);
const without = variadic([anyType], anyType, ([list, ...omitted], ctx) => {
  const items = itemsOf(ctx, list, (kind) => `Cannot find without on type ${kind}`);
  return anySlice(items.filter((item) => !contains(omitted, item, ctx)));
});
const has = fn([anyType, anyType], ([wanted, list], ctx) =>
  list === null
    ? false
    : contains(
        itemsOf(ctx, list, (kind) => `Cannot find has on type ${kind}`),
        wanted,
        ctx,
      ),
);

export const listFunctions: FunctionTable = {
  list,
  tuple: list,
  append: push,
  mustAppend: push,
  push,
  mustPush: push,
  prepend,
  mustPrepend: prepend,
  first,
  mustFirst: first,
  rest,
  mustRest: rest,
  last,
  mustLast: last,
  initial,
  mustInitial: initial,
  reverse,
  mustReverse: reverse,
  compact,
  mustCompact: compact,
  uniq: unique,
  mustUniq: unique,
  without,
  mustWithout: without,
  has,
  mustHas: has,
  slice: sliced,
  mustSlice: sliced,
  chunk: chunks,
  mustChunk: chunks,
  concat: variadic([], anyType, concat),
  sortAlpha: fn([anyType], ([list], ctx) => stringSlice(sortAlpha(list, ctx))),
};
