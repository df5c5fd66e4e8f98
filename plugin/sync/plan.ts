/**
 * Decides what one sync does to its target Secret; touches nothing.
 *
 * At most one write comes of a plan, and a plan either acts or refuses. Refusals say who is in the way and how to get
 * on; what was written before stays as it is.
 */
import type { Failure } from "../core/failure.ts";
import { differences, driftAmong, type Difference } from "./drift.ts";
import {
  creationRefusal,
  guardRefusal,
  isOurs,
  losesData,
  removalRefusal,
  targetRefusal,
  typeRefusal,
  writeRefusal,
} from "./refusals.ts";
import { keepsForeignKeys, wantedSecret, type Write } from "./wanted-secret.ts";
import type { ExistingSecret } from "./ports.ts";
import { isWithoutData, type Seen, type Want } from "./situation.ts";

/**
 * Why nothing is to be done: `same` it is as wanted, `none` nothing is wanted, `waits` for somebody to create the target,
 * `retained` there is no data any more, `deleted` it is gone already, `left` drift of an Orphan.
 */
export type KeepReason = "same" | "none" | "waits" | "retained" | "deleted" | "left";

export type SyncPlan =
  | { readonly step: "create"; readonly write: Write; readonly drift: readonly Difference[]; readonly loses: false }
  | {
      /** `restore` undoes drift, `update` brings news, `recreate` deletes and creates because the API allows no change. */
      readonly step: "restore" | "update" | "recreate";
      readonly write: Write;
      readonly present: ExistingSecret;
      readonly drift: readonly Difference[];
      /** Data goes because its source is gone: counted by the mass-deletion guard. */
      readonly loses: boolean;
    }
  | {
      readonly step: "remove";
      readonly secret: ExistingSecret;
      readonly because: "source_gone" | "orphaned";
      readonly loses: boolean;
    }
  | {
      readonly step: "keep";
      readonly why: KeepReason;
      /** Only with `same`: what the Secret holds of ours. */
      readonly write?: Write;
    }
  | { readonly step: "refuse"; readonly failure: Failure; readonly at: "read" | "write" | "delete" };

export function planSync(seen: Seen, want: Want): SyncPlan {
  const { creationPolicy, deletionPolicy } = want.externalSecret.spec.target;
  if (creationPolicy === "None") return { step: "keep", why: "none" };
  if (isWithoutData(want) && deletionPolicy === "Retain") return { step: "keep", why: "retained" };
  if (isWithoutData(want) && deletionPolicy === "Delete") return planRemoval(seen, want);
  if (!seen.secret && creationPolicy === "Merge") return { step: "keep", why: "waits" };
  if (creationPolicy === "Orphan" && seen.last && !seen.fresh && !want.options.repair)
    return { step: "keep", why: "left" };
  const refused = targetRefusal(seen, want);
  if (refused) return { step: "refuse", failure: refused, at: "write" };
  return seen.secret ? planChange(seen, seen.secret, want) : planCreation(seen, want);
}

/**
 * What keeps the Secret in its last good state although nothing new can be put into effect: undoes drift with the values
 * that were applied before, and does nothing else. A Secret that somebody deleted is not made again while its store says
 * an authoritative no.
 */
export function planRepair(seen: Seen, applied: Want, refusal: Failure | undefined): SyncPlan | undefined {
  if (!seen.last) return undefined;
  const plan = planSync({ ...seen, orphans: [], fresh: false }, applied);
  if (plan.step === "create") return refusal?.handling.class === "no" ? undefined : plan;
  return plan.step === "restore" || plan.step === "recreate" ? plan : undefined;
}

function planCreation(seen: Seen, want: Want): SyncPlan {
  const write = wantedSecret(want, seen);
  const refused = writeRefusal(write, undefined) ?? creationRefusal(seen, write, want);
  if (refused) return { step: "refuse", failure: refused, at: "write" };
  return { step: "create", write, drift: seen.last ? [{ part: "secret" }] : [], loses: false };
}

function planChange(seen: Seen, secret: ExistingSecret, want: Want): SyncPlan {
  const write = wantedSecret(want, seen);
  const found = differences(secret, write);
  if (found.length === 0) return planOrphans(seen, write);
  const loses = losesData(seen, want);
  const held = loses ? guardRefusal(seen, want) : undefined;
  if (held) return { step: "refuse", failure: held, at: "delete" };
  const drift = driftOf(seen, secret, found, write, want);
  const recreate = mustRecreate(seen, secret, found, write);
  const refused = recreate
    ? (typeRefusal(secret, write, want) ?? writeRefusal(write, undefined) ?? creationRefusal(seen, write, want))
    : writeRefusal(write, secret);
  if (refused) return { step: "refuse", failure: refused, at: "write" };
  if (recreate) return { step: "recreate", write: asAskedFor(write), present: secret, drift, loses };
  return { step: drift.length > 0 ? "restore" : "update", write, present: secret, drift, loses };
}

/** No data at the source and deletionPolicy Delete. */
function planRemoval(seen: Seen, want: Want): SyncPlan {
  const refused = removalRefusal(seen.secret, want);
  if (refused) return { step: "refuse", failure: refused, at: "delete" };
  if (!seen.secret) return { step: "keep", why: "deleted" };
  const held = guardRefusal(seen, want);
  if (held) return { step: "refuse", failure: held, at: "delete" };
  return { step: "remove", secret: seen.secret, because: "source_gone", loses: true };
}

/** Only once the target itself is as wanted, so that no run writes twice. */
function planOrphans(seen: Seen, write: Write): SyncPlan {
  const orphan = write.own.policy === "Owner" ? seen.orphans.find((secret) => isOurs(secret, write.by)) : undefined;
  if (orphan) return { step: "remove", secret: orphan, because: "orphaned", loses: false };
  return { step: "keep", why: "same", write };
}

function driftOf(
  seen: Seen,
  secret: ExistingSecret,
  found: readonly Difference[],
  write: Write,
  want: Want,
): readonly Difference[] {
  // Under another policy other parts are ours: what differs then is news, not an edit.
  if (!seen.last || seen.last.own.policy !== write.own.policy) return [];
  return driftAmong(found, secret, seen.last, keepsForeignKeys(want));
}

/** A Secret that is made anew is no longer frozen by whoever froze the one before. */
function asAskedFor(write: Write): Write {
  return { ...write, secret: { ...write.secret, immutable: write.own.immutable } };
}

/** A type never changes in place. Nor does an immutable Secret; one that somebody else put there must not stay. */
function mustRecreate(seen: Seen, secret: ExistingSecret, found: readonly Difference[], write: Write): boolean {
  if (found.some((one) => one.part === "type")) return true;
  const frozen = secret.immutable && found.some((one) => one.part === "key");
  return frozen && write.own.policy === "Owner" && seen.last !== undefined && !seen.last.intact;
}
