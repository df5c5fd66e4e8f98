/** Calls to a store, each in its turn; and what to say while the store's lane lets nobody through. */
import { Failure, toFailure } from "../core/failure.ts";
import type { FailureCode } from "../core/failure.ts";
import type { Lane } from "./lane/lane.ts";
import type { Priority } from "./request.ts";

export interface Turn {
  readonly priority: Priority;
  readonly signal: AbortSignal;
}

/** Why each lane is held. The code alone: the message may name what another tenant read. */
const lastOutage = new WeakMap<Lane, FailureCode>();

export async function inLane<T>(lane: Lane, turn: Turn, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  let called = false;
  try {
    return await lane.run(turn.priority, turn.signal, (signal) => {
      called = true;
      return call(signal);
    });
  } catch (thrown) {
    const failure = toFailure(thrown);
    if (turn.signal.aborted || failure.handling.class !== "unavailable") throw thrown;
    if (!called) throw paused(failure.code, failure.retryAfterMs ?? 0);
    lastOutage.set(lane, failure.code);
    throw failure;
  }
}

/** The Failure that a call would wait out, with the wait in it; undefined when the lane is open. */
export function heldBy(lane: Lane): Failure | undefined {
  const waitMs = lane.holdMs();
  return waitMs > 0 ? paused(lastOutage.get(lane) ?? "store_throttled", waitMs) : undefined;
}

function paused(code: FailureCode, retryAfterMs: number): Failure {
  const seconds = Math.ceil(retryAfterMs / 1_000);
  return new Failure(code, `calls to this store are paused after ${code}; next attempt in ${seconds} s`, {
    retryAfterMs,
  });
}
