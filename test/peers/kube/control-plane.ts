/** The three servers of a control plane as processes: their flags, when they are ready, and how they end. */
import { rm } from "node:fs/promises";
import { request } from "node:https";
import { until } from "../../scenario/program.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import type { ControlPlanePrograms } from "./obtain.ts";
import { guardFolder, launchServer, logTail, type ServerProcess } from "./server-process.ts";

export interface ControlPlane {
  apiServer(): ServerProcess;
  /** Resolves when it is ready; does nothing while one runs. */
  startApiServer(): Promise<void>;
  startControllerManager(): Promise<void>;
  log(server: string): Promise<string>;
  /** Ends all servers and removes the folder. */
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly apiServerFlags?: readonly string[];
  readonly watchCache?: boolean;
}

const startPatienceMs = 120_000;

/** With etcd and the API server up. */
export async function launchControlPlane(
  programs: ControlPlanePrograms,
  files: ClusterFiles,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const { folder } = files;
  const guard = guardFolder(folder);
  const running: ServerProcess[] = [];
  const launch = async (name: keyof ControlPlanePrograms, args: readonly string[]): Promise<ServerProcess> => {
    const server = await launchServer(folder, name, programs[name], args);
    running.push(server);
    return server;
  };
  let apiServer: ServerProcess | undefined;
  const plane: ControlPlane = {
    apiServer() {
      if (!apiServer) throw new Error("no API server was started");
      return apiServer;
    },
    async startApiServer() {
      if (apiServer?.running()) return;
      apiServer = await launch("kube-apiserver", apiServerFlags(files, options));
      await ready(apiServer, () => healthy(`${files.url}/readyz`, files.authority));
    },
    async startControllerManager() {
      const manager = await launch("kube-controller-manager", controllerManagerFlags(files));
      await ready(manager, () => manager.logged("all resource monitors have synced"));
    },
    log: (name) => logTail(folder, name),
    async stop() {
      for (const server of running.reverse()) await server.kill();
      await rm(folder, { recursive: true, force: true });
      await guard.release();
    },
  };
  try {
    const etcd = await launch("etcd", etcdFlags(files));
    await ready(etcd, async () => (await fetch(`${files.etcdUrl}/health`)).ok);
    await plane.startApiServer();
  } catch (problem) {
    await plane.stop();
    throw problem;
  }
  return plane;
}

async function ready(server: ServerProcess, state: () => Promise<boolean>): Promise<void> {
  let ended = false;
  await until(async () => (ended = !server.running()) || (await state()), startPatienceMs).catch(
    async (problem: unknown) => {
      throw new Error(`${server.name} did not become ready:\n${await server.tail()}`, { cause: problem });
    },
  );
  if (ended) throw new Error(`${server.name} ended at start:\n${await server.tail()}`);
}

function healthy(url: string, authority: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca: authority, agent: false, timeout: 2_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", reject);
    asked.end();
  });
}

function etcdFlags({ paths, etcdUrl }: ClusterFiles): string[] {
  return [
    `--data-dir=${paths.etcd}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    "--listen-peer-urls=http://127.0.0.1:0",
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

function apiServerFlags(files: ClusterFiles, options: ControlPlaneOptions): string[] {
  const { paths, issuer } = files;
  return [
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    // An endpoint on loopback is refused otherwise.
    "--endpoint-reconciler-type=none",
    `--secure-port=${new URL(files.url).port}`,
    `--etcd-servers=${files.etcdUrl}`,
    // Tests compact when they want to.
    "--etcd-compaction-interval=0",
    "--service-cluster-ip-range=10.96.0.0/24",
    `--client-ca-file=${paths.authority}`,
    `--tls-cert-file=${paths.servingCertificate}`,
    `--tls-private-key-file=${paths.servingKey}`,
    `--service-account-issuer=${issuer}`,
    `--service-account-key-file=${paths.accountPublicKey}`,
    `--service-account-signing-key-file=${paths.accountKey}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    `--audit-policy-file=${paths.auditPolicy}`,
    `--audit-log-path=${paths.audit}`,
    "--audit-log-mode=blocking",
    // Never rotated: one file holds the whole test.
    "--audit-log-maxsize=10000",
    `--watch-cache=${options.watchCache ?? true}`,
    ...(options.apiServerFlags ?? []),
  ];
}

/** What a cluster without nodes needs. */
const controllers = [
  "clusterrole-aggregation-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "resourcequota-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "validatingadmissionpolicy-status-controller",
];

function controllerManagerFlags({ paths }: ClusterFiles): string[] {
  return [
    `--kubeconfig=${paths.managerKubeconfig}`,
    `--controllers=${controllers.join(",")}`,
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    "--secure-port=0",
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${paths.accountKey}`,
    `--root-ca-file=${paths.authority}`,
  ];
}

/** Compacts to the revision that etcd has now; its history is gone when this resolves. */
export async function compactEtcd(etcdUrl: string): Promise<void> {
  const call = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
    const answer = await fetch(`${etcdUrl}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { header: { revision: string } };
  };
  // A watch that begins right at the compacted revision is still served: the newest write of the cluster must lie before.
  const beside = { key: Buffer.from("compacted").toString("base64"), value: "" };
  await call("put", beside);
  const { header } = await call("put", beside);
  await call("compaction", { revision: header.revision, physical: true });
}
