/**
 * What the process remembers of one ExternalSecret between two runs.
 *
 * The values of the last good read stay here, so that drift is undone without the store. They are the bytes of the
 * target Secret, so their size is bounded by what the API takes for one.
 */
import type { Failure } from "../core/failure.ts";
import { fetchStamp, type Now } from "./schedule.ts";
import { syncedResourceVersion } from "./secret-shape.ts";
import type { ExternalSecretItem, ExternalSecretStatus, ObjectKey } from "./ports.ts";
import type { Want } from "./situation.ts";

export interface ObjectState {
  readonly key: ObjectKey;
  uid: string;
  /** Ask for a fetch when it changes, and for a new plan when `anyStamp` does. */
  fetchStamp: string;
  anyStamp: string;
  /** Counts the wishes for a read that came from outside; a run that one of them overtook leaves its due time alone. */
  asks: number;
  /** The next read, monotonic milliseconds; Infinity = none. */
  readAtMs: number;
  /** That read stands at the object's absolute instant. */
  onPhase: boolean;
  /** The last fetch was off the phase: the read at the next one fetches again and so returns to it. */
  rephase: boolean;
  /** Answers fetched before this are too old, monotonic milliseconds. Kept until a read succeeds. */
  demandedFromMs: number | undefined;
  /** Since when the object itself asks for new values, monotonic milliseconds; undefined = not since it was found. */
  leasedFromMs: number | undefined;
  /** Next try of a plan that failed at its target, monotonic milliseconds. */
  replanAtMs: number;
  /** The result of the last read. */
  want: Want | undefined;
  /** The last result that was put into effect. */
  applied: Want | undefined;
  /** Version of the target Secret that was found to put `applied` into effect; undefined = it must be looked at. */
  restsAt: string | undefined;
  /** As computed last, and as written last; differ while a status write fails. */
  status: ExternalSecretStatus | undefined;
  writtenStatus: ExternalSecretStatus | undefined;
  statusLoaded: boolean;
  statusWrittenAtMs: number;
  statusFailures: number;
  /** Failed runs in a row. */
  failures: number;
  /** End of the last read, monotonic milliseconds. */
  readEndedAtMs: number;
  /** Why the last read brought nothing new; set too when it brought last-good. */
  readFailure: Failure | undefined;
  /** The last authoritative no; an outage after it does not take it back, a successful read does. */
  lastNo: Failure | undefined;
  /** The first run with a readable manifest has looked for a Secret to take over. */
  adopted: boolean;
  readonly repairs: { count: number; lastAtMs: number };
  /** Whether Secrets under an earlier target name may exist. */
  orphansPossible: boolean;
  /** End of a pause, wall clock epoch milliseconds. */
  pausedUntilMs: number | undefined;
  /** What the last events were about, so that none is repeated. */
  readonly said: { missing: string; drift: string };
}

export function newState(item: ExternalSecretItem): ObjectState {
  return {
    key: item.key,
    uid: item.meta.uid,
    ...stampsOf(item),
    asks: 0,
    readAtMs: -Infinity,
    onPhase: false,
    rephase: false,
    demandedFromMs: undefined,
    leasedFromMs: undefined,
    replanAtMs: Infinity,
    want: undefined,
    applied: undefined,
    restsAt: undefined,
    status: undefined,
    writtenStatus: undefined,
    statusLoaded: false,
    statusWrittenAtMs: -Infinity,
    statusFailures: 0,
    failures: 0,
    readEndedAtMs: -Infinity,
    readFailure: undefined,
    lastNo: undefined,
    adopted: false,
    repairs: { count: 0, lastAtMs: -Infinity },
    orphansPossible: true,
    pausedUntilMs: undefined,
    said: { missing: "", drift: "" },
  };
}

export function stampsOf(item: ExternalSecretItem): { readonly fetchStamp: string; readonly anyStamp: string } {
  const problems = item.parsed.ok ? "" : JSON.stringify(item.parsed.problems);
  return { fetchStamp: fetchStamp(item.meta), anyStamp: `${syncedResourceVersion(item.meta)} ${problems}` };
}

/** Makes a read due at `atMs`; with `demandedFromMs` it accepts no answer whose fetch began earlier. Both monotonic. */
export function askRead(state: ObjectState, atMs: number, demandedFromMs?: number): void {
  state.asks++;
  state.readAtMs = atMs;
  state.onPhase = false;
  if (demandedFromMs === undefined) return;
  state.demandedFromMs = Math.max(state.demandedFromMs ?? -Infinity, demandedFromMs);
}

/** When the object runs again by itself, monotonic milliseconds. */
export function wakeAtMs(state: ObjectState, now: Now): number {
  if (!state.statusLoaded) return state.replanAtMs;
  if (state.pausedUntilMs !== undefined) return now.monotonicMs + Math.max(0, state.pausedUntilMs - now.wallMs);
  return Math.min(state.readAtMs, state.replanAtMs);
}
