/**
 * The status of an ExternalSecret after a run: pure, computed once, written at most once.
 *
 * Reasons and constant texts are ESO's; the cause and its stable code stand behind them. A failed refresh makes Ready
 * False although the Secret keeps its last good values: whoever alerts on Ready learns of it, and no workload does.
 */
import { canonicalJson } from "../core/canonical-json.ts";
import { failureHandling, type Failure, type FailureCode } from "../core/failure.ts";
import type { ObjectMeta } from "../manifests/objects.ts";
import { syncedResourceVersion } from "./secret-shape.ts";
import type { KeepReason } from "./plan.ts";
import type { Condition, ExternalSecretStatus } from "./ports.ts";

/** Where a run failed. */
export type Stage = "read" | "write" | "delete" | "orphans";

/** What the target holds of this object, as `status.keyferry` records it. */
export type Holding = NonNullable<ExternalSecretStatus["keyferry"]>;

export type Outcome =
  /** The ExternalSecret is in effect. `fresh`: it was read for this. */
  | { readonly kind: "synced"; readonly how: "written" | "removed" | KeepReason; readonly fresh: boolean }
  | {
      readonly kind: "failed";
      readonly failure: Failure;
      readonly at: Stage;
      /** Last-good values stay in use: wall clock epoch milliseconds of the oldest of them. */
      readonly staleSinceMs?: number;
      /** An outage that came after an authoritative no, which still stands. */
      readonly afterNo?: FailureCode;
    }
  /** Drift was looked for and, if found, undone; what Ready said before still holds. */
  | { readonly kind: "checked" }
  | { readonly kind: "paused"; readonly untilMs: number };

export interface SyncResult {
  readonly meta: ObjectMeta;
  /** Start of the run, wall clock epoch milliseconds. */
  readonly startedAtMs: number;
  readonly outcome: Outcome;
  /** Absent: as before. "nothing": the target is gone or not ours. */
  readonly holding?: { readonly target: string; readonly record: Holding } | "nothing";
}

export function statusAfter(
  previous: ExternalSecretStatus | undefined,
  result: SyncResult,
  nowMs: number,
): ExternalSecretStatus {
  const { outcome, meta } = result;
  const before: ExternalSecretStatus = previous ?? { conditions: [] };
  const isSynced = outcome.kind === "synced";
  const refreshTime = isSynced && outcome.fresh ? rfc3339(result.startedAtMs) : before.refreshTime;
  const version = isSynced ? syncedResourceVersion(meta) : before.syncedResourceVersion;
  return {
    ...(refreshTime !== undefined && { refreshTime }),
    ...(version !== undefined && { syncedResourceVersion: version }),
    conditions: conditionsAfter(before.conditions, outcome, nowMs),
    ...holdingAfter(before, result.holding),
  };
}

function holdingAfter(
  { binding, keyferry }: ExternalSecretStatus,
  holding: SyncResult["holding"],
): Pick<ExternalSecretStatus, "binding" | "keyferry"> {
  if (holding === "nothing") return {};
  if (holding) return { binding: { name: holding.target }, keyferry: holding.record };
  return { ...(binding && { binding }), ...(keyferry && { keyferry }) };
}

function conditionsAfter(before: readonly Condition[], outcome: Outcome, nowMs: number): readonly Condition[] {
  const ready = readyAfter(outcome) ?? before.find((condition) => condition.type === "Ready");
  const wanted = [ready, pausedAfter(outcome)].filter((condition) => condition !== undefined);
  return wanted.map((condition) => {
    const same = before.find((old) => old.type === condition.type && old.status === condition.status);
    return { ...condition, lastTransitionTime: same?.lastTransitionTime ?? rfc3339(nowMs) };
  });
}

type Statement = Omit<Condition, "lastTransitionTime">;

function readyAfter(outcome: Outcome): Statement | undefined {
  switch (outcome.kind) {
    case "synced":
      return { type: "Ready", status: "True", ...syncedWords(outcome.how) };
    case "failed": {
      const { failure } = outcome;
      const rest = staleWords(outcome.staleSinceMs) + noWords(outcome.afterNo);
      const message = `${constantText(failure, outcome.at)}: ${failureWords(failure)}${rest}`;
      return { type: "Ready", status: "False", reason: failure.handling.reason, message: cutTo(message, 1024) };
    }
    case "checked":
    case "paused":
      return undefined;
  }
}

function syncedWords(how: "written" | "removed" | KeepReason): { readonly reason: string; readonly message: string } {
  switch (how) {
    case "removed":
    case "deleted":
      return { reason: "SecretDeleted", message: "secret deleted due to DeletionPolicy=Delete" };
    case "waits":
      return { reason: "SecretMissing", message: "secret will not be created due to CreationPolicy=Merge" };
    case "retained":
      return { reason: "SecretSynced", message: "secret retained due to DeletionPolicy=Retain" };
    case "written":
    case "same":
    case "none":
    case "left":
      return { reason: "SecretSynced", message: "secret synced" };
  }
}

function pausedAfter(outcome: Outcome): Statement | undefined {
  if (outcome.kind !== "paused") return undefined;
  const message = `writes, deletions and repair are paused until ${rfc3339(outcome.untilMs)}`;
  return { type: "Paused", status: "True", reason: "Paused", message };
}

/** `[code] message` */
export function failureWords(failure: Failure): string {
  return `[${failure.code}] ${failure.message}`;
}

function staleWords(sinceMs: number | undefined): string {
  return sinceMs === undefined ? "" : `; the Secret keeps the values of ${rfc3339(sinceMs)}`;
}

function noWords(code: FailureCode | undefined): string {
  return code === undefined ? "" : `; before, the store had answered [${code}], which stands until it answers anew`;
}

const updateText = failureHandling.internal.conditionText;

/** ESO's text for the step that failed; the table's own where it is about the target. */
function constantText(failure: Failure, at: Stage): string {
  if (at === "orphans") return "could not delete orphaned secrets";
  if (at === "delete") return failureHandling.deletion_held.conditionText;
  const isTarget = failure.handling.class === "target";
  return at === "write" && !isTarget ? updateText : failure.handling.conditionText;
}

/** At most `bytes` of UTF-8, no character cut in half. */
export function cutTo(text: string, bytes: number): string {
  const encoded = Buffer.from(text, "utf8");
  if (encoded.length <= bytes) return text;
  const mark = "…";
  let end = bytes - Buffer.byteLength(mark);
  while ((encoded[end]! & 0xc0) === 0x80) end--;
  return encoded.toString("utf8", 0, end) + mark;
}

export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * Whether a status must be written: it says something new, or only its refreshTime moved and waiting for the next
 * refresh would leave it older than `everyMs`.
 */
export function worthWriting(
  written: ExternalSecretStatus | undefined,
  next: ExternalSecretStatus,
  age: { readonly sinceMs: number; readonly intervalMs: number; readonly everyMs: number },
): boolean {
  if (!written) return true;
  if (canonicalJson({ ...written, refreshTime: undefined }) !== canonicalJson({ ...next, refreshTime: undefined }))
    return true;
  return written.refreshTime !== next.refreshTime && age.sinceMs + age.intervalMs > age.everyMs;
}
