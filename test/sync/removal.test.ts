/** The end of an ExternalSecret on an API server: its finalizer, and who deletes its Secrets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { rfc3339 } from "../../plugin/sync/status.ts";
import { at, externalSecret, hourMs, openHouse, type House, type Wish } from "./house.ts";

async function openCluster(wish: Wish = {}): Promise<House> {
  const house = openHouse({ cluster: true });
  house.reader.secrets.set("db", { password: "one" });
  if (wish.target?.creationPolicy === "Merge") house.world.edit(at("db"), {});
  house.world.apply(externalSecret(wish));
  house.world.mark(at("db"), { finalized: false });
  house.sync.start();
  await house.rest();
  return house;
}

/** kubectl delete. */
async function remove(house: House): Promise<void> {
  house.world.mark(at("db"), { deleting: true });
  await house.rest();
}

test("an object gets ESO's finalizer before its Secret is written, once", async () => {
  const house = await openCluster();
  assert.deepEqual(house.world.finalizerWrites, ["finalize shop/db"]);
  assert.deepEqual(house.world.writes, ["create shop/db", "status shop/db"]);
  house.world.annotate(at("db"), { "keyferry.dev/force-sync": "1" });
  await house.advance(10_000_000);
  assert.deepEqual(house.world.finalizerWrites, ["finalize shop/db"]);
  await house.sync.stop();
});

test("a finalizer that cannot be added does not hold up the sync", async () => {
  const house = openHouse({ cluster: true });
  house.reader.secrets.set("db", { password: "one" });
  house.world.finalizers.add = async () => {
    throw new Failure("kube_unavailable", "no");
  };
  house.world.apply(externalSecret());
  house.world.mark(at("db"), { finalized: false });
  house.sync.start();
  await house.rest();
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  assert.ok(house.logged.includes("finalizer not added"));
  await house.sync.stop();
});

const ends: readonly { name: string; wish: Wish; deletes: boolean }[] = [
  { name: "Owner, Retain: the garbage collector's", wish: {}, deletes: false },
  {
    name: "Owner, Delete: deleted before the finalizer goes",
    wish: { target: { deletionPolicy: "Delete" } },
    deletes: true,
  },
  { name: "Owner, Merge", wish: { target: { deletionPolicy: "Merge" } }, deletes: false },
  { name: "Orphan", wish: { target: { creationPolicy: "Orphan" } }, deletes: false },
  { name: "Merge", wish: { target: { creationPolicy: "Merge" } }, deletes: false },
];

for (const { name, wish, deletes } of ends)
  test(`deleted: ${name}`, async () => {
    const house = await openCluster(wish);
    await remove(house);
    assert.deepEqual(house.world.finalizerWrites, ["finalize shop/db", "release shop/db"]);
    assert.equal(house.world.secrets.has("shop/db"), !deletes);
    assert.ok(house.counted.includes("forget shop/db"));
    assert.equal(house.reader.released.length, 1);
    house.world.deleteSecret(at("db"));
    await house.advance(10_000_000);
    assert.equal(house.world.secrets.has("shop/db"), false, "it is not made again");
    await house.sync.stop();
    assert.equal(house.clock.pending, 0);
  });

test("deleted while it is paused: it waits, in a process that starts meanwhile too, until the pause is taken away", async () => {
  const house = await openCluster({ target: { deletionPolicy: "Delete" } });
  house.world.annotate(at("db"), { "keyferry.dev/pause-until": rfc3339(house.clock.nowMs() + hourMs) });
  await house.rest();
  await remove(house);
  assert.ok(house.world.secrets.has("shop/db"));
  await house.restart();
  assert.ok(house.world.secrets.has("shop/db"));
  house.world.annotate(at("db"), {});
  house.world.mark(at("db"), { deleting: true, finalized: true });
  await house.rest();
  assert.equal(house.world.secrets.has("shop/db"), false);
  assert.equal(house.world.finalizerWrites.at(-1), "release shop/db");
  await house.sync.stop();
});

test("a Secret that another took over in the meantime stays", async () => {
  const house = await openCluster({ target: { deletionPolicy: "Delete" } });
  house.world.beforeWrite = (what) => (what.startsWith("replace") ? { because: "forbidden" } : undefined);
  house.world.edit(at("db"), { owner: "shop/other", ownerUid: "o" });
  await remove(house);
  assert.ok(house.world.secrets.has("shop/db"));
  assert.equal(house.world.finalizerWrites.at(-1), "release shop/db");
  await house.sync.stop();
});

test("a deletion that is refused keeps the finalizer and is tried again", async () => {
  const house = await openCluster({ target: { deletionPolicy: "Delete" } });
  house.world.beforeWrite = (what) => (what.startsWith("remove") ? { because: "forbidden" } : undefined);
  await remove(house);
  assert.deepEqual(house.world.finalizerWrites, ["finalize shop/db"]);
  house.world.beforeWrite = () => undefined;
  await house.advance(5_000);
  assert.equal(house.world.finalizerWrites.at(-1), "release shop/db");
  assert.equal(house.world.secrets.has("shop/db"), false);
  await house.sync.stop();
});

test("an object that came into this process while being deleted is neither synced nor finalized again", async () => {
  const house = openHouse({ cluster: true });
  house.reader.secrets.set("db", { password: "one" });
  house.world.apply(externalSecret());
  house.world.mark(at("db"), { deleting: true, finalized: false });
  house.sync.start();
  await house.advance(10_000_000);
  assert.deepEqual([house.world.writes, house.world.finalizerWrites, house.reader.fetched], [[], [], []]);
  await house.sync.stop();
});

test("an object that is gone without a finalizer takes nothing with it: kubectl delete --cascade=orphan means that", async () => {
  const house = await openCluster();
  house.world.edit(at("db"), { owner: undefined as never, ownerUid: undefined as never });
  house.world.delete(at("db"));
  await house.rest();
  assert.ok(house.world.secrets.has("shop/db"));
  await house.sync.stop();
});

test("a Merge target that is waited for is found within a minute, although no watch tells of it", async () => {
  const house = openHouse({ cluster: true });
  house.reader.secrets.set("db", { password: "one" });
  house.world.apply(externalSecret({ target: { creationPolicy: "Merge" } }));
  house.sync.start();
  await house.rest();
  assert.match(house.ready("db"), /^True SecretMissing/);
  house.world.secrets.set("shop/db", {
    namespace: "shop",
    name: "db",
    type: "Opaque",
    immutable: false,
    labels: {},
    annotations: {},
    data: new Map(),
    resourceVersion: "900",
    lastWriter: "helm",
  });
  await house.advance(60_000);
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  assert.equal(house.reader.fetched.length, 1, "nothing was read for it");
  await house.sync.stop();
});
