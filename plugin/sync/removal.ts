/**
 * The end of an ExternalSecret: what it owned goes, when it is still its own; what it only filled or handed over stays.
 * Then everything kept about it is forgotten.
 *
 * With an API server, Secrets of an owner that is gone are the garbage collector's; deletionPolicy Delete deletes them
 * before the finalizer is taken away. In a folder nobody else does, so there they go with their owner.
 */
import { Failure } from "../core/failure.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Consumers } from "../read/consumers.ts";
import type { ObjectState } from "./object-state.ts";
import { idOf, type Objects } from "./objects.ts";
import { isOurs } from "./refusals.ts";
import { refusedWrite } from "./refused-write.ts";
import type { ExternalSecretItem, Finalizers, ObjectKey, StatusStore, TargetSecrets } from "./ports.ts";

export interface RemovalDeps {
  readonly targets: TargetSecrets;
  readonly statuses: StatusStore;
  readonly finalizers?: Finalizers;
  readonly consumers: Consumers;
  readonly metrics: Metrics;
  readonly objects: Objects;
}

/**
 * `item`: the object while it waits for its finalizers; undefined when it is gone. Resolves with the Secrets that are
 * gone. Rejects with Failure when something is left; it can then be called again.
 */
export async function removeObject(
  deps: RemovalDeps,
  key: ObjectKey,
  item: ExternalSecretItem | undefined,
  signal: AbortSignal,
): Promise<readonly ObjectKey[]> {
  const id = idOf(key);
  const state = deps.objects.get(id);
  const owned = deletesOwned(deps, item, state) ? await deps.targets.ownedBy(key) : [];
  for (const target of owned) await removeSecret(deps.targets, target, key, signal);
  if (item?.finalized) await deps.finalizers?.remove(item.meta, signal);
  await deps.statuses.forget(key);
  if (state) deps.consumers.release({ kind: "ExternalSecret", ...key, uid: state.uid });
  forgetObject(deps, key);
  return owned;
}

/** Everything that is held about it in this process. */
export function forgetObject(
  { objects, consumers, metrics }: Pick<RemovalDeps, "objects" | "consumers" | "metrics">,
  key: ObjectKey,
): void {
  const id = idOf(key);
  const state = objects.get(id);
  if (state) consumers.forget({ kind: "ExternalSecret", ...key, uid: state.uid });
  objects.remove(id);
  metrics.secretsByProvider(objects.byStoreKind);
  metrics.forgetObject(key);
}

function deletesOwned(
  { finalizers }: RemovalDeps,
  item: ExternalSecretItem | undefined,
  state: ObjectState | undefined,
): boolean {
  if (!finalizers) return true;
  if (!item?.finalized) return false;
  const externalSecret = item.parsed.ok ? item.parsed.value : state?.applied?.externalSecret;
  const { creationPolicy, deletionPolicy } = externalSecret?.spec.target ?? {};
  return creationPolicy === "Owner" && deletionPolicy === "Delete";
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
    const removed = await targets.remove(secret, signal);
    if (removed.done) return;
    if (removed.refused) throw refusedWrite(removed.refused, target);
  }
  throw new Failure("target_refused", `Secret ${target.name} was changed by others while it was being deleted`);
}
