/** ExternalSecrets, stores and what they depend on, as role sync follows them. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { keepSpec } from "../../plugin/kube/kept-spec.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import type { DependencyChange, ExternalSecretItem, ObjectKey } from "../../plugin/sync/ports.ts";
import type { StoreKey } from "../../plugin/sync/stores/ports.ts";
import { settle } from "../fakes/clock.ts";
import {
  clusterStore,
  externalSecret,
  namespace,
  openSync,
  policy,
  recorder,
  resources,
  store,
  until,
} from "./cluster-bench.ts";
import type { SyncBench } from "./cluster-bench.ts";

const db = { namespace: "shop", name: "db" };
const itemOf = ({ sync }: SyncBench, key = db): ExternalSecretItem => sync.externalSecrets.get(key)!;

async function openWithDb(t: TestContext, changes: Parameters<typeof externalSecret>[1] = {}) {
  const bench = await openSync(
    t,
    ({ server }) => void server.put(resources.externalSecrets, externalSecret("db", changes)),
  );
  const news: ObjectKey[] = recorder((told) => bench.sync.externalSecrets.onChange(told));
  let marks = 0;
  /** Names of what was told, once the watch has told everything up to now. */
  const drained = async (): Promise<string[]> => {
    bench.server.put(
      resources.externalSecrets,
      externalSecret("mark", { metadata: { labels: { n: String(marks++) } } }),
    );
    await until(() => news.some(({ name }) => name === "mark"));
    return news.splice(0).flatMap(({ name }) => (name === "mark" ? [] : [name]));
  };
  return { ...bench, drained };
}

test("an ExternalSecret is listed and found, parsed", async (t) => {
  const metadata = { labels: { team: "a" }, annotations: { note: "b" } };
  const bench = await openWithDb(t, { metadata });
  const { key, meta, parsed, ...others } = itemOf(bench);
  assert.deepEqual(bench.sync.externalSecrets.list(), [itemOf(bench)]);
  const { uid } = bench.server.find(resources.externalSecrets, "shop", "db")!.metadata;
  assert.deepEqual([key, meta], [db, { ...db, uid, generation: 1, ...metadata }]);
  assert.ok(parsed.ok && parsed.value.meta === meta && parsed.value.spec.target.name === "db");
  assert.deepEqual(others, { finalized: false, blank: true });
  assert.equal(bench.sync.externalSecrets.get({ namespace: "else", name: "db" }), undefined);
});

const changes: readonly { name: string; change: Parameters<typeof externalSecret>[1]; told: boolean }[] = [
  { name: "a changed spec", change: { spec: { refreshInterval: "5m" } }, told: true },
  { name: "a changed label", change: { metadata: { labels: { a: "1" } } }, told: true },
  { name: "a changed annotation", change: { metadata: { annotations: { "force-sync": "1" } } }, told: true },
  { name: "a status", change: { status: { refreshTime: "2026-01-01T00:00:00Z" } }, told: false },
  {
    name: "the finalizer",
    change: { metadata: { finalizers: ["externalsecrets.external-secrets.io/externalsecret-cleanup"] } },
    told: false,
  },
  {
    name: "the record of the Secret last written",
    change: { metadata: { annotations: { "keyferry.dev/digest": "{}" } } },
    told: false,
  },
];
for (const { name, change, told } of changes)
  test(`${name} is ${told ? "told" : "no news"}`, async (t) => {
    const bench = await openWithDb(t);
    const before = itemOf(bench);
    bench.server.put(resources.externalSecrets, externalSecret("db", change));
    assert.deepEqual(await bench.drained(), told ? ["db"] : []);
    assert.equal(itemOf(bench).parsed === before.parsed, !told);
    assert.equal(itemOf(bench).meta.annotations["keyferry.dev/digest"], undefined);
  });

test("an added, removed and remade ExternalSecret is told", async (t) => {
  const bench = await openWithDb(t);
  const { uid } = itemOf(bench).meta;
  bench.server.remove(resources.externalSecrets, "shop", "db");
  assert.deepEqual(await bench.drained(), ["db"]);
  assert.equal(bench.sync.externalSecrets.get(db), undefined);
  bench.server.put(resources.externalSecrets, externalSecret("db"));
  assert.deepEqual(await bench.drained(), ["db"]);
  assert.notEqual(itemOf(bench).meta.uid, uid);
});

test("another object under the same name is never taken for the one before", () => {
  const before = keepSpec({ metadata: { name: "a", uid: "1", generation: 1 } }, undefined, parseStore);
  const same = keepSpec({ metadata: { name: "a", uid: "1", generation: 1 } }, before, parseStore);
  const other = keepSpec({ metadata: { name: "a", uid: "2", generation: 1 } }, before, parseStore);
  assert.equal(same.parsed, before.parsed);
  assert.notEqual(other.parsed, before.parsed);
});

test("one that is being deleted stays, says so, and is told once", async (t) => {
  const finalizers = ["externalsecrets.external-secrets.io/externalsecret-cleanup", "example.com/other"];
  const bench = await openWithDb(t, { metadata: { finalizers } });
  assert.deepEqual([itemOf(bench).finalized, itemOf(bench).deleting], [true, undefined]);
  bench.server.remove(resources.externalSecrets, "shop", "db");
  assert.deepEqual(await bench.drained(), ["db"]);
  assert.deepEqual([itemOf(bench).finalized, itemOf(bench).deleting], [true, true]);
  assert.equal(await bench.cluster.mounts.findExternalSecret("shop", "db", bench.signal), undefined);
});

test("one that does not parse names its stores as far as they can be read", async (t) => {
  const spec = {
    secretStoreRef: { name: "vault" },
    refreshPolicy: "Sometimes",
    data: [{ sourceRef: { storeRef: { name: "all", kind: "ClusterSecretStore" } } }, 7, { sourceRef: null }],
    dataFrom: [{ sourceRef: { storeRef: { kind: "SecretStore" } } }],
  };
  const bench = await openWithDb(t, { spec });
  const { parsed, storeRefs, meta } = itemOf(bench);
  assert.ok(!parsed.ok);
  assert.equal(meta.name, "db");
  assert.deepEqual(storeRefs, [
    { kind: "SecretStore", name: "vault" },
    { kind: "ClusterSecretStore", name: "all" },
  ]);
});

interface StatusWrite {
  readonly manager: string;
}
const writers: readonly { name: string; writes: readonly StatusWrite[]; want: object | undefined }[] = [
  { name: "nobody", writes: [], want: undefined },
  { name: "keyferry alone", writes: [{ manager: "keyferry" }], want: undefined },
  {
    name: "another alone",
    writes: [{ manager: "external-secrets" }],
    want: { manager: "external-secrets", newest: true },
  },
  {
    name: "another after keyferry",
    writes: [{ manager: "keyferry" }, { manager: "external-secrets" }],
    want: { manager: "external-secrets", newest: true },
  },
  {
    name: "keyferry after another",
    writes: [{ manager: "external-secrets" }, { manager: "keyferry" }],
    want: { manager: "external-secrets", newest: false },
  },
  {
    name: "two others",
    writes: [{ manager: "external-secrets" }, { manager: "kubectl" }],
    want: { manager: "kubectl", newest: true },
  },
];
for (const { name, writes, want } of writers)
  test(`the status writer is known: ${name}`, async (t) => {
    const bench = await openWithDb(t);
    const { parsed } = itemOf(bench);
    // Each changes a field of its own: whoever changes what another wrote takes it over.
    let status = {};
    for (const { manager } of writes) {
      status = { ...status, [manager]: "1" };
      bench.server.put(resources.externalSecrets, externalSecret("db", { status }), manager);
    }
    assert.deepEqual(await bench.drained(), []);
    const { statusWriter } = itemOf(bench);
    assert.equal(itemOf(bench).parsed, parsed);
    if (!want) return assert.equal(statusWriter, undefined);
    const { atMs, ...others } = statusWriter!;
    assert.deepEqual(others, want);
    const entries = bench.server.find(resources.externalSecrets, "shop", "db")!.metadata.managedFields!;
    const entry = entries.find((one) => one.manager === others.manager && one.subresource === "status");
    assert.equal(atMs, Date.parse(entry!.time));
  });

test("statuses and managed fields are not kept", async (t) => {
  const bench = await openWithDb(t, { status: { refreshTime: "canary" } });
  assert.ok(!JSON.stringify(bench.sync.externalSecrets.list()).includes("canary"));
  assert.ok(!JSON.stringify(bench.sync.externalSecrets.list()).includes("fieldsV1"));
});

async function openWithStores(t: TestContext) {
  const bench = await openSync(t, ({ server }) => {
    server.put(resources.secretStores, store("vault", { spec: { controller: "mine" } }));
    server.put(resources.clusterSecretStores, clusterStore("all"));
    server.put(resources.namespaces, namespace("shop", { team: "a" }));
    server.put(resources.policies, policy("p", { storeRef: { kind: "ClusterSecretStore", name: "all" }, rules: [] }));
  });
  const told: DependencyChange[] = recorder((told) => bench.sync.externalSecrets.onDependencyChange(told));
  /** What is told within the time in which changes are gathered. */
  const dependencies = async (act: () => void): Promise<readonly DependencyChange[]> => {
    act();
    await until(() => bench.clock.waitsFor(100));
    await settle(20);
    await bench.clock.pass(100);
    return told.splice(0);
  };
  return { ...bench, told, dependencies };
}

test("both kinds of stores are one source", async (t) => {
  const { sync } = await openWithStores(t);
  const { source } = sync.stores;
  const vault: StoreKey = { kind: "SecretStore", namespace: "shop", name: "vault" };
  const all: StoreKey = { kind: "ClusterSecretStore", namespace: "", name: "all" };
  assert.deepEqual(
    source.list().map(({ key, controller }) => [key, controller]),
    [
      [vault, "mine"],
      [all, undefined],
    ],
  );
  assert.ok(source.get(all)?.parsed.ok);
  assert.equal(source.get({ ...vault, namespace: "else" }), undefined);
});

test("a store that was added, changed or removed is told; its status is not", async (t) => {
  const { sync, server } = await openWithStores(t);
  const told: StoreKey[] = [];
  const stop = sync.stores.source.onChange((key) => void told.push(key));
  const vault = sync.stores.source.get({ kind: "SecretStore", namespace: "shop", name: "vault" })!;
  server.put(
    resources.secretStores,
    store("vault", { spec: { controller: "mine" }, status: { conditions: [] } }),
    "eso",
  );
  server.put(resources.secretStores, store("other"));
  await until(() => told.length > 0);
  assert.deepEqual(
    told.map(({ name }) => name),
    ["other"],
  );
  const now = sync.stores.source.get(vault.key)!;
  assert.equal(now.parsed, vault.parsed);
  assert.equal(now.statusWriter?.manager, "eso");
  server.put(resources.secretStores, store("vault"));
  await until(() => told.length > 1);
  server.remove(resources.clusterSecretStores, "", "all");
  await until(() => told.length > 2);
  assert.deepEqual(told.slice(1), [vault.key, { kind: "ClusterSecretStore", namespace: "", name: "all" }]);
  stop();
  server.remove(resources.secretStores, "shop", "vault");
  await until(() => sync.stores.source.get(vault.key) === undefined);
  assert.equal(told.length, 3);
});

test("a store names its controller even when it does not parse", async (t) => {
  const { sync } = await openSync(t, ({ server }) => {
    server.put(resources.secretStores, store("odd", { spec: { controller: "mine", provider: { a: {}, b: {} } } }));
  });
  const [item] = sync.stores.source.list();
  assert.deepEqual([item?.parsed.ok, item?.controller], [false, "mine"]);
});

const all = { kind: "ClusterSecretStore", namespace: "", name: "all" };
const policyOf = (name: string) => ({ storeRef: { kind: "ClusterSecretStore", name }, rules: [] });
const dependencyRows: readonly {
  name: string;
  act: (server: SyncBench["server"]) => void;
  want: readonly DependencyChange[];
}[] = [
  {
    name: "a changed store concerns its readers",
    act: (server) => server.put(resources.secretStores, store("vault")),
    want: [{ store: { kind: "SecretStore", namespace: "shop", name: "vault" } }],
  },
  {
    name: "other labels concern the namespace",
    act: (server) => server.put(resources.namespaces, namespace("shop", { team: "b" })),
    want: [{ namespace: "shop" }],
  },
  {
    name: "a new namespace concerns itself",
    act: (server) => server.put(resources.namespaces, namespace("new")),
    want: [{ namespace: "new" }],
  },
  {
    name: "a removed policy concerns its store",
    act: (server) => server.remove(resources.policies, "", "p"),
    want: [{ store: all as StoreKey }],
  },
  {
    name: "a policy that is moved concerns both stores",
    act: (server) => server.put(resources.policies, policy("p", policyOf("else"))),
    want: [{ store: all as StoreKey }, { store: { ...all, name: "else" } as StoreKey }],
  },
  {
    name: "a policy that does not parse concerns the store that it names",
    act: (server) => server.put(resources.policies, policy("p", { ...policyOf("all"), rules: 7 })),
    want: [{ store: all as StoreKey }],
  },
  {
    name: "a policy that names no store concerns everybody",
    act: (server) => server.put(resources.policies, policy("q", { rules: [] })),
    want: [{}],
  },
  {
    name: "many changes of one store are one",
    act: (server) => {
      for (const n of ["1", "2", "3"])
        server.put(resources.secretStores, store("vault", { metadata: { labels: { n } } }));
    },
    want: [{ store: { kind: "SecretStore", namespace: "shop", name: "vault" } }],
  },
  {
    name: "more than a hundred changes concern everybody",
    act: (server) => {
      for (let n = 0; n <= 100; n++) server.put(resources.namespaces, namespace(`n${n}`));
    },
    want: [{}],
  },
];
for (const { name, act, want } of dependencyRows)
  test(name, async (t) => {
    const { dependencies, server } = await openWithStores(t);
    assert.deepEqual(await dependencies(() => act(server)), want);
  });

test("the status of a store and the same labels again concern nobody", async (t) => {
  const { dependencies, server } = await openWithStores(t);
  const changes = await dependencies(() => {
    server.put(resources.namespaces, { ...namespace("shop", { team: "a" }), spec: { finalizers: [] } });
    server.put(
      resources.secretStores,
      store("vault", { spec: { controller: "mine" }, status: { capabilities: "ReadOnly" } }),
    );
    server.put(resources.namespaces, namespace("last"));
  });
  assert.deepEqual(changes, [{ namespace: "last" }]);
});
