/** Events, metrics and log lines of a run. Nothing is said twice: an event marks a change. */
import type { Clock } from "../core/clock.ts";
import { sourceOf } from "../manifests/entries.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Run } from "./conclusion.ts";
import { describe, type Difference } from "./drift.ts";
import { idOf, type Objects } from "./objects.ts";
import type { ObjectState } from "./object-state.ts";
import type { SyncPlan } from "./plan.ts";
import { fieldManager } from "./secret-shape.ts";
import { cutTo, failureWords, type Outcome } from "./status.ts";
import type { Condition, EventSink, ExternalSecretItem, ExternalSecretStatus } from "./ports.ts";
import type { Seen } from "./situation.ts";

export interface ReportDeps {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly objects: Objects;
}

/** The state holds the new status already; `previous` is the one before the run. */
export function report(
  deps: ReportDeps,
  state: ObjectState,
  item: ExternalSecretItem,
  run: Run,
  previous: ExternalSecretStatus | undefined,
): void {
  countRun(deps, state, item, run);
  tellAction(deps, state, run);
  tellMissing(deps, state, run);
  const before = conditionOf(previous, "Ready");
  const after = conditionOf(state.status, "Ready");
  if (run.outcome.kind === "failed" && (before?.status !== "False" || before.message !== after?.message))
    tellFailure(deps, state, run.outcome, after!.message);
  else if (before?.status === "False" && after?.status === "True") deps.log.info("sync works again", state.key);
}

function countRun(
  { metrics, objects, clock }: ReportDeps,
  state: ObjectState,
  item: ExternalSecretItem,
  run: Run,
): void {
  const entry = item.parsed.ok ? (item.parsed.value.spec.dataFrom[0] ?? item.parsed.value.spec.data[0]) : undefined;
  const seconds = (clock.monotonicMs() - run.begunAtMs) / 1000;
  const outcome = run.outcome.kind === "failed" ? "error" : "success";
  metrics.syncCall({ ...state.key, store: entry ? sourceOf(entry).name : "" }, outcome, seconds);
  for (const type of ["Ready", "Paused"] as const)
    metrics.condition(state.key, type, conditionOf(state.status, type)?.status);
  const holds = state.status?.keyferry;
  if (objects.setStoreKind(idOf(state.key), holds?.storeKind)) metrics.secretsByProvider(objects.byStoreKind);
}

function conditionOf(status: ExternalSecretStatus | undefined, type: Condition["type"]): Condition | undefined {
  return status?.conditions.find((condition) => condition.type === type);
}

function tellAction(deps: ReportDeps, state: ObjectState, { action, seen, startedAtMs }: Run): void {
  const { events, log, clock } = deps;
  const drift = action && "drift" in action ? action.drift : [];
  if (drift.length > 0) tellDrift(deps, state, seen, drift, "restored");
  else if (action) tellStandingDrift(deps, state, seen, action);
  const words = action && actionWords(action);
  if (!action || !words) return;
  events.emit(state.key, "Normal", words.reason, words.message);
  log.info(words.sentence, { ...state.key, reason: action.step, tookMs: clock.nowMs() - startedAtMs });
}

function actionWords(
  action: SyncPlan,
): { readonly reason: string; readonly message: string; readonly sentence: string } | undefined {
  switch (action.step) {
    case "create":
      return { reason: "Created", message: "secret created", sentence: "secret written" };
    case "restore":
    case "update":
    case "recreate":
      return { reason: "Updated", message: "secret updated", sentence: "secret written" };
    case "remove": {
      const orphaned = action.because === "orphaned";
      const why = orphaned ? "because it was orphaned" : "due to DeletionPolicy=Delete";
      return { reason: "Deleted", message: `secret deleted ${why}`, sentence: "secret deleted" };
    }
    case "keep":
    case "refuse":
      return undefined;
  }
}

/** Drift that this run could not undo, or must not: told once per edit. */
function tellStandingDrift(deps: ReportDeps, state: ObjectState, seen: Seen | undefined, action: SyncPlan): void {
  const edited = seen?.secret !== undefined && seen.last !== undefined && !seen.last.intact;
  if (!edited || (action.step === "keep" && action.why === "same")) {
    state.said.drift = "";
    return;
  }
  if (action.step !== "keep" && action.step !== "refuse") return;
  if (state.said.drift === seen.secret.resourceVersion) return;
  const isLeft = action.step === "keep" && seen.last.own.policy === "Orphan";
  tellDrift(deps, state, seen, [], isLeft ? "left as it is, as creationPolicy is Orphan" : "not restored yet");
  state.said.drift = seen.secret.resourceVersion;
}

function tellDrift(
  { events, metrics, log }: ReportDeps,
  state: ObjectState,
  seen: Seen | undefined,
  drift: readonly Difference[],
  fate: string,
): void {
  const known = state.said.drift !== "" && state.said.drift === seen?.secret?.resourceVersion;
  if (known) return;
  const last = seen?.secret?.lastWriter;
  // An edit that only takes away leaves no trace of its writer: then the last one known is ourselves.
  const writer = last === undefined || last === fieldManager(state.key.name) ? undefined : cutTo(last, 100);
  const what = drift.length > 0 ? describe(drift) : "its content differs from what was written";
  events.emit(
    state.key,
    "Warning",
    "SecretDrifted",
    cutTo(`secret edited by ${writer ?? "an unknown writer"}: ${what}; ${fate}`, 1024),
  );
  const parts = [...new Set(drift.map(({ part }) => part))];
  metrics.drift(state.key, { writer: writer ?? "_unknown", parts: parts.length > 0 ? parts : ["unknown"] });
  log.warn("secret drifted", { ...state.key, reason: fate });
}

function tellMissing({ events }: ReportDeps, state: ObjectState, { read }: Run): void {
  if (!read?.ok) return;
  const before = new Set(state.said.missing.split("\n"));
  const now = read.want.missing.map(({ field, key }) => `${field} (key=${key})`);
  for (const one of now)
    if (!before.has(one))
      events.emit(state.key, "Normal", "MissingProviderSecret", `secret does not exist at provider using ${one}`);
  state.said.missing = now.join("\n");
}

function tellFailure(
  { events, log }: ReportDeps,
  state: ObjectState,
  { failure, at }: Extract<Outcome, { kind: "failed" }>,
  message: string,
): void {
  const isStale = at === "read" && failure.handling.class === "unavailable" && state.status?.keyferry !== undefined;
  const reason = failure.code === "deletion_held" ? "DeletionHeld" : isStale ? "SecretStale" : "UpdateFailed";
  const text = isStale ? `the Secret keeps its last good values: ${failureWords(failure)}` : message;
  events.emit(state.key, "Warning", reason, cutTo(text, 1024));
  log.warn("sync failed", { ...state.key, code: failure.code, message: failure.message });
}
