/**
 * Work that several callers wait for.
 *
 * A caller that aborts leaves the others waiting; the work itself is aborted when the last of them has left.
 */
import { joinUnderSignal } from "../core/deadline.ts";
import { Failure } from "../core/failure.ts";

export interface Flight<T> {
  /** False once it has ended or was given up: then start another. */
  readonly joinable: boolean;
  /** Settles as the work does, or rejects with the signal's reason. */
  join(signal: AbortSignal): Promise<T>;
}

/** Starts in the next microtask, so that its owner can note it down first. Whoever starts it joins it too, or it runs to its end unheard. */
export function startFlight<T>(work: (signal: AbortSignal) => Promise<T>): Flight<T> {
  const control = new AbortController();
  let waiting = 0;
  let ended = false;
  const shared = Promise.resolve()
    .then(() => work(control.signal))
    .finally(() => (ended = true));
  // Everybody may have left before it fails.
  shared.catch(() => undefined);
  return {
    get joinable() {
      return !ended && !control.signal.aborted;
    },
    async join(signal) {
      waiting++;
      try {
        return await joinUnderSignal(shared, signal);
      } finally {
        waiting--;
        if (waiting === 0 && !ended) control.abort(new Failure("store_timeout", "nobody waits for this any more"));
      }
    },
  };
}
