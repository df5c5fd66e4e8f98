/**
 * A real Kubernetes control plane on loopback, for one test file: etcd, kube-apiserver, controller manager.
 *
 * Ready 4–8 s after `startCluster`; everything lies in a temp folder that `stop` removes. There is no scheduler and no
 * kubelet: pods stay as they are created. What a process did is read from the API server's audit log, which holds every
 * request. When the test process dies, its servers die with it.
 */
import { type Account, type AccountOptions, makeAccount } from "./account.ts";
import { connectAdmin, type KubeAdmin } from "./admin.ts";
import { type AuditEvent, type AuditFilter, readAudit } from "./audit.ts";
import { makeClusterFiles } from "./cluster-files.ts";
import { compactEtcd, launchControlPlane } from "./control-plane.ts";
import { type KubeObject, objectPath } from "./objects.ts";
import { obtainControlPlane } from "./obtain.ts";
import { run } from "../cache.ts";

export interface ClusterOptions {
  /**
   * YAML texts or objects that are applied before the controller manager starts. CRDs whose objects own others belong
   * here: the garbage collector looks for new kinds only every 30 s.
   */
  readonly manifests?: readonly (string | KubeObject)[];
  /** Further flags of kube-apiserver; a later flag wins. */
  readonly apiServerFlags?: readonly string[];
  /** false: every list and watch is answered by etcd, so that `compact` alone ends old resourceVersions. Default true. */
  readonly watchCache?: boolean;
}

export interface Cluster {
  /** `https://127.0.0.1:PORT`; the same after `restartApiServer`. */
  readonly url: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly authority: string;
  /** What the API server itself shows: for a fault proxy that reads requests (`tls`). Names 127.0.0.1 and localhost. */
  readonly serving: { readonly certificate: string; readonly key: string; readonly authority: string };
  /** `iss` and default audience of its tokens. */
  readonly issuer: string;
  /** Everything of this cluster; gone after `stop`. */
  readonly folder: string;
  /** A client with the rights of system:masters. */
  readonly admin: KubeAdmin;
  /** Path of a kubeconfig of the same user. */
  readonly adminKubeconfig: string;

  /** Runs kubectl as the admin; resolves with what it printed, rejects when it fails. */
  kubectl(...args: string[]): Promise<string>;
  /** Makes what a process needs to run as exactly this ServiceAccount, which must exist. */
  kubeconfigFor(account: { namespace: string; name: string }, options?: AccountOptions): Promise<Account>;
  /** The finished requests, and watches that began, in order of their arrival; audit is written before an answer leaves. */
  auditEvents(filter?: AuditFilter): Promise<AuditEvent[]>;

  /** Process id of the API server that runs now. */
  apiServerPid(): number;
  /** kill -9; resolves when it is gone. */
  killApiServer(): Promise<void>;
  /** Starts it again on the same data and port; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /**
   * Forgets every revision of etcd up to now. The API server's watch cache still serves the resourceVersions it
   * remembers: they give 410 after `restartApiServer`, or at once with `watchCache: false`.
   */
  compact(): Promise<void>;
  /** The last lines that a server logged, to explain a failure. */
  log(server: "etcd" | "kube-apiserver" | "kube-controller-manager"): Promise<string>;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const programs = await obtainControlPlane();
  const files = await makeClusterFiles();
  const plane = await launchControlPlane(programs, files, options);
  const admin = connectAdmin({ url: files.url, authority: files.authority, ...files.admin });
  const cluster: Cluster = {
    url: files.url,
    authority: files.authority,
    serving: { ...files.serving, authority: files.authority },
    issuer: files.issuer,
    folder: files.folder,
    admin,
    adminKubeconfig: files.paths.adminKubeconfig,
    kubectl: (...args) => run(programs.kubectl, ["--kubeconfig", files.paths.adminKubeconfig, ...args]),
    kubeconfigFor: (account, wishes) => makeAccount(cluster, account, wishes),
    auditEvents: (filter) => readAudit(files.paths.audit, filter),
    apiServerPid: () => plane.apiServer().pid,
    killApiServer: () => plane.apiServer().kill(),
    restartApiServer: () => plane.startApiServer(),
    compact: () => compactEtcd(files.etcdUrl),
    log: (server) => plane.log(server),
    async stop() {
      admin.close();
      await plane.stop();
    },
  };
  try {
    for (const manifest of options.manifests ?? []) await admin.apply(manifest);
    await plane.startControllerManager();
    await admin.waitFor(objectPath("v1", "serviceaccounts", "default", "default"), () => true);
  } catch (problem) {
    await cluster.stop();
    throw problem;
  }
  return cluster;
}
