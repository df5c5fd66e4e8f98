/** Several sync processes on one cluster, an API server that goes away, and state that it forgets meanwhile. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../../scenario/program.ts";
import { writingVerbs } from "../kube/audit.ts";
import { type Cluster, startCluster } from "../kube/cluster.ts";
import { objectPath, secretText } from "../kube/objects.ts";
import { settleRoles } from "../kube/roles.ts";
import { installed } from "./install.ts";
import { type NodeProgram, startNodeProgram } from "./node-program.ts";

let cluster: Cluster;
const programs: NodeProgram[] = [];
const leasePath = objectPath("coordination.k8s.io/v1", "leases", "keyferry", "keyferry-sync-0");
const secretPath = (name: string): string => objectPath("v1", "secrets", "shop", name);
const objectsPath = (name: string): string => objectPath("external-secrets.io/v1", "externalsecrets", "shop", name);

async function start(): Promise<NodeProgram> {
  const program = await startNodeProgram(cluster, { roles: "sync" });
  programs.push(program);
  return program;
}

async function makeObject(name: string): Promise<void> {
  await cluster.admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: constants, kind: ClusterSecretStore}
  data:
    - {secretKey: a, remoteRef: {key: a}}
`);
}

/** A starting API server may ask with Retry-After for half a minute, and gets it. */
const synced = (name: string): Promise<unknown> =>
  cluster.admin.waitFor(secretPath(name), (secret) => secretText(secret)["a"] === "1", 90_000);

const leaseOf = async () =>
  (await cluster.admin.get(leasePath)).spec as { holderIdentity: string; leaseTransitions: number };

/** Writes to Secrets of shop since then, by keyferry, that were done: `create five`. */
const secretWrites = async (sinceMs: number): Promise<readonly string[]> =>
  (await cluster.auditEvents({ verb: [...writingVerbs], resource: "secrets", namespace: "shop", sinceMs }))
    .filter(({ user, status }) => user.endsWith(":keyferry-sync") && status < 300)
    .map(({ verb, name }) => `${verb} ${name}`);

before(async () => {
  cluster = await startCluster({ manifests: await installed() });
  await cluster.admin.createNamespace("shop");
  await settleRoles(cluster.admin);
  await cluster.admin.apply(`
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: constants}
spec: {provider: {fake: {data: [{key: a, value: "1"}]}}}
`);
});
after(async () => {
  await Promise.all(programs.map((program) => program.kill("SIGKILL")));
  await cluster?.stop();
});

describe("of two sync processes", () => {
  let first: NodeProgram;
  let second: NodeProgram;

  test("one syncs, and the other stands by, ready", async () => {
    first = await start();
    await makeObject("one");
    await synced("one");
    const { holderIdentity } = await leaseOf();
    second = await start();
    await makeObject("two");
    await synced("two");
    assert.equal((await leaseOf()).holderIdentity, holderIdentity);
    assert.equal(/"msg":"secret written"/.test(second.printed().stderr), false);
  });

  test("the other takes over when the one is killed, and rewrites nothing", async () => {
    const sinceMs = Date.now();
    await first.kill("SIGKILL");
    await makeObject("three");
    await synced("three");
    assert.equal((await leaseOf()).leaseTransitions, 1);
    await until(async () => {
      const looked = await cluster.auditEvents({ verb: "get", resource: "secrets", namespace: "shop", sinceMs });
      return ["one", "two"].every((name) => looked.some((event) => event.name === name));
    });
    assert.deepEqual(await secretWrites(sinceMs), ["create three"]);
  });

  test("an edit made while nobody synced is drift to the next, by the digest in the status", async () => {
    await second.kill("SIGKILL");
    const secret = await cluster.admin.get(secretPath("one"));
    const forged = { ...secret, data: { a: Buffer.from("forged").toString("base64") } };
    await cluster.admin.as("mallory").replace(forged);
    second = await start();
    await synced("one");
    const told = await until(async () =>
      (await cluster.admin.list(objectPath("v1", "events", "shop"))).find(({ reason }) => reason === "SecretDrifted"),
    );
    assert.match(String(told["message"]), /mallory/);
  });

  test("a stop gives the lease back, so that the next need not wait for its end", async () => {
    const { holderIdentity } = await leaseOf();
    const third = await start();
    assert.equal(await second.stop(), 0);
    // Empty, or the next one's already: never that of a process that is gone.
    assert.notEqual((await leaseOf()).holderIdentity, holderIdentity);
    await makeObject("four");
    await synced("four");
    assert.match(third.printed().stderr, /lease won/);
  });
});

describe("an API server that goes away", () => {
  test("kill -9 and back on the same data: ready again, nothing rewritten, new objects taken up", async () => {
    const program = programs.at(-1)!;
    await until(async () => (await program.get("/readyz")).status === 200, 30_000);
    const sinceMs = Date.now();
    await cluster.killApiServer();
    await cluster.restartApiServer();
    await makeObject("five");
    await synced("five");
    await until(async () => (await program.get("/readyz")).status === 200, 60_000);
    assert.deepEqual(await secretWrites(sinceMs), ["create five"]);
  });

  test("with its history compacted: the mirrors list anew and lose nothing", async () => {
    const program = programs.at(-1)!;
    const sinceMs = Date.now();
    await cluster.killApiServer();
    await cluster.restartApiServer();
    await cluster.compact();
    await cluster.killApiServer();
    await cluster.restartApiServer();
    await cluster.admin.remove(objectsPath("two"));
    await makeObject("six");
    await synced("six");
    await cluster.admin.waitGone(secretPath("two"), 60_000);
    for (const name of ["one", "three", "four", "five"]) await synced(name);
    await until(async () => (await program.get("/readyz")).status === 200, 60_000);
    assert.deepEqual(await secretWrites(sinceMs), ["create six"]);
  });
});
