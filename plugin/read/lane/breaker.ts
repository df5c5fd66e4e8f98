/**
 * Stops calling a store that does not answer.
 *
 * Opens after some unavailable answers in a row. While it is open the first caller after each delay is the one probe;
 * everybody else is refused at once. Delays double up to a limit; any answer of the store closes it.
 */
import { Failure } from "../../core/failure.ts";

const opensAfter = 5;
const firstDelayMs = 1_000;
const longestDelayMs = 30_000;

export type BreakerState = "closed" | "open" | "probing";

interface Open {
  /** What opened it. */
  readonly failure: Failure;
  delayMs: number;
  probeAtMs: number;
  /** The probe, from its admission on: when it will have ended at the latest, as far as known. */
  probe: { endsAtMs: number } | undefined;
}

export class Breaker {
  readonly #attemptMs: number;
  #unavailableInARow = 0;
  #open: Open | undefined;

  constructor(attemptMs: number) {
    this.#attemptMs = attemptMs;
  }

  get state(): BreakerState {
    if (!this.#open) return "closed";
    return this.#open.probe ? "probing" : "open";
  }

  /** Whole milliseconds until somebody is admitted again, 0 if now. */
  waitMs(nowMs: number): number {
    if (!this.#open) return 0;
    const untilMs = this.#open.probe?.endsAtMs ?? this.#open.probeAtMs;
    return Math.max(this.#open.probe ? 1 : 0, Math.ceil(untilMs - nowMs));
  }

  /** True: this caller is the probe. Throws the refusal for everybody else. */
  admit(nowMs: number): boolean {
    const open = this.#open;
    if (!open) return false;
    if (open.probe || nowMs < open.probeAtMs) throw this.refusal(nowMs);
    open.probe = { endsAtMs: nowMs + this.#attemptMs };
    return true;
  }

  /**
   * For whoever may not call now. The code of what opened it, but not its message: that may name what another tenant read.
   * Only while it is open.
   */
  refusal(nowMs: number): Failure {
    const { failure } = this.#open!;
    const message = `the store is not called for now: the last attempts ended with ${failure.code}`;
    return new Failure(failure.code, message, { cause: failure, retryAfterMs: this.waitMs(nowMs) });
  }

  /** The store answered. */
  answered(): void {
    this.#unavailableInARow = 0;
    this.#open = undefined;
  }

  /** True when this very answer opened it. An attempt from before the opening does not lengthen the delay. */
  unavailable(failure: Failure, wasProbe: boolean, nowMs: number): boolean {
    this.#unavailableInARow++;
    if (!this.#open) {
      if (this.#unavailableInARow < opensAfter) return false;
      this.#open = { failure, delayMs: firstDelayMs, probeAtMs: nowMs + firstDelayMs, probe: undefined };
      return true;
    }
    if (!wasProbe) return false;
    const delayMs = Math.min(longestDelayMs, 2 * this.#open.delayMs);
    this.#open = { failure, delayMs, probeAtMs: nowMs + delayMs, probe: undefined };
    return false;
  }

  /** The probe ended without saying anything about the store: the next caller may be the probe. */
  probeLeft(): void {
    if (this.#open) this.#open.probe = undefined;
  }
}
