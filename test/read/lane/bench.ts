/** A lane on a fake clock with calls that end when the test says so. */
import assert from "node:assert/strict";
import { Failure, type FailureCode } from "../../../plugin/core/failure.ts";
import { createLane, type Lane, type LaneOptions } from "../../../plugin/read/lane/lane.ts";
import type { Priority } from "../../../plugin/read/request.ts";
import { FakeClock, settle } from "../../fakes/clock.ts";

export interface Call {
  readonly name: string;
  readonly controller: AbortController;
  /** Monotonic milliseconds of the start of its attempt. */
  startedAtMs?: number;
  /** Ends the attempt. */
  answer(value?: string): void;
  fail(code: FailureCode, retryAfterMs?: number): void;
  /** What `run` came to. */
  readonly outcome: Promise<{ readonly value: string } | { readonly thrown: unknown }>;
  settled: boolean;
}

export interface Bench {
  readonly clock: FakeClock;
  readonly lane: Lane;
  /** Names in the order of their attempts. */
  readonly started: string[];
  readonly call: (name: string, priority?: Priority) => Call;
  /** Calls that fail at once, one after the other. */
  readonly unavailable: (count: number, code?: FailureCode) => Promise<void>;
}

export const defaults = { ratePerSecond: 50, burst: 100, maxInFlight: 16, attemptMs: 5_000 };

export function laneBench(options: Partial<LaneOptions> = {}): Bench {
  const clock = new FakeClock();
  const lane = createLane({ ...defaults, ...options, clock });
  const started: string[] = [];

  function call(name: string, priority: Priority = "mount"): Call {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    promise.catch(() => {});
    const controller = new AbortController();
    const run = lane.run(priority, controller.signal, (signal) => {
      made.startedAtMs = clock.monotonicMs();
      started.push(name);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      return promise;
    });
    const made: Call = {
      name,
      controller,
      settled: false,
      answer: (value = name) => resolve(value),
      fail: (code, retryAfterMs) => reject(new Failure(code, `${name} failed`, retryAfterMs ? { retryAfterMs } : {})),
      outcome: run.then(
        (value) => ((made.settled = true), { value }),
        (thrown: unknown) => ((made.settled = true), { thrown }),
      ),
    };
    return made;
  }

  async function unavailable(count: number, code: FailureCode = "store_error"): Promise<void> {
    for (let i = 0; i < count; i++) {
      const one = call(`broken ${i}`);
      await settle(1);
      one.fail(code);
      await one.outcome;
    }
  }

  return { clock, lane, started, call, unavailable };
}

/** The Failure that a call ended with. */
export async function failureOf(call: Call): Promise<Failure> {
  const outcome = await call.outcome;
  assert.ok("thrown" in outcome && outcome.thrown instanceof Failure, `${call.name} did not fail`);
  return outcome.thrown;
}
