/**
 * Whole results of earlier reads, to stand in while a store is unavailable.
 *
 * Kept per request as a whole, so that a stale result is one that was once read together, never a mixture. Sticky: an
 * authoritative no drops every result that holds the refused part, and nothing asked for before it is kept after it.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import type { Clock } from "../core/clock.ts";
import type { Access } from "./access.ts";
import type { Answer } from "./cache.ts";
import { createLru, createWeighedLru } from "./lru.ts";
import type { ReadEntry, SecretBundle } from "./request.ts";

/** One entry of a request with the right to read it. */
export interface AllowedEntry {
  readonly entry: ReadEntry;
  readonly access: Access;
}

/** What a read came to, with what an audit of it needs. */
export interface Result {
  readonly bundle: SecretBundle;
  /** In the order of the bundle's sources. `account`: namespace/name shown to the store, empty when it was none. */
  readonly parts: readonly { readonly answer: Answer; readonly account: string }[];
}

export interface LastGood {
  /** Undefined when there is none, its oldest answer was asked for more than `maxStaleMs` ago, or a lease in it ended. */
  get(request: readonly AllowedEntry[], maxStaleMs: number): Result | undefined;
  /** `answerOf`: undefined for an optional entry that the store does not have. */
  put(request: readonly AllowedEntry[], result: Result, answerOf: (access: Access) => Answer | undefined): void;
  /** An authoritative no to one part: see the tags below. */
  refuse(tag: string): void;
}

/** The parts of a result that can be refused one by one, as texts. */
export const tagOf = {
  answer: (answerKey: string) => `answer ${answerKey}`,
  session: (sessionKey: string) => `session ${sessionKey}`,
  store: (storeId: string) => `store ${storeId}`,
  /** What the store names to log in with, as seen from one namespace. */
  credential: (storeId: string, callerNamespace: string) => `credential ${callerNamespace} ${storeId}`,
  property: (answerKey: string, property: string | undefined) => `property ${answerKey} ${property ?? ""}`,
};

/** What an entry weighs beside its values, bytes: a round figure for the whole, and for each value. */
const entryBytes = 1_024;
const valueBytes = 256;
const refusalsMax = 20_000;

interface Kept {
  readonly result: Result;
  readonly tags: ReadonlySet<string>;
  /** Monotonic milliseconds. */
  readonly oldestBegunAtMs: number;
  readonly leaseEndsAtMs: number;
}

export function createLastGood(clock: Clock, limits: { readonly entries: number; readonly bytes: number }): LastGood {
  const results = createWeighedLru<Kept>({
    ...limits,
    bytesOf: ({ result }) =>
      [...result.bundle.values].reduce(
        (sum, [name, { value }]) => sum + name.length + value.byteLength + valueBytes,
        entryBytes,
      ),
  });
  /** Tag → monotonic milliseconds of its last no. */
  const refusedAtMs = createLru<number>({ entries: refusalsMax });

  const refusedSince = (tag: string, begunAtMs: number): boolean => (refusedAtMs.get(tag) ?? -Infinity) >= begunAtMs;

  return {
    get(request, maxStaleMs) {
      const kept = results.get(keyOf(request));
      const nowMs = clock.monotonicMs();
      if (!kept || nowMs - kept.oldestBegunAtMs > maxStaleMs || nowMs >= kept.leaseEndsAtMs) return undefined;
      return kept.result;
    },
    put(request, result, answerOf) {
      const refused = request.some(({ entry, access }) => {
        const answer = answerOf(access);
        return answer !== undefined && tagsOf(entry, access).some((tag) => refusedSince(tag, answer.begunAtMs));
      });
      if (refused || result.parts.length === 0) return;
      const key = keyOf(request);
      const fresh: Kept = {
        result,
        tags: new Set(request.flatMap(({ entry, access }) => tagsOf(entry, access))),
        oldestBegunAtMs: Math.min(...result.parts.map(({ answer }) => answer.begunAtMs)),
        leaseEndsAtMs: Math.min(...result.parts.map(({ answer }) => answer.life.endsAtMs)),
      };
      const known = results.peek(key);
      if (!known || known.oldestBegunAtMs <= fresh.oldestBegunAtMs) results.set(key, fresh);
    },
    refuse(tag) {
      refusedAtMs.set(tag, clock.monotonicMs());
      for (const [key, { tags }] of results.entries()) if (tags.has(tag)) results.delete(key);
    },
  };
}

/** Who reads what, and how it is shaped: two requests that share a key get equal results from equal answers. */
function keyOf(request: readonly AllowedEntry[]): string {
  const parts = request.map(({ entry, access }) => [access.answerKey, access.grant.store.id, textOf(entry)]);
  return hash("sha256", JSON.stringify(parts));
}

/** The entries of one class or object are read again and again, so worked out once for as long as they live. */
const texts = new WeakMap<ReadEntry, string>();

function textOf(entry: ReadEntry): string {
  let text = texts.get(entry);
  if (text === undefined) texts.set(entry, (text = canonicalJson(entry)));
  return text;
}

function tagsOf(entry: ReadEntry, { grant, answerKey, sessionKey }: Access): readonly string[] {
  const { store, caller, identity } = grant;
  const tags = [
    tagOf.answer(answerKey),
    tagOf.session(sessionKey),
    tagOf.store(store.id),
    tagOf.property(answerKey, entry.property),
  ];
  return identity === "Pod" ? tags : [...tags, tagOf.credential(store.id, caller.namespace)];
}
