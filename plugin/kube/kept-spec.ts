/**
 * What is kept of an object with a spec: parsed once for as long as its spec, labels and annotations stay.
 *
 * Whoever compares by reference sees a change exactly when there is one: a status write makes none.
 */
import { readMeta } from "../manifests/object-meta.ts";
import type { ObjectMeta, Parsed } from "../manifests/objects.ts";
import type { ExternalSecretItem, ForeignStatusWriter } from "../sync/ports.ts";
import type { KubeManagedFields, KubeObject } from "./contract.ts";
import { ownManager } from "./resources.ts";

export interface KeptSpec<T> {
  readonly meta: ObjectMeta;
  readonly parsed: T;
}

/** Of an ExternalSecret. */
export interface KeptExternalSecret extends ExternalSecretItem {
  /** Finalizers that are not ours. */
  readonly otherFinalizers?: true;
}

/** The members of `before` when the object is as it was. */
export function keepSpec<T extends { readonly meta: ObjectMeta }>(
  object: KubeObject,
  before: KeptSpec<Parsed<T>> | undefined,
  parse: (object: KubeObject) => Parsed<T>,
): KeptSpec<Parsed<T>> {
  const meta = readMeta(object);
  if (before && sameSpec(before.meta, meta)) return { meta: before.meta, parsed: before.parsed };
  const parsed = parse(object);
  // One meta for both: there may be many thousands of them.
  return { meta: parsed.ok ? parsed.value.meta : meta, parsed };
}

function sameSpec(a: ObjectMeta, b: ObjectMeta): boolean {
  if (a.uid !== b.uid || a.generation !== b.generation) return false;
  return sameTexts(a.labels, b.labels) && sameTexts(a.annotations, b.annotations);
}

function sameTexts(a: ObjectMeta["labels"], b: ObjectMeta["labels"]): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/** Who else writes the status; undefined when that is nobody but this product. */
export function foreignStatusWriter(
  managedFields: readonly KubeManagedFields[] | undefined,
): ForeignStatusWriter | undefined {
  let foreign: { manager: string; atMs: number } | undefined;
  let ownAtMs = -Infinity;
  for (const { manager = "", subresource, time = "" } of managedFields ?? []) {
    if (subresource !== "status") continue;
    const parsedMs = Date.parse(time);
    const atMs = Number.isNaN(parsedMs) ? 0 : parsedMs;
    if (manager === ownManager) ownAtMs = Math.max(ownAtMs, atMs);
    else if (!foreign || atMs >= foreign.atMs) foreign = { manager, atMs };
  }
  return foreign && { ...foreign, newest: foreign.atMs >= ownAtMs };
}

export function sameWriter(a: ForeignStatusWriter | undefined, b: ForeignStatusWriter | undefined): boolean {
  return a?.manager === b?.manager && a?.atMs === b?.atMs && a?.newest === b?.newest;
}
