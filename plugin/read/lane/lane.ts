/**
 * The one way to a store's API: how many calls, when, and who goes first.
 *
 * A call waits for a free slot, for a token of the budget and for the end of a Retry-After; it does not wait for a store
 * that is known not to answer: while the breaker is open `run` rejects at once with the code that opened it, except for
 * the one caller that is the probe. Every attempt has its own deadline. The lane knows no store and repeats nothing.
 */
import type { Clock } from "../../core/clock.ts";
import { withDeadline } from "../../core/deadline.ts";
import { Failure } from "../../core/failure.ts";
import type { Priority } from "../request.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import { Budget } from "./budget.ts";
import { Hold } from "./hold.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface LaneOptions {
  readonly clock: Clock;
  /** Calls per second in the long run, above 0. */
  readonly ratePerSecond: number;
  /** Calls at once after a quiet time, at least 1. */
  readonly burst: number;
  readonly maxInFlight: number;
  /** For one attempt, milliseconds; then its signal aborts with `store_timeout`. */
  readonly attemptMs: number;
}

export interface Lane {
  /**
   * Runs `work` when its turn comes. `work` must end when its signal aborts: until then it keeps its slot.
   * Rejects with what `work` threw, with the signal's reason, with Failure `store_timeout`, or, while the breaker is
   * open, with a Failure of the code that opened it and `retryAfterMs` = time to the next probe.
   */
  run<T>(priority: Priority, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Whole milliseconds until an attempt is permitted by Retry-After and breaker, 0 if now. Budget and slots are not counted. */
  holdMs(): number;
  state(): LaneState;
}

export interface LaneState {
  readonly inFlight: number;
  readonly waiting: number;
  readonly breaker: BreakerState;
}

interface Attempt {
  readonly begunAtMs: number;
  readonly breakerProbe: boolean;
  readonly holdProbe: boolean;
}

/** A call whose turn has not come. */
interface Waiting {
  readonly priority: Priority;
  readonly breakerProbe: boolean;
  readonly go: (attempt: Attempt) => void;
  readonly refuse: (reason: Failure) => void;
}

export function createLane(options: LaneOptions): Lane {
  return new StoreLane(options);
}

class StoreLane implements Lane {
  readonly #options: LaneOptions;
  readonly #line = new WaitingLine<Waiting>();
  readonly #budget: Budget;
  readonly #hold = new Hold();
  readonly #breaker: Breaker;
  #inFlight = 0;
  #cancelTimer = (): void => {};

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#budget = new Budget(options, options.clock.monotonicMs());
    this.#breaker = new Breaker(options.attemptMs);
  }

  async run<T>(priority: Priority, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal.aborted) throw signal.reason as Error;
    const { clock, attemptMs } = this.#options;
    const attempt = await this.#turn(priority, signal, this.#breaker.admit(clock.monotonicMs()));
    let outcome: Outcome = { verdict: "answered" };
    try {
      return await withDeadline(signal, attemptMs, clock, "the store", (own) => withReason(own, work));
    } catch (thrown) {
      // A caller that gave up says nothing about the store.
      outcome = signal.aborted ? { verdict: "nothing" } : outcomeOf(thrown);
      throw thrown;
    } finally {
      this.#ended(attempt, outcome);
    }
  }

  holdMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    return Math.max(Math.ceil(this.#hold.waitMs(nowMs)), this.#breaker.waitMs(nowMs));
  }

  state(): LaneState {
    return { inFlight: this.#inFlight, waiting: this.#line.size, breaker: this.#breaker.state };
  }

  /** Resolves when the call may start; its slot and token are taken then. */
  #turn(priority: Priority, signal: AbortSignal, breakerProbe: boolean): Promise<Attempt> {
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        leave();
        if (breakerProbe) this.#breaker.probeLeft();
        reject(signal.reason as Error);
        this.#pump();
      };
      const unsubscribe = (): void => signal.removeEventListener("abort", abandon);
      const leave = this.#line.join({
        priority,
        breakerProbe,
        go: (attempt) => (unsubscribe(), resolve(attempt)),
        refuse: (reason) => (unsubscribe(), reject(reason)),
      });
      signal.addEventListener("abort", abandon, { once: true });
      this.#pump();
    });
  }

  /** Starts whoever may start now, and sets the one timer for the next time that somebody may. */
  #pump(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    const { clock, maxInFlight } = this.#options;
    while (this.#line.size > 0 && this.#inFlight < maxInFlight && this.#hold.open) {
      const nowMs = clock.monotonicMs();
      const waitMs = Math.max(this.#hold.waitMs(nowMs), this.#budget.waitMs(nowMs));
      if (waitMs > 0) {
        this.#cancelTimer = clock.after(waitMs, () => this.#pump());
        return;
      }
      this.#budget.take(nowMs);
      this.#inFlight++;
      const { breakerProbe, go } = this.#line.next()!;
      go({ begunAtMs: nowMs, breakerProbe, holdProbe: this.#hold.start() });
    }
  }

  #ended(attempt: Attempt, outcome: Outcome): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#inFlight--;
    this.#hold.ended(attempt.holdProbe, outcome.verdict === "answered");
    if (outcome.verdict === "answered") this.#budget.answered(nowMs);
    if (outcome.verdict === "throttled") {
      const resumeAtMs = this.#hold.throttled(attempt.begunAtMs, nowMs, outcome.failure.retryAfterMs);
      this.#budget.throttled(attempt.begunAtMs, nowMs, resumeAtMs);
    }
    if (outcome.verdict === "unavailable") this.#unavailable(outcome.failure, attempt.breakerProbe, nowMs);
    else if (outcome.verdict !== "nothing") this.#breaker.answered();
    else if (attempt.breakerProbe) this.#breaker.probeLeft();
    this.#pump();
  }

  #unavailable(failure: Failure, wasProbe: boolean, nowMs: number): void {
    if (!this.#breaker.unavailable(failure, wasProbe, nowMs)) return;
    for (const waiting of this.#line.clear()) waiting.refuse(this.#breaker.refusal(nowMs));
  }
}

/** Work that was ended by its signal fails with the signal's reason, whatever its library made of it. */
async function withReason<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await work(signal);
  } catch (thrown) {
    throw signal.aborted && !(thrown instanceof Failure) ? signal.reason : thrown;
  }
}
