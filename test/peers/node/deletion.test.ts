/** What goes and what stays when an ExternalSecret, its source or its namespace goes; with the real garbage collector. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { objectPath, secretText } from "../kube/objects.ts";
import {
  beats,
  conditionOf,
  externalSecretPath,
  secretPath,
  startMetronome,
  startSyncWorld,
  type SyncWorld,
  untilData,
  untilEvent,
  untilReady,
  writesBy,
} from "./sync-world.ts";

const finalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup";
const collector = "system:serviceaccount:kube-system:generic-garbage-collector";

let world: SyncWorld;

before(async () => {
  world = await startSyncWorld({ namespaces: ["shop", "aside"] });
  await startMetronome(world, "aside");
});
after(() => world?.stop());

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const pathOf = (name: string, namespace = "shop"): string => secretPath(namespace, name);
const ownerPath = (name: string, namespace = "shop"): string => externalSecretPath(namespace, name);

/** A store of constants: what is not in `keys` is gone at the source. */
const writeStore = (name: string, keys: readonly string[], namespace = "shop"): Promise<unknown> =>
  world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata: { name, namespace },
    spec: { provider: { fake: { data: keys.map((key) => ({ key, value: `value of ${key}` })) } } },
  });

interface Wish {
  readonly store: string;
  readonly keys?: readonly string[];
  readonly target?: object;
  readonly annotations?: Record<string, string>;
  readonly namespace?: string;
}

/** With a store of the same keys unless it names one. */
async function make(name: string, wish: Wish): Promise<void> {
  const { store, keys = ["a"], target = {}, annotations = {}, namespace = "shop" } = wish;
  await world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name, namespace, annotations },
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { name: store },
      target,
      data: keys.map((key) => ({ secretKey: key, remoteRef: { key } })),
    },
  });
  await untilReady(world.admin, ownerPath(name, namespace), "True");
}

const deleters = async (name: string): Promise<readonly string[]> =>
  (await world.cluster.auditEvents({ verb: "delete", resource: "secrets", name, status: 200 })).map(({ user }) => user);

describe("an ExternalSecret is deleted", () => {
  before(() => writeStore("constants", ["a", "b"]));

  test("its finalizer is there from the first sync, and no other is touched", async () => {
    await make("held", { store: "constants" });
    await world.admin.waitFor(ownerPath("held"), ({ metadata }) => metadata.finalizers?.includes(finalizer));
    const add = [{ op: "add", path: "/metadata/finalizers/-", value: "example.com/of-others" }];
    await world.admin.patch(ownerPath("held"), add, "json");
    await world.admin.remove(ownerPath("held"));
    await world.admin.waitFor(ownerPath("held"), ({ metadata }) => !metadata.finalizers?.includes(finalizer));
    assert.deepEqual((await world.admin.get(ownerPath("held"))).metadata.finalizers, ["example.com/of-others"]);
    await world.admin.patch(ownerPath("held"), { metadata: { finalizers: null } });
    await world.admin.waitGone(ownerPath("held"));
  });

  test("Owner: the garbage collector takes its Secret, and keyferry forgets it", async () => {
    await make("owned", { store: "constants" });
    await world.admin.remove(ownerPath("owned"));
    await world.admin.waitGone(ownerPath("owned"));
    await world.admin.waitGone(pathOf("owned"));
    assert.deepEqual(await deleters("owned"), [collector]);
    assert.equal(await world.node.metric("externalsecrets_sync_calls_total", { name: "owned" }), undefined);
  });

  test("Owner with deletionPolicy Delete: keyferry deletes it before it lets the owner go", async () => {
    await make("policy", { store: "constants", target: { deletionPolicy: "Delete" } });
    await world.admin.remove(ownerPath("policy"), "Orphan");
    await world.admin.waitGone(ownerPath("policy"));
    assert.equal(await world.admin.find(pathOf("policy")), undefined);
    assert.deepEqual(await deleters("policy"), [world.node.user]);
  });

  test("kubectl delete --cascade=orphan: the Secret stays without an owner", async () => {
    await make("cascade", { store: "constants" });
    await world.admin.remove(ownerPath("cascade"), "Orphan");
    await world.admin.waitGone(ownerPath("cascade"));
    await beats(world, 2);
    assert.equal((await world.admin.get(pathOf("cascade"))).metadata.ownerReferences, undefined);
  });

  for (const creationPolicy of ["Orphan", "CreateOrMerge"])
    test(`${creationPolicy}: the Secret stays`, async () => {
      const name = creationPolicy.toLowerCase();
      await make(name, { store: "constants", target: { creationPolicy } });
      await world.admin.remove(ownerPath(name));
      await world.admin.waitGone(ownerPath(name));
      await beats(world, 2);
      assert.deepEqual(secretText(await world.admin.get(pathOf(name))), { a: "value of a" });
    });

  test("Merge into a foreign Secret: filled beside its own keys, left to its owner at the end", async () => {
    await world.admin.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "foreign", namespace: "shop", labels: { app: "theirs" } },
      data: { own: base64("theirs") },
    });
    await make("filler", { store: "constants", target: { name: "foreign", creationPolicy: "Merge" } });
    const filled = await untilData(world.admin, pathOf("foreign"), { own: "theirs", a: "value of a" });
    assert.equal(filled.metadata.ownerReferences, undefined);
    assert.equal(filled.metadata.labels?.["app"], "theirs");
    await world.admin.remove(ownerPath("filler"));
    await world.admin.waitGone(ownerPath("filler"));
    await beats(world, 2);
    assert.equal(secretText(await world.admin.get(pathOf("foreign")))["own"], "theirs");
  });

  test("while keyferry does not run: it lets go at the next start", async () => {
    await make("late", { store: "constants", target: { deletionPolicy: "Delete" } });
    await world.restart(async () => {
      await world.admin.remove(ownerPath("late"));
      const waiting = await world.admin.get(ownerPath("late"));
      assert.ok(waiting.metadata.deletionTimestamp);
    });
    await world.admin.waitGone(ownerPath("late"));
    await world.admin.waitGone(pathOf("late"));
  });

  test("while it is paused: nothing goes before the pause is taken away", async () => {
    const pause = { "keyferry.dev/pause-until": new Date(Date.now() + 3_600_000).toISOString() };
    await make("paused", { store: "constants", target: { deletionPolicy: "Delete" } });
    await world.admin.patch(ownerPath("paused"), { metadata: { annotations: pause } });
    await world.admin.waitFor(ownerPath("paused"), (object) => conditionOf(object, "Paused"));
    await world.admin.remove(ownerPath("paused"));
    await beats(world, 2);
    await world.admin.get(pathOf("paused"));
    await world.admin.patch(ownerPath("paused"), {
      metadata: { annotations: { "keyferry.dev/pause-until": null } },
    });
    await world.admin.waitGone(ownerPath("paused"));
    await world.admin.waitGone(pathOf("paused"));
  });

  test("renamed target: the new Secret first, then the old one goes", async () => {
    await make("renamed", { store: "constants", target: { name: "before" } });
    await world.admin.patch(ownerPath("renamed"), { spec: { target: { name: "after" } } });
    await world.admin.waitGone(pathOf("before"));
    assert.deepEqual(secretText(await world.admin.get(pathOf("after"))), { a: "value of a" });
    const writes = await writesBy(world, { resource: "secrets", namespace: "shop" });
    assert.deepEqual(
      writes.filter(({ name }) => ["before", "after"].includes(name)).map(({ verb, name }) => `${verb} ${name}`),
      ["create before", "create after", "delete before"],
    );
    await untilEvent(world.admin, "shop", "renamed", "Deleted", /because it was orphaned/);
  });

  test("a whole namespace ends although its ExternalSecrets have finalizers", async () => {
    await world.admin.createNamespace("leaving");
    await writeStore("constants", ["a"], "leaving");
    for (const [name, deletionPolicy] of [
      ["one", "Retain"],
      ["two", "Delete"],
    ] as const)
      await make(name, { store: "constants", target: { deletionPolicy }, namespace: "leaving" });
    const sinceMs = Date.now();
    await world.admin.remove(objectPath("v1", "namespaces", undefined, "leaving"));
    await world.admin.waitGone(objectPath("v1", "namespaces", undefined, "leaving"), 30_000);
    const writes = await writesBy(world, { namespace: "leaving", resource: "secrets", sinceMs });
    const made = writes.filter(({ verb }) => verb === "create").map(({ name, status }) => `${name} ${status}`);
    assert.ok(made.length <= 1, `Secrets of an ending namespace were made again: ${made.join(", ")}`);
  });
});

describe("the source is gone", () => {
  test("Retain: the sync fails and names the entry, the Secret stays", async () => {
    await writeStore("retain", ["a"]);
    await make("retain", { store: "retain" });
    await writeStore("retain", ["other"]);
    const failed = await untilReady(world.admin, ownerPath("retain"), "False", /\[ref_not_found\]/);
    assert.match(conditionOf(failed)!.message!, /spec\.data\[0\].*"a"/);
    assert.deepEqual(secretText(await world.admin.get(pathOf("retain"))), { a: "value of a" });
  });

  test("Delete: the Secret goes and comes back with its source", async () => {
    await writeStore("delete", ["a"]);
    await make("delete", { store: "delete", target: { deletionPolicy: "Delete" } });
    await writeStore("delete", ["other"]);
    await world.admin.waitGone(pathOf("delete"));
    const gone = await untilReady(world.admin, ownerPath("delete"), "True", /DeletionPolicy=Delete/);
    assert.equal(conditionOf(gone)!.reason, "SecretDeleted");
    await untilEvent(world.admin, "shop", "delete", "Deleted", /due to DeletionPolicy=Delete/);
    await untilEvent(world.admin, "shop", "delete", "MissingProviderSecret");
    await writeStore("delete", ["a"]);
    await untilData(world.admin, pathOf("delete"), { a: "value of a" });
  });

  test("Merge: one entry that is gone is taken out, the Secret and the rest stay", async () => {
    await writeStore("merge", ["a", "b"]);
    await make("merge", { store: "merge", keys: ["a", "b"], target: { deletionPolicy: "Merge" } });
    await untilData(world.admin, pathOf("merge"), { a: "value of a", b: "value of b" });
    await writeStore("merge", ["b"]);
    await untilData(world.admin, pathOf("merge"), { b: "value of b" });
    await untilReady(world.admin, ownerPath("merge"), "True");
  });

  test("a store that suddenly knows nothing: one Secret goes, the others are held until that is confirmed", async () => {
    const names = Array.from({ length: 5 }, (_, i) => `mass-${i}`);
    await writeStore("mass", ["a"]);
    for (const name of names) await make(name, { store: "mass", target: { deletionPolicy: "Delete" } });
    await writeStore("mass", ["other"]);
    const there = async (): Promise<readonly string[]> => {
      const found = await Promise.all(names.map((name) => world.admin.find(pathOf(name))));
      return names.filter((_, i) => found[i] !== undefined);
    };
    const held = async (): Promise<readonly string[]> => {
      const found = await Promise.all(names.map((name) => world.admin.get(ownerPath(name))));
      return names.filter((_, i) => /\[deletion_held\]/.test(conditionOf(found[i]!)?.message ?? ""));
    };
    await world.admin.waitFor(ownerPath(names[0]!), async () => (await held()).length === 4);
    await beats(world, 2);
    const left = await there();
    assert.deepEqual(left, await held());
    await untilEvent(world.admin, "shop", left[0]!, "DeletionHeld");
    await world.admin.patch(ownerPath(left[0]!), {
      metadata: { annotations: { "keyferry.dev/allow-mass-delete": "true" } },
    });
    await world.admin.waitGone(pathOf(left[0]!));
    await writeStore("mass", ["a"]);
    for (const name of names) await untilReady(world.admin, ownerPath(name), "True", /^secret synced$/);
    assert.deepEqual(await there(), names);
  });
});
