/**
 * Which of several processes syncs: whoever holds one Lease. The others stand by and take over when it falls silent.
 *
 * No two clocks are compared: a candidate takes over once it has seen one and the same record for a whole lease
 * duration. A holder writes only while its last confirmed renewal is younger than that by a margin, by both of its own
 * clocks (the monotonic one stands still while a machine sleeps). So after a takeover at most those requests of the old
 * holder land that were on their way already.
 */
import type { Clock } from "../../core/clock.ts";
import { withDeadline } from "../../core/deadline.ts";
import { toFailure } from "../../core/failure.ts";
import type { Log } from "../../observe/log.ts";
import type { LeaseRecord, LeaseStore } from "./ports.ts";

export interface LeaseDeps {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly name: string;
  /** Unique to this process, e.g. pod name and a random part. */
  readonly holder: string;
  /** A number in [0, 1): spreads the retries of several candidates. */
  readonly random: () => number;
  /** The lease was won (true) or lost (false). */
  readonly onTurn: (mine: boolean) => void;
}

export interface HeldLease {
  /** The last confirmed renewal is young enough for a write to be sent now. */
  mayWrite(): boolean;
  /** Gives the lease back, so that the next need not wait for its end. Call it after the last write. */
  stop(): Promise<void>;
}

export const leaseDurationMs = 6_000;
const renewEveryMs = 2_000;
const writeWithinMs = 4_000;
const retrySpreadMs = 500;
/** A renewal that takes longer is as good as lost; the next one is due by then. */
const requestMs = 2_000;

export function holdLease(deps: LeaseDeps): HeldLease {
  return new Candidate(deps);
}

interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

class Candidate implements HeldLease {
  readonly #deps: LeaseDeps;
  readonly #end = new AbortController();
  #cancel: () => void = () => undefined;
  #round: Promise<void> = Promise.resolve();
  /** What was last read or written, and when it was first seen in that state. */
  #seen: { readonly record: LeaseRecord | undefined; readonly sinceMs: number } | undefined;
  /** When the request of the last confirmed renewal was made; absent while another holds the lease. */
  #renewed: Instant | undefined;

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    this.#next(0);
  }

  mayWrite(): boolean {
    return this.#renewed !== undefined && this.#ageMs(this.#renewed) < writeWithinMs;
  }

  async stop(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new Error("the lease is given back"));
    this.#cancel();
    await this.#round;
    if (!this.#renewed) return;
    this.#renewed = undefined;
    const signal = new AbortController().signal;
    await this.#put("", signal).catch(() => undefined);
  }

  #next(delayMs: number): void {
    if (this.#end.signal.aborted) return;
    this.#cancel = this.#deps.clock.after(delayMs, () => {
      this.#round = this.#turn();
    });
  }

  async #turn(): Promise<void> {
    try {
      await (this.#renewed ? this.#renew() : this.#compete());
    } catch (thrown) {
      if (!this.#end.signal.aborted)
        this.#deps.log.warn("lease not reached", { name: this.#deps.name, code: toFailure(thrown).code });
    }
    if (this.#renewed && this.#ageMs(this.#renewed) >= leaseDurationMs) this.#lose();
    const spreadMs = this.#renewed ? 0 : this.#deps.random() * retrySpreadMs;
    const unsure = this.#renewed && this.#ageMs(this.#renewed) >= renewEveryMs;
    this.#next(unsure ? retrySpreadMs : renewEveryMs + spreadMs);
  }

  async #renew(): Promise<void> {
    const { name, holder, store } = this.#deps;
    if (await this.#put(holder, this.#end.signal)) return;
    // Somebody wrote: an administrator, perhaps, or a request of ours whose answer was lost.
    const record = await this.#bounded(this.#end.signal, (signal) => store.get(name, signal));
    this.#see(record);
    if (record && record.holder !== holder) this.#lose();
    else await this.#put(holder, this.#end.signal);
  }

  async #compete(): Promise<void> {
    const { name, holder, store, clock } = this.#deps;
    const record = await this.#bounded(this.#end.signal, (signal) => store.get(name, signal));
    this.#see(record);
    const isFree = record === undefined || record.holder === "" || record.holder === holder;
    const hasFallenSilent = clock.monotonicMs() - this.#seen!.sinceMs >= leaseDurationMs;
    if (!isFree && !hasFallenSilent) return;
    if (!(await this.#put(holder, this.#end.signal))) return;
    this.#deps.log.info("lease won", { name });
    this.#deps.onTurn(true);
  }

  /** False: somebody else wrote in between. */
  async #put(holder: string, signal: AbortSignal): Promise<boolean> {
    const { name, store } = this.#deps;
    const before = this.#seen?.record;
    const at = this.#now();
    const isNew = before?.holder !== holder;
    const write = {
      holder,
      transitions: (before?.transitions ?? 0) + (isNew && before && holder !== "" ? 1 : 0),
      durationMs: leaseDurationMs,
      renewedAtMs: at.wallMs,
      ...(isNew && { acquiredAtMs: at.wallMs }),
    };
    const record = await this.#bounded(signal, (bounded) => store.put(name, write, before?.resourceVersion, bounded));
    if (!record) return false;
    this.#see(record);
    // The instant before the request: the answer may have been long on its way.
    this.#renewed = holder === "" ? undefined : at;
    return true;
  }

  #bounded<T>(signal: AbortSignal, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(signal, requestMs, this.#deps.clock, "a request for the lease", request);
  }

  #see(record: LeaseRecord | undefined): void {
    if (this.#seen && this.#seen.record?.resourceVersion === record?.resourceVersion) return;
    this.#seen = { record, sinceMs: this.#deps.clock.monotonicMs() };
  }

  #lose(): void {
    this.#renewed = undefined;
    this.#deps.log.warn("lease lost", { name: this.#deps.name });
    this.#deps.onTurn(false);
  }

  #now(): Instant {
    return { wallMs: this.#deps.clock.nowMs(), monotonicMs: this.#deps.clock.monotonicMs() };
  }

  #ageMs(since: Instant): number {
    const now = this.#now();
    return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
  }
}
