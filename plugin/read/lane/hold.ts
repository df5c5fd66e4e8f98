/**
 * Retry-After: after a throttled answer nothing is sent until the store's wish has passed, then one probe goes ahead and
 * the others follow only once the store has answered it.
 */

/** For stores that throttle without saying for how long; doubles while they go on. */
const firstDelayMs = 1_000;
const longestOwnDelayMs = 30_000;
/** A store that asks for more is asked again after this: a wrong header must not silence it for good. */
const longestHoldMs = 600_000;

export class Hold {
  #untilMs = -Infinity;
  #needsProbe = false;
  #probing = false;
  #delayMs = firstDelayMs;
  #lengthenedAtMs = -Infinity;

  /** Milliseconds until something may be sent, 0 if now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  /** False while the probe's answer is awaited. */
  get open(): boolean {
    return !this.#probing;
  }

  /** An attempt starts. True: it is the probe. */
  start(): boolean {
    this.#probing = this.#needsProbe;
    return this.#probing;
  }

  /** When sending may go on, monotonic milliseconds. Answers of one round lengthen the store's own wish, not our delay. */
  throttled(begunAtMs: number, nowMs: number, retryAfterMs: number | undefined): number {
    const newRound = begunAtMs > this.#lengthenedAtMs;
    if (this.#needsProbe && newRound) this.#delayMs = Math.min(longestOwnDelayMs, 2 * this.#delayMs);
    if (newRound) this.#lengthenedAtMs = nowMs;
    this.#needsProbe = true;
    // "Retry-After: 0" is no wish: obeyed as it stands, every refusal would bring the next call at once.
    const wishMs = Math.min(longestHoldMs, retryAfterMs || this.#delayMs);
    this.#untilMs = Math.max(this.#untilMs, nowMs + wishMs);
    return this.#untilMs;
  }

  /** An attempt ended in any way; `answered`: with an answer that was no throttling. */
  ended(wasProbe: boolean, answered: boolean): void {
    if (!wasProbe) return;
    this.#probing = false;
    if (!answered) return;
    this.#needsProbe = false;
    this.#delayMs = firstDelayMs;
  }
}
