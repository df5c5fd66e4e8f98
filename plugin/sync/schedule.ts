/**
 * When an ExternalSecret is read again, and how old an answer it then accepts. Pure.
 *
 * Periodic reads happen at absolute instants, t ≡ hash(store, first key) mod interval: a restart moves nothing, objects
 * that read the same key are due together, all others are spread. Due times are held on the monotonic clock, so a step
 * of the wall clock moves no object before its next read.
 */
import { createHash } from "node:crypto";
import type { Failure } from "../core/failure.ts";
import { sourceOf } from "../manifests/entries.ts";
import type { DataEntry, DataFromEntry, ExternalSecret, ObjectMeta, SourceRef } from "../manifests/objects.ts";
import { ownPrefix } from "./annotations.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { backoffMs } from "./retry.ts";

/** Both clocks at one instant, milliseconds. */
export interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface NextRead {
  /** Monotonic milliseconds; Infinity = only when something changes. */
  readonly atMs: number;
  /** The read stands at the object's own absolute instant. */
  readonly onPhase: boolean;
}

const never: NextRead = { atMs: Infinity, onPhase: false };

/** A failure that waits for the next refresh of an object that has none. */
const idleIntervalMs = 3_600_000;

/** Age of an answer that a first sync accepts. */
const firstSyncAgeMs = 30_000;

/** Shorter intervals count as this long: nothing may turn in a circle. */
const shortestIntervalMs = 1_000;

/** 0 = its source is not followed. */
export function followedEveryMs({ spec }: ExternalSecret): number {
  if (spec.refreshPolicy !== "Periodic" || spec.refreshIntervalMs <= 0) return 0;
  return Math.max(spec.refreshIntervalMs, shortestIntervalMs);
}

export function isPeriodic(externalSecret: ExternalSecret): boolean {
  return followedEveryMs(externalSecret) > 0;
}

/** Store and key of the first thing that is read: who shares it shares the phase. */
export function leadingRef({ meta, spec }: ExternalSecret): { readonly store: string; readonly key: string } {
  const entry = spec.dataFrom[0] ?? spec.data[0];
  if (!entry) return { store: "", key: "" };
  return { store: storeName(sourceOf(entry), meta.namespace), key: keyOf(entry) };
}

function keyOf(entry: DataEntry | DataFromEntry): string {
  if ("remoteRef" in entry) return entry.remoteRef.key;
  if ("extract" in entry) return entry.extract.key;
  if ("generatorRef" in entry) return "";
  const { path, regexp, tags } = entry.find;
  return canonicalJson({ path, regexp, tags });
}

/** `kind/namespace/name`, or `kind/name` for a ClusterSecretStore. */
export function storeName(store: SourceRef, namespace: string): string {
  return store.kind === "ClusterSecretStore"
    ? `${store.kind}/${store.name}`
    : `${store.kind}/${namespace}/${store.name}`;
}

/** Milliseconds from `wallMs` to the object's next absolute instant: above 0, at most its interval. */
export function untilPhaseMs(externalSecret: ExternalSecret, wallMs: number): number {
  const { store, key } = leadingRef(externalSecret);
  return untilInstantMs(`${store}\n${key}`, followedEveryMs(externalSecret), wallMs);
}

/** To the next of the instants, one interval apart, that `name` falls on. */
export function untilInstantMs(name: string, intervalMs: number, wallMs: number): number {
  const hash = createHash("sha256").update(name).digest().readUIntBE(0, 6);
  const gone = (wallMs - (hash % intervalMs)) % intervalMs;
  return intervalMs - (gone < 0 ? gone + intervalMs : gone);
}

/**
 * After a successful read. `oldestBegunMs`: when the fetch of the oldest accepted answer began (monotonic); an answer
 * taken over from another consumer is replaced one interval after its own fetch, not after ours.
 */
export function afterSuccess(
  externalSecret: ExternalSecret,
  now: Now,
  run: { readonly onPhase: boolean; readonly oldestBegunMs: number | undefined },
): NextRead {
  if (!isPeriodic(externalSecret)) return never;
  const intervalMs = followedEveryMs(externalSecret);
  // A timer may fire a little before its instant on the wall clock; that instant must not come again at once.
  const pastMs = run.onPhase ? intervalMs / 10 : 0;
  const phaseMs = now.monotonicMs + pastMs + untilPhaseMs(externalSecret, now.wallMs + pastMs);
  const answerEndMs = (run.oldestBegunMs ?? Infinity) + intervalMs;
  if (answerEndMs >= phaseMs) return { atMs: phaseMs, onPhase: true };
  return { atMs: Math.max(answerEndMs, now.monotonicMs + intervalMs / 10), onPhase: false };
}

/** After a failed read or write. `failures`: how many in a row, this one included. */
export function afterFailure(externalSecret: ExternalSecret, now: Now, failure: Failure, failures: number): NextRead {
  const { retry, class: failureClass } = failure.handling;
  const phase: NextRead = isPeriodic(externalSecret)
    ? { atMs: now.monotonicMs + untilPhaseMs(externalSecret, now.wallMs), onPhase: true }
    : never;
  switch (retry) {
    case "backoff": {
      const waitMs = failure.retryAfterMs ?? 0;
      const atMs = now.monotonicMs + Math.max(backoffMs(failures), waitMs);
      return phase.atMs <= atMs && phase.atMs >= now.monotonicMs + waitMs ? phase : { atMs, onPhase: false };
    }
    case "next_interval":
      return phase === never ? { atMs: now.monotonicMs + idleIntervalMs, onPhase: false } : phase;
    case "on_change":
      // What stands in the way of a target may also change at the store.
      return failureClass === "target" ? phase : never;
  }
}

/**
 * Monotonic start of the oldest fetch that a read accepts: 90 % of the interval for a periodic one, 30 s for a first
 * one, any age where the source is not followed; never one begun before `demandedFromMs`.
 */
export function acceptBegunFromMs(
  externalSecret: ExternalSecret,
  nowMs: number,
  read: { readonly first: boolean; readonly demandedFromMs: number | undefined },
): number {
  const periodicAgeMs = isPeriodic(externalSecret) ? followedEveryMs(externalSecret) * 0.9 : Infinity;
  const ageMs = read.first ? Math.min(firstSyncAgeMs, periodicAgeMs) : periodicAgeMs;
  return Math.max(nowMs - ageMs, read.demandedFromMs ?? -Infinity);
}

/**
 * The first read after a start of an object whose Secret is still as it was written. `lastRefreshMs` is of the wall
 * clock and may lag by one heartbeat; one that lies in the future (a clock was set back) counts as just now.
 */
export function afterRestart(
  externalSecret: ExternalSecret,
  now: Now,
  lastRefreshMs: number,
  heartbeatMs: number,
): NextRead {
  if (!isPeriodic(externalSecret)) return never;
  const overdue = now.wallMs - lastRefreshMs > Math.max(followedEveryMs(externalSecret), heartbeatMs);
  if (overdue) return { atMs: now.monotonicMs, onPhase: false };
  return { atMs: now.monotonicMs + untilPhaseMs(externalSecret, now.wallMs), onPhase: true };
}

/** Changes with everything that demands a fetch: spec, labels, annotations, but of ours only `force-sync`. */
export function fetchStamp(meta: ObjectMeta): string {
  const annotations = Object.entries(meta.annotations).filter(
    ([name]) => !name.startsWith(ownPrefix) || name === `${ownPrefix}force-sync`,
  );
  return canonicalJson([meta.generation, meta.labels, Object.fromEntries(annotations)]);
}
