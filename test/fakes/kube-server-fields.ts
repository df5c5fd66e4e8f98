/** managedFields, roughly as the API server keeps them: who wrote which member last. */
import { isDeepStrictEqual } from "node:util";
import type { ManagedFields, StoredObject } from "./kube-server-types.ts";

export interface Writer {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource: string;
  /** RFC 3339. */
  readonly time: string;
}

type FieldSet = { [member: string]: FieldSet };

/** Filled in by the API server, so no writer's. */
const ownerless = new Set([
  "apiVersion",
  "kind",
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "managedFields",
]);

/** The new managedFields after `writer` turned `before` into `after`. */
export function ownedAfter(before: StoredObject | undefined, after: StoredObject, writer: Writer): ManagedFields[] {
  const changed = changedMembers(before, after);
  const previous = before?.metadata.managedFields ?? [];
  if (Object.keys(changed).length === 0) return [...previous];
  const isOwn = (entry: ManagedFields): boolean =>
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    (entry.subresource ?? "") === writer.subresource;
  const own = previous.find(isOwn);
  const others = previous
    .filter((entry) => !isOwn(entry))
    .map((entry) => ({ ...entry, fieldsV1: without(entry.fieldsV1 as FieldSet, changed) }))
    .filter((entry) => Object.keys(entry.fieldsV1).length > 0);
  const { subresource, ...rest } = writer;
  const fieldsV1 = union((own?.fieldsV1 ?? {}) as FieldSet, changed);
  const apiVersion = after.apiVersion;
  return [
    ...others,
    { ...rest, apiVersion, fieldsType: "FieldsV1", fieldsV1, ...(subresource ? { subresource } : {}) },
  ];
}

function changedMembers(before: unknown, after: unknown): FieldSet {
  const [old, now] = [members(before), members(after)];
  const changed: FieldSet = {};
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (ownerless.has(name) || isDeepStrictEqual(old[name], now[name])) continue;
    if (!(name in now)) continue;
    changed[`f:${name}`] = isMap(now[name]) ? changedMembers(old[name], now[name]) : {};
  }
  return changed;
}

function without(set: FieldSet, taken: FieldSet): FieldSet {
  const left = Object.entries(set).flatMap(([name, inner]) => {
    const other = taken[name];
    if (!other) return [[name, inner] as const];
    const rest = without(inner, other);
    return Object.keys(rest).length > 0 ? [[name, rest] as const] : [];
  });
  return Object.fromEntries(left);
}

function union(a: FieldSet, b: FieldSet): FieldSet {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, union(a[name] ?? {}, b[name] ?? {})]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function members(value: unknown): Record<string, unknown> {
  return isMap(value) ? value : {};
}
