/** Writes that are sent only while this process may write: checked right before each one. */
import { Failure } from "../../core/failure.ts";
import type { StatusStore, TargetSecrets } from "../ports.ts";
import type { StoreStatuses } from "../stores/ports.ts";

/** Throws Failure `kube_unavailable` when another process may be writing. */
export type WriteGuard = () => void;

export function writeGuard(mayWrite: () => boolean): WriteGuard {
  return () => {
    if (!mayWrite())
      throw new Failure("kube_unavailable", "this process could not renew its lease in time, so it writes nothing now");
  };
}

export function guardTargets(targets: TargetSecrets, guard: WriteGuard): TargetSecrets {
  return {
    get: (key, signal) => targets.get(key, signal),
    watchedVersion: (key) => targets.watchedVersion(key),
    async create(...args) {
      guard();
      return targets.create(...args);
    },
    async replace(...args) {
      guard();
      return targets.replace(...args);
    },
    async remove(...args) {
      guard();
      return targets.remove(...args);
    },
    ownedBy: (owner) => targets.ownedBy(owner),
    namespacePhase: (namespace) => targets.namespacePhase(namespace),
    onForeignChange: (listener) => targets.onForeignChange(listener),
  };
}

export function guardStatuses(statuses: StatusStore, guard: WriteGuard): StatusStore {
  return {
    read: (key, signal) => statuses.read(key, signal),
    async write(...args) {
      guard();
      return statuses.write(...args);
    },
    async forget(key) {
      guard();
      return statuses.forget(key);
    },
  };
}

export function guardStoreStatuses(statuses: StoreStatuses, guard: WriteGuard): StoreStatuses {
  return {
    read: (key, signal) => statuses.read(key, signal),
    async write(...args) {
      guard();
      return statuses.write(...args);
    },
  };
}
