/**
 * Time, as everything below `wire` sees it.
 *
 * The only module (with wire) that may touch Date.now and setTimeout. Tests use test/fakes/clock.ts, which has the same
 * shape and moves only when told.
 */
export interface Clock {
  /** Wall clock, epoch milliseconds. For dates that people or other systems see. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never steps back. For durations and ages. */
  monotonicMs(): number;
  /** Runs `act` once, `delayMs` from now (0 allowed). Returns the cancel function, which may be called any number of times. */
  after(delayMs: number, act: () => void): () => void;
}

/** setTimeout silently fires at once above this; longer delays are walked in steps. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, act) {
    let timer: NodeJS.Timeout;
    let leftMs = Math.max(0, delayMs);
    const arm = (): void => {
      const stepMs = Math.min(leftMs, longestTimerMs);
      leftMs -= stepMs;
      timer = setTimeout(() => (leftMs > 0 ? arm() : act()), stepMs);
    };
    arm();
    return () => clearTimeout(timer);
  },
};
