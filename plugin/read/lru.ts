/**
 * Bounded maps that drop what was not used for longest.
 *
 * lru-cache reserves arrays for `max` entries when it is made, and that for ten thousands takes milliseconds of the start
 * and memory that most processes never use. Bounded by weight it grows with what it holds.
 */
import { LRUCache } from "lru-cache";

export interface LruOptions<V> {
  readonly entries: number;
  /** An entry left the map, or was replaced. */
  readonly dispose?: (value: V) => void;
}

/** Bounded by the number of its entries. */
export function createLru<V extends NonNullable<unknown>>({ entries, dispose }: LruOptions<V>): LRUCache<string, V> {
  return new LRUCache({ maxSize: entries, sizeCalculation: () => 1, ...(dispose ? { dispose } : {}) });
}

export interface WeighedLruOptions<V> {
  readonly entries: number;
  readonly bytes: number;
  readonly bytesOf: (value: V) => number;
}

export interface WeighedLru<V extends NonNullable<unknown>> extends Pick<
  LRUCache<string, V>,
  "get" | "peek" | "delete" | "entries"
> {
  /** What is heavier than the whole map is not kept, and what stood under its key goes. */
  set(key: string, value: V): void;
}

/** Bounded by the number of its entries and by their bytes. */
export function createWeighedLru<V extends NonNullable<unknown>>(options: WeighedLruOptions<V>): WeighedLru<V> {
  const { entries, bytes, bytesOf } = options;
  const kept = new LRUCache<string, V>({ maxSize: bytes, sizeCalculation: bytesOf });
  return {
    get: (key) => kept.get(key),
    peek: (key) => kept.peek(key),
    delete: (key) => kept.delete(key),
    entries: () => kept.entries(),
    set(key, value) {
      kept.set(key, value);
      while (kept.size > entries) kept.pop();
    },
  };
}
