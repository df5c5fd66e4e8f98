/** One read of an ExternalSecret through the read path: on which terms, and what came of it. */
import type { Clock } from "../core/clock.ts";
import { toFailure, type Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { ExternalSecret } from "../manifests/objects.ts";
import { optionalKeysOf, requestOf } from "../read/request-of.ts";
import type { Reader, ReadTerms, SecretBundle } from "../read/request.ts";
import type { SyncOptions } from "./annotations.ts";
import type { ObjectState } from "./object-state.ts";
import { acceptBegunFromMs } from "./schedule.ts";
import type { Want } from "./situation.ts";

export type ReadOutcome =
  | { readonly ok: true; readonly want: Want; readonly bundle: SecretBundle; readonly begunAtMs: number }
  | { readonly ok: false; readonly failure: Failure };

/** All refs together, waiting included. */
const syncLimitMs = 30_000;

export async function readWant(
  deps: { readonly reader: Reader; readonly clock: Clock; readonly maxStaleMs: number },
  state: ObjectState,
  externalSecret: ExternalSecret,
  options: SyncOptions,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const begunAtMs = deps.clock.monotonicMs();
  // Back at its phase after a fetch at another time: fetch again, so that the next ones stand there too.
  if (state.onPhase && state.rephase)
    state.demandedFromMs = Math.max(state.demandedFromMs ?? -Infinity, state.readAtMs);
  const request = requestOf(externalSecret.spec, optionalKeysOf(externalSecret.meta));
  const terms = termsOf(state, externalSecret, begunAtMs, options.maxStaleMs ?? deps.maxStaleMs);
  try {
    const bundle = await deps.reader.read(request, terms, signal);
    const values = new Map<string, SecretValue>([...bundle.values].map(([name, { value }]) => [name, value]));
    const { missing, metadata } = bundle;
    const want = { externalSecret, options, values, missing, ...(metadata && { metadata }) };
    return { ok: true, want, bundle, begunAtMs };
  } catch (thrown) {
    return { ok: false, failure: toFailure(thrown) };
  }
}

function termsOf(state: ObjectState, externalSecret: ExternalSecret, nowMs: number, maxStaleMs: number): ReadTerms {
  const { namespace, name, uid } = externalSecret.meta;
  const first = state.status?.refreshTime === undefined;
  return {
    caller: { kind: "ExternalSecret", namespace, name, uid },
    delivery: "sync",
    identity: "Store",
    priority: first ? "first_sync" : "periodic",
    acceptBegunFromMs: acceptBegunFromMs(externalSecret, nowMs, { first, demandedFromMs: state.demandedFromMs }),
    ...(state.leasedFromMs === undefined ? {} : { leasedFromMs: state.leasedFromMs }),
    maxStaleMs,
    limitMs: syncLimitMs,
    // What failed before is tried again by the queue: waiting inside a read would only hide the news of why. So it would
    // the news that a Secret was found edited or gone after a start.
    once: state.readFailure !== undefined || (state.status?.keyferry !== undefined && state.applied === undefined),
  };
}
