/** Role sync's side of the cluster: what it follows, and the ports that answer from it. */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../observe/log.ts";
import type { StorePolicyItem } from "../read/ports.ts";
import type { LeaseStore } from "../sync/lease/ports.ts";
import type { EventSink, ExternalSecretSource, Finalizers, StatusStore, TargetSecrets } from "../sync/ports.ts";
import type { StoreEventSink, StoreSource, StoreStatuses } from "../sync/stores/ports.ts";
import type { KubeClient, Mirror } from "./contract.ts";
import { createCredentials, type Credentials } from "./credentials.ts";
import { createDependencyChanges, noteChanges, type DependencyChanges } from "./dependency-changes.ts";
import { loadDigestKey } from "./digest-key.ts";
import { createEvents, type EventQueue } from "./events.ts";
import { externalSecretSource, followExternalSecrets } from "./external-secrets.ts";
import type { FetchedDeps } from "./fetched.ts";
import { createFinalizers } from "./finalizers.ts";
import { createLeaseStore } from "./leases.ts";
import { followManagedSecrets } from "./managed-secrets.ts";
import { createNamedWatches, type NamedWatches } from "./named-watches.ts";
import { followNamespaces } from "./namespaces.ts";
import { externalSecrets } from "./resources.ts";
import { createStatuses } from "./statuses.ts";
import { createStoreStatuses } from "./store-statuses.ts";
import { followStores, storeResources, storeSource } from "./stores.ts";
import { createTargets } from "./targets.ts";
import type { Mirrors } from "./views.ts";

/** What role sync needs beside the view. */
export interface SyncCluster {
  readonly externalSecrets: ExternalSecretSource;
  readonly targets: TargetSecrets;
  readonly statuses: StatusStore;
  readonly finalizers: Finalizers;
  readonly events: EventSink;
  readonly stores: {
    readonly source: StoreSource;
    readonly statuses: StoreStatuses;
    readonly events: StoreEventSink;
  };
  readonly leases: LeaseStore;
  /** 32 bytes in Secret `keyferry-digest-key`, made when it is not there. Rejects with Failure. */
  digestKey(signal: AbortSignal): Promise<Buffer>;
}

export interface SyncSide {
  readonly ports: SyncCluster;
  readonly mirrors: Mirrors;
  readonly credentials: Credentials;
  /** Everything that it follows, by the name to show. */
  readonly followed: Readonly<Record<string, Mirror<unknown>>>;
  /** Sends the last events; ends what is not in `followed`. */
  close(): Promise<void>;
}

export interface SyncSideDeps extends FetchedDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly instance: string;
  readonly policies: Mirror<StorePolicyItem>;
  readonly onAccountChange: () => void;
}

/** Events that wait at the end. */
const lastEventsMs = 1_000;

export function openSyncSide(deps: SyncSideDeps): SyncSide {
  const { client, clock, policies } = deps;
  const mirrors: Mirrors = {
    externalSecrets: followExternalSecrets(client),
    stores: followStores(client),
    namespaces: followNamespaces(client),
  };
  const managed = followManagedSecrets(client);
  const dependencies = createDependencyChanges(clock);
  noteChanges(mirrors, policies, dependencies);
  const { credentials, watches } = openCredentials(deps, dependencies);
  const events = createEvents({ ...deps, api: client });
  return {
    ports: {
      externalSecrets: externalSecretSource(mirrors.externalSecrets, dependencies.on),
      targets: createTargets({ api: client, managed, namespaces: mirrors.namespaces }),
      statuses: createStatuses(client, mirrors.externalSecrets),
      finalizers: createFinalizers(client, mirrors.externalSecrets),
      events: objectEvents(events, mirrors),
      stores: {
        source: storeSource(mirrors.stores),
        statuses: createStoreStatuses(client),
        events: storeEvents(events, mirrors),
      },
      leases: createLeaseStore(client, deps.namespace),
      digestKey: (signal) => loadDigestKey(client, deps.namespace, signal),
    },
    mirrors,
    credentials,
    followed: {
      ExternalSecrets: mirrors.externalSecrets,
      SecretStores: mirrors.stores.SecretStore,
      ClusterSecretStores: mirrors.stores.ClusterSecretStore,
      Namespaces: mirrors.namespaces,
      "managed Secrets": managed,
    },
    async close() {
      dependencies.stop();
      const patience = new AbortController();
      const cancel = clock.after(lastEventsMs, () => patience.abort());
      await events.close(patience.signal);
      cancel();
      await watches.stop();
    },
  };
}

function openCredentials(
  deps: SyncSideDeps,
  dependencies: DependencyChanges,
): { readonly credentials: Credentials; readonly watches: NamedWatches } {
  const watches = createNamedWatches({
    ...deps,
    onChange(kind, change) {
      const news = credentials.saw(kind, change);
      if (news === "account") deps.onAccountChange();
      // ConfigMaps and generators are referred to in their own namespace; stores of any namespace may refer to the others.
      if (news === "configMap" || news === "generator") dependencies.note({ namespace: change.entry.key.namespace });
      else if (news !== "nothing") dependencies.note({});
    },
  });
  const credentials: Credentials = createCredentials({ ...deps, watches });
  return { credentials, watches };
}

/** An event on an object that is gone is told nobody. */
function objectEvents(events: EventQueue, mirrors: Mirrors): EventSink {
  return {
    emit(key, type, reason, message) {
      const uid = mirrors.externalSecrets.get(key)?.uid;
      if (uid !== undefined) events.add({ kind: externalSecrets, ...key, uid }, type, reason, message);
    },
  };
}

function storeEvents(events: EventQueue, mirrors: Mirrors): StoreEventSink {
  return {
    emit({ kind, namespace, name }, type, reason, message) {
      const uid = mirrors.stores[kind].get({ namespace, name })?.uid;
      if (uid !== undefined) events.add({ kind: storeResources[kind], namespace, name, uid }, type, reason, message);
    },
  };
}
