/**
 * The end of an ExternalSecret: the Secrets that it owned go, when they are still its own; what it only filled or handed
 * over stays. Then everything kept about it is forgotten.
 */
import { Failure } from "../core/failure.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Consumers } from "../read/consumers.ts";
import { idOf, type Objects } from "./objects.ts";
import { isOurs } from "./refusals.ts";
import type { ObjectKey, StatusStore, TargetSecrets } from "./ports.ts";

export interface RemovalDeps {
  readonly targets: TargetSecrets;
  readonly statuses: StatusStore;
  readonly consumers: Consumers;
  readonly metrics: Metrics;
  readonly objects: Objects;
}

/** Resolves with the Secrets that are gone. Rejects with Failure when something is left; it can then be called again. */
export async function removeObject(
  deps: RemovalDeps,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<readonly ObjectKey[]> {
  const owned = await deps.targets.ownedBy(key);
  for (const target of owned) await removeSecret(deps.targets, target, key, signal);
  await deps.statuses.forget(key);
  const id = idOf(key);
  const state = deps.objects.get(id);
  if (state) deps.consumers.forget({ kind: "ExternalSecret", ...key, uid: state.uid });
  deps.objects.remove(id);
  deps.metrics.secretsByProvider(deps.objects.byStoreKind);
  deps.metrics.forgetObject(key);
  return owned;
}

const attempts = 3;

async function removeSecret(
  targets: TargetSecrets,
  target: ObjectKey,
  owner: ObjectKey,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const secret = await targets.get(target, signal);
    if (!secret || !isOurs(secret, owner)) return;
    if ((await targets.remove(target, secret.resourceVersion, signal)).done) return;
  }
  throw new Failure("target_refused", `Secret ${target.name} was changed by others while it was being deleted`);
}
