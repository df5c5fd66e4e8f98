/** Which leases live, for whom, and until when. One timer for each, and none for what has no end. */
import type { Clock } from "../core/clock.ts";
import type { Lease, StoreAnswer } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import type { Caller } from "./caller.ts";
import type { ResolvedStore } from "./catalog.ts";
import { leaseLifeFrom } from "./lifetime.ts";
import type { Lifetime } from "./lifetime.ts";
import { createLru } from "./lru.ts";
import type { SessionLine } from "./sessions.ts";

/** Holds no proof: it outlives the read that made it. */
export interface Held {
  readonly answerKey: string;
  readonly sessionKey: string;
  readonly store: ResolvedStore;
  readonly lease: Lease;
  readonly line: SessionLine;
  /** From its making to its first end, milliseconds. */
  readonly firstLifeMs: number;
}

export interface LeaseBook {
  /** In place of what stood under the same key, which is left to run out. */
  add(access: Access, answer: StoreAnswer, line: SessionLine): void;
  find(answerKey: string, lease: Lease | undefined): Held | undefined;
  of(consumer: Caller): readonly Held[];
  use(answerKey: string, consumer: Caller): void;
  /** It lives longer. */
  lives(held: Held, life: Lifetime): void;
  /** It could not be renewed just now: its readers become due once more before its end. */
  later(held: Held): void;
  /** Runs `act` unless the consumer uses the lease again, or it is gone by then. */
  leaveLater(held: Held, consumer: Caller, graceMs: number, act: () => void): void;
  /** True when nobody is left who reads it. */
  leave(held: Held, consumer: Caller): boolean;
  remove(held: Held): void;
  clear(): void;
}

/** Far above what one process makes; what is pushed out lives to its end. */
const leasesMax = 10_000;

interface Entry extends Held {
  life: Lifetime;
  /** Consumer → when its use lapses by itself, monotonic milliseconds: nobody tells when a pod is gone. */
  readonly users: Map<string, number>;
  stopTimer: () => void;
  readonly stopGrace: Map<string, () => void>;
}

export function createLeaseBook(clock: Clock, onDue: (answerKey: string) => void): LeaseBook {
  const entries = createLru<Entry>({ entries: leasesMax, dispose: (entry) => close(entry) });
  const byUser = new Map<string, Set<Entry>>();

  function close(entry: Entry): void {
    entry.stopTimer();
    for (const stop of entry.stopGrace.values()) stop();
    for (const user of entry.users.keys()) unlink(entry, user);
  }

  function unlink(entry: Entry, user: string): void {
    const theirs = byUser.get(user);
    theirs?.delete(entry);
    if (theirs?.size === 0) byUser.delete(user);
  }

  /** Undefined when it is not held any more. */
  function entryOf(held: Held): Entry | undefined {
    const entry = entries.peek(held.answerKey);
    return entry === held ? entry : undefined;
  }

  function stay({ stopGrace }: Entry, user: string): void {
    stopGrace.get(user)?.();
    stopGrace.delete(user);
  }

  /** Tells its readers at `dueAtMs`, and forgets it at its end. */
  function follow(entry: Entry, dueAtMs: number): void {
    entry.stopTimer();
    const { endsAtMs } = entry.life;
    if (endsAtMs === Infinity) return;
    entry.stopTimer = clock.after(dueAtMs - clock.monotonicMs(), () => {
      entry.stopTimer = clock.after(endsAtMs - clock.monotonicMs(), () => entries.delete(entry.answerKey));
      onDue(entry.answerKey);
    });
  }

  function use(entry: Entry, consumer: Caller): void {
    const user = idOf(consumer);
    entry.users.set(user, consumer.kind === "Pod" ? entry.life.endsAtMs : Infinity);
    stay(entry, user);
    byUser.set(user, (byUser.get(user) ?? new Set()).add(entry));
  }

  return {
    add({ answerKey, sessionKey, grant }, { lease, expiresAtMs }, line) {
      if (!lease) return;
      const life = leaseLifeFrom(clock, expiresAtMs);
      const firstLifeMs = life.endsAtMs - clock.monotonicMs();
      const own = { users: new Map<string, number>(), stopGrace: new Map<string, () => void>(), stopTimer: () => {} };
      const entry: Entry = { answerKey, sessionKey, store: grant.store, lease, line, firstLifeMs, life, ...own };
      entries.set(answerKey, entry);
      use(entry, grant.caller);
      follow(entry, life.renewAtMs);
    },
    find(answerKey, lease) {
      const entry = entries.get(answerKey);
      return entry?.lease === lease ? entry : undefined;
    },
    of: (consumer) => [...(byUser.get(idOf(consumer)) ?? [])],
    use(answerKey, consumer) {
      const entry = entries.get(answerKey);
      if (entry) use(entry, consumer);
    },
    lives(held, life) {
      const entry = entryOf(held);
      if (!entry) return;
      entry.life = life;
      follow(entry, life.renewAtMs);
    },
    later(held) {
      const entry = entryOf(held);
      if (!entry) return;
      const nowMs = clock.monotonicMs();
      follow(entry, nowMs + (entry.life.endsAtMs - nowMs) / 2);
    },
    leaveLater(held, consumer, graceMs, act) {
      const entry = entryOf(held);
      const user = idOf(consumer);
      if (entry && !entry.stopGrace.has(user)) entry.stopGrace.set(user, clock.after(graceMs, act));
    },
    leave(held, consumer) {
      const entry = entryOf(held);
      if (!entry) return false;
      const user = idOf(consumer);
      stay(entry, user);
      entry.users.delete(user);
      unlink(entry, user);
      const nowMs = clock.monotonicMs();
      return [...entry.users.values()].every((lapsesAtMs) => lapsesAtMs <= nowMs);
    },
    remove(held) {
      const entry = entryOf(held);
      if (entry) entries.delete(entry.answerKey);
    },
    clear: () => entries.clear(),
  };
}

function idOf({ kind, namespace, name, uid }: Caller): string {
  return JSON.stringify([kind, namespace, name, uid]);
}
