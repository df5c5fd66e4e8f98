/**
 * The client on an API server that answers everything from etcd, so that compaction makes it forget at once: continue
 * tokens and resource versions expire in the middle of the work, and nothing is lost or told twice.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { until } from "../../scenario/program.ts";
import { type FaultProxy, startFaultProxy } from "../fault-proxy.ts";
import type { Account } from "./account.ts";
import type { KubeAdmin } from "./admin.ts";
import {
  type ClientBench,
  type ClientOptions,
  configMaps,
  connectionOf,
  makeClientAccount,
  openClient,
} from "./client-bench.ts";
import { followMaps, mapPath, putMap, putMaps } from "./client-journal.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { objectPath } from "./objects.ts";

let cluster: Cluster;
let admin: KubeAdmin;
let proxy: FaultProxy;
let account: Account;
const names = Array.from({ length: 1_250 }, (_, i) => `m${String(i).padStart(4, "0")}`);

before(async () => {
  cluster = await startCluster({ watchCache: false });
  admin = cluster.admin;
  proxy = await startFaultProxy(cluster.url, { tls: cluster.serving });
  for (const name of ["many", "few", "large"]) await admin.createNamespace(name);
  account = await makeClientAccount(cluster, { namespace: "few", name: "client" }, { server: proxy.url });
  await putMaps(admin, "many", names);
});
after(async () => {
  await proxy?.close();
  await cluster?.stop();
});

const open = async (t: TestContext, options?: ClientOptions): Promise<ClientBench> =>
  openClient(t, cluster, await connectionOf(account), options);

/** Runs `act` before the n-th request that goes on with a list. */
function betweenPages(act: (n: number) => Promise<unknown>): ClientOptions {
  let n = 0;
  return {
    before: async (url) => {
      if (url.searchParams.has("continue")) await act(++n);
    },
  };
}

async function expire(n = 1): Promise<void> {
  await putMap(admin, "few", "expire", n);
  await cluster.compact();
}

/** `LIMIT[+] STATUS` of each list; + where it goes on. */
async function pagesOf(bench: ClientBench): Promise<readonly string[]> {
  return (await bench.asked("list")).map(({ uri, status }) => {
    const query = new URLSearchParams(uri.split("?")[1]);
    return `${query.get("limit") ?? "all"}${query.has("continue") ? "+" : ""} ${status}`;
  });
}

const listMany = ({ client, signal }: ClientBench): Promise<readonly string[]> =>
  client.listAll(configMaps, { namespace: "many", fieldSelector: ours }, ({ metadata }) => metadata.name, signal);
const ours = "metadata.name!=kube-root-ca.crt";

test("1,250 objects come in pages of 500, each once", async (t) => {
  const bench = await open(t);
  assert.deepEqual(await listMany(bench), names);
  assert.deepEqual(await pagesOf(bench), ["500 200", "500+ 200", "500+ 200"]);
});

test("a continue token that expires half-way: the whole list all the same, of one moment", async (t) => {
  const bench = await open(
    t,
    betweenPages(async (n) => {
      if (n !== 2) return;
      await putMap(admin, "many", "a-latecomer", 1);
      await expire();
    }),
  );
  t.after(() => admin.remove(mapPath("many", "a-latecomer")));
  assert.deepEqual(await listMany(bench), ["a-latecomer", ...names]);
  assert.deepEqual(await pagesOf(bench), ["500 200", "500+ 200", "500+ 410", "500 200", "500+ 200", "500+ 200"]);
});

test("tokens that expire on every page: the third try comes in one piece", async (t) => {
  const bench = await open(t, betweenPages(expire));
  assert.deepEqual(await listMany(bench), names);
  assert.deepEqual(await pagesOf(bench), ["500 200", "500+ 410", "500 200", "500+ 410", "all 200"]);
});

test("pages that are too large are asked for in smaller ones", async (t) => {
  const large = Array.from({ length: 24 }, (_, i) => `large-${String(i).padStart(2, "0")}`);
  await putMaps(admin, "large", large, { filling: "x".repeat(200_000) });
  const bench = await open(t, { limits: { answerBytes: 1_500_000 } });
  const keep = ({ metadata }: { metadata: { name: string } }): string => metadata.name;
  const selection = { namespace: "large", fieldSelector: ours };
  assert.deepEqual(await bench.client.listAll(configMaps, selection, keep, bench.signal), large);
  assert.deepEqual(await pagesOf(bench), ["500 200", "125 200", "31 200", "7 200", "7+ 200", "7+ 200", "7+ 200"]);
});

test("what changes between two pages of a mirror's list is told after it, once", async (t) => {
  const changed = [names[3]!, names[700]!];
  const bench = await open(
    t,
    betweenPages(async (n) => {
      if (n !== 1) return;
      for (const name of changed) await putMap(admin, "many", name, 2);
      await admin.remove(mapPath("many", names.at(-1)!));
      await putMap(admin, "many", "between", 1);
    }),
  );
  const followed = followMaps(t, bench, "many");
  await followed.mirror.synced;
  assert.deepEqual(
    followed.told.slice(0, names.length),
    names.map((name) => `added ${name}=1`),
  );
  await followed.untilEqual(admin);
  assert.deepEqual(followed.told.slice(names.length), [
    ...changed.map((name) => `changed ${name}=2`),
    `removed ${names.at(-1)}=1`,
    "added between=1",
  ]);
  assert.equal((await bench.asked("list")).length, 3);
});

test("a place that compaction has ended brings a list, of which only the differences are told", async (t) => {
  const bench = await open(t);
  for (const name of ["kept", "old", "lost", "anew"]) await putMap(admin, "few", name, 1);
  const followed = followMaps(t, bench, "few");
  await followed.untilEqual(admin);
  followed.news();
  // No watch gets through while the world goes on.
  const lift = proxy.intercept({ path: /watch=true/, answer: { status: 503 } });
  proxy.cut();
  await until(() => followed.mirror.health().problem?.status === 503);
  await putMap(admin, "few", "old", 2);
  await putMap(admin, "few", "old", 3);
  await admin.remove(mapPath("few", "lost"));
  await admin.remove(mapPath("few", "anew"));
  await putMap(admin, "few", "anew", 4);
  await putMap(admin, "few", "new", 1);
  await putMap(admin, "few", "brief", 1);
  await admin.remove(mapPath("few", "brief"));
  await cluster.compact();
  const listsBefore = (await bench.asked("list")).length;
  assert.deepEqual(followed.news(), []);
  lift();
  await followed.untilEqual(admin);
  assert.deepEqual([...followed.news()].sort(), [
    "added anew=4",
    "added new=1",
    "changed old=3",
    "removed anew=1",
    "removed lost=1",
  ]);
  assert.equal((await bench.asked("list")).length, listsBefore + 1);
  assert.deepEqual(
    bench.lines.map(({ sentence }) => sentence),
    ["watching failed and is tried again", "watching again"],
    "an expired place is everyday life: the log speaks of the outage alone",
  );
});

test("kill -9 and back on the same data: the watch goes on where it was, without a list", async (t) => {
  const bench = await open(t);
  await putMap(admin, "few", "counter", 1);
  const followed = followMaps(t, bench, "few");
  await followed.untilEqual(admin);
  await putMap(admin, "few", "counter", 2);
  await until(() => followed.told.includes("changed counter=2"));
  followed.news();
  const sent = [...Array(20).keys()].map((i) => i + 3);
  for (const n of sent.slice(0, 10)) await putMap(admin, "few", "counter", n);
  await cluster.killApiServer();
  await until(() => followed.mirror.health().problem !== undefined);
  await cluster.restartApiServer();
  for (const n of sent.slice(10)) await putMap(admin, "few", "counter", n);
  await followed.untilEqual(admin);
  assert.deepEqual(
    followed.news(),
    sent.map((n) => `changed counter=${n}`),
  );
  assert.equal((await bench.asked("list")).length, 1);
});

test("a CRD that is removed is a problem, not an end: installed again, its objects are followed again", async (t) => {
  const bench = await open(t);
  const apiVersion = "tests.keyferry.dev/v1";
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.tests.keyferry.dev" },
    spec: {
      group: "tests.keyferry.dev",
      names: { kind: "Thing", plural: "things" },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  };
  const kind = { group: "tests.keyferry.dev", version: "v1", plural: "things", kind: "Thing", namespaced: true };
  const mirror = bench.client.mirror({ kind, keep: ({ metadata }) => metadata.uid });
  t.after(() => mirror.stop());
  await until(() => mirror.health().problem?.status === 404);
  const make = (name: string): object => ({ apiVersion, kind: "Thing", metadata: { name, namespace: "few" } });
  await admin.apply(crd);
  await admin.create(make("first"));
  await mirror.synced;
  await until(() => mirror.size === 1);
  await admin.remove(objectPath("apiextensions.k8s.io/v1", "customresourcedefinitions", undefined, crd.metadata.name));
  await until(() => mirror.health().problem?.status === 404, 30_000);
  await admin.apply(crd);
  await until(() => admin.create(make("second")), 30_000);
  await until(() => mirror.get({ namespace: "few", name: "second" }), 60_000);
  assert.equal(mirror.size, 1);
});
