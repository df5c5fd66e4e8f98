/** Waits that end: deadlines that reach the socket, pauses that can be aborted. No listener or timer stays behind. */
import type { Clock } from "./clock.ts";
import { Failure } from "./failure.ts";

/**
 * Runs `work` under `parent`, aborting its signal `limitMs` milliseconds from now.
 * At the limit the signal's reason is a Failure `store_timeout` that says `what`.
 */
export async function withDeadline<T>(
  parent: AbortSignal,
  limitMs: number,
  clock: Clock,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const follow = (): void => own.abort(parent.reason);
  if (parent.aborted) follow();
  parent.addEventListener("abort", follow, { once: true });
  const cancel = clock.after(limitMs, () =>
    own.abort(new Failure("store_timeout", `${what}: no answer within ${limitMs} ms`)),
  );
  try {
    return await work(own.signal);
  } finally {
    cancel();
    parent.removeEventListener("abort", follow);
  }
}

/** Resolves `delayMs` from now; rejects with the signal's reason when it aborts first. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Settles with `shared`, or rejects with the signal's reason, whichever is first.
 * For a caller that joins work which goes on without it; the work itself must have its own deadline.
 */
export function joinUnderSignal<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
