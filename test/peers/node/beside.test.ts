/**
 * External Secrets Operator, or whoever writes an ExternalSecret's status, in the same cluster: its objects are observed
 * and nothing else, and taken up when it stops or when that is asked for, without a Secret being rewritten.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { createdBy, dataHash } from "../../../plugin/sync/secret-shape.ts";
import { until } from "../../scenario/program.ts";
import type { KubeAdmin } from "../kube/admin.ts";
import { secretText } from "../kube/objects.ts";
import {
  beats,
  eventsOn,
  externalSecretPath,
  secretPath,
  startMetronome,
  startSyncWorld,
  type SyncWorld,
  untilData,
  untilReady,
  writesBy,
} from "./sync-world.ts";

const finalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup";

let world: SyncWorld;
/** The controller's account, under its field manager. */
let eso: KubeAdmin;

before(async () => {
  world = await startSyncWorld({ namespaces: ["shop", "aside"] });
  eso = world.admin.as("system:serviceaccount:external-secrets:external-secrets", { manager: "external-secrets" });
  await writeStore("constants");
  await writeStore("elsewhere", "another-class");
  await startMetronome(world, "aside");
});
after(() => world?.stop());

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const ownerPath = (name: string): string => externalSecretPath("shop", name);
const targetPath = (name: string): string => secretPath("shop", name);

const writeStore = (name: string, controller?: string): Promise<unknown> =>
  world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata: { name, namespace: "shop" },
    spec: { ...(controller && { controller }), provider: { fake: { data: [{ key: "password", value: "right" }] } } },
  });

/** An ExternalSecret whose Secret and status are as that controller leaves them after a sync. */
async function syncedByEso(name: string, spec: object = {}): Promise<void> {
  await world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name, namespace: "shop" },
    spec: {
      refreshInterval: "2s",
      secretStoreRef: { name: "constants" },
      data: [{ secretKey: "password", remoteRef: { key: "password" } }],
      ...spec,
    },
  });
  const owner = await eso.patch(ownerPath(name), { metadata: { finalizers: [finalizer] } });
  await eso
    .as("system:serviceaccount:external-secrets:external-secrets", {
      manager: `externalsecrets.external-secrets.io/${name}`,
    })
    .create({
      apiVersion: "v1",
      kind: "Secret",
      type: "Opaque",
      metadata: {
        name,
        namespace: "shop",
        labels: {
          "reconcile.external-secrets.io/managed": "true",
          "reconcile.external-secrets.io/created-by": createdBy({ namespace: "shop", name }),
        },
        annotations: {
          "reconcile.external-secrets.io/data-hash": dataHash(new Map([["password", SecretValue.fromText("right")]])),
        },
        ownerReferences: [
          {
            apiVersion: "external-secrets.io/v1",
            kind: "ExternalSecret",
            name,
            uid: owner.metadata.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      data: { password: base64("right") },
    });
  await refreshedByEso(name);
}

async function refreshedByEso(name: string): Promise<void> {
  const time = `${new Date().toISOString().slice(0, 19)}Z`;
  const ready = { type: "Ready", status: "True", reason: "SecretSynced", message: "secret synced" };
  const object = await eso.get(ownerPath(name));
  const conditions = [{ ...ready, lastTransitionTime: time }];
  await eso.replace({ ...object, status: { refreshTime: time, conditions, binding: { name } } }, "status");
}

const leftAlone = async (reason: string): Promise<number> =>
  (await world.node.metric("keyferry_externalsecrets_left_alone", { reason })) ?? 0;

/** What keyferry wrote to an ExternalSecret, its Secret or about it. */
async function traces(name: string): Promise<readonly string[]> {
  const writes = await writesBy(world, { namespace: "shop" });
  const events = await eventsOn(world.admin, "shop", name);
  return [
    ...writes.filter((one) => one.name === name).map(({ verb, resource }) => `${verb} ${resource}`),
    ...events.map(({ reason }) => `event ${reason}`),
  ];
}

describe("while the other controller lives", () => {
  before(() =>
    world.restart(async () => {
      for (const name of ["alive", "tampered", "deleted", "ending"]) await syncedByEso(name, { refreshInterval: "1h" });
      await syncedByEso("once", { refreshPolicy: "CreatedOnce" });
      await syncedByEso("never", { refreshInterval: "0" });
    }),
  );

  test("its objects are counted as left alone", async () => {
    await until(async () => (await leftAlone("other_controller")) >= 6);
  });

  test("an edit of its Secret is its own business, and so is the end of its object", async () => {
    await world.admin.as("mallory").patch(targetPath("tampered"), { data: { password: base64("edited") } });
    await world.admin.remove(ownerPath("deleted"));
    await beats(world, 2);
    assert.deepEqual(secretText(await world.admin.get(targetPath("tampered"))), { password: "edited" });
    assert.deepEqual((await world.admin.get(ownerPath("deleted"))).metadata.finalizers, [finalizer]);
    await eso.patch(ownerPath("deleted"), { metadata: { finalizers: null } });
    await world.admin.waitGone(ownerPath("deleted"));
  });

  test("a change of the spec is left to it", async () => {
    await world.admin.patch(ownerPath("alive"), { metadata: { labels: { team: "shop" } } });
    await beats(world, 2);
    await refreshedByEso("alive");
    await beats(world, 1);
  });

  test("nothing was written: no Secret, no status, no finalizer, no event", async () => {
    for (const name of ["alive", "tampered", "deleted", "once", "never"])
      assert.deepEqual(await traces(name), [], name);
  });
});

describe("when the other controller stops", () => {
  test("an object is taken up two intervals after its last sign of life, and its Secret is not rewritten", async () => {
    const { resourceVersion } = (await world.admin.get(targetPath("ending"))).metadata;
    await refreshedByEso("ending");
    const lastMs = Date.now();
    await world.admin.patch(ownerPath("ending"), { spec: { refreshInterval: "2s" } });
    await world.admin.waitFor(ownerPath("ending"), ({ status }) => status?.["keyferry"]);
    const [first] = await writesBy(world, { namespace: "shop", name: "ending" });
    // Times of managedFields are whole seconds, so the last sign may look a second older.
    assert.ok(first!.atMs - lastMs > 4_000 - 1_000, `${first!.atMs - lastMs} ms after the last sign of life`);
    await untilReady(world.admin, ownerPath("ending"), "True", /^secret synced$/);
    assert.equal((await world.admin.get(targetPath("ending"))).metadata.resourceVersion, resourceVersion);
  });

  test("from then on it is ours: drift is repaired", async () => {
    await world.admin.as("mallory").patch(targetPath("ending"), { data: { password: base64("evil") } });
    await untilData(world.admin, targetPath("ending"), { password: "right" });
  });

  test("comes back: it is let go again", async () => {
    const count = await leftAlone("other_controller");
    await refreshedByEso("ending");
    await until(async () => (await leftAlone("other_controller")) === count + 1);
  });
});

describe("--sync-take-over", () => {
  test("takes all of them up at once, and rewrites no Secret that is as it should be", async () => {
    const versions = new Map<string, string | undefined>();
    for (const name of ["alive", "once", "never"])
      versions.set(name, (await world.admin.get(targetPath(name))).metadata.resourceVersion);
    for (const name of versions.keys()) await refreshedByEso(name);
    await world.restart(undefined, ["--sync-take-over"]);
    for (const name of ["alive", "once", "never", "tampered"])
      await world.admin.waitFor(ownerPath(name), ({ status }) => status?.["keyferry"]);
    await untilData(world.admin, targetPath("tampered"), { password: "right" });
    for (const name of ["once", "never"])
      assert.equal((await world.admin.get(targetPath(name))).metadata.resourceVersion, versions.get(name), name);
    assert.equal(await leftAlone("other_controller"), 0);
  });
});

describe("controller classes", () => {
  test("what reads through a store of another class is left alone, and its store too", async () => {
    await world.admin.apply({
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: "elsewhere", namespace: "shop" },
      spec: { secretStoreRef: { name: "elsewhere" }, data: [{ secretKey: "a", remoteRef: { key: "password" } }] },
    });
    await until(async () => (await leftAlone("other_class")) === 1);
    assert.deepEqual(await traces("elsewhere"), []);
    await writeStore("elsewhere", "default");
    await untilData(world.admin, targetPath("elsewhere"), { a: "right" });
    assert.equal(await leftAlone("other_class"), 0);
  });
});
