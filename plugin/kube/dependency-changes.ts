/**
 * What ExternalSecrets depend on has changed: for whom, and told once for many changes at nearly the same time. Whoever
 * listens looks at every object of the cluster for each change that is told.
 */
import type { Clock } from "../core/clock.ts";
import type { StorePolicyItem } from "../read/ports.ts";
import type { DependencyChange } from "../sync/ports.ts";
import type { Mirror, MirrorChange } from "./contract.ts";
import { onLabelChange } from "./namespaces.ts";
import { onStoreChange } from "./stores.ts";
import type { Mirrors } from "./views.ts";

export interface DependencyChanges {
  readonly note: (change: DependencyChange) => void;
  /** Returns the stop function. */
  readonly on: (listener: (change: DependencyChange) => void) => () => void;
  stop(): void;
}

const gatherMs = 100;
/** More different changes than this at a time are told as one that may concern everybody. */
const mostChanges = 100;

export function createDependencyChanges(clock: Clock): DependencyChanges {
  const listeners = new Set<(change: DependencyChange) => void>();
  const gathered = new Map<string, DependencyChange>();
  let cancel: (() => void) | undefined;

  function tell(): void {
    cancel = undefined;
    const concernsAll = gathered.has("{}") || gathered.size > mostChanges;
    const changes = concernsAll ? [{}] : [...gathered.values()];
    gathered.clear();
    for (const change of changes) for (const listener of [...listeners]) listener(change);
  }

  return {
    note(change) {
      if (listeners.size === 0) return;
      gathered.set(JSON.stringify(change), change);
      cancel ??= clock.after(gatherMs, tell);
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      cancel?.();
      listeners.clear();
    },
  };
}

export function noteChanges(
  { stores, namespaces }: Mirrors,
  policies: Mirror<StorePolicyItem>,
  { note }: Pick<DependencyChanges, "note">,
): void {
  onStoreChange(stores.SecretStore, (store) => note({ store }));
  onStoreChange(stores.ClusterSecretStore, (store) => note({ store }));
  onLabelChange(namespaces, (namespace) => note({ namespace }));
  policies.onChange((change) => {
    for (const item of policiesOf(change)) note(changeOf(item));
  });
}

/** A policy may have been moved from one store to another. */
function policiesOf(change: MirrorChange<StorePolicyItem>): readonly StorePolicyItem[] {
  return change.type === "changed" ? [change.before.value, change.entry.value] : [change.entry.value];
}

/** One that does not say which store it is about closes all of them. */
function changeOf(item: StorePolicyItem): DependencyChange {
  const storeRef = item.ok ? item.value.storeRef : item.storeRef;
  if (!storeRef) return {};
  const { kind, name, namespace = "" } = storeRef;
  return { store: { kind, namespace, name } };
}
