/** The end of a run: when the object runs again, its status, and what the world is told. */
import type { Clock } from "../core/clock.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { Failure, toFailure } from "../core/failure.ts";
import type { ExternalSecret } from "../manifests/objects.ts";
import type { Run } from "./conclusion.ts";
import type { ObjectState } from "./object-state.ts";
import type { SyncPlan } from "./plan.ts";
import type { ReadOutcome } from "./read-want.ts";
import { report, type ReportDeps } from "./report.ts";
import { backoffMs, repairQuietMs } from "./retry.ts";
import { afterFailure, afterSuccess, followedEveryMs, storeName, type NextRead, type Now } from "./schedule.ts";
import { statusAfter, worthWriting } from "./status.ts";
import type { ExternalSecretItem, ExternalSecretStatus, ObjectKey, StatusStore } from "./ports.ts";

export interface ConcludeDeps extends ReportDeps {
  readonly clock: Clock;
  readonly statuses: StatusStore;
  /** A status whose refreshTime alone moved is written at least this often, milliseconds. */
  readonly statusHeartbeatMs: number;
  /** These stores have just answered, by name as in schedule.ts. */
  readonly storesAnswered: (stores: ReadonlySet<string>) => void;
  /** Who else wants this target may have it, or another part of it, now. */
  readonly holdingChanged: (target: ObjectKey, by: ObjectKey) => void;
}

const awaitedTargetMs = 60_000;

export async function conclude(
  deps: ConcludeDeps,
  state: ObjectState,
  item: ExternalSecretItem,
  run: Run,
  signal: AbortSignal,
): Promise<void> {
  const now: Now = { wallMs: deps.clock.nowMs(), monotonicMs: deps.clock.monotonicMs() };
  const externalSecret = item.parsed.ok ? item.parsed.value : undefined;
  scheduleNext(state, externalSecret, run, now);
  const { startedAtMs, outcome } = run;
  const previous = state.status;
  const holding = run.holding === undefined ? {} : { holding: run.holding };
  state.status = statusAfter(previous, { meta: item.meta, startedAtMs, outcome, ...holding }, now.wallMs);
  report(deps, state, item, run, previous);
  await writeStatus(deps, state, externalSecret, now, signal);
  tellSharers(deps, state, run, previous);
  if (run.read?.ok && !run.read.bundle.stale) {
    const answered = run.read.bundle.sources.filter((source) => source.cache === "miss");
    deps.storesAnswered(new Set(answered.map((source) => storeName(source.store, source.storeNamespace))));
  }
}

function scheduleNext(state: ObjectState, externalSecret: ExternalSecret | undefined, run: Run, now: Now): void {
  const { outcome, read, action } = run;
  state.pausedUntilMs = outcome.kind === "paused" ? outcome.untilMs : undefined;
  state.replanAtMs = Infinity;
  if (outcome.kind === "synced") state.failures = 0;
  if (outcome.kind === "failed") state.failures++;
  if (read) {
    state.readFailure = readFailureOf(read);
    state.lastNo = lastNoAfter(state, read);
    state.readEndedAtMs = now.monotonicMs;
  }
  countRepair(state, action, now.monotonicMs);
  if (outcome.kind === "paused") return;
  const overtaken = state.asks !== run.asks;
  if (read && !overtaken && externalSecret) {
    if (!state.readFailure) state.demandedFromMs = undefined;
    setRead(state, afterRead(state, externalSecret, read, run, now));
  }
  // A Secret that others will create has no label of ours, so no watch tells of it.
  if (action?.step === "keep" && action.why === "waits") state.replanAtMs = now.monotonicMs + awaitedTargetMs;
  if (outcome.kind !== "failed") return settleOrphans(state, externalSecret, run, now.monotonicMs);
  const retry = externalSecret ? afterFailure(externalSecret, now, outcome.failure, state.failures) : undefined;
  if (outcome.at !== "read") state.replanAtMs = retry?.atMs ?? Infinity;
  // Nor does it tell of an immutable one that is deleted so that it can be made anew.
  if (outcome.failure.code === "target_immutable")
    state.replanAtMs = Math.min(state.replanAtMs, now.monotonicMs + awaitedTargetMs);
  // The run ended before its read: that waits with it.
  if (!read && !overtaken && state.readAtMs <= now.monotonicMs)
    setRead(state, retry ?? { atMs: Infinity, onPhase: false });
}

function afterRead(
  state: ObjectState,
  externalSecret: ExternalSecret,
  read: ReadOutcome,
  run: Run,
  now: Now,
): NextRead {
  if (state.readFailure) return afterFailure(externalSecret, now, state.readFailure, Math.max(state.failures, 1));
  // What is leased is read anew by its own times, however old it is.
  const aging = read.ok ? read.bundle.sources.filter(({ leased }) => !leased) : [];
  const begun = aging.map((source) => source.begunAtMs);
  const { onPhase } = state;
  state.rephase = onPhase ? false : state.rephase || begun.some((atMs) => atMs >= run.begunAtMs);
  return afterSuccess(externalSecret, now, {
    onPhase,
    oldestBegunMs: begun.length > 0 ? Math.min(...begun) : undefined,
  });
}

function setRead(state: ObjectState, next: NextRead): void {
  state.readAtMs = next.atMs;
  state.onPhase = next.onPhase;
}

function readFailureOf(read: ReadOutcome): Failure | undefined {
  if (!read.ok) return read.failure;
  return read.bundle.stale && new Failure(read.bundle.stale.code, read.bundle.stale.message);
}

function lastNoAfter({ lastNo }: ObjectState, read: ReadOutcome): Failure | undefined {
  if (read.ok) return undefined;
  return read.failure.handling.class === "no" ? read.failure : lastNo;
}

function countRepair(state: ObjectState, action: SyncPlan | undefined, nowMs: number): void {
  if (!action || !("drift" in action) || action.drift.length === 0) return;
  const { repairs } = state;
  repairs.count = nowMs - repairs.lastAtMs > repairQuietMs ? 1 : repairs.count + 1;
  repairs.lastAtMs = nowMs;
}

/**
 * Secrets under an earlier name go one by one, each in a run of its own, once the new one stands. A name that was given
 * up a moment ago may not be among those that were found.
 */
function settleOrphans(
  state: ObjectState,
  externalSecret: ExternalSecret | undefined,
  { action, seen }: Run,
  nowMs: number,
): void {
  if (!state.orphansPossible || !action || action.step === "refuse") return;
  if (action.step === "keep") return void (state.orphansPossible = action.why !== "same");
  const { binding } = state.status ?? {};
  const isRenamed = binding !== undefined && binding.name !== externalSecret?.spec.target.name;
  state.orphansPossible = isRenamed || (seen?.orphans.length ?? 0) > 0;
  if (state.orphansPossible) state.replanAtMs = nowMs;
}

function tellSharers(
  { holdingChanged }: ConcludeDeps,
  { key, status }: ObjectState,
  { action }: Run,
  previous: ExternalSecretStatus | undefined,
): void {
  const parts = (one: ExternalSecretStatus | undefined): string =>
    canonicalJson([one?.binding ?? "", one?.keyferry?.own ?? ""]);
  const names = new Set<string | undefined>(action?.step === "remove" ? [action.secret.name] : []);
  if (parts(previous) !== parts(status)) names.add(previous?.binding?.name).add(status?.binding?.name);
  for (const name of names) if (name !== undefined) holdingChanged({ namespace: key.namespace, name }, key);
}

async function writeStatus(
  deps: ConcludeDeps,
  state: ObjectState,
  externalSecret: ExternalSecret | undefined,
  now: Now,
  signal: AbortSignal,
): Promise<void> {
  const next = state.status!;
  const intervalMs = externalSecret ? followedEveryMs(externalSecret) : 0;
  const sinceMs = now.monotonicMs - state.statusWrittenAtMs;
  const everyMs = Math.max(intervalMs, deps.statusHeartbeatMs);
  if (!worthWriting(state.writtenStatus, next, { sinceMs, intervalMs, everyMs })) return;
  try {
    await deps.statuses.write(state.key, next, signal);
    state.writtenStatus = next;
    state.statusWrittenAtMs = now.monotonicMs;
    state.statusFailures = 0;
  } catch (thrown) {
    state.replanAtMs = Math.min(state.replanAtMs, now.monotonicMs + backoffMs(++state.statusFailures));
    deps.log.warn("status not written", { ...state.key, code: toFailure(thrown).code });
  }
}
