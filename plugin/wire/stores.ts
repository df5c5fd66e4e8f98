/** What stores may use of this machine, and the lanes to them. */
import type { ServiceConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { watchPath } from "../directory/watch-path.ts";
import type { StoreManifest } from "../manifests/objects.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { createLane, type Lane } from "../read/lane/lane.ts";
import type { StoreDeps, StoreKind } from "../stores/contract.ts";
import type { AddressRules } from "../stores/http-address.ts";
import { storeKinds } from "../stores/registry.ts";
import type { HttpClients } from "./http.ts";

export interface Stores {
  readonly kinds: ReadonlyMap<string, StoreKind>;
  depsOf(kind: StoreKind): StoreDeps;
  openLane(manifest: StoreManifest): Lane;
  /** Files and folders of this machine that a store reads; none when it cannot be opened. */
  localPathsOf(manifest: StoreManifest): readonly string[];
  /** Every lane to a store, by the store's name. */
  lanes(): ReadonlyMap<string, Lane>;
  close(): Promise<void>;
}

const maxInFlight = 16;
const attemptMs = 5_000;
const clock = systemClock;

/** What stores of one command may reach. */
export interface Reach extends AddressRules {
  /** Where file stores read; absent = nowhere. */
  readonly fileStore?: { readonly base: string; readonly root?: string };
  /** Manifests may name http:// servers; which of them are reached is for the address rules. */
  readonly plainHttp: boolean;
}

export function openStores(
  config: Pick<ServiceConfig, "storeRate" | "storeBurst" | "endpoints">,
  reach: Reach,
  { log, metrics }: { readonly log: Log; readonly metrics: Pick<Metrics, "storeCall"> },
): Stores {
  const kinds = new Map<string, StoreKind>(Object.entries(storeKinds));
  const lanes = new Map<string, Lane>();
  let clients: Promise<HttpClients> | undefined;
  // Loaded with the first store that speaks HTTP: a node that has none does without the library.
  const http = (): Promise<HttpClients> =>
    (clients ??= import("./http.ts").then(({ createHttpClients }) => createHttpClients(reach)));
  const depsOf = (kind: StoreKind): StoreDeps => ({
    clock,
    http: (tls) => async (request, signal) => (await http()).send(tls)(request, signal),
    watchPath(path, onChange) {
      const watch = watchPath(path, { clock, log }, onChange);
      return () => void watch.close();
    },
    ...(reach.fileStore && { fileStore: reach.fileStore }),
    plainHttp: reach.plainHttp,
    ...(config.endpoints && { endpoints: config.endpoints }),
    countCall: (call, outcome, provider = kind.metricLabel) => metrics.storeCall(provider, call, outcome),
  });
  return {
    kinds,
    depsOf,
    openLane({ kind, meta }) {
      const { storeRate: ratePerSecond, storeBurst: burst } = config;
      const lane = createLane({ clock, ratePerSecond, burst, maxInFlight, attemptMs });
      lanes.set([kind, meta.namespace, meta.name].filter((part) => part !== "").join("/"), lane);
      return lane;
    },
    localPathsOf({ kind: scope, meta, provider }) {
      const kind = kinds.get(provider.kind);
      const opened = kind?.open(provider.raw, { scope, name: meta.name, namespace: meta.namespace }, depsOf(kind));
      return opened?.ok ? (opened.value.store.localPaths ?? []) : [];
    },
    lanes: () => lanes,
    close: async () => (await clients)?.close(),
  };
}
