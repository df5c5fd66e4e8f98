/** A mirror on a real API server behind a fault proxy, in a namespace of its own, its watch open and known to work. */
import type { TestContext } from "node:test";
import type { MirrorOptions } from "../../../plugin/kube/contract.ts";
import { until } from "../../scenario/program.ts";
import { type FaultProxy, type ProxiedRequest, startFaultProxy } from "../fault-proxy.ts";
import type { Account } from "./account.ts";
import type { KubeAdmin } from "./admin.ts";
import { type ClientBench, type ClientOptions, connectionOf, makeClientAccount, openClient } from "./client-bench.ts";
import { type Followed, followMaps, putMap } from "./client-journal.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import type { KubeObject } from "./objects.ts";

export interface WatchWorld {
  readonly cluster: Cluster;
  readonly admin: KubeAdmin;
  /** Between the client and the API server; the admin goes straight. */
  readonly proxy: FaultProxy;
  readonly account: Account;
  stop(): Promise<void>;
}

export interface Watching extends ClientBench, Followed {
  readonly namespace: string;
  /** Of its watch, for a fault rule. */
  readonly watchPath: RegExp;
  put(name: string, n: number): Promise<KubeObject>;
  /** How many lists reached the API server. */
  lists(): Promise<number>;
  /** resourceVersions that its watches began at. */
  starts(): Promise<readonly string[]>;
  /** Its watches as the proxy saw them. */
  watchesSeen(): readonly ProxiedRequest[];
}

export async function startWatchWorld(): Promise<WatchWorld> {
  const cluster = await startCluster();
  const proxy = await startFaultProxy(cluster.url, { tls: cluster.serving });
  const account = await makeClientAccount(cluster, { namespace: "default", name: "client" }, { server: proxy.url });
  return {
    cluster,
    admin: cluster.admin,
    proxy,
    account,
    async stop() {
      await proxy.close();
      await cluster.stop();
    },
  };
}

let made = 0;

/** Holds `a` and has told its changes to 1 and 2. */
export async function watching(
  t: TestContext,
  { cluster, admin, proxy, account }: WatchWorld,
  options: ClientOptions & { readonly mirror?: Partial<MirrorOptions<number>> } = {},
): Promise<Watching> {
  const namespace = `shop-${++made}`;
  await admin.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const bench = await openClient(t, cluster, await connectionOf(account), options);
  const put = (name: string, n: number): Promise<KubeObject> => putMap(admin, namespace, name, n);
  await put("a", 1);
  const followed = followMaps(t, bench, namespace, options.mirror);
  await followed.mirror.synced;
  await put("a", 2);
  await until(() => followed.told.includes("changed a=2"));
  followed.news();
  const watchPath = new RegExp(`/namespaces/${namespace}/configmaps.*watch=true`);
  return {
    ...bench,
    ...followed,
    namespace,
    watchPath,
    put,
    lists: async () => (await bench.asked("list")).length,
    starts: async () =>
      (await bench.asked("watch")).map(
        ({ uri }) => new URLSearchParams(uri.split("?")[1]).get("resourceVersion") ?? "",
      ),
    watchesSeen: () => proxy.requests.filter(({ path }) => watchPath.test(path)),
  };
}
