/**
 * Which consumers wait for which answers, so that one fetch that brings a new version makes all of them due.
 * The reader registers every sync read here; sync listens.
 */
import type { Clock } from "../core/clock.ts";
import type { Access } from "./access.ts";
import type { Answer } from "./cache.ts";
import type { Caller, ExternalSecretCaller } from "./caller.ts";

export interface ConsumerDue {
  readonly consumer: ExternalSecretCaller;
  /** Monotonic milliseconds: an answer fetched from here on is new enough for this due time. */
  readonly acceptBegunFromMs: number;
}

export interface Consumers {
  /** Calls back for each consumer of an answer whose version changed, but not for the one whose read brought it. */
  onDue(listener: (due: ConsumerDue) => void): () => void;
  forget(consumer: ExternalSecretCaller): void;
  /** It is gone for good: forgotten, and what stores made for it alone is given back. */
  release(consumer: ExternalSecretCaller): void;
}

/** The reader's side. */
export interface ConsumerRegister extends Omit<Consumers, "release"> {
  /** What this consumer reads from now on, in place of what it read before. */
  register(consumer: ExternalSecretCaller, accesses: readonly Access[]): void;
  /** Likewise, beside what it read before. */
  registerMore(consumer: ExternalSecretCaller, accesses: readonly Access[]): void;
  /** This answer, fetched or kept, was brought to these callers. */
  answered(access: Access, answer: Answer, broughtTo: readonly Caller[]): void;
  /** This answer must be read again soon, or it ends. */
  leaseDue(answerKey: string): void;
  /** Whatever stores of this configuration hold may have changed just now. */
  storeChanged(configHash: string): void;
}

interface Watched {
  readonly configHash: string;
  readonly consumers: Map<string, ExternalSecretCaller>;
  /** Version and keyed digest of the newest answer, and when it was asked for. Absent until there is one. */
  newest?: { readonly mark: string; readonly begunAtMs: number };
}

export function createConsumers(clock: Clock): ConsumerRegister {
  const watched = new Map<string, Watched>();
  const keysOf = new Map<string, ReadonlySet<string>>();
  const listeners = new Set<(due: ConsumerDue) => void>();

  function drop(id: string, keys: Iterable<string>): void {
    for (const key of keys) {
      const entry = watched.get(key);
      entry?.consumers.delete(id);
      if (entry?.consumers.size === 0) watched.delete(key);
    }
  }

  function makeDue(consumers: Iterable<ExternalSecretCaller>, acceptBegunFromMs: number): void {
    for (const consumer of [...consumers])
      for (const listener of [...listeners]) listener({ consumer, acceptBegunFromMs });
  }

  function watch(consumer: ExternalSecretCaller, accesses: readonly Access[]): void {
    for (const { answerKey, grant } of accesses) {
      const entry = watched.get(answerKey) ?? { configHash: grant.store.configHash, consumers: new Map() };
      entry.consumers.set(idOf(consumer), consumer);
      watched.set(answerKey, entry);
    }
  }

  return {
    onDue(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    forget(consumer) {
      const id = idOf(consumer);
      drop(id, keysOf.get(id) ?? []);
      keysOf.delete(id);
    },
    register(consumer, accesses) {
      const id = idOf(consumer);
      const keys = new Set(accesses.map((access) => access.answerKey));
      drop(id, (keysOf.get(id) ?? new Set()).difference(keys));
      keysOf.set(id, keys);
      watch(consumer, accesses);
    },
    registerMore(consumer, accesses) {
      const id = idOf(consumer);
      keysOf.set(id, (keysOf.get(id) ?? new Set()).union(new Set(accesses.map((access) => access.answerKey))));
      watch(consumer, accesses);
    },
    answered({ answerKey }, { version, digest, begunAtMs }, broughtTo) {
      const entry = watched.get(answerKey);
      if (!entry || (entry.newest && entry.newest.begunAtMs > begunAtMs)) return;
      const mark = JSON.stringify([version, digest]);
      const changed = entry.newest !== undefined && entry.newest.mark !== mark;
      entry.newest = { mark, begunAtMs };
      if (!changed) return;
      const served = new Set(broughtTo.filter((caller) => caller.kind === "ExternalSecret").map(idOf));
      makeDue(
        [...entry.consumers].filter(([id]) => !served.has(id)).map(([, consumer]) => consumer),
        begunAtMs,
      );
    },
    leaseDue(answerKey) {
      makeDue(watched.get(answerKey)?.consumers.values() ?? [], -Infinity);
    },
    storeChanged(configHash) {
      const readers = new Map(
        watched
          .values()
          .filter((entry) => entry.configHash === configHash)
          .flatMap((entry) => entry.consumers),
      );
      makeDue(readers.values(), clock.monotonicMs());
    },
  };
}

/** One object per name: a recreated one takes the place of the old. */
function idOf({ namespace, name }: ExternalSecretCaller): string {
  return `${namespace}/${name}`;
}
