/**
 * How many calls a store gets: a token bucket whose rate gives way to throttling and comes back slowly (AIMD).
 *
 * A throttled answer halves the rate, once for all calls that were under way together; while the store answers, the rate
 * grows by a fiftieth of the configured one each second. The burst shrinks with the rate.
 */

export interface BudgetOptions {
  readonly ratePerSecond: number;
  readonly burst: number;
}

export class Budget {
  readonly #full: BudgetOptions;
  #rate: number;
  #tokens: number;
  /** Until here the tokens are counted; in the future while nothing may be sent. Monotonic milliseconds, as all below. */
  #countedToMs: number;
  #halvedAtMs = -Infinity;
  #raisedAtMs: number;

  constructor(options: BudgetOptions, nowMs: number) {
    this.#full = options;
    this.#rate = options.ratePerSecond;
    this.#tokens = options.burst;
    this.#countedToMs = nowMs;
    this.#raisedAtMs = nowMs;
  }

  /** Milliseconds until a token is there, 0 if now. */
  waitMs(nowMs: number): number {
    this.#count(nowMs);
    if (this.#tokens >= 1) return 0;
    // Rounded up to a microsecond: a timer that fires a hair early would only come again.
    return Math.ceil(((1 - this.#tokens) / this.#rate) * 1e6) / 1e3 + Math.max(0, this.#countedToMs - nowMs);
  }

  /** Only when `waitMs` is 0. */
  take(nowMs: number): void {
    this.#count(nowMs);
    this.#tokens -= 1;
  }

  answered(nowMs: number): void {
    this.#count(nowMs);
    const seconds = Math.min(1, Math.max(0, nowMs - this.#raisedAtMs) / 1_000);
    this.#rate = Math.min(this.#full.ratePerSecond, this.#rate + (seconds * this.#full.ratePerSecond) / 50);
    this.#raisedAtMs = Math.max(this.#raisedAtMs, nowMs);
  }

  /** A call that began at `begunAtMs` was throttled; nothing is sent before `resumeAtMs`. At most one token is left then. */
  throttled(begunAtMs: number, nowMs: number, resumeAtMs: number): void {
    this.#count(nowMs);
    if (begunAtMs > this.#halvedAtMs) {
      this.#rate = Math.max(Math.min(1, this.#full.ratePerSecond), this.#rate / 2);
      this.#halvedAtMs = nowMs;
    }
    const stillMs = Math.max(0, resumeAtMs - this.#countedToMs);
    this.#tokens = Math.min(1, this.#tokens + (stillMs / 1_000) * this.#rate);
    this.#countedToMs += stillMs;
    this.#raisedAtMs = this.#countedToMs;
  }

  #count(nowMs: number): void {
    if (nowMs <= this.#countedToMs) return;
    const burst = Math.max(1, (this.#full.burst * this.#rate) / this.#full.ratePerSecond);
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#countedToMs) / 1_000) * this.#rate);
    this.#countedToMs = nowMs;
  }
}
