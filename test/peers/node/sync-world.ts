/**
 * keyferry's sync role on a real cluster as daemonset/ installs it, with or without a real OpenBao that asks this cluster
 * about tokens; and what tests look at.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type RecordingProxy, startRecordingProxy } from "../../fakes/recording-proxy.ts";
import { until } from "../../scenario/program.ts";
import type { KubeAdmin } from "../kube/admin.ts";
import { type AuditEvent, writingVerbs } from "../kube/audit.ts";
import { type Cluster, startCluster } from "../kube/cluster.ts";
import { type Condition, type KubeObject, objectPath, secretText } from "../kube/objects.ts";
import { configureKubernetesAuth } from "../kube/openbao/auth.ts";
import { settleRoles } from "../kube/roles.ts";
import { type OpenBao, startOpenBao } from "../openbao/openbao.ts";
import { installed } from "./install.ts";
import { type NodeCommand, type NodeProgram, startNodeProgram } from "./node-program.ts";

export interface SyncWorld {
  readonly cluster: Cluster;
  readonly admin: KubeAdmin;
  /** The process that runs now. */
  readonly node: NodeProgram;
  /** Ends the process as an update does, lets `meanwhile` happen, and starts another one; with `args`, with these. */
  restart(meanwhile?: () => Promise<unknown>, args?: readonly string[]): Promise<void>;
  /** Ends what was started, also when only a part of it was. */
  stop(): Promise<void>;
}

export interface BaoWorld extends SyncWorld {
  readonly bao: OpenBao;
  /** In front of OpenBao: its URL is what stores name, so that requests are counted where they arrive. */
  readonly proxy: RecordingProxy;
}

export interface SyncWorldOptions {
  readonly args?: readonly string[];
  /** Made before keyferry starts. */
  readonly namespaces?: readonly string[];
  readonly program?: NodeCommand;
}

/** A cluster with one process of roles mount and sync, ready and syncing. */
export async function startSyncWorld(options: SyncWorldOptions = {}): Promise<SyncWorld> {
  const cluster = await startCluster({ manifests: await installed() });
  try {
    for (const name of options.namespaces ?? []) await cluster.admin.createNamespace(name);
    await settleRoles(cluster.admin);
    const { args, program } = options;
    const wishes = { roles: "mount,sync", ...(args && { args }), ...(program && { program }) };
    const start = (more: { args?: readonly string[] } = {}): Promise<NodeProgram> =>
      startNodeProgram(cluster, { ...wishes, ...more });
    let node = await start();
    return {
      cluster,
      admin: cluster.admin,
      get node() {
        return node;
      },
      async restart(meanwhile, next) {
        assert.equal(await node.stop(), 0);
        await meanwhile?.();
        node = await start(next && { args: next });
      },
      async stop() {
        await node.kill("SIGKILL");
        await cluster.stop();
      },
    };
  } catch (problem) {
    await cluster.stop();
    throw problem;
  }
}

export async function startBaoWorld(options: SyncWorldOptions = {}): Promise<BaoWorld> {
  const [started, opened] = await Promise.allSettled([startSyncWorld(options), startOpenBao()]);
  if (started.status === "rejected" || opened.status === "rejected") {
    if (started.status === "fulfilled") await started.value.stop();
    if (opened.status === "fulfilled") await opened.value.stop();
    throw started.status === "rejected" ? started.reason : (opened as PromiseRejectedResult).reason;
  }
  const [world, bao] = [started.value, opened.value];
  const proxy = await startRecordingProxy(bao.url);
  return {
    ...world,
    get node() {
      return world.node;
    },
    bao,
    proxy,
    async stop() {
      await proxy.close();
      await bao.stop();
      await world.stop();
    },
  };
}

export interface StoreWish {
  readonly namespace: string;
  /** Of the SecretStore, of its service account and of its role. */
  readonly name: string;
  /** What its policy lets it read; default `secret/data/NAMESPACE/*`. */
  readonly policyPath?: string;
}

/** A SecretStore on the KV engine `secret/` that logs in as an account of its namespace; resolves when it is Ready. */
export async function makeBaoStore(world: BaoWorld, wish: StoreWish): Promise<void> {
  const { admin, bao, cluster, proxy } = world;
  const { namespace, name, policyPath = `secret/data/${namespace}/*` } = wish;
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name } });
  const policy = `path "${policyPath}" { capabilities = ["read"] }`;
  await bao.call("PUT", `sys/policies/acl/${name}`, { policy });
  const role = { accounts: [name], namespaces: [namespace], audience: "vault", policies: [name] };
  await configureKubernetesAuth(bao, cluster, { roles: { [name]: role } });
  await allowTokens(admin, { namespace, name });
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  provider:
    vault:
      server: ${proxy.url}
      path: secret
      auth: {kubernetes: {role: ${name}, serviceAccountRef: {name: ${name}}}}
`);
  await untilReady(admin, storePath(name, namespace), "True");
}

/** The text of an example of crds/examples/, with its store at `server`. */
export async function example(name: string, server: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, "../../../crds/examples", `${name}.yaml`), "utf8");
  return text.replaceAll("https://vault.internal.example.com:8200", server);
}

/** The Role that docs/node.md tells an admin to write, for this account; resolves once it counts. */
export async function allowTokens(admin: KubeAdmin, account: { namespace: string; name: string }): Promise<void> {
  for (const object of await tokenRole(account)) await admin.apply(object);
  await settleRoles(admin);
}

async function tokenRole({ namespace, name }: { namespace: string; name: string }): Promise<readonly KubeObject[]> {
  const page = await readFile(join(import.meta.dirname, "../../../docs/node.md"), "utf8");
  const block = /```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(page)?.[1];
  assert.ok(block, "docs/node.md shows no Role for tokens");
  const objects = parseAllDocuments(block).map((document) => document.toJS() as KubeObject);
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ["Role", "RoleBinding"],
  );
  const text = JSON.stringify(objects)
    .replaceAll('"namespace":"payments"', `"namespace":"${namespace}"`)
    .replaceAll('"payments-eso"', `"${name}"`)
    .replaceAll('"keyferry-token"', `"keyferry-token-${name}"`);
  return JSON.parse(text) as KubeObject[];
}

export function externalSecretPath(namespace: string, name: string): string {
  return objectPath("external-secrets.io/v1", "externalsecrets", namespace, name);
}

export function secretPath(namespace: string, name: string): string {
  return objectPath("v1", "secrets", namespace, name);
}

export function storePath(name: string, namespace?: string): string {
  const resource = namespace === undefined ? "clustersecretstores" : "secretstores";
  return objectPath("external-secrets.io/v1", resource, namespace, name);
}

export function conditionOf(object: KubeObject, type = "Ready"): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

/** The object once its Ready condition is so and says so. */
export function untilReady(
  admin: KubeAdmin,
  path: string,
  status: "True" | "False",
  message = /(?:)/,
  patienceMs = 30_000,
): Promise<KubeObject> {
  const holds = (object: KubeObject): boolean => {
    const ready = conditionOf(object);
    return ready?.status === status && message.test(ready.message ?? "");
  };
  return admin.waitFor(path, holds, patienceMs);
}

/** The Secret once these are exactly its values. */
export function untilData(
  admin: KubeAdmin,
  path: string,
  data: Readonly<Record<string, string>>,
  patienceMs = 30_000,
): Promise<KubeObject> {
  return admin.waitFor(path, (secret) => (assert.deepEqual(secretText(secret), data), true), patienceMs);
}

export interface SeenEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

/** The events on an object of this name, in no particular order. */
export async function eventsOn(
  admin: KubeAdmin,
  namespace: string,
  name: string,
  reason?: string,
): Promise<readonly SeenEvent[]> {
  const found = await admin.list(
    `${objectPath("v1", "events", namespace)}?fieldSelector=involvedObject.name%3D${encodeURIComponent(name)}`,
  );
  const events = found.map(({ type, reason: why, message, count }) => ({ type, reason: why, message, count }));
  return (events as SeenEvent[]).filter((event) => reason === undefined || event.reason === reason);
}

/** The one event of this reason whose message matches, as soon as it is there. */
export function untilEvent(
  admin: KubeAdmin,
  namespace: string,
  name: string,
  reason: string,
  message = /(?:)/,
): Promise<SeenEvent> {
  return until(async () => {
    const events = await eventsOn(admin, namespace, name);
    const found = events.find((event) => event.reason === reason && message.test(event.message));
    assert.ok(found, `no ${reason} event like ${message} yet: ${JSON.stringify(events)}`);
    return found;
  });
}

/** What keyferry asked of the API server that changes something, refused requests included; leases left out. */
export async function writesBy(
  { cluster, node }: SyncWorld,
  filter: { resource?: string; namespace?: string; name?: string; sinceMs?: number } = {},
): Promise<readonly AuditEvent[]> {
  const events = await cluster.auditEvents({ ...filter, user: node.user, verb: writingVerbs });
  return events.filter(({ resource }) => resource !== "leases");
}

/** `name{a="b"}` → value of every series of the process's metrics whose name is one of these. */
export async function series(node: NodeProgram, names: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const line of (await node.get("/metrics")).text.split("\n")) {
    const match = /^([a-zA-Z_:]+)(\{.*\})? (\S+)$/.exec(line);
    if (match && names.includes(match[1]!)) found[`${match[1]}${match[2] ?? ""}`] = Number(match[3]);
  }
  return found;
}

/** An object that is synced every second: what else had its time to happen is told by its turns. */
export async function startMetronome({ admin }: SyncWorld, namespace: string): Promise<void> {
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: metronome, namespace: ${namespace}}
spec: {provider: {fake: {data: [{key: beat, value: beat}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: metronome, namespace: ${namespace}}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: metronome}
  data: [{secretKey: beat, remoteRef: {key: beat}}]
`);
  await untilReady(admin, externalSecretPath(namespace, "metronome"), "True");
}

/** Resolves after this many more turns of the metronome, so not before as many seconds less one. */
export async function beats({ node }: SyncWorld, count: number): Promise<void> {
  const turns = (): Promise<number | undefined> =>
    node.metric("externalsecrets_sync_calls_total", { name: "metronome", status: "success" });
  const goal = ((await turns()) ?? 0) + count;
  await until(async () => ((await turns()) ?? 0) >= goal, 5_000 + count * 2_000);
}
