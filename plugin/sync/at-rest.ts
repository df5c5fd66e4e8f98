/**
 * Whether a run may end without a look at its Secret: the watch still has the version that was found to be as wanted, and
 * the read brought the same values. A refresh that changes nothing then asks the API server nothing.
 *
 * A watch may lag: an edit that it has not told yet is undone when it does, as if it had come a moment later.
 */
import { canonicalJson } from "../core/canonical-json.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { ExternalSecret } from "../manifests/objects.ts";
import type { ObjectState } from "./object-state.ts";
import type { SyncPlan } from "./plan.ts";
import type { TargetSecrets } from "./ports.ts";
import type { Seen, Want } from "./situation.ts";

/**
 * Version of the Secret when the plan found it to be as wanted; undefined when it must be looked at again. Of one that
 * holds this object's parts alone: the end of another that fills it changes what is wanted, and not the Secret.
 */
export function restAfter(action: SyncPlan, { secret, rivals }: Seen): string | undefined {
  if (action.step !== "keep" || action.why !== "same" || rivals.length > 0) return undefined;
  return action.write?.own.policy === "Owner" ? secret?.resourceVersion : undefined;
}

export function isAtRest(
  targets: Pick<TargetSecrets, "watchedVersion">,
  { restsAt, orphansPossible }: ObjectState,
  { meta, spec }: ExternalSecret,
): boolean {
  if (restsAt === undefined || orphansPossible) return false;
  return targets.watchedVersion({ namespace: meta.namespace, name: spec.target.name }) === restsAt;
}

/** The same result, for an ExternalSecret that nobody has changed since. */
export function isSameWant(applied: Want | undefined, want: Want): boolean {
  if (applied?.externalSecret !== want.externalSecret || applied.values.size !== want.values.size) return false;
  const isKnown = ([key, value]: readonly [string, SecretValue]): boolean =>
    applied.values.get(key)?.equals(value) ?? false;
  return (
    [...want.values].every(isKnown) && canonicalJson(applied.metadata ?? {}) === canonicalJson(want.metadata ?? {})
  );
}
