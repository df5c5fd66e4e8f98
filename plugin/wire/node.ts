/**
 * Builds `keyferry node`: the read path and its deliveries on a cluster.
 *
 * Both roles of one process share one read path, so every login and every answer. Mount serves from the first moment,
 * also while the API server is away; sync begins when everything it follows has been listed and the lease is won.
 */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { isIP } from "node:net";
import type { NodeConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { loadOrCreateKey } from "../files/key-file.ts";
import { createKubeClient } from "../kube/client/client.ts";
import type { KubeConnection } from "../kube/client/connection.ts";
import { openInCluster, serviceAccountFolder } from "../kube/client/in-cluster.ts";
import { openKubeconfig } from "../kube/client/kubeconfig.ts";
import { kubeLimits } from "../kube/client/limits.ts";
import { type Cluster, openCluster } from "../kube/cluster.ts";
import type { ProviderServer } from "../provider/server.ts";
import type { ReadPath } from "../read/read-path.ts";
import { createKubeHttp } from "./kube-http.ts";
import { openReports, type Reports } from "./reports.ts";
import { openReadPath, openSockets, serveHttp } from "./service.ts";
import { StartProblem, startStep } from "./start-problem.ts";
import { openStores, type Reach, type Stores } from "./stores.ts";
import { keepSyncing } from "./syncing.ts";
import { version } from "./version.ts";

export interface Node {
  /** Ends within 5 s: sockets removed, lease given back. */
  close(): Promise<void>;
}

const clock = systemClock;

/** Throws StartProblem when it cannot start as configured. */
export async function startNode(config: NodeConfig): Promise<Node> {
  const connection = await connect(config);
  const instance = hostname();
  const reports = await openReports(config, config.nodeName ?? instance);
  const { log } = reports;
  const closing: (() => Promise<unknown>)[] = [() => reports.close()];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const versionKey = await startStep("--version-key-file", () => loadOrCreateKey(config.versionKeyFile));
    const kubeHttp = createKubeHttp();
    closing.push(() => kubeHttp.close());
    const client = createKubeClient({
      http: kubeHttp.send,
      connection,
      clock,
      random: Math.random,
      limits: kubeLimits,
      userAgent: `keyferry/${version}`,
      log,
    });
    const namespace = config.namespace ?? client.namespace;
    const { roles, maxStale: maxStaleMs } = config;
    const cluster = openCluster({ client, roles, namespace, instance, maxStaleMs, clock, log });
    closing.push(() => cluster.close());
    const stores = openStores(config, await reachOf(config, connection), reports);
    closing.push(() => stores.close());
    const readPath = openReadPath(config, reports, stores, cluster.view, versionKey);
    closing.push(() => Promise.resolve(readPath.close()));
    cluster.onAccountChange(() => readPath.forgetAccountTokens());
    const sockets: ProviderServer[] = [];
    const server = await startStep("--http-addr", () => serveHttp(config, reports, pagesOf(stores, cluster, sockets)));
    closing.push(() => server.close());
    log.info("keyferry started", { address: server.address, version, mode: `${config.command} ${roles.join(",")}` });
    // Both take some seconds at worst, so they end side by side.
    const deliveries: (() => Promise<unknown>)[] = [];
    closing.push(() => Promise.all(deliveries.map((end) => end())));
    if (roles.includes("mount")) {
      sockets.push(...(await openProviders(config, reports, readPath, cluster, versionKey)));
      deliveries.push(() => Promise.all(sockets.map((socket) => socket.close())));
    }
    if (cluster.sync) {
      const holder = `${instance}_${randomBytes(6).toString("hex")}`;
      const syncing = keepSyncing({ config, reports, readPath, cluster, sync: cluster.sync, holder });
      deliveries.push(() => syncing.stop());
    }
    return { close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function connect({ kubeconfig, apiServer }: NodeConfig): Promise<KubeConnection> {
  if (kubeconfig !== undefined) return startStep("--kubeconfig", () => openKubeconfig(kubeconfig));
  if (apiServer) return startStep("--kubeconfig", () => openInCluster({ ...apiServer, folder: serviceAccountFolder }));
  throw new StartProblem(
    "--kubeconfig: is missing, and this is no pod (KUBERNETES_SERVICE_HOST is not set); name a kubeconfig file",
  );
}

/** Manifests of a cluster are written by its tenants: they reach neither this machine nor the API server. */
async function reachOf(config: NodeConfig, { server }: KubeConnection): Promise<Reach> {
  const exemptCidrs = config.unsafeStoreAddresses;
  const root = config.fileStoreRoot;
  return {
    allowLoopback: false,
    allowPlainHttp: false,
    // Plain http is for exempt addresses alone, so without any a manifest that names it is refused at once.
    plainHttp: exemptCidrs.length > 0,
    apiServer: await addressesOf(server.hostname.replace(/^\[|\]$/g, "")),
    exemptCidrs,
    ...(root !== undefined && { fileStore: { base: root, root } }),
  };
}

/** None when the name does not resolve now: then nothing can be sent there either. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

function pagesOf(stores: Stores, cluster: Cluster, sockets: readonly ProviderServer[]) {
  return { stores, sockets: () => sockets.map(({ path }) => path), ready: () => cluster.ready() };
}

function openProviders(
  config: NodeConfig,
  reports: Reports,
  readPath: ReadPath,
  { mounts: view, tokenKeys }: Cluster,
  versionKey: Buffer,
): Promise<readonly ProviderServer[]> {
  const folders = config.providerDirs;
  return openSockets(config, reports, readPath, { view, tokenKeys, versionKey, folders, flag: "--provider-dirs" });
}
