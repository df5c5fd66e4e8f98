/**
 * Whole results of earlier reads, to stand in while a store is unavailable.
 *
 * Kept per request as a whole, so that a stale result is one that was once read together, never a mixture. Sticky: an
 * authoritative no drops every result that holds the refused part, and nothing asked for before it is kept after it.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import type { Clock } from "../core/clock.ts";
import type { Located } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import type { Answer } from "./cache.ts";
import type { FoundRead, Reach } from "./find.ts";
import { createLru, createWeighedLru } from "./lru.ts";
import type { ReadEntry, SecretBundle } from "./request.ts";

/** One entry of a request with the right to read it. */
export interface AllowedEntry {
  readonly entry: ReadEntry;
  readonly access: Access;
  /** Of a find alone. */
  readonly reach?: Reach;
}

/** One secret that a find brought; `at`: the place of the find in its request. */
export interface FoundPart {
  readonly at: number;
  readonly read: FoundRead;
}

/** What a read came to, with what an audit of it needs. */
export interface Result {
  readonly bundle: SecretBundle;
  /** In the order of the bundle's sources. `account`: namespace/name shown to the store, empty when it was none. */
  readonly parts: readonly ResultPart[];
}

export interface ResultPart {
  readonly answer: Answer;
  readonly account: string;
  /** Of a listing: how many of its secrets the rules keep from this caller. */
  readonly withheld?: number;
}

export interface LastGood {
  /**
   * Undefined when there is none, its oldest answer was asked for more than `maxStaleMs` ago, a lease in it ended, or a
   * secret that it found may not be read any more.
   */
  get(request: readonly AllowedEntry[], maxStaleMs: number): Result | undefined;
  /** `answerOf`: undefined for an optional entry that the store does not have. */
  put(
    request: readonly AllowedEntry[],
    result: Result,
    answerOf: (access: Access) => Answer | undefined,
    found: readonly FoundPart[],
  ): void;
  /** An authoritative no to one part: see the tags below. */
  refuse(tag: string): void;
}

/** The parts of a result that can be refused one by one, as texts. */
export const tagOf = {
  answer: (answerKey: string) => `answer ${answerKey}`,
  part: (partKey: string) => `part ${partKey}`,
  session: (sessionKey: string) => `session ${sessionKey}`,
  store: (storeId: string) => `store ${storeId}`,
  /** What the store names to log in with, as seen from one namespace. */
  credential: (storeId: string, callerNamespace: string) => `credential ${callerNamespace} ${storeId}`,
  property: (answerKey: string, property: string | undefined) => `property ${answerKey} ${property ?? ""}`,
};

/** What an entry weighs beside its values, bytes: a round figure for the whole, each value, and each secret found. */
const entryBytes = 1_024;
const valueBytes = 256;
const foundBytes = 1_024;
const refusalsMax = 20_000;

interface Kept {
  readonly result: Result;
  readonly tags: ReadonlySet<string>;
  readonly found: readonly { readonly at: number; readonly located: Located }[];
  /** Monotonic milliseconds. */
  readonly oldestBegunAtMs: number;
  readonly leaseEndsAtMs: number;
}

export function createLastGood(clock: Clock, limits: { readonly entries: number; readonly bytes: number }): LastGood {
  const results = createWeighedLru<Kept>({
    ...limits,
    bytesOf: ({ result, found }) =>
      [...result.bundle.values].reduce(
        (sum, [name, { value }]) => sum + name.length + value.byteLength + valueBytes,
        entryBytes + foundBytes * found.length,
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
      return stillAllowed(request, kept) ? kept.result : undefined;
    },
    put(request, result, answerOf, found) {
      const parts = [...request, ...found.map(({ read }) => read)];
      const refused = parts.some(({ entry, access }) => {
        const answer = answerOf(access);
        return answer !== undefined && tagsOf(entry, access).some((tag) => refusedSince(tag, answer.begunAtMs));
      });
      if (refused || result.parts.length === 0) return;
      const key = keyOf(request);
      const fresh: Kept = {
        result,
        tags: new Set(parts.flatMap(({ entry, access }) => tagsOf(entry, access))),
        found: found.map(({ at, read }) => ({ at, located: read.access.grant.located })),
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

/** Asked for again and again within one read, whose rules do not change. */
const verdicts = new WeakMap<readonly AllowedEntry[], { readonly kept: Kept; readonly allowed: boolean }>();

/** What the request names was allowed just now; what its finds once brought is put to the same rules. */
function stillAllowed(request: readonly AllowedEntry[], kept: Kept): boolean {
  const known = verdicts.get(request);
  if (known?.kept === kept) return known.allowed;
  const allowed = kept.found.every(({ at, located }) => request[at]?.reach?.access(located) !== undefined);
  verdicts.set(request, { kept, allowed });
  return allowed;
}

/** Who reads what, and how it is shaped: two requests that share a key get equal results from equal answers. */
function keyOf(request: readonly AllowedEntry[]): string {
  const parts = request.map(({ entry, access }) => [access.partKey, access.grant.store.id, textOf(entry)]);
  return hash("sha256", JSON.stringify(parts));
}

/** The entries of one class or object are read again and again, so worked out once for as long as they live. */
const texts = new WeakMap<ReadEntry, string>();

function textOf(entry: ReadEntry): string {
  let text = texts.get(entry);
  if (text === undefined) texts.set(entry, (text = canonicalJson(entry)));
  return text;
}

function tagsOf(entry: ReadEntry, { grant, answerKey, partKey, sessionKey }: Access): readonly string[] {
  const { store, caller, identity } = grant;
  const tags = [
    tagOf.answer(answerKey),
    tagOf.part(partKey),
    tagOf.session(sessionKey),
    tagOf.store(store.id),
    tagOf.property(answerKey, "ref" in entry ? entry.property : undefined),
  ];
  return identity === "Pod" ? tags : [...tags, tagOf.credential(store.id, caller.namespace)];
}
