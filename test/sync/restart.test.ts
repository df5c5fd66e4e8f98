/** What a new process makes of the Secrets and statuses that it finds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dataHash,
  dataHashAnnotation,
  syncedResourceVersion,
  wantedAnnotations,
  wantedLabels,
} from "../../plugin/sync/secret-shape.ts";
import { dataOf } from "../fakes/sync-world.ts";
import { at, externalSecret, hourMs, openHouse, openStartedHouse, type House, type Wish } from "./house.ts";

const password = (house: House): string | undefined => house.world.textOf(at("db"))?.PASSWORD;

test("a restart within the interval reads nothing, writes nothing, and moves no due time", async () => {
  const house = await openStartedHouse({});
  await house.advance(3 * hourMs);
  const phase: number[] = [];
  const watch = (): void => {
    house.reader.gate = async () => void phase.push(house.clock.nowMs() % hourMs);
  };
  watch();
  await house.advance(hourMs);
  const writes = house.world.writes.length;
  await house.restart();
  watch();
  assert.equal(house.reader.terms.length, 0);
  assert.equal(house.world.writes.length, writes);
  await house.advance(hourMs);
  assert.equal(phase.length, 2);
  assert.equal(phase[0], phase[1]);
  await house.sync.stop();
});

test("an untouched Secret is last-good after a restart: drift is undone while the store is down", async () => {
  const house = await openStartedHouse({});
  house.reader.refusal = "store_unreachable";
  await house.restart();
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.equal(password(house), "one");
  assert.equal(house.reader.terms.length, 0);
  await house.sync.stop();
});

test("a Secret that was edited while nobody looked is drift that waits for the store, and is told of", async () => {
  const house = await openStartedHouse({});
  await house.sync.stop();
  house.world.edit(at("db"), {
    data: dataOf({ PASSWORD: "evil" }),
    annotations: { [dataHashAnnotation]: dataHash(dataOf({ PASSWORD: "evil" })) },
  });
  house.reader.refusal = "store_unreachable";
  await house.restart();
  assert.equal(password(house), "evil");
  assert.match(house.ready("db"), /^False/);
  const told = house.world.events.filter((event) => event.reason === "SecretDrifted");
  assert.deepEqual(
    told.map((event) => event.message),
    ["secret edited by mallory: its content differs from what was written; not restored yet"],
  );
  house.reader.refusal = undefined;
  await house.advance(60_000);
  assert.equal(password(house), "one");
  assert.equal(house.reasons().filter((reason) => reason === "SecretDrifted").length, 1, "one edit is told once");
  await house.sync.stop();
});

test("a refresh that was missed while nothing ran is made at once", async () => {
  const house = await openStartedHouse({});
  await house.sync.stop();
  house.reader.secrets.set("db", { password: "two" });
  await house.clock.advance(5 * hourMs);
  await house.restart();
  assert.equal(password(house), "two");
  await house.sync.stop();
});

test("a change that was made while nothing ran is taken up at once", async () => {
  const house = await openStartedHouse({});
  await house.sync.stop();
  house.world.apply(externalSecret({ data: { PASSWORD: "db#password", USER: "db#user" } }));
  await house.restart();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one", USER: "app" });
  await house.sync.stop();
});

const unread: readonly { name: string; wish: Wish; then?: (house: House) => void; leaves: string | undefined }[] = [
  { name: "CreatedOnce is not read again", wish: { spec: { refreshPolicy: "CreatedOnce" } }, leaves: "one" },
  {
    name: "CreatedOnce is not read again, although it was changed meanwhile",
    wish: { spec: { refreshPolicy: "CreatedOnce" } },
    then: (house) =>
      house.world.apply(externalSecret({ spec: { refreshPolicy: "CreatedOnce" }, meta: { labels: { a: "1" } } })),
    leaves: "one",
  },
  { name: "OnChange is not read again", wish: { spec: { refreshPolicy: "OnChange" } }, leaves: "one" },
  { name: "interval 0 is not read again", wish: { spec: { refreshIntervalMs: 0 } }, leaves: "one" },
  {
    name: "a deleted Orphan is not made again before its refresh",
    wish: { target: { creationPolicy: "Orphan" }, spec: { refreshPolicy: "OnChange" } },
    then: (house) => house.world.deleteSecret(at("db")),
    leaves: undefined,
  },
];
for (const { name, wish, then, leaves } of unread)
  test(`after a restart ${name}`, async () => {
    const house = await openStartedHouse(wish);
    await house.sync.stop();
    house.reader.secrets.set("db", { password: "two" });
    then?.(house);
    await house.restart();
    await house.advance(5 * hourMs);
    assert.equal(password(house), leaves);
    assert.equal(house.reader.fetched.length, 0);
    await house.sync.stop();
  });

/** A Secret and a status as ESO leaves them: no digest. */
function leaveByEso(house: House, wish: Wish, values: Readonly<Record<string, string>>): void {
  const object = externalSecret(wish);
  const { meta } = object;
  const data = dataOf(values);
  house.world.edit(at("db"), {
    data,
    labels: wantedLabels(meta, true),
    annotations: { ...wantedAnnotations(meta), [dataHashAnnotation]: dataHash(data) },
    owner: "shop/db",
  });
  house.world.statusOf.set("shop/db", {
    refreshTime: "2025-12-31T23:59:00Z",
    syncedResourceVersion: syncedResourceVersion(meta),
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "SecretSynced",
        message: "secret synced",
        lastTransitionTime: "2025-12-01T00:00:00Z",
      },
    ],
    binding: { name: "db" },
  });
  house.world.apply(object);
}

test("an installation of ESO is taken over without writing a Secret", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  leaveByEso(house, { meta: { labels: { team: "a" }, annotations: { note: "b" } } }, { PASSWORD: "one" });
  house.sync.start();
  await house.rest();
  assert.deepEqual(house.world.writes, ["status shop/db"]);
  assert.equal(house.world.statusOf.get("shop/db")?.conditions[0]?.lastTransitionTime, "2025-12-01T00:00:00Z");
  assert.deepEqual(house.reasons(), []);
  await house.sync.stop();
});

test("an object of ESO that is not to be followed keeps its value, and is guarded by a digest from then on", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "two" });
  leaveByEso(house, { spec: { refreshPolicy: "CreatedOnce" } }, { PASSWORD: "one" });
  house.sync.start();
  await house.rest();
  assert.equal(house.reader.fetched.length, 0);
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.equal(password(house), "one");
  await house.sync.stop();
});

test("an old data hash of another kind is news, not drift", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  leaveByEso(house, {}, { PASSWORD: "one" });
  const before = house.world.secrets.get("shop/db")!;
  house.world.secrets.set("shop/db", {
    ...before,
    annotations: { [dataHashAnnotation]: "0123456789abcdef0123456789abcdef" },
  });
  house.sync.start();
  await house.rest();
  assert.deepEqual(house.reasons(), ["Updated"]);
  await house.sync.stop();
});
