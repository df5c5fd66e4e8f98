/**
 * The sync role of the bundle on a real control plane with a real OpenBao that counts what it is asked, filled with
 * ExternalSecrets; and what it asks of both servers in a number of refresh cycles.
 *
 * Calls are counted where they arrive: at a proxy in front of OpenBao and in the API server's audit log.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type AuditEvent, writingVerbs } from "../test/peers/kube/audit.ts";
import { objectPath } from "../test/peers/kube/objects.ts";
import { obtainControlPlane } from "../test/peers/kube/obtain.ts";
import { configureKubernetesAuth } from "../test/peers/kube/openbao/auth.ts";
import {
  allowTokens,
  type BaoWorld,
  conditionOf,
  startBaoWorld,
  storePath,
  untilReady,
} from "../test/peers/node/sync-world.ts";
import { obtainOpenBao } from "../test/peers/openbao/openbao.ts";
import { buildKeyferry } from "../tools/build.mjs";
import { imageFlags, readStages } from "../tools/dockerfile.ts";

/** Which servers stood in for those of a user: for the result line. */
export const servers = { api: "real", store: "openbao" } as const;

/** Of the account that the store logs in as. */
const home = "bench-store";
const account = { namespace: home, name: "bench" };
/** The ExternalSecrets are spread over these: admission looks at each one beside a Secret that is written. */
const namespaces = Array.from({ length: 20 }, (_, i) => `bench-${i}`);
const storeName = "bench";
const atOnce = 16;

/** With a Ready ClusterSecretStore that logs in as one account. `stop` ends everything. */
export async function openSyncCluster(args: readonly string[] = []): Promise<BaoWorld> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-bench-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await buildKeyferry(folder);
    const image = readStages().at(-1)!;
    const program = { args: [...imageFlags(image), join(folder, "keyferry.mjs")], env: image.env };
    const world = await startBaoWorld({ args, namespaces: [home, ...namespaces], program });
    const stop = (): Promise<void> => world.stop().finally(remove);
    await makeStore(world).catch((problem: unknown) => stop().then(() => Promise.reject(problem as Error)));
    return { ...world, node: world.node, stop };
  } catch (problem) {
    await remove();
    throw problem;
  }
}

async function makeStore({ admin, bao, cluster, proxy }: BaoWorld): Promise<void> {
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: account });
  await bao.call("PUT", "sys/policies/acl/bench", { policy: 'path "secret/data/bench/*" { capabilities = ["read"] }' });
  const role = { accounts: [account.name], namespaces: [home], audience: "vault", policies: ["bench"] };
  await configureKubernetesAuth(bao, cluster, { roles: { bench: role } });
  await allowTokens(admin, account);
  const kubernetes = { role: "bench", serviceAccountRef: account };
  await admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "ClusterSecretStore",
    metadata: { name: storeName },
    spec: { provider: { vault: { server: proxy.url, path: "secret", auth: { kubernetes } } } },
  });
  await untilReady(admin, storePath(storeName), "True");
}

/** Builds or finds the servers, as `npm run test:peers` does. */
export async function obtainServers(): Promise<void> {
  await obtainControlPlane();
  await obtainOpenBao();
}

export interface Load {
  readonly objects: number;
  /** Paths in the store; the objects share them evenly, two keys of one path each. */
  readonly addresses: number;
  readonly intervalSeconds: number;
  /** Labels and annotations of each ExternalSecret. */
  readonly meta?: object;
}

/** Writes the paths and the ExternalSecrets; resolves when all are Ready. */
export async function fill(world: BaoWorld, load: Load): Promise<void> {
  const { admin, bao } = world;
  const beganMs = performance.now();
  await inTurns(load.addresses, (i) =>
    bao.put(`secret/data/bench/path-${i}`, { username: `user-${i}`, password: `password-${i}` }),
  );
  await inTurns(load.objects, (i) => admin.create(externalSecret(i, load)));
  const createdMs = performance.now();
  const path = objectPath("external-secrets.io/v1", "externalsecrets");
  for (;;) {
    const objects = await admin.list(path);
    const ready = objects.filter((object) => conditionOf(object)?.status === "True").length;
    if (ready === load.objects) break;
    await pause(1000);
  }
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  console.log(
    `${load.objects} ExternalSecrets on ${load.addresses} paths: created in ${seconds(createdMs - beganMs)} s, ` +
      `all Ready ${seconds(performance.now() - createdMs)} s later`,
  );
}

/** Of the ExternalSecret of this number, and of its Secret. */
export function objectKey(i: number): { readonly namespace: string; readonly name: string } {
  return { namespace: namespaces[i % namespaces.length]!, name: `object-${i}` };
}

function externalSecret(i: number, { addresses, intervalSeconds, meta }: Load): object {
  const key = `bench/path-${i % addresses}`;
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { ...meta, ...objectKey(i) },
    spec: {
      refreshInterval: `${intervalSeconds}s`,
      secretStoreRef: { kind: "ClusterSecretStore", name: storeName },
      data: ["username", "password"].map((property) => ({ secretKey: property, remoteRef: { key, property } })),
    },
  };
}

export async function inTurns(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

const quietMs = 2_000;

/** Resolves when keyferry has asked the API server nothing for a while, leases aside, or after `patienceMs`. */
export async function untilQuiet({ cluster, node }: BaoWorld, patienceMs: number): Promise<void> {
  const endMs = Date.now() + patienceMs;
  const asked = async (): Promise<number> => {
    const events = await cluster.auditEvents({ user: node.user, sinceMs: Date.now() - quietMs });
    return events.filter(({ resource }) => resource !== "leases").length;
  };
  do await pause(quietMs);
  while (Date.now() < endMs && (await asked()) > 0);
}

export interface Cycles {
  readonly cycles: number;
  readonly minutes: number;
  /** Runs of objects that ended well, as the product's own metric says: that refreshes took place at all. */
  readonly refreshes: number;
  readonly storeReads: number;
  /** Everything that reached the store, reads included. */
  readonly storeRequests: number;
  /** Without those on leases, which do not grow with the objects. */
  readonly apiRequests: number;
  readonly apiReads: number;
  readonly apiWrites: number;
  readonly secretWrites: number;
  readonly statusWrites: number;
}

/** What is asked in whole intervals, one after the other while `goOn` says so; prints it by verb and resource. */
export async function countCycles(
  world: BaoWorld,
  { intervalSeconds, goOn }: { intervalSeconds: number; goOn: (done: number) => boolean },
): Promise<Cycles> {
  const { cluster, node, proxy } = world;
  const [fromMs, firstRequest, refreshed] = [Date.now(), proxy.requests.length, await refreshesOf(world)];
  let done = 0;
  for (; goOn(done); done++) await pause(fromMs + (done + 1) * intervalSeconds * 1000 - Date.now());
  const untilMs = fromMs + done * intervalSeconds * 1000;
  const asked = proxy.requests.slice(firstRequest);
  const refreshes = (await refreshesOf(world)) - refreshed;
  const all = await cluster.auditEvents({ user: node.user, sinceMs: fromMs });
  const events = all.filter(({ atMs, resource }) => atMs < untilMs && resource !== "leases");
  const writes = events.filter(isWrite);
  tell(events, done);
  return {
    cycles: done,
    minutes: (done * intervalSeconds) / 60,
    refreshes,
    storeReads: asked.filter(({ method, path }) => method === "GET" && path.startsWith("/v1/secret/data/")).length,
    storeRequests: asked.length,
    apiRequests: events.length,
    apiReads: events.length - writes.length,
    apiWrites: writes.length,
    secretWrites: writes.filter(({ resource }) => resource === "secrets").length,
    statusWrites: writes.filter(({ resource, subresource }) => isStatus(resource, subresource)).length,
  };
}

const isWrite = ({ verb }: AuditEvent): boolean => (writingVerbs as readonly string[]).includes(verb);

const isStatus = (resource: string, subresource: string): boolean =>
  resource === "externalsecrets" && subresource === "status";

async function refreshesOf({ node }: BaoWorld): Promise<number> {
  let count = 0;
  for (const line of (await node.get("/metrics")).text.split("\n"))
    if (/^externalsecrets_sync_calls_total\{.*status="success".*\} \d+$/.test(line))
      count += Number(line.split(" ").at(-1));
  return count;
}

/** `12.0 get secrets, 0.2 watch secretstores` */
export function tell(events: readonly AuditEvent[], cycles: number): void {
  const counts = new Map<string, number>();
  for (const { verb, resource, subresource } of events) {
    const what = `${verb} ${resource}${subresource === "" ? "" : `/${subresource}`}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const words = sorted.map(([what, count]) => `${(count / cycles).toFixed(1)} ${what}`);
  console.log(`API requests a cycle, leases aside: ${words.join(", ") || "none"}`);
}
