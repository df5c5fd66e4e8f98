/**
 * Runs one piece of work per key when it is due: one at a time per key, a bounded number at a time per lane, the urgent
 * before the others. All due times share one timer.
 *
 * A lane holds the keys that wait for the same stores, so that a slow store holds up nobody else.
 */
import type { Clock } from "../core/clock.ts";
import { DueHeap } from "./due-heap.ts";

/** What goes first when a lane is full. */
export const urgencies = ["changed", "first", "periodic"] as const;
export type Urgency = (typeof urgencies)[number];

export interface QueueOptions {
  readonly clock: Clock;
  /** At a time and lane. */
  readonly concurrency: number;
  readonly laneOf: (key: string) => string;
  /** Never rejects. */
  readonly work: (key: string) => Promise<void>;
}

export interface Queue {
  /** Makes the key due at the earlier of this and what it has; `atMs` is monotonic. Infinity = not by time. */
  add(key: string, atMs: number, urgency: Urgency): void;
  /** Forgets when the key is due. A run under way goes on. */
  drop(key: string): void;
  /** Resolves after the next run of the key that begins from now on, or when the queue has stopped. */
  afterRun(key: string): Promise<void>;
  /** Nothing runs and nothing is due now. */
  readonly idle: boolean;
  /** Starts nothing more; resolves when the runs under way have ended. */
  stop(): Promise<void>;
}

interface Lane {
  readonly name: string;
  running: number;
  readonly waiting: Record<Urgency, Set<string>>;
}

export function createQueue(options: QueueOptions): Queue {
  return new WorkQueue(options);
}

class WorkQueue implements Queue {
  readonly #options: QueueOptions;
  readonly #due = new DueHeap();
  readonly #urgency = new Map<string, Urgency>();
  readonly #lanes = new Map<string, Lane>();
  /** Keys in a lane's waiting line. */
  readonly #waiting = new Map<string, Lane>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #listeners = new Map<string, (() => void)[]>();
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #stopped = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get idle(): boolean {
    const nextMs = this.#due.nextAtMs ?? Infinity;
    return this.#running.size === 0 && this.#waiting.size === 0 && nextMs > this.#options.clock.monotonicMs();
  }

  add(key: string, atMs: number, urgency: Urgency): void {
    if (this.#stopped || atMs === Infinity) return;
    const lane = this.#waiting.get(key);
    if (lane) return this.#raise(key, lane, urgency);
    const knownMs = this.#due.dueAtMs(key) ?? Infinity;
    const earlier = atMs < knownMs;
    if (earlier) this.#due.put(key, atMs);
    const known = this.#urgency.get(key);
    if (known === undefined || urgencies.indexOf(urgency) < urgencies.indexOf(known)) this.#urgency.set(key, urgency);
    if (earlier) this.#turn();
  }

  drop(key: string): void {
    this.#due.drop(key);
    this.#urgency.delete(key);
    const lane = this.#waiting.get(key);
    if (!lane) return;
    for (const urgency of urgencies) lane.waiting[urgency].delete(key);
    this.#waiting.delete(key);
  }

  afterRun(key: string): Promise<void> {
    return new Promise((resolve) => {
      this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), resolve]);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    await Promise.all(this.#running.values());
    for (const tell of [...this.#listeners.values()].flat()) tell();
    this.#listeners.clear();
  }

  #raise(key: string, lane: Lane, urgency: Urgency): void {
    const now = urgencies.find((one) => lane.waiting[one].has(key))!;
    if (urgencies.indexOf(urgency) >= urgencies.indexOf(now)) return;
    lane.waiting[now].delete(key);
    lane.waiting[urgency].add(key);
  }

  /** Moves what is due into its lane's line, starts what the lanes allow, and sets the timer for the rest. */
  #turn(): void {
    if (this.#stopped) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (let key = this.#due.takeDue(nowMs); key !== undefined; key = this.#due.takeDue(nowMs)) this.#line(key);
    this.#arm();
  }

  #line(key: string): void {
    const name = this.#options.laneOf(key);
    const lane = this.#lanes.get(name) ?? emptyLane(name);
    this.#lanes.set(name, lane);
    lane.waiting[this.#urgency.get(key) ?? "periodic"].add(key);
    this.#urgency.delete(key);
    this.#waiting.set(key, lane);
    this.#fill(lane);
  }

  #fill(lane: Lane): void {
    while (!this.#stopped && lane.running < this.#options.concurrency) {
      const key = this.#nextOf(lane);
      if (key === undefined) break;
      this.#start(key, lane);
    }
    if (lane.running === 0 && urgencies.every((urgency) => lane.waiting[urgency].size === 0))
      this.#lanes.delete(lane.name);
  }

  /** A key that still runs keeps its place in the line. */
  #nextOf(lane: Lane): string | undefined {
    for (const urgency of urgencies)
      for (const key of lane.waiting[urgency])
        if (!this.#running.has(key)) {
          lane.waiting[urgency].delete(key);
          this.#waiting.delete(key);
          return key;
        }
    return undefined;
  }

  #start(key: string, lane: Lane): void {
    lane.running++;
    const listeners = this.#listeners.get(key) ?? [];
    this.#listeners.delete(key);
    // A turn later, so that the key counts as running before its work can ask for its next run.
    const run = Promise.resolve()
      .then(() => this.#options.work(key))
      .finally(() => {
        lane.running--;
        this.#running.delete(key);
        for (const tell of listeners) tell();
        this.#fill(lane);
        // Its next run may wait in another lane: an edit can move an object to other stores.
        const elsewhere = this.#waiting.get(key);
        if (elsewhere && elsewhere !== lane) this.#fill(elsewhere);
      });
    this.#running.set(key, run);
  }

  #arm(): void {
    const nextMs = this.#due.nextAtMs;
    if (nextMs === this.#timer?.atMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (nextMs === undefined) return;
    const delayMs = Math.max(0, nextMs - this.#options.clock.monotonicMs());
    this.#timer = {
      atMs: nextMs,
      cancel: this.#options.clock.after(delayMs, () => {
        this.#timer = undefined;
        this.#turn();
      }),
    };
  }
}

function emptyLane(name: string): Lane {
  return { name, running: 0, waiting: { changed: new Set(), first: new Set(), periodic: new Set() } };
}
