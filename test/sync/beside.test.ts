/** What is left to other controllers: not a write, not an event, until it is ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreManifest } from "../../plugin/manifests/objects.ts";
import type { StoreItem } from "../../plugin/sync/stores/ports.ts";
import { at, externalSecret, hourMs, openHouse, type House, type HouseOptions, type Wish } from "./house.ts";

async function openBeside(wish: Wish = {}, options: HouseOptions = {}): Promise<House> {
  const house = openHouse(options);
  house.reader.secrets.set("db", { password: "one" });
  house.world.apply(externalSecret(wish));
  theyWrite(house);
  house.world.edit(at("db"), { data: new Map() });
  house.sync.start();
  await house.rest();
  return house;
}

/** ESO has just written the status. */
function theyWrite(house: House, newest = true): void {
  house.world.mark(at("db"), { statusWriter: { manager: "external-secrets", atMs: house.clock.nowMs(), newest } });
}

function assertUntouched(house: House): void {
  assert.deepEqual(house.world.writes, []);
  assert.deepEqual(house.world.events, []);
  assert.deepEqual(house.world.finalizerWrites, []);
  assert.deepEqual(house.reader.fetched, []);
}

test("an object that another controller syncs is observed only, and that is told once", async () => {
  const house = await openBeside({}, { cluster: true });
  for (let hour = 0; hour < 5; hour++) {
    await house.advance(hourMs);
    theyWrite(house);
    house.world.tamper(at("db"), { PASSWORD: "evil" });
    house.world.changeDependency();
    await house.rest();
  }
  assertUntouched(house);
  assert.deepEqual(house.logged, ["external secret left to another controller"]);
  assert.equal(
    house.counted.filter((line) => line.startsWith("left alone")).at(-1),
    'left alone {"other_controller":1,"other_class":0}',
  );
  assert.ok(!house.counted.some((line) => /^(sync|drift|condition)/.test(line)));
  await house.sync.stop();
  assert.equal(house.clock.pending, 0);
});

test("two intervals after the other's last write the object is synced here", async () => {
  const house = await openBeside();
  await house.advance(2 * hourMs - 1);
  assertUntouched(house);
  await house.advance(2_001);
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  assert.ok(house.logged.includes("external secret is synced here now"));
  assert.ok(house.counted.includes('left alone {"other_controller":0,"other_class":0}'));
  await house.sync.stop();
});

test("an object without an interval stays the other's until it is taken over", async () => {
  const wish: Wish = { spec: { refreshPolicy: "OnChange" } };
  const house = await openBeside(wish);
  await house.advance(100 * hourMs);
  assertUntouched(house);
  await house.sync.stop();
  const taking = await openBeside(wish, { takeOver: true });
  assert.deepEqual(taking.world.textOf(at("db")), { PASSWORD: "one" });
  await taking.sync.stop();
});

test("an object that another controller takes up is let go: nothing of it is counted or repaired any more", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.apply(externalSecret());
  house.sync.start();
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  theyWrite(house);
  await house.rest();
  const writes = house.world.writes.length;
  house.world.tamper(at("db"), { PASSWORD: "theirs" });
  await house.advance(hourMs);
  assert.equal(house.world.writes.length, writes);
  assert.ok(house.counted.includes("forget shop/db"));
  assert.deepEqual(house.reader.forgotten, ["shop/db"]);
  assert.deepEqual(house.reader.released, [], "its Secret stays, with what was made for it");
  await house.sync.stop();
});

test("an observed object that is deleted is none of ours: its finalizer and its Secret stay", async () => {
  const house = await openBeside({ target: { deletionPolicy: "Delete" } }, { cluster: true });
  house.world.mark(at("db"), { deleting: true, finalized: true });
  await house.advance(hourMs);
  assertUntouched(house);
  assert.ok(house.world.secrets.has("shop/db"));
  await house.sync.stop();
});

function store(controller?: string): StoreItem {
  const meta = { namespace: "shop", name: "vault", uid: "u", generation: 1, labels: {}, annotations: {} };
  const value: StoreManifest = {
    kind: "SecretStore",
    meta,
    ...(controller !== undefined && { controller }),
    provider: { kind: "vault", raw: {} },
    conditions: [],
    refreshIntervalMs: 0,
  };
  return { key: { kind: "SecretStore", namespace: "shop", name: "vault" }, meta, parsed: { ok: true, value } };
}

test("an object whose store is of another class is skipped without a word, and taken up when the class changes", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.putStore(store("eso"));
  house.world.apply(externalSecret());
  house.sync.start();
  await house.advance(5 * hourMs);
  assertUntouched(house);
  house.world.putStore(store());
  house.world.changeDependency({ store: store().key });
  await house.rest();
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  house.world.putStore(store("eso"));
  house.world.changeDependency({ store: store().key });
  await house.rest();
  const writes = house.world.writes.length;
  house.world.tamper(at("db"), { PASSWORD: "theirs" });
  await house.advance(hourMs);
  assert.equal(house.world.writes.length, writes);
  await house.sync.stop();
});

test("strict: a store without a class is nobody's", async () => {
  const house = openHouse({ strict: true });
  house.world.putStore(store());
  house.world.apply(externalSecret());
  house.sync.start();
  await house.advance(hourMs);
  assertUntouched(house);
  assert.deepEqual(await house.sync.settleOnce(new AbortController().signal), [], "what is left alone is not reported");
  await house.sync.stop();
});

test("a changed dependency moves only whom it is said to concern", async () => {
  const house = openHouse();
  for (const name of ["db", "other"]) house.reader.secrets.set(name, { password: "one" });
  house.world.apply(externalSecret());
  const elsewhere = {
    name: "other",
    data: { PASSWORD: "other#password" },
    store: { kind: "ClusterSecretStore", name: "all" },
  } as const;
  house.world.apply(externalSecret({ ...elsewhere, meta: { namespace: "bank" } }));
  house.sync.start();
  await house.rest();
  const read = async (change: Parameters<typeof house.world.changeDependency>[0]): Promise<readonly string[]> => {
    house.reader.terms.length = 0;
    house.world.changeDependency(change);
    await house.rest();
    return house.reader.terms.map(({ caller }) => caller.name).sort();
  };
  assert.deepEqual(await read({ namespace: "shop" }), ["db"]);
  assert.deepEqual(await read({ store: { kind: "ClusterSecretStore", namespace: "", name: "all" } }), ["other"]);
  assert.deepEqual(await read({ store: { kind: "SecretStore", namespace: "bank", name: "vault" } }), []);
  assert.deepEqual(await read({}), ["db", "other"]);
  await house.sync.stop();
});
