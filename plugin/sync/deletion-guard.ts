/**
 * How many Secrets of one store may still lose data because their source is gone: at most 10 % of them, and at least
 * one, within one interval. A store that answers "no such secret" to everything must not empty a cluster.
 */
import type { Clock } from "../core/clock.ts";

export interface DeletionGuard {
  /** `secrets`: how many the store feeds; `windowMs`: the interval of whoever asks. */
  left(store: string, secrets: number, windowMs: number): number;
  /** Counts one loss from now on. Returns the way to take it back when it did not happen. */
  take(store: string): () => void;
}

const share = 0.1;
/** Losses older than this count for nobody; also the window of objects without an interval. */
const longestWindowMs = 24 * 3_600_000;
const idleWindowMs = 3_600_000;

export function createDeletionGuard(clock: Clock): DeletionGuard {
  const losses = new Map<string, { readonly atMs: number }[]>();
  return {
    left(store, secrets, windowMs) {
      const sinceMs = clock.monotonicMs() - Math.min(windowMs || idleWindowMs, longestWindowMs);
      const recent = (losses.get(store) ?? []).filter(({ atMs }) => atMs > sinceMs).length;
      return Math.max(1, Math.floor(secrets * share)) - recent;
    },
    take(store) {
      const nowMs = clock.monotonicMs();
      const loss = { atMs: nowMs };
      const kept = (losses.get(store) ?? []).filter(({ atMs }) => atMs > nowMs - longestWindowMs);
      losses.set(store, [...kept, loss]);
      return () =>
        losses.set(
          store,
          (losses.get(store) ?? []).filter((one) => one !== loss),
        );
    },
  };
}
