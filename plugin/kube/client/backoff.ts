/** Growing pauses between failing attempts, spread so that many processes do not come back at once. */

const firstMs = 500;
const longestMs = 30_000;
/** A server that asks for more is asked again after this. */
const longestWishMs = 120_000;

export interface Backoff {
  /** Milliseconds to wait now; `wishMs` is what the server asked for at least. */
  next(wishMs: number | undefined): number;
  reset(): void;
}

/** `random`: 0 ≤ n < 1. */
export function createBackoff(random: () => number): Backoff {
  let stepMs = firstMs;
  return {
    next(wishMs = 0) {
      const ownMs = stepMs * (0.5 + random() / 2);
      stepMs = Math.min(longestMs, stepMs * 2);
      return wishMs > 0 ? Math.min(wishMs, longestWishMs) + ownMs : ownMs;
    },
    reset() {
      stepMs = firstMs;
    },
  };
}
