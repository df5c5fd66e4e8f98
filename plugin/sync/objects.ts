/** Who shares a target or a store: the index over all ExternalSecrets of this process. */
import { sourceOf } from "../manifests/entries.ts";
import type { ExternalSecret } from "../manifests/objects.ts";
import { leadingRef, storeName } from "./schedule.ts";
import type { ObjectState } from "./object-state.ts";
import type { ExternalSecretItem, ObjectKey } from "./ports.ts";

/** One text for one object; `/` is in no name. */
export function idOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

export function keyOf(id: string): ObjectKey {
  const slash = id.indexOf("/");
  return { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

interface Place {
  readonly target: string | undefined;
  readonly stores: readonly string[];
  readonly leadingStore: string | undefined;
  /** Registry name of the store kind, while a Secret is kept. */
  storeKind?: string | undefined;
}

const nowhere: Place = { target: undefined, stores: [], leadingStore: undefined };

export class Objects {
  readonly #states = new Map<string, ObjectState>();
  readonly #places = new Map<string, Place>();
  readonly #byTarget = new Map<string, Set<string>>();
  readonly #byStore = new Map<string, number>();
  readonly #byStoreKind = new Map<string, number>();

  get(id: string): ObjectState | undefined {
    return this.#states.get(id);
  }

  all(): IterableIterator<ObjectState> {
    return this.#states.values();
  }

  put(id: string, state: ObjectState): void {
    this.#states.set(id, state);
  }

  /** Notes which target and stores the object names now. An object that does not parse keeps its place. */
  place(item: ExternalSecretItem): void {
    if (!item.parsed.ok) return;
    const id = idOf(item.key);
    const next = placeOf(item.parsed.value);
    const storeKind = this.#places.get(id)?.storeKind;
    this.#unplace(id);
    this.#places.set(id, { ...next, storeKind });
    const sharers = this.#byTarget.get(next.target!) ?? new Set();
    this.#byTarget.set(next.target!, sharers.add(id));
    count(this.#byStore, next.leadingStore, 1);
  }

  remove(id: string): void {
    this.setStoreKind(id, undefined);
    this.#unplace(id);
    this.#states.delete(id);
  }

  /** Objects whose target is this Secret. */
  sharing(target: ObjectKey): readonly string[] {
    return [...(this.#byTarget.get(idOf(target)) ?? [])];
  }

  /** Objects with the same target as this one, itself included. */
  sharersOf(id: string): readonly string[] {
    const target = this.#places.get(id)?.target;
    return target === undefined ? [] : this.sharing(keyOf(target));
  }

  storesOf(id: string): readonly string[] {
    return (this.#places.get(id) ?? nowhere).stores;
  }

  /** How many objects read first of all from this store. */
  countOf(store: string): number {
    return this.#byStore.get(store) ?? 0;
  }

  /** Returns whether the counts have changed. */
  setStoreKind(id: string, storeKind: string | undefined): boolean {
    const place = this.#places.get(id);
    if (!place || place.storeKind === storeKind) return false;
    count(this.#byStoreKind, place.storeKind, -1);
    count(this.#byStoreKind, storeKind, 1);
    place.storeKind = storeKind;
    return true;
  }

  get byStoreKind(): ReadonlyMap<string, number> {
    return this.#byStoreKind;
  }

  #unplace(id: string): void {
    const place = this.#places.get(id);
    if (!place) return;
    this.#places.delete(id);
    count(this.#byStore, place.leadingStore, -1);
    const sharers = this.#byTarget.get(place.target!);
    sharers?.delete(id);
    if (sharers?.size === 0) this.#byTarget.delete(place.target!);
  }
}

function placeOf(externalSecret: ExternalSecret): Place {
  const { meta, spec } = externalSecret;
  const refs = [...spec.dataFrom, ...spec.data].map((entry) => storeName(sourceOf(entry), meta.namespace));
  return {
    target: idOf({ namespace: meta.namespace, name: spec.target.name }),
    stores: [...new Set(refs)].sort(),
    leadingStore: leadingRef(externalSecret).store,
  };
}

function count(counts: Map<string, number>, name: string | undefined, by: number): void {
  if (name === undefined) return;
  const next = (counts.get(name) ?? 0) + by;
  if (next > 0) counts.set(name, next);
  else counts.delete(name);
}
