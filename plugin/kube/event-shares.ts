/** How many events one object may have: a burst, then one a minute. */
import { LRUCache } from "lru-cache";
import type { Clock } from "../core/clock.ts";

const burst = 25;
const refillMs = 60_000;
const objectsMax = 5_000;

export interface Shares {
  /** False: this object has had its share for now. */
  take(object: string): boolean;
}

export function createShares(clock: Clock): Shares {
  const shares = new LRUCache<string, { left: number; atMs: number }>({ max: objectsMax });
  return {
    take(object) {
      const nowMs = clock.monotonicMs();
      const share = shares.get(object) ?? { left: burst, atMs: nowMs };
      const left = Math.min(burst, share.left + (nowMs - share.atMs) / refillMs);
      const taken = left >= 1;
      shares.set(object, { left: taken ? left - 1 : left, atMs: nowMs });
      return taken;
    },
  };
}
