/** Target Secrets on the API server: what a write leaves alone, what a refusal means, who else wrote. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { ObjectKey, SecretWrite, WriteRefusal } from "../../plugin/sync/ports.ts";
import { followManagedSecrets } from "../../plugin/kube/managed-secrets.ts";
import { settle } from "../fakes/clock.ts";
import { openBench } from "./client/bench.ts";
import { managed, metaOf, namespace, openSync, recorder, resources, secret, textsOf, until } from "./cluster-bench.ts";
import type { SyncBench } from "./cluster-bench.ts";

const key = { namespace: "shop", name: "db" };
const owner = metaOf("db", "uid-of-db");
const ownerReference = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  name: "db",
  uid: "uid-of-db",
  controller: true,
  blockOwnerDeletion: true,
};
const deployment = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-of-web" };

function wanted(texts: Record<string, string>, changes: Partial<SecretWrite> = {}): SecretWrite {
  const data = new Map(Object.entries(texts).map(([name, text]) => [name, SecretValue.fromText(text)]));
  return {
    secret: { ...key, type: "Opaque", immutable: false, labels: managed, annotations: { a: "1" }, data },
    owner,
    fieldManager: "externalsecrets.external-secrets.io/db",
    ...changes,
  };
}

const stored = ({ server }: SyncBench) => server.find(resources.secrets, "shop", "db");

test("a Secret is created with its owner, by ESO's manager, as a plain write", async (t) => {
  const bench = await openSync(t);
  const outcome = await bench.sync.targets.create(wanted({ PASSWORD: "s3cret" }), bench.signal);
  const { metadata, type, data } = stored(bench)!;
  assert.deepEqual(outcome, { done: true, resourceVersion: metadata.resourceVersion });
  assert.deepEqual([type, data], ["Opaque", { PASSWORD: Buffer.from("s3cret").toString("base64") }]);
  assert.deepEqual([metadata.labels, metadata.annotations], [managed, { a: "1" }]);
  assert.deepEqual(metadata.ownerReferences, [ownerReference]);
  const [entry] = metadata.managedFields!;
  assert.deepEqual([entry?.manager, entry?.operation], ["externalsecrets.external-secrets.io/db", "Update"]);
});

test("finalizers are added to those that are there, never to a Secret that is being deleted", async (t) => {
  const bench = await openSync(t);
  const { targets } = bench.sync;
  const finalizers = ["example.com/a", "example.com/b"];
  await targets.create(wanted({ A: "1" }, { finalizers: finalizers.slice(0, 1) }), bench.signal);
  assert.deepEqual(stored(bench)?.metadata.finalizers, finalizers.slice(0, 1));
  const present = (await targets.get(key, bench.signal))!;
  await targets.replace(wanted({ A: "2" }, { finalizers }), present, bench.signal);
  assert.deepEqual(stored(bench)?.metadata.finalizers, finalizers);
  await targets.replace(wanted({ A: "3" }), (await targets.get(key, bench.signal))!, bench.signal);
  assert.deepEqual(stored(bench)?.metadata.finalizers, finalizers, "none is removed");
  await targets.remove((await targets.get(key, bench.signal))!, bench.signal);
  const ending = (await targets.get(key, bench.signal))!;
  await targets.replace(wanted({ A: "4" }, { finalizers: [...finalizers, "example.com/c"] }), ending, bench.signal);
  assert.deepEqual(stored(bench)?.metadata.finalizers, finalizers);
});

test("a Secret without an owner is created without references", async (t) => {
  const bench = await openSync(t);
  await bench.sync.targets.create(wanted({ A: "1" }, { owner: undefined }), bench.signal);
  assert.deepEqual(stored(bench)?.metadata.ownerReferences, []);
});

test("a read shows the Secret as it is on the API server now, values decoded", async (t) => {
  const metadata = { labels: { ...managed, team: "a" }, annotations: { b: "2" }, ownerReferences: [ownerReference] };
  const bench = await openSync(t, ({ server }) => {
    server.put(resources.secrets, secret("db", { PASSWORD: "old" }, { metadata, type: "kubernetes.io/tls" }));
  });
  bench.server.put(resources.secrets, secret("db", { PASSWORD: "é\u0000" }, { metadata, type: "kubernetes.io/tls" }));
  const found = (await bench.sync.targets.get(key, bench.signal))!;
  assert.deepEqual(textsOf(found.data), { PASSWORD: "é\u0000" });
  const { data: _, ...others } = found;
  assert.deepEqual(others, {
    ...key,
    type: "kubernetes.io/tls",
    immutable: false,
    labels: { ...managed, team: "a" },
    annotations: { b: "2" },
    resourceVersion: stored(bench)?.metadata.resourceVersion,
    owner: "shop/db",
    ownerUid: "uid-of-db",
    lastWriter: "kubectl-edit",
  });
  assert.equal(await bench.sync.targets.get({ namespace: "shop", name: "other" }, bench.signal), undefined);
});

const controllers: readonly { name: string; reference: object; want: object }[] = [
  {
    name: "an ExternalSecret of the earlier version is an owner",
    reference: { ...ownerReference, apiVersion: "external-secrets.io/v1beta1" },
    want: { owner: "shop/db", ownerUid: "uid-of-db" },
  },
  {
    name: "an ExternalSecret of another group is a foreign controller",
    reference: { ...ownerReference, apiVersion: "example.com/v1" },
    want: { foreignController: "ExternalSecret/db" },
  },
  {
    name: "another controller is a foreign one",
    reference: { ...deployment, controller: true },
    want: { foreignController: "Deployment/web" },
  },
  { name: "a reference that is no controller owns nothing", reference: deployment, want: {} },
];
for (const { name, reference, want } of controllers)
  test(name, async (t) => {
    const bench = await openSync(t);
    bench.server.put(resources.secrets, secret("db", {}, { metadata: { ownerReferences: [reference] } }));
    const { owner, ownerUid, foreignController } = (await bench.sync.targets.get(key, bench.signal))!;
    const found = { owner, ownerUid, foreignController };
    assert.deepEqual(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)), want);
  });

async function replaced(t: TestContext, metadata: object, changes: Partial<SecretWrite>) {
  const bench = await openSync(t);
  const { server, sync, signal } = bench;
  server.put(resources.secrets, { ...secret("db", { PASSWORD: "old" }, { metadata }), later: { kept: true } }, "helm");
  const present = (await sync.targets.get(key, signal))!;
  const outcome = await sync.targets.replace(wanted({ PASSWORD: "new" }, changes), present, signal);
  return { ...bench, outcome, now: stored(bench)! };
}

test("a replacement changes data, labels and annotations and leaves everything else", async (t) => {
  const metadata = {
    labels: { old: "1" },
    annotations: { old: "1" },
    finalizers: ["example.com/hold"],
    ownerReferences: [deployment],
  };
  const { outcome, now } = await replaced(t, metadata, {});
  assert.deepEqual(outcome, { done: true, resourceVersion: now.metadata.resourceVersion });
  assert.deepEqual(now["data"], { PASSWORD: Buffer.from("new").toString("base64") });
  assert.deepEqual([now.metadata.labels, now.metadata.annotations], [managed, { a: "1" }]);
  assert.deepEqual(now.metadata.finalizers, ["example.com/hold"]);
  assert.deepEqual(now.metadata.ownerReferences, [deployment, ownerReference]);
  assert.deepEqual(now["later"], { kept: true });
  const managers = now.metadata.managedFields?.map(({ manager }) => manager).sort();
  assert.deepEqual(managers, ["externalsecrets.external-secrets.io/db", "helm"]);
});

const stale = { ...ownerReference, uid: "uid-of-an-earlier-db" };
const controller = { ...deployment, controller: true };
const references: readonly { name: string; before: object[]; owner: SecretWrite["owner"]; after: object[] }[] = [
  { name: "an owner takes the place of its earlier self", before: [stale], owner, after: [ownerReference] },
  {
    name: "an owner takes the place of a controller of another kind",
    before: [controller],
    owner,
    after: [ownerReference],
  },
  {
    name: "an owner that was listed without being the controller is listed once",
    before: [{ ...ownerReference, controller: false }],
    owner,
    after: [ownerReference],
  },
  {
    name: "without an owner the ExternalSecret's reference goes",
    before: [ownerReference],
    owner: undefined,
    after: [],
  },
  {
    name: "without an owner a controller of another kind stays",
    before: [controller],
    owner: undefined,
    after: [controller],
  },
];
for (const { name, before, owner, after } of references)
  test(name, async (t) => {
    const { now } = await replaced(t, { ownerReferences: before }, { owner });
    assert.deepEqual(now.metadata.ownerReferences, after);
  });

test("a write or deletion that somebody overtook is not done", async (t) => {
  const { server, sync, signal } = await openSync(t);
  server.put(resources.secrets, secret("db", { PASSWORD: "old" }));
  const present = (await sync.targets.get(key, signal))!;
  server.put(resources.secrets, secret("db", { PASSWORD: "edited" }));
  assert.deepEqual(await sync.targets.replace(wanted({}), present, signal), { done: false });
  assert.deepEqual(await sync.targets.remove(present, signal), { done: false });
  assert.deepEqual(await sync.targets.create(wanted({}), signal), { done: false });
  server.remove(resources.secrets, "shop", "db");
  assert.deepEqual(await sync.targets.replace(wanted({}), present, signal), { done: false });
  assert.deepEqual(await sync.targets.remove(present, signal), { done: true, resourceVersion: "" });
});

test("a deletion names the very Secret that was read", async (t) => {
  const bench = await openSync(t);
  bench.server.put(resources.secrets, secret("db", {}));
  const present = (await bench.sync.targets.get(key, bench.signal))!;
  assert.deepEqual(await bench.sync.targets.remove(present, bench.signal), { done: true, resourceVersion: "" });
  assert.equal(stored(bench), undefined);
  const [request] = bench.server.requestsTo({ verb: "delete" });
  const { uid, resourceVersion } = (request?.body as { preconditions: Record<string, string> }).preconditions;
  assert.equal(resourceVersion, present.resourceVersion);
  assert.ok(uid);
});

test("only a Secret that was read here is replaced", async (t) => {
  const { sync, signal } = await openSync(t);
  const copy = { ...wanted({}).secret, resourceVersion: "1", lastWriter: "me" };
  await assert.rejects(sync.targets.replace(wanted({}), copy, signal), { code: "internal" });
});

const status = (code: number, reason: string, message: string, causes: object[] = []) => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message,
  details: { kind: "secrets", causes },
});
const refusals: readonly { name: string; answer: Readonly<Record<string, unknown>>; want: WriteRefusal }[] = [
  {
    name: "a used up quota",
    answer: status(403, "Forbidden", 'secrets "db" is forbidden: exceeded quota: few, requested: secrets=1'),
    want: { because: "quota" },
  },
  {
    name: "a namespace that is being deleted",
    answer: status(403, "Forbidden", "unable to create", [
      { reason: "NamespaceTerminating", field: "metadata.namespace" },
    ]),
    want: { because: "namespace_ending" },
  },
  {
    name: "a missing namespace",
    answer: {
      ...status(404, "NotFound", 'namespaces "shop" not found'),
      details: { kind: "namespaces", name: "shop" },
    },
    want: { because: "namespace_missing" },
  },
  {
    name: "a missing right",
    answer: status(403, "Forbidden", 'secrets is forbidden: User "x" cannot create resource "secrets"'),
    want: { because: "forbidden" },
  },
  {
    name: "an admission webhook",
    answer: status(403, "Forbidden", 'admission webhook "guard.example.com" denied the request: canary-text'),
    want: { because: "admission", by: "guard.example.com" },
  },
  {
    name: "an admission policy",
    answer: status(
      422,
      "Invalid",
      `secrets "db" is forbidden: ValidatingAdmissionPolicy 'keep-out' with binding 'b' denied request: no`,
    ),
    want: { because: "admission", by: "keep-out" },
  },
  {
    name: "a field that cannot be changed",
    answer: status(422, "Invalid", "type: Invalid value: field is immutable", [
      { reason: "FieldValueInvalid", field: "type" },
    ]),
    want: { because: "immutable" },
  },
  {
    name: "a Secret that is too large",
    answer: status(413, "RequestEntityTooLarge", "limit is 3145728"),
    want: { because: "too_large" },
  },
  {
    name: "an invalid Secret",
    answer: status(422, "Invalid", "metadata.labels: Invalid value: canary-text", [
      { reason: "FieldValueInvalid", message: "canary-text", field: "metadata.labels" },
    ]),
    want: { because: "invalid", fields: ["metadata.labels"] },
  },
];
for (const { name, answer, want } of refusals)
  test(`${name} refuses the creation for good`, async (t) => {
    const { server, sync, signal } = await openSync(t);
    server.fail({ verb: "create", plural: "secrets" }, { status: answer["code"] as number, body: answer });
    const outcome = await sync.targets.create(wanted({ A: "1" }), signal);
    assert.deepEqual(outcome, { done: false, refused: want });
    assert.ok(!JSON.stringify(outcome).includes("canary"));
  });

test("immutable data and a changed type refuse a replacement, as the API server has it", async (t) => {
  const { server, sync, signal } = await openSync(t);
  server.put(resources.secrets, { ...secret("db", { A: "1" }), immutable: true });
  const present = (await sync.targets.get(key, signal))!;
  assert.equal(present.immutable, true);
  const immutable = { ...wanted({ A: "2" }), secret: { ...wanted({ A: "2" }).secret, immutable: true } };
  assert.deepEqual(await sync.targets.replace(immutable, present, signal), {
    done: false,
    refused: { because: "immutable" },
  });
  const typed = { ...wanted({ A: "1" }), secret: { ...wanted({ A: "1" }).secret, type: "kubernetes.io/tls" } };
  assert.deepEqual(await sync.targets.replace(typed, present, signal), {
    done: false,
    refused: { because: "immutable" },
  });
});

test("a Secret whose namespace is gone is somebody else's doing when it was to be replaced", async (t) => {
  const { server, sync, signal } = await openSync(t);
  server.put(resources.secrets, secret("db", {}));
  const present = (await sync.targets.get(key, signal))!;
  const body = { ...status(404, "NotFound", 'namespaces "shop" not found'), details: { kind: "namespaces" } };
  server.fail({ verb: "update", plural: "secrets" }, { status: 404, body });
  assert.deepEqual(await sync.targets.replace(wanted({}), present, signal), { done: false });
});

test("an outage decides nothing", async (t) => {
  const { server, sync, signal, clock } = await openSync(t);
  server.fail({ verb: "create", plural: "secrets" }, { status: 500 }, Infinity);
  const creating = sync.targets.create(wanted({ A: "1" }), signal).catch((thrown: unknown) => thrown);
  await clock.advance(40_000);
  const thrown = await creating;
  assert.ok(thrown instanceof Failure && thrown.code === "kube_unavailable");
});

test("a namespace is ending once it has a deletionTimestamp", async (t) => {
  const { server, sync } = await openSync(t, ({ server }) => {
    server.put(resources.namespaces, { ...namespace("shop"), metadata: { name: "shop", finalizers: ["x"] } });
  });
  assert.equal(sync.targets.namespacePhase("shop"), "active");
  assert.equal(sync.targets.namespacePhase("unknown"), "active");
  server.remove(resources.namespaces, "", "shop");
  await until(() => sync.targets.namespacePhase("shop") === "ending");
});

test("an ExternalSecret owns what it controls or has labelled, in its own namespace", async (t) => {
  const createdBy = "b8464376b5fe3535e690594280bfe59b60be2603cb6cbb6d6c8bcbb4";
  const labels = { ...managed, "reconcile.external-secrets.io/created-by": createdBy };
  const me = { namespace: "default", name: "my-es" };
  const reference = { ...ownerReference, name: "my-es" };
  const put = (bench: Pick<SyncBench, "server">, namespace: string, name: string, metadata: object) =>
    bench.server.put(resources.secrets, secret(name, {}, { metadata: { namespace, ...metadata } }));
  const bench = await openSync(t, (before) => {
    put(before, "default", "labelled", { labels });
    put(before, "default", "controlled", { labels: managed, ownerReferences: [reference] });
    put(before, "default", "both", { labels, ownerReferences: [reference] });
    put(before, "default", "unmanaged", { ownerReferences: [reference] });
    put(before, "default", "other", { labels: managed });
    put(before, "else", "copied", { labels });
  });
  const names = async (): Promise<string[]> =>
    (await bench.sync.targets.ownedBy(me)).map(({ namespace, name }) => `${namespace}/${name}`).sort();
  assert.deepEqual(await names(), ["default/both", "default/controlled", "default/labelled"]);
  const news = recorder<ObjectKey>((told) => bench.sync.targets.onForeignChange(told));
  bench.server.remove(resources.secrets, "default", "labelled");
  put(bench, "default", "controlled", { labels: managed });
  put(bench, "default", "other", { labels });
  await until(() => news.length === 3);
  assert.deepEqual(await names(), ["default/both", "default/other"]);
});

test("of a managed Secret nothing is kept but whose it is", async (t) => {
  const { server, client } = await openBench(t);
  const metadata = { labels: { ...managed, x: "canary-label" }, annotations: { x: "canary-note" } };
  server.put(resources.secrets, secret("db", { "canary-key": "canary-value" }, { metadata }));
  server.put(resources.secrets, secret("foreign", { "canary-key": "canary-value" }));
  const mirror = followManagedSecrets(client);
  t.after(() => mirror.stop());
  await mirror.synced;
  assert.deepEqual(
    Array.from(mirror.entries(), ({ key, value }) => [key.name, value]),
    [["db", {}]],
  );
  assert.ok(!inspect(mirror, { depth: Infinity, showHidden: true }).includes("canary"));
});

const keysOf = (news: readonly ObjectKey[]): string[] => news.map(({ namespace, name }) => `${namespace}/${name}`);

async function followed(t: TestContext) {
  const bench = await openSync(t, ({ server }) => {
    server.put(resources.secrets, secret("db", { A: "1" }, { metadata: { labels: managed } }));
    server.put(resources.secrets, secret("end", {}, { metadata: { labels: managed } }));
  });
  const news = recorder<ObjectKey>((told) => bench.sync.targets.onForeignChange(told));
  /** Whatever the watch has still to tell is told before this. */
  const drained = async (): Promise<string[]> => {
    bench.server.put(resources.secrets, secret("end", { n: String(news.length) }, { metadata: { labels: managed } }));
    await until(() => keysOf(news).includes("shop/end"));
    return keysOf(news.splice(0)).filter((one) => one !== "shop/end");
  };
  return { ...bench, drained };
}

test("the version that the watch has is known without a request, of a managed Secret alone", async (t) => {
  const { server, sync, drained } = await followed(t);
  server.put(resources.secrets, secret("foreign", { A: "1" }));
  const asked = server.requestsTo({ verb: "get" }).length;
  const version = (): string | undefined => server.find(resources.secrets, "shop", "db")?.metadata.resourceVersion;
  assert.equal(sync.targets.watchedVersion(key), version());
  server.put(resources.secrets, secret("db", { A: "evil" }, { metadata: { labels: managed } }));
  await drained();
  assert.equal(sync.targets.watchedVersion(key), version());
  server.put(resources.secrets, secret("db", { A: "evil" }));
  await drained();
  assert.equal(sync.targets.watchedVersion(key), undefined);
  assert.equal(sync.targets.watchedVersion({ namespace: "shop", name: "foreign" }), undefined);
  assert.equal(server.requestsTo({ verb: "get" }).length, asked);
});

test("while the watch is broken no version is known", async (t) => {
  const { server, sync, clock } = await followed(t);
  const body = { kind: "Status", status: "Failure", reason: "ServiceUnavailable", code: 503 };
  server.fail({ verb: "watch", plural: "secrets" }, { status: 503, body }, 1);
  (await server.watch("secrets")).end();
  await until(() => sync.targets.watchedVersion(key) === undefined);
  while (sync.targets.watchedVersion(key) === undefined) await clock.advance(1_000);
});

test("an edit, a stripped label and a deletion by somebody else are told", async (t) => {
  const { server, drained } = await followed(t);
  server.put(resources.secrets, secret("db", { A: "evil" }, { metadata: { labels: managed } }));
  assert.deepEqual(await drained(), ["shop/db"]);
  server.put(resources.secrets, secret("db", { A: "evil" }));
  assert.deepEqual(await drained(), ["shop/db"]);
  server.put(resources.secrets, secret("db", { A: "evil" }, { metadata: { labels: managed } }));
  assert.deepEqual(await drained(), ["shop/db"]);
  server.remove(resources.secrets, "shop", "db");
  assert.deepEqual(await drained(), ["shop/db"]);
});

test("own writes and deletions are not told", async (t) => {
  const { sync, signal, drained } = await followed(t);
  const present = (await sync.targets.get(key, signal))!;
  assert.ok((await sync.targets.replace(wanted({ A: "2" }), present, signal)).done);
  assert.deepEqual(await drained(), []);
  const again = (await sync.targets.get(key, signal))!;
  assert.ok((await sync.targets.remove(again, signal)).done);
  assert.ok((await sync.targets.create(wanted({ A: "3" }), signal)).done);
  assert.deepEqual(await drained(), []);
});

test("an edit right after an own write is told", async (t) => {
  const { server, sync, signal, drained } = await followed(t);
  const present = (await sync.targets.get(key, signal))!;
  await sync.targets.replace(wanted({ A: "2" }), present, signal);
  server.put(resources.secrets, secret("db", { A: "evil" }, { metadata: { labels: managed } }));
  assert.deepEqual(await drained(), ["shop/db"]);
});

test("the watch may be faster than the answer to a write", async (t) => {
  const { server, sync, signal, drained } = await followed(t);
  const present = (await sync.targets.get(key, signal))!;
  // Written on the server, with an answer that never says so.
  server.fail({ verb: "update", plural: "secrets" }, "cut");
  const writing = sync.targets.replace(wanted({ A: "2" }), present, signal).catch((thrown: unknown) => thrown);
  assert.ok((await writing) instanceof Failure);
  await settle();
  assert.deepEqual(await drained(), ["shop/db"]);
});

test("after an outage of the watch only what has changed is told", async (t) => {
  const { server, clock, sync, signal, drained } = await followed(t);
  const present = (await sync.targets.get(key, signal))!;
  await sync.targets.replace(wanted({ A: "2" }), present, signal);
  assert.deepEqual(await drained(), []);
  const news = recorder<ObjectKey>((told) => sync.targets.onForeignChange(told));
  const watch = await server.watch("secrets");
  watch.end();
  server.compact("answer");
  server.put(resources.secrets, secret("end", { new: "1" }, { metadata: { labels: managed } }));
  while (news.length === 0) await clock.advance(1_000);
  assert.deepEqual(keysOf(news), ["shop/end"]);
});

test("the last writer is the newest manager, and of several in one second the foreign one", async (t) => {
  const { server, sync, signal } = await openSync(t);
  server.put(resources.secrets, secret("db", { A: "1" }), "helm");
  const read = async () => (await sync.targets.get(key, signal))!;
  assert.equal((await read()).lastWriter, "helm");
  await sync.targets.replace(wanted({ A: "2" }), await read(), signal);
  assert.equal((await read()).lastWriter, "externalsecrets.external-secrets.io/db");
  server.put(resources.secrets, secret("db", { A: "3" }), "mallory");
  assert.equal((await read()).lastWriter, "mallory");
  const body = server.find(resources.secrets, "shop", "db")!;
  const entry = (manager: string) => ({ manager, operation: "Update", time: "2026-01-01T00:00:00Z", apiVersion: "v1" });
  const ours = entry("externalsecrets.external-secrets.io/db");
  for (const managedFields of [
    [ours, entry("mallory")],
    [entry("mallory"), ours],
  ]) {
    const answer = { ...body, metadata: { ...body.metadata, managedFields } };
    server.fail({ verb: "get", plural: "secrets" }, { status: 200, body: answer });
    assert.equal((await read()).lastWriter, "mallory");
  }
  server.fail({ verb: "get", plural: "secrets" }, { status: 200, body: secret("db", {}) });
  assert.equal((await read()).lastWriter, "an unknown writer");
});
