/**
 * One run of one ExternalSecret: gather → read, when a read is due → plan → apply → status.
 *
 * At most one Secret write, one status write. A run that cannot reach its aim still keeps the Secret in its last good
 * state. Never rejects: what went wrong is in the status and decides when the object runs again.
 */
import { Failure, toFailure } from "../core/failure.ts";
import { adoptLastGood } from "./adopt.ts";
import { parseOptions, type SyncOptions } from "./annotations.ts";
import { applyPlan } from "./apply.ts";
import { isAtRest, isSameWant, restAfter } from "./at-rest.ts";
import { conclude, type ConcludeDeps } from "./conclude.ts";
import type { Conclusion } from "./conclusion.ts";
import { dataDigestOf, digestOf } from "./digest.ts";
import { gather, loadStatus, type GatherDeps } from "./gather.ts";
import type { ObjectState } from "./object-state.ts";
import { planRepair, planSync, type SyncPlan } from "./plan.ts";
import { readWant, type ReadOutcome } from "./read-want.ts";
import { refusedWrite } from "./refused-write.ts";
import { backoffMs } from "./retry.ts";
import { leadingRef } from "./schedule.ts";
import type { ExternalSecret, Parsed } from "../manifests/objects.ts";
import type { Reader } from "../read/request.ts";
import type { ExternalSecretItem, Finalizers } from "./ports.ts";
import type { Seen, Want } from "./situation.ts";
import type { Outcome } from "./status.ts";

export interface RunDeps extends GatherDeps, ConcludeDeps {
  readonly reader: Reader;
  readonly finalizers?: Finalizers;
  readonly maxStaleMs: number;
}

export interface RunSignals {
  /** Aborts what only reads. */
  readonly read: AbortSignal;
  /** Aborts writes too; a write under way is let through at a normal stop. */
  readonly write: AbortSignal;
}

/** What a run wants to put into effect; without `want`, `failure` says why not. */
interface Aim {
  readonly want?: Want;
  readonly failure?: Failure;
  /** The read of this very run; absent when none was due. */
  readonly read?: ReadOutcome;
  /** The failure is that of an earlier read: the status tells of it already. */
  readonly old?: true;
}

interface Checked {
  readonly externalSecret: ExternalSecret;
  readonly options: SyncOptions;
}

const writeAttempts = 3;

export async function runObject(
  deps: RunDeps,
  state: ObjectState,
  item: ExternalSecretItem,
  signals: RunSignals,
): Promise<void> {
  const run = { startedAtMs: deps.clock.nowMs(), begunAtMs: deps.clock.monotonicMs(), asks: state.asks };
  try {
    await loadStatus(state, item, deps.statuses, signals.read);
  } catch (thrown) {
    state.replanAtMs = deps.clock.monotonicMs() + backoffMs(++state.statusFailures);
    deps.log.warn("status not readable", { ...state.key, code: toFailure(thrown).code });
    return;
  }
  let conclusion: Conclusion;
  try {
    conclusion = await pursue(deps, state, item, signals);
  } catch (thrown) {
    conclusion = { outcome: { kind: "failed", failure: toFailure(thrown), at: "write" } };
  }
  if (signals.read.aborted && conclusion.outcome.kind === "failed") return;
  await conclude(deps, state, item, { ...run, ...conclusion }, signals.write);
}

async function pursue(
  deps: RunDeps,
  state: ObjectState,
  item: ExternalSecretItem,
  signals: RunSignals,
): Promise<Conclusion> {
  const checked = check(item, deps.clock.nowMs());
  if (checked.ok && checked.value.options.pausedUntilMs !== undefined)
    return { outcome: { kind: "paused", untilMs: checked.value.options.pausedUntilMs } };
  // An object that cannot be understood still has the Secret that its last good form asked for.
  const externalSecret = checked.ok ? checked.value.externalSecret : state.applied?.externalSecret;
  const invalid = checked.ok ? undefined : problemsFailure(checked);
  if (!externalSecret) return { outcome: { kind: "failed", failure: invalid!, at: "read" } };
  if (checked.ok && item.finalized === false) await addFinalizer(deps, item, signals.write);
  if (checked.ok && isAtRest(deps.targets, state, externalSecret)) return rest(deps, state, checked.value, signals);
  const seen = await gather(deps, state, externalSecret, signals.read);
  if (!checked.ok) return settle(deps, state, externalSecret, seen, { failure: invalid! }, signals);
  takeOver(deps, state, checked.value, seen);
  const aim = await aimOf(deps, state, checked.value, signals.read);
  return settle(deps, state, externalSecret, seen, aim, signals);
}

/** The Secret is as it was left: only news makes it worth a look. */
async function rest(deps: RunDeps, state: ObjectState, checked: Checked, signals: RunSignals): Promise<Conclusion> {
  const { externalSecret } = checked;
  const aim = await aimOf(deps, state, checked, signals.read);
  const { want, read } = aim;
  const isOutage = read?.ok === true && read.bundle.stale !== undefined;
  if (want && !isOutage && isSameWant(state.applied, want) && isAtRest(deps.targets, state, externalSecret)) {
    state.applied = want;
    return { outcome: { kind: "synced", how: "same", fresh: read?.ok === true }, ...readOf(aim) };
  }
  return settle(deps, state, externalSecret, await gather(deps, state, externalSecret, signals.read), aim, signals);
}

/** What would be missing without it is also done by the garbage collector, so the sync goes on. */
async function addFinalizer(
  { finalizers, log }: RunDeps,
  { key, meta }: ExternalSecretItem,
  signal: AbortSignal,
): Promise<void> {
  try {
    await finalizers?.add(meta, signal);
  } catch (thrown) {
    log.warn("finalizer not added", { ...key, code: toFailure(thrown).code });
  }
}

function check(item: ExternalSecretItem, nowMs: number): Parsed<Checked> {
  if (!item.parsed.ok) return item.parsed;
  const options = parseOptions(item.parsed.value, nowMs);
  return options.ok ? { ok: true, value: { externalSecret: item.parsed.value, options: options.value } } : options;
}

const shownProblems = 5;

function problemsFailure({ problems }: Extract<Parsed<unknown>, { ok: false }>): Failure {
  const texts = problems.slice(0, shownProblems).map(({ path, problem }) => `${path}: ${problem}`);
  const hidden = problems.length - texts.length;
  return new Failure("manifest_invalid", texts.join("; ") + (hidden > 0 ? ` and ${hidden} more` : ""));
}

function takeOver(deps: RunDeps, state: ObjectState, { externalSecret, options }: Checked, seen: Seen): void {
  if (state.adopted) return;
  state.adopted = true;
  const now = { wallMs: deps.clock.nowMs(), monotonicMs: deps.clock.monotonicMs() };
  adoptLastGood(state, externalSecret, options, seen, { now, heartbeatMs: deps.statusHeartbeatMs });
}

/** Reads when that is due; else the last result stands, in the shape that the object asks for now. */
async function aimOf(deps: RunDeps, state: ObjectState, checked: Checked, signal: AbortSignal): Promise<Aim> {
  if (state.readAtMs <= deps.clock.monotonicMs()) {
    const read = await readWant(deps, state, checked.externalSecret, checked.options, signal);
    if (read.ok) state.want = read.want;
    return read.ok ? { want: read.want, read } : { failure: read.failure, read };
  }
  if (state.readFailure) return { failure: state.readFailure, old: true };
  return state.want ? { want: { ...state.want, ...checked } } : {};
}

/** Plans and applies, again when somebody wrote in between. */
async function settle(
  deps: RunDeps,
  state: ObjectState,
  externalSecret: ExternalSecret,
  first: Seen,
  aim: Aim,
  signals: RunSignals,
): Promise<Conclusion> {
  let seen = first;
  state.restsAt = undefined;
  for (let attempt = 1; attempt <= writeAttempts; attempt++) {
    if (attempt > 1) seen = await gather(deps, state, externalSecret, signals.read);
    const { main, action } = choose(seen, aim, state);
    const undo = "loses" in action && action.loses ? deps.guard.take(leadingRef(externalSecret).store) : undefined;
    try {
      const written = await applyPlan(action, deps.targets, signals.write);
      if (!written.done) {
        undo?.();
        if (!written.refused) continue;
        const { name } = action.step === "remove" ? action.secret : externalSecret.spec.target;
        const failure = refusedWrite(written.refused, { namespace: externalSecret.meta.namespace, name });
        return { outcome: { kind: "failed", failure, at: stageOf(action) }, ...readOf(aim), seen };
      }
    } catch (thrown) {
      undo?.();
      const failure = toFailure(thrown);
      return { outcome: { kind: "failed", failure, at: stageOf(action) }, ...readOf(aim), seen };
    }
    if (aim.want && main.step !== "refuse" && !isRetained(main)) {
      state.applied = aim.want;
      state.restsAt = restAfter(action, seen);
    }
    return {
      outcome: outcomeOf(main, aim, state.lastNo),
      action,
      seen,
      ...readOf(aim),
      ...holdingAfter(action, aim, state, deps.digestKey),
    };
  }
  const failure = new Failure(
    "target_refused",
    `Secret ${externalSecret.spec.target.name} was changed by others ${writeAttempts} times while it was being written`,
  );
  return { outcome: { kind: "failed", failure, at: "write" }, ...readOf(aim), seen };
}

const readOf = ({ read }: Aim): { readonly read?: ReadOutcome } => (read ? { read } : {});

const isRetained = (plan: SyncPlan): boolean => plan.step === "keep" && plan.why === "retained";

/** `main` decides what the status says; `action` is what is done: the same, or the repair of what was there before. */
function choose(
  seen: Seen,
  { want, failure, read }: Aim,
  { applied, lastNo }: Pick<ObjectState, "applied" | "lastNo">,
): { readonly main: SyncPlan; readonly action: SyncPlan } {
  const fresh = read?.ok === true && !read.bundle.stale;
  const main: SyncPlan = want
    ? planSync({ ...seen, fresh }, want)
    : failure
      ? { step: "refuse", failure, at: "read" }
      : { step: "keep", why: "left" };
  const stuck = main.step === "refuse" || isRetained(main);
  // An outage after a no does not take it back.
  const refusal = (read?.ok ? undefined : lastNo) ?? (main.step === "refuse" ? main.failure : undefined);
  const repair = stuck && applied ? planRepair(seen, applied, refusal) : undefined;
  return { main, action: repair ?? main };
}

function outcomeOf(main: SyncPlan, aim: Aim, lastNo: Failure | undefined): Outcome {
  const { read } = aim;
  if (main.step === "refuse") {
    if (aim.old) return { kind: "checked" };
    const { failure, at } = main;
    const isOutage = at === "read" && failure.handling.class === "unavailable";
    return { kind: "failed", failure, at, ...(isOutage && lastNo && { afterNo: lastNo.code }) };
  }
  if (read?.ok && read.bundle.stale) {
    const { code, message, sinceMs } = read.bundle.stale;
    return { kind: "failed", failure: new Failure(code, message), at: "read", staleSinceMs: sinceMs };
  }
  if (!aim.want) return { kind: "checked" };
  const how = main.step === "keep" ? main.why : main.step === "remove" ? removalWord(main.because) : "written";
  return { kind: "synced", how, fresh: read?.ok === true };
}

const removalWord = (because: "source_gone" | "orphaned"): "removed" | "same" =>
  because === "orphaned" ? "same" : "removed";

function stageOf(action: SyncPlan): "write" | "delete" | "orphans" {
  if (action.step !== "remove") return "write";
  return action.because === "orphaned" ? "orphans" : "delete";
}

/** What the target holds of this object now; absent when that is as it was. */
function holdingAfter(
  action: SyncPlan,
  { read }: Aim,
  state: ObjectState,
  digestKey: Buffer,
): Pick<Conclusion, "holding"> {
  if (action.step === "remove") return action.because === "source_gone" ? { holding: "nothing" } : {};
  if (action.step === "refuse") return {};
  if (action.step === "keep" && action.why !== "same")
    return action.why === "retained" || action.why === "left" ? {} : { holding: "nothing" };
  const { write } = action;
  if (!write) return {};
  const storeKind = (read?.ok ? read.bundle.sources[0]?.storeKindName : undefined) ?? state.status?.keyferry?.storeKind;
  const digest = digestOf(write.secret, write.own, digestKey);
  const dataDigest = dataDigestOf(write.secret, write.own, digestKey);
  const record = { digest, dataDigest, own: write.own, ...(storeKind !== undefined && { storeKind }) };
  return { holding: { target: write.secret.name, record } };
}
