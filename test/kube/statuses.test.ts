/** Statuses and finalizers on the API server. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ExternalSecretStatus } from "../../plugin/sync/ports.ts";
import type { StoreKey, StoreObjectStatus } from "../../plugin/sync/stores/ports.ts";
import { clusterStore, externalSecret, openSync, resources, store, until } from "./cluster-bench.ts";
import type { SyncBench } from "./cluster-bench.ts";

const db = { namespace: "shop", name: "db" };
const time = "2026-01-01T00:00:00Z";
const ready = {
  type: "Ready",
  status: "True",
  reason: "SecretSynced",
  message: "secret synced",
  lastTransitionTime: time,
} as const;
const paused = {
  type: "Paused",
  status: "True",
  reason: "Paused",
  message: "until",
  lastTransitionTime: time,
} as const;
const foreign = { type: "Deleted", status: "Unknown", other: 1 };
const own = { policy: "Owner", type: "Opaque", immutable: false, keys: ["A"], labels: ["l"], annotations: [] } as const;
const keyferry = { digest: "d1", dataDigest: "d2", own, storeKind: "vault" };
const full: ExternalSecretStatus = {
  refreshTime: time,
  syncedResourceVersion: "1-abc",
  conditions: [ready, paused],
  binding: { name: "db" },
  keyferry,
};

async function openWithDb(t: TestContext, changes: Parameters<typeof externalSecret>[1] = {}) {
  const bench = await openSync(
    t,
    ({ server }) => void server.put(resources.externalSecrets, externalSecret("db", changes)),
  );
  return { ...bench, stored: () => bench.server.find(resources.externalSecrets, "shop", "db")! };
}

test("a status comes back as it was written", async (t) => {
  const { sync, signal, stored } = await openWithDb(t);
  assert.equal(await sync.statuses.read(db, signal), undefined);
  await sync.statuses.write(db, full, signal);
  assert.deepEqual(stored()["status"], full);
  assert.deepEqual(await sync.statuses.read(db, signal), full);
  const entry = stored().metadata.managedFields?.find(({ subresource }) => subresource === "status");
  assert.deepEqual([entry?.manager, entry?.operation], ["keyferry", "Update"]);
});

test("the first status needs no read", async (t) => {
  const { sync, signal, server, stored } = await openWithDb(t);
  const asked = server.requestsTo({ verb: "get" }).length;
  await sync.statuses.write(db, full, signal);
  assert.equal(server.requestsTo({ verb: "get" }).length, asked);
  await until(() => !sync.externalSecrets.get(db)!.blank);
  await sync.statuses.write(db, { conditions: [ready] }, signal);
  assert.deepEqual(stored()["status"], { conditions: [ready] });
});

test("a status replaces what it describes and nothing else", async (t) => {
  const { sync, signal, stored } = await openWithDb(t, {
    status: { ...full, conditions: [foreign, { ...ready, status: "False" }, paused], observed: 7 },
  });
  await sync.statuses.write(db, { conditions: [ready] }, signal);
  assert.deepEqual(stored()["status"], { observed: 7, conditions: [ready, foreign] });
});

test("a status that is there already is not written", async (t) => {
  const { sync, signal, server } = await openWithDb(t, { status: full });
  await sync.statuses.write(db, full, signal);
  assert.deepEqual(server.requestsTo({ verb: "update" }), []);
  assert.deepEqual(server.requestsTo({ verb: "patch" }), []);
});

const unreadable: readonly { name: string; status: object; want: ExternalSecretStatus }[] = [
  { name: "an unknown condition", status: { conditions: [foreign, 7, ready] }, want: { conditions: [ready] } },
  { name: "no list of conditions", status: { conditions: "none", refreshTime: 7 }, want: { conditions: [] } },
  {
    name: "an edited record",
    status: { conditions: [], keyferry: { digest: "d", own: { keys: "all" } }, binding: 7 },
    want: { conditions: [] },
  },
  {
    name: "a record without what came later",
    status: { conditions: [], keyferry: { digest: "d", own } },
    want: { conditions: [], keyferry: { digest: "d", own } },
  },
];
for (const { name, status, want } of unreadable)
  test(`a status with ${name} is read as far as it goes`, async (t) => {
    const { sync, signal } = await openWithDb(t, { status });
    assert.deepEqual(await sync.statuses.read(db, signal), want);
  });

test("a status that somebody wrote in between is read and merged anew", async (t) => {
  const { sync, signal, server, stored } = await openWithDb(t);
  server.fail({ verb: "update", subresource: "status" }, "hold");
  const writing = sync.statuses.write(db, full, signal);
  await server.requested({ verb: "update", subresource: "status" }, 1);
  server.put(resources.externalSecrets, externalSecret("db", { status: { conditions: [foreign] } }));
  server.release();
  await writing;
  assert.deepEqual(stored()["status"], { ...full, conditions: [ready, paused, foreign] });
  assert.equal(server.requestsTo({ verb: "update", subresource: "status" }).length, 2);
});

test("conflicts without end are an outage", async (t) => {
  const { sync, signal, server } = await openWithDb(t);
  const body = { kind: "Status", status: "Failure", reason: "Conflict", code: 409 };
  server.fail({ verb: "update", subresource: "status" }, { status: 409, body }, Infinity);
  await assert.rejects(sync.statuses.write(db, full, signal), { code: "kube_unavailable" });
  assert.equal(server.requestsTo({ verb: "update", subresource: "status" }).length, 3);
});

test("an object that is gone counts as written", async (t) => {
  const { sync, signal, server } = await openWithDb(t);
  await sync.statuses.write({ ...db, name: "gone" }, full, signal);
  assert.equal(await sync.statuses.read({ ...db, name: "gone" }, signal), undefined);
  server.fail({ verb: "update", subresource: "status" }, "hold");
  const writing = sync.statuses.write(db, full, signal);
  await server.requested({ verb: "update", subresource: "status" }, 1);
  server.remove(resources.externalSecrets, "shop", "db");
  server.release();
  await writing;
  await sync.statuses.forget(db);
});

/** What an API server answers whose CRD has no field for the record. */
function prune({ server }: Pick<SyncBench, "server">, status: object): void {
  const { keyferry: _, ...known } = status as { keyferry?: unknown };
  const stored = server.find(resources.externalSecrets, "shop", "db")!;
  server.fail({ verb: "update", subresource: "status" }, { status: 200, body: { ...stored, status: known } });
}

const annotationOf = (object: { metadata: { annotations?: Record<string, string> } }): string | undefined =>
  object.metadata.annotations?.["keyferry.dev/digest"];

test("where the CRD has no field for it the record goes into an annotation, and is read from there", async (t) => {
  const bench = await openWithDb(t, { metadata: { annotations: { note: "a" } } });
  const { sync, signal, server, stored } = bench;
  prune(bench, full);
  await sync.statuses.write(db, full, signal);
  assert.deepEqual(JSON.parse(annotationOf(stored())!), keyferry);
  assert.equal(stored().metadata.annotations?.["note"], "a");
  assert.deepEqual(await sync.statuses.read(db, signal), { conditions: [], keyferry });
  const [patch] = server.requestsTo({ verb: "patch" });
  assert.equal(patch?.query.get("fieldManager"), "keyferry");

  prune(bench, full);
  await sync.statuses.write(db, full, signal);
  assert.equal(server.requestsTo({ verb: "patch" }).length, 1, "an annotation that is right is left alone");

  const { keyferry: _, binding: __, ...released } = full;
  await sync.statuses.write(db, released, signal);
  assert.equal(annotationOf(stored()), undefined);
});

test("the annotation goes once the CRD can hold the record, and until then the status counts more", async (t) => {
  const annotations = { "keyferry.dev/digest": JSON.stringify({ digest: "old", own }) };
  const { sync, signal, stored } = await openWithDb(t, { metadata: { annotations } });
  assert.equal((await sync.statuses.read(db, signal))?.keyferry?.digest, "old");
  await sync.statuses.write(db, full, signal);
  assert.equal(annotationOf(stored()), undefined);
  assert.deepEqual(await sync.statuses.read(db, signal), full);
});

test("an annotation that is no record says nothing", async (t) => {
  const { sync, signal } = await openWithDb(t, { metadata: { annotations: { "keyferry.dev/digest": "{" } } });
  assert.equal(await sync.statuses.read(db, signal), undefined);
});

const vault: StoreKey = { kind: "SecretStore", namespace: "shop", name: "vault" };
const all: StoreKey = { kind: "ClusterSecretStore", namespace: "", name: "all" };
const valid: StoreObjectStatus = {
  ready: { ...ready, reason: "Valid", message: "store validated" },
  capabilities: "ReadOnly",
};
for (const key of [vault, all])
  test(`the status of a ${key.kind} comes back as it was written, beside what others wrote`, async (t) => {
    const { sync, signal, server } = await openSync(t, ({ server }) => {
      server.put(resources.secretStores, store("vault", { status: { conditions: [foreign], seen: 1 } }));
      server.put(resources.clusterSecretStores, { ...clusterStore("all"), status: { conditions: [foreign], seen: 1 } });
    });
    assert.deepEqual(await sync.stores.statuses.read(key, signal), {});
    await sync.stores.statuses.write(key, valid, signal);
    assert.deepEqual(await sync.stores.statuses.read(key, signal), valid);
    const kind = key.kind === "SecretStore" ? resources.secretStores : resources.clusterSecretStores;
    const stored = server.find(kind, key.namespace, key.name)!;
    assert.deepEqual(stored["status"], { seen: 1, capabilities: "ReadOnly", conditions: [valid.ready, foreign] });
    await sync.stores.statuses.write(key, {}, signal);
    assert.deepEqual(await sync.stores.statuses.read(key, signal), {});
  });

test("a store without a status, or without itself, has none", async (t) => {
  const { sync, signal } = await openSync(t, ({ server }) => void server.put(resources.secretStores, store("vault")));
  assert.equal(await sync.stores.statuses.read(vault, signal), undefined);
  assert.equal(await sync.stores.statuses.read(all, signal), undefined);
  await sync.stores.statuses.write(all, valid, signal);
});

const cleanup = "externalsecrets.external-secrets.io/externalsecret-cleanup";
const finalizerRows: readonly {
  name: string;
  before: readonly string[] | undefined;
  act: "add" | "remove";
  after: readonly string[] | undefined;
  patches: number;
  /** Default 1. */
  reads?: number;
}[] = [
  { name: "is added where there is none", before: undefined, act: "add", after: [cleanup], patches: 1, reads: 0 },
  { name: "is added beside others", before: ["a"], act: "add", after: ["a", cleanup], patches: 1 },
  { name: "is not added twice", before: [cleanup], act: "add", after: [cleanup], patches: 0 },
  { name: "is removed beside others", before: ["a", cleanup, "b"], act: "remove", after: ["a", "b"], patches: 1 },
  { name: "is removed as the last one", before: [cleanup], act: "remove", after: undefined, patches: 1 },
  { name: "is not removed where it is not", before: ["a"], act: "remove", after: ["a"], patches: 0 },
];
for (const { name, before, act, after, patches, reads = 1 } of finalizerRows)
  test(`the finalizer ${name}`, async (t) => {
    const bench = await openWithDb(t, { metadata: { labels: { a: "1" }, ...(before && { finalizers: before }) } });
    const { meta } = bench.sync.externalSecrets.get(db)!;
    const asked = bench.server.requestsTo({ verb: "get" }).length;
    await bench.sync.finalizers[act](meta, bench.signal);
    assert.equal(bench.server.requestsTo({ verb: "get" }).length - asked, reads);
    assert.deepEqual(bench.stored().metadata.finalizers, after);
    assert.deepEqual(bench.stored().metadata.labels, { a: "1" });
    assert.equal(bench.server.requestsTo({ verb: "patch" }).length, patches);
  });

test("the last finalizer lets an ExternalSecret that is being deleted go, and none is added to it", async (t) => {
  const { sync, signal, server, stored } = await openWithDb(t, { metadata: { finalizers: ["other"] } });
  const { meta } = sync.externalSecrets.get(db)!;
  server.remove(resources.externalSecrets, "shop", "db");
  await sync.finalizers.add(meta, signal);
  assert.deepEqual(stored().metadata.finalizers, ["other"]);
  server.put(resources.externalSecrets, externalSecret("db", { metadata: { finalizers: [cleanup] } }));
  await sync.finalizers.remove(meta, signal);
  assert.equal(stored(), undefined);
  await sync.finalizers.remove(meta, signal);
});

test("a finalizer is no matter of another object under the same name", async (t) => {
  const { sync, signal, stored } = await openWithDb(t);
  const { meta } = sync.externalSecrets.get(db)!;
  await sync.finalizers.add({ ...meta, uid: "an-earlier-one" }, signal);
  assert.equal(stored().metadata.finalizers, undefined);
});

test("a list of finalizers that somebody changed in between is read anew", async (t) => {
  const { sync, signal, server, stored } = await openWithDb(t);
  const { meta } = sync.externalSecrets.get(db)!;
  server.fail({ verb: "patch" }, "hold");
  const adding = sync.finalizers.add(meta, signal);
  await server.requested({ verb: "patch" }, 1);
  server.put(resources.externalSecrets, externalSecret("db", { metadata: { finalizers: ["theirs"] } }));
  server.release();
  await adding;
  assert.deepEqual(stored().metadata.finalizers, ["theirs", cleanup]);
});
