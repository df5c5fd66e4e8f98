/** What stores may use of this machine, and the lanes to them. */
import type { ServiceConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { watchPath } from "../directory/watch-path.ts";
import type { StoreManifest } from "../manifests/objects.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { createLane, type Lane } from "../read/lane/lane.ts";
import type { LoadKind, StoreDeps, StoreKind } from "../stores/contract.ts";
import type { AddressRules } from "../stores/http-address.ts";
import { storeKinds } from "../stores/registry.ts";
import type { HttpClients } from "./http.ts";
import type { ProxyDefaults } from "./http-proxy.ts";

export interface Stores {
  readonly kinds: ReadonlyMap<string, LoadKind>;
  depsOf(kind: StoreKind, manifest: StoreManifest): StoreDeps;
  openLane(manifest: StoreManifest): Lane;
  /** Files and folders of this machine that a store reads; none when it cannot be opened. */
  localPathsOf(manifest: StoreManifest): Promise<readonly string[]>;
  /** Every lane to a store, by the store's name. */
  lanes(): ReadonlyMap<string, Lane>;
  close(): Promise<void>;
}

const maxInFlight = 16;
const attemptMs = 5_000;
const clock = systemClock;
/** Metadata services of clouds: constants of the kinds that ask them, which no manifest may name. */
const machineAddresses = ["169.254.169.254", "169.254.170.23", "fd00:ec2::23"];

/** This cluster's own API server, as pods call it: no proxy is asked for it unless a store says so. */
const apiServerNames = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

/** What stores of one command may reach. */
export interface Reach extends AddressRules {
  /** Where file stores read; absent = nowhere. */
  readonly fileStore?: { readonly base: string; readonly root?: string };
  /** Manifests may name http:// servers; which of them are reached is for the address rules. */
  readonly plainHttp: boolean;
}

export function openStores(
  config: Pick<ServiceConfig, "storeRate" | "storeBurst" | "endpoints" | "ownIdentity" | "noProxy"> &
    Partial<Pick<ServiceConfig, "httpsProxy">>,
  reach: Reach,
  { log, metrics }: { readonly log: Log; readonly metrics: Pick<Metrics, "storeCall"> },
): Stores {
  const kinds = new Map<string, LoadKind>(Object.entries(storeKinds));
  const lanes = new Map<string, Lane>();
  const proxies: ProxyDefaults = { noProxy: config.noProxy, ...(config.httpsProxy && { proxy: config.httpsProxy }) };
  let clients: Promise<HttpClients> | undefined;
  // Loaded with the first store that speaks HTTP: a node that has none does without the library.
  const http = (): Promise<HttpClients> =>
    (clients ??= import("./http.ts").then(({ createHttpClients }) => createHttpClients({ ...reach, proxies })));
  // What runs on this machine is never asked through a proxy.
  let machineClients: Promise<HttpClients> | undefined;
  const machineHttp = (): Promise<HttpClients> =>
    (machineClients ??= import("./http.ts").then(({ createHttpClients }) =>
      createHttpClients({ ...reach, exemptCidrs: [...reach.exemptCidrs, ...machineAddresses] }),
    ));
  let apiServerClients: Promise<HttpClients> | undefined;
  const apiServerHttp = (): Promise<HttpClients> =>
    (apiServerClients ??= import("./http.ts").then(({ createHttpClients }) =>
      createHttpClients({
        ...reach,
        apiServer: [],
        proxies: { ...proxies, noProxy: [...proxies.noProxy, ...apiServerNames, ...reach.apiServer] },
      }),
    ));
  const depsOf = (kind: StoreKind, { proxyUrl }: StoreManifest): StoreDeps => ({
    clock,
    http: (tls) => async (request, signal) => (await http()).send(tls, proxyUrl)(request, signal),
    apiServerHttp: (tls) => async (request, signal) => (await apiServerHttp()).send(tls, proxyUrl)(request, signal),
    machineHttp: async (request, signal) => (await machineHttp()).send({})(request, signal),
    watchPath(path, onChange) {
      const watch = watchPath(path, { clock, log }, onChange);
      return () => void watch.close();
    },
    ...(reach.fileStore && { fileStore: reach.fileStore }),
    plainHttp: reach.plainHttp,
    ...(config.endpoints && { endpoints: config.endpoints }),
    ...(config.ownIdentity && { ownIdentity: config.ownIdentity }),
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
    async localPathsOf(manifest) {
      const { kind: scope, meta, provider } = manifest;
      const context = { scope, name: meta.name, namespace: meta.namespace };
      const kind = await kinds.get(provider.kind)?.();
      const opened = kind?.open(provider.raw, context, depsOf(kind, manifest));
      return opened?.ok ? (opened.value.store.localPaths ?? []) : [];
    },
    lanes: () => lanes,
    async close() {
      await Promise.all([clients, machineClients, apiServerClients].map(async (opened) => (await opened)?.close()));
    },
  };
}
