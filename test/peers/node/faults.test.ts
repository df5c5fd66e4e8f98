/**
 * The whole program while the way to the API server makes trouble: what is written, edited and removed meanwhile comes
 * right afterwards, and nothing is written that need not be.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "../../scenario/program.ts";
import { type FaultProxy, startFaultProxy } from "../fault-proxy.ts";
import type { KubeAdmin } from "../kube/admin.ts";
import { writingVerbs } from "../kube/audit.ts";
import { type Cluster, startCluster } from "../kube/cluster.ts";
import { objectPath, secretText } from "../kube/objects.ts";
import { settleRoles } from "../kube/roles.ts";
import { installed } from "./install.ts";
import { type NodeProgram, startNodeProgram } from "./node-program.ts";
import { externalSecretPath, secretPath } from "./sync-world.ts";

let cluster: Cluster;
let admin: KubeAdmin;
let proxy: FaultProxy;
let node: NodeProgram;
/** What each Secret of shop must hold, by its name. */
const right = new Map<string, string>();

before(async () => {
  cluster = await startCluster({ manifests: await installed() });
  admin = cluster.admin;
  await admin.createNamespace("shop");
  await settleRoles(admin);
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: constants}
spec: {provider: {fake: {data: [{key: one, value: first}, {key: two, value: second}]}}}
`);
  proxy = await startFaultProxy(cluster.url, { tls: cluster.serving });
});
after(async () => {
  await node?.kill("SIGKILL");
  await proxy?.close();
  await cluster?.stop();
});

const values: Readonly<Record<string, string>> = { one: "first", two: "second" };

/** Made, or pointed at another key. */
async function want(name: string, key: string): Promise<void> {
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: constants, kind: ClusterSecretStore}
  data: [{secretKey: value, remoteRef: {key: ${key}}}]
`);
  right.set(name, values[key]!);
}

/** Once exactly the wanted Secrets are there, with exactly what they must hold. */
const allRight = (patienceMs = 60_000): Promise<boolean> =>
  until(async () => {
    const there = await admin.list(objectPath("v1", "secrets", "shop"));
    const held = there.map((secret) => `${secret.metadata.name} ${JSON.stringify(secretText(secret))}`);
    const wanted = [...right].map(([name, value]) => `${name} ${JSON.stringify({ value })}`);
    assert.deepEqual(held.sort(), wanted.sort());
    return true;
  }, patienceMs);

/** As much as can happen to three objects and their Secrets; `turn` makes a fourth. Five writes of keyferry put it right. */
async function change(turn: string): Promise<void> {
  const mallory = admin.as("mallory");
  await mallory.patch(secretPath("shop", "edited"), { data: { value: Buffer.from("forged").toString("base64") } });
  await mallory.remove(secretPath("shop", "removed"));
  await want("pointed", right.get("pointed") === "first" ? "two" : "one");
  await want(`new-${turn}`, "one");
  await admin.remove(externalSecretPath("shop", `old-${turn}`));
  right.delete(`old-${turn}`);
}
/** A Secret whose ExternalSecret is gone is the garbage collector's. */
const writesOfAChange = 4;

/** Runs `trouble`; afterwards all is right, with no more writes than that takes. */
async function survives(trouble: () => Promise<void>, writes = writesOfAChange): Promise<void> {
  const sinceMs = Date.now();
  await trouble();
  await allRight();
  const asked = await cluster.auditEvents({ user: node.user, verb: writingVerbs, namespace: "shop", sinceMs });
  // An API server that has just started refuses what a policy with parameters of a CRD looks at, for half a minute.
  const done = asked.filter(({ resource, status }) => resource === "secrets" && status < 300);
  assert.equal(done.length, writes, done.map(({ verb, name }) => `${verb} ${name}`).join(", "));
}

const ready = (): Promise<unknown> => until(async () => (await node.get("/readyz")).status === 200, 60_000);
const linesLike = (sentence: string): number => node.printed().stderr.split(`"msg":"${sentence}"`).length - 1;

test("started while nobody answers, it says so at /readyz, lives, and goes on by itself", async () => {
  for (const name of ["edited", "removed", "pointed", "steady", "old-silence", "old-storm", "old-away"])
    await want(name, "one");
  proxy.refuse();
  const main = join(import.meta.dirname, "../../../plugin/main.ts");
  const program = { args: ["--import", join(import.meta.dirname, "hurried.ts"), main], env: {} };
  node = await startNodeProgram(cluster, { roles: "mount,sync", server: proxy.url, unready: true, program });
  const followed = [
    "ExternalSecrets",
    "SecretStores",
    "ClusterSecretStores",
    "Namespaces",
    "managed Secrets",
    "StorePolicies",
  ];
  await until(async () => {
    const { status, text } = await node.get("/readyz");
    assert.equal(status, 503);
    const why = /^watch of (.+): not listed yet: list \S+: API server \S+: the connection was reset \(ECONNRESET\)$/gm;
    assert.deepEqual(
      [...text.matchAll(why)].map(([, name]) => name),
      followed,
    );
    return true;
  });
  assert.equal((await node.get("/livez")).status, 200);
  proxy.pass();
  await ready();
  await allRight();
});

test("watches that fall silent without an end are found out; what they swallowed is put right", async () => {
  await survives(async () => {
    proxy.silenceOpen();
    await change("silence");
    await allRight();
    assert.equal((await node.get("/readyz")).status, 200);
  });
});

test("503 for everything, for longer than a lease lives: nobody asks before Retry-After has passed, and all comes right", async () => {
  let seen = 0;
  await survives(async () => {
    const lost = linesLike("lease lost");
    // Nothing is on its way when the answers begin: one that a cut swallows asks for nothing.
    proxy.refuse();
    await until(() => proxy.connections() === 0);
    seen = proxy.requests.length;
    const lift = proxy.intercept({ path: /./, answer: { status: 503, retryAfterSeconds: 1 } });
    proxy.pass();
    await change("storm");
    await until(() => linesLike("lease lost") > lost, 30_000);
    assert.equal((await node.get("/livez")).status, 200);
    lift();
  });
  const refused = proxy.requests.slice(seen).filter(({ method, status }) => method === "GET" && status === 503);
  assert.ok(refused.length >= 10, `${refused.length} requests were refused`);
  for (const [index, { path, atMs }] of refused.entries()) {
    const collection = path.split("?")[0];
    const next = refused.slice(index + 1).find((later) => later.path.split("?")[0] === collection);
    assert.ok(!next || next.atMs - atMs >= 1_000, `${collection} again after ${next && next.atMs - atMs} ms`);
  }
  await ready();
});

test("an API server that is away for minutes: /readyz says so, the Secrets stay, and all goes on when it is back", async () => {
  await survives(async () => {
    await change("away");
    await allRight();
    await cluster.killApiServer();
    await until(() => linesLike("watching failed and is tried again") > 0);
    assert.equal((await node.get("/readyz")).status, 200, "a moment without the API server is no reason");
    void node.kill("SIGUSR2");
    await until(async () => {
      const { status, text } = await node.get("/readyz");
      assert.equal(status, 503);
      assert.match(text, /^watch of ExternalSecrets: confirmed 2\d\d s ago: .*API server 127\.0\.0\.1:\d+: /m);
      return true;
    });
    assert.equal((await node.get("/livez")).status, 200);
    await cluster.restartApiServer();
    await ready();
  });
  await survives(async () => {
    await want("last", "two");
  }, 1);
  assert.equal(await node.stop(), 0);
});
