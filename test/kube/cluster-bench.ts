/** The cluster adapters against the fake API server, with the objects that their tests put there. */
import type { TestContext } from "node:test";
import { openCluster, type Cluster, type ClusterOptions, type SyncCluster } from "../../plugin/kube/cluster.ts";
import type { ObjectMeta } from "../../plugin/manifests/objects.ts";
import type { SecretValue } from "../../plugin/core/secret-value.ts";
import { openBench, type Bench } from "./client/bench.ts";

export { until } from "./client/bench.ts";

const external = "external-secrets.io";
export const resources = {
  externalSecrets: { group: external, plural: "externalsecrets" },
  secretStores: { group: external, plural: "secretstores" },
  clusterSecretStores: { group: external, plural: "clustersecretstores" },
  policies: { group: "keyferry.dev", plural: "storepolicies" },
  secrets: { group: "", plural: "secrets" },
  configMaps: { group: "", plural: "configmaps" },
  generators: { group: "generators.external-secrets.io", plural: "vaultdynamicsecrets" },
  namespaces: { group: "", plural: "namespaces" },
  accounts: { group: "", plural: "serviceaccounts" },
  events: { group: "", plural: "events" },
  leases: { group: "coordination.k8s.io", plural: "leases" },
} as const;

export const maxStaleMs = 3_600_000;

export interface ClusterBench extends Bench {
  readonly cluster: Cluster;
}

export interface SyncBench extends ClusterBench {
  readonly sync: SyncCluster;
}

/** `prepare` runs before anything is followed. */
export async function openRoles(
  t: TestContext,
  roles: ClusterOptions["roles"],
  prepare: (bench: Bench) => void = () => undefined,
): Promise<ClusterBench> {
  const bench = await openBench(t);
  prepare(bench);
  const { client, clock, lines: _ } = bench;
  const note =
    (level: "debug" | "error" | "info" | "warn") =>
    (sentence: string, fields: object = {}): void =>
      void (bench.lines as object[]).push({ level, sentence, ...fields });
  const log = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
  const cluster = openCluster({ client, roles, namespace: "keyferry", instance: "node-1", maxStaleMs, clock, log });
  t.after(() => cluster.close());
  return { ...bench, cluster };
}

/** Role sync with everything listed and watched. */
export async function openSync(t: TestContext, prepare?: (bench: Bench) => void): Promise<SyncBench> {
  const bench = await openRoles(t, ["sync"], prepare);
  await bench.cluster.synced;
  await watching(bench);
  return { ...bench, sync: bench.cluster.sync! };
}

async function watching({ server }: Bench): Promise<void> {
  for (const plural of ["externalsecrets", "secretstores", "clustersecretstores", "storepolicies", "namespaces"])
    await server.watch(plural);
  await server.watch("secrets");
}

export function externalSecret(name: string, changes: { metadata?: object; spec?: object; status?: object } = {}) {
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { namespace: "shop", name, ...changes.metadata },
    spec: {
      secretStoreRef: { name: "vault", kind: "SecretStore" },
      data: [{ secretKey: "PASSWORD", remoteRef: { key: "db", property: "password" } }],
      ...changes.spec,
    },
    ...(changes.status && { status: changes.status }),
  };
}

export function store(name: string, changes: { metadata?: object; spec?: object; status?: object } = {}) {
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata: { namespace: "shop", name, ...changes.metadata },
    spec: { provider: { fake: { data: [] } }, ...changes.spec },
    ...(changes.status && { status: changes.status }),
  };
}

export function clusterStore(name: string, spec: object = {}) {
  const { metadata: _, ...rest } = store(name, { spec });
  return { ...rest, kind: "ClusterSecretStore", metadata: { name } };
}

export function policy(name: string, spec: object) {
  return { apiVersion: "keyferry.dev/v1alpha1", kind: "StorePolicy", metadata: { name }, spec };
}

export function namespace(name: string, labels: Record<string, string> = {}) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

export const managed = { "reconcile.external-secrets.io/managed": "true" };

export function secret(
  name: string,
  texts: Record<string, string>,
  changes: { metadata?: object; type?: string } = {},
) {
  const data = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
  );
  const { metadata, ...others } = changes;
  return { apiVersion: "v1", kind: "Secret", metadata: { namespace: "shop", name, ...metadata }, data, ...others };
}

/** As plain texts. */
export function textsOf(data: ReadonlyMap<string, SecretValue>): Record<string, string> {
  return Object.fromEntries([...data].map(([key, value]) => [key, value.reveal().toString("utf8")]));
}

export function metaOf(name: string, uid: string): ObjectMeta {
  return { namespace: "shop", name, uid, generation: 1, labels: {}, annotations: {} };
}

/** Whatever is told, in order. */
export function recorder<T>(follow: (listener: (item: T) => void) => unknown): T[] {
  const told: T[] = [];
  follow((item) => void told.push(item));
  return told;
}
