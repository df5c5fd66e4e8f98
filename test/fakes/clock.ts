/** A clock that moves only when told. Timers due at one instant fire in the order they were set. */
import type { Clock } from "../../plugin/core/clock.ts";

export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #next = 0;
  readonly #timers = new Map<number, { atMs: number; act: () => void }>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, act: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, { atMs: this.#monotonicMs + Math.max(0, delayMs), act });
    return () => void this.#timers.delete(id);
  }

  /** How many timers are set: zero after clean work. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Steps the wall clock alone, as an NTP correction or a resume from suspend does. */
  jumpWall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves both clocks on, firing what falls due on the way and letting promise reactions run between timers. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers]
        .filter(([, t]) => t.atMs <= endMs)
        .sort((a, b) => a[1].atMs - b[1].atMs || a[0] - b[0])[0];
      if (!due) break;
      const [id, timer] = due;
      this.#timers.delete(id);
      this.#moveTo(timer.atMs);
      timer.act();
      await settle();
    }
    this.#moveTo(endMs);
    await settle();
  }

  #moveTo(monotonicMs: number): void {
    this.#nowMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

/** Lets pending promise reactions and already-arrived I/O run. No time passes. */
export async function settle(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
