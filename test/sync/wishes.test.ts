/** Annotations, targets that several want, renamed targets, deletions in numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rfc3339 } from "../../plugin/sync/status.ts";
import { at, externalSecret, hourMs, openHouse, openStartedHouse, type House, type Wish } from "./house.ts";

const password = (house: House, name = "db"): string | undefined => house.world.textOf(at(name))?.PASSWORD;
const pausedUntil = (house: House, ms: number): Record<string, string> => ({
  "keyferry.dev/pause-until": rfc3339(house.clock.nowMs() + ms),
});

test("a pause stops repair and refresh, shows itself, and ends by itself", async () => {
  const house = await openStartedHouse({});
  house.world.annotate(at("db"), pausedUntil(house, 2 * hourMs));
  await house.rest();
  house.world.tamper(at("db"), { PASSWORD: "emergency" });
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(2 * hourMs - 1_000);
  assert.equal(password(house), "emergency");
  const conditions = house.world.statusOf.get("shop/db")!.conditions;
  assert.deepEqual(
    conditions.map((one) => `${one.type}=${one.status}`),
    ["Ready=True", "Paused=True"],
  );
  assert.ok(house.counted.includes("condition shop/db Paused=True"));
  await house.advance(1_000);
  assert.equal(password(house), "two");
  assert.equal(house.world.statusOf.get("shop/db")!.conditions.length, 1);
  await house.sync.stop();
});

test("a pause ends early when its annotation goes", async () => {
  const house = await openStartedHouse({});
  house.world.annotate(at("db"), pausedUntil(house, hourMs));
  await house.rest();
  house.world.tamper(at("db"), { PASSWORD: "emergency" });
  house.world.annotate(at("db"), {});
  await house.rest();
  assert.equal(password(house), "one");
  await house.sync.stop();
});

test("a pause holds up the deletion of the Secret of a deleted object too", async () => {
  const house = await openStartedHouse({});
  house.world.annotate(at("db"), pausedUntil(house, hourMs));
  await house.rest();
  house.world.delete(at("db"));
  await house.advance(hourMs - 1_000);
  assert.equal(password(house), "one");
  await house.advance(1_000);
  assert.equal(password(house), undefined);
  await house.sync.stop();
});

const refused: readonly { annotation: string; value: string; says: RegExp }[] = [
  {
    annotation: "pause-until",
    value: "2031-01-01T00:00:00Z",
    says: /\[manifest_invalid\] metadata.annotations\[keyferry.dev\/pause-until\]: must be at most 24 hours ahead/,
  },
  { annotation: "dry-run", value: "true", says: /\[manifest_invalid\] .*dry-run\]: not supported yet; remove it/ },
];
for (const { annotation, value, says } of refused)
  test(`an annotation that cannot be followed stops the object, not its Secret: ${annotation}`, async () => {
    const house = await openStartedHouse({});
    house.world.annotate(at("db"), { [`keyferry.dev/${annotation}`]: value });
    house.reader.secrets.set("db", { password: "two" });
    await house.advance(2 * hourMs);
    assert.match(house.ready("db"), says);
    assert.equal(password(house), "one");
    house.world.annotate(at("db"), {});
    await house.rest();
    assert.equal(password(house), "two");
    await house.sync.stop();
  });

test("max-stale of the object goes to the read path", async () => {
  const house = await openStartedHouse(
    { meta: { annotations: { "keyferry.dev/max-stale": "1h" } } },
    { name: "other" },
  );
  assert.deepEqual(
    house.reader.terms.map((terms) => terms.maxStaleMs),
    [hourMs, 24 * hourMs],
  );
  await house.sync.stop();
});

test("drift of an Orphan is told and left; the repair annotation undoes it", async () => {
  const orphan: Wish = { target: { creationPolicy: "Orphan" }, spec: { refreshPolicy: "OnChange" } };
  const house = await openStartedHouse(orphan);
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.advance(hourMs);
  assert.equal(password(house), "evil");
  assert.match(house.world.events.at(-1)!.message, /left as it is, as creationPolicy is Orphan$/);
  house.world.annotate(at("db"), { "keyferry.dev/repair": "true" });
  await house.rest();
  assert.equal(password(house), "one");
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.advance(1_000);
  assert.equal(password(house), "one");
  await house.sync.stop();
});

test("the second owner of a target is refused, and takes over by itself when the first goes", async () => {
  const house = await openStartedHouse({}, { name: "second", target: { name: "db" }, data: { PASSWORD: "db#user" } });
  assert.match(
    house.ready("second"),
    /^False SecretSyncedError target is owned by another ExternalSecret: \[target_conflict\] Secret db belongs to ExternalSecret shop\/db/,
  );
  await house.advance(3 * hourMs);
  assert.equal(password(house), "one");
  house.world.delete(at("db"));
  await house.rest();
  assert.equal(password(house), "app");
  assert.match(house.ready("second"), /^True/);
  await house.sync.stop();
});

test("whoever waits for a key gets it as soon as its holder gives it up", async () => {
  const merge = { name: "shared", creationPolicy: "Merge" } as const;
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one", user: "app" });
  house.world.edit(at("shared"), {});
  house.world.apply(externalSecret({ name: "a", target: merge }));
  house.sync.start();
  await house.rest();
  house.world.apply(externalSecret({ name: "b", target: merge, data: { PASSWORD: "db#user" } }));
  await house.advance(10 * 60_000);
  assert.match(house.ready("b"), /\[target_conflict\] key PASSWORD of Secret shared belongs to ExternalSecret shop\/a/);
  house.world.apply(externalSecret({ name: "a", target: merge, data: { OTHER: "db#password" } }));
  await house.rest();
  assert.deepEqual(house.world.textOf(at("shared")), { PASSWORD: "app", OTHER: "one" });
  assert.match(house.ready("b"), /^True/);
  await house.sync.stop();
});

test("a renamed target is free for whoever waits for it", async () => {
  const house = await openStartedHouse({}, { name: "second", target: { name: "db" }, data: { PASSWORD: "db#user" } });
  await house.advance(10 * 60_000);
  house.world.apply(externalSecret({ target: { name: "renamed" } }));
  await house.rest();
  assert.deepEqual([password(house), password(house, "renamed")], ["app", "one"]);
  await house.sync.stop();
});

test("a conflict with another controller ends with that controller", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.edit(at("db"), { foreignController: "SealedSecret/db" });
  house.world.apply(externalSecret());
  house.sync.start();
  await house.rest();
  assert.match(house.ready("db"), /\[target_conflict\] Secret db belongs to SealedSecret\/db/);
  house.world.deleteSecret(at("db"));
  await house.rest();
  assert.equal(password(house), "one");
  await house.sync.stop();
});

test("two ExternalSecrets that merge the same key never take turns", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one", user: "app" });
  house.world.edit(at("db"), {});
  for (const [name, property] of [
    ["b", "password"],
    ["a", "user"],
  ])
    house.world.apply(
      externalSecret({
        name: name!,
        target: { name: "db", creationPolicy: "Merge" },
        data: { PASSWORD: `db#${property}` },
      }),
    );
  house.sync.start();
  await house.rest();
  await house.advance(10 * 60_000);
  const settledOn = password(house);
  const writes = house.world.writes.length;
  await house.advance(3 * hourMs);
  assert.equal(password(house), settledOn);
  assert.deepEqual(
    house.world.writes.slice(writes).filter((text) => text.startsWith("replace")),
    [],
  );
  assert.deepEqual(["a", "b"].map((name) => house.ready(name).split(" ")[0]).sort(), ["False", "True"]);
  await house.restart();
  await house.advance(3 * hourMs);
  assert.equal(password(house), settledOn, "a restart does not turn it round");
  await house.sync.stop();
});

test("an owner and a filler of other keys share a Secret in peace", async () => {
  const house = await openStartedHouse(
    {},
    { name: "filler", target: { name: "db", creationPolicy: "Merge" }, data: { MORE: "db#user" } },
  );
  await house.advance(3 * hourMs);
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one", MORE: "app" });
  const writes = house.world.writes.filter((text) => !text.startsWith("status")).length;
  await house.advance(3 * hourMs);
  assert.equal(house.world.writes.filter((text) => !text.startsWith("status")).length, writes);
  assert.ok(!house.reasons().includes("SecretDrifted"));
  await house.sync.stop();
});

test("a renamed target: the new Secret is written, then the old one goes", async () => {
  const house = await openStartedHouse({});
  house.world.apply(externalSecret({ target: { name: "renamed" } }));
  await house.rest();
  assert.deepEqual([password(house), password(house, "renamed")], [undefined, "one"]);
  assert.deepEqual(
    house.world.writes.filter((text) => !text.startsWith("status")),
    ["create shop/db", "create shop/renamed", "remove shop/db"],
  );
  assert.ok(house.world.events.some((event) => event.message === "secret deleted because it was orphaned"));
  await house.sync.stop();
});

test("a target renamed while nothing ran leaves no Secret behind", async () => {
  const house = await openStartedHouse({});
  await house.sync.stop();
  house.world.apply(externalSecret({ target: { name: "renamed" } }));
  await house.restart();
  assert.deepEqual([password(house), password(house, "renamed")], [undefined, "one"]);
  await house.sync.stop();
});

test("a renamed target whose read fails leaves the old Secret in place", async () => {
  const house = await openStartedHouse({});
  await house.advance(1_000);
  house.reader.refusal = "store_denied";
  house.world.apply(externalSecret({ target: { name: "renamed" } }));
  await house.advance(2 * hourMs);
  assert.deepEqual([password(house), password(house, "renamed")], ["one", undefined]);
  await house.sync.stop();
});

test("a deleted object takes with it only what is still its own", async () => {
  const house = await openStartedHouse({});
  const { owner: _, ...given } = house.world.secrets.get("shop/db")!;
  house.world.secrets.set("shop/db", { ...given, foreignController: "SealedSecret/db" });
  house.world.delete(at("db"));
  await house.rest();
  assert.equal(password(house), "one");
  assert.ok(house.counted.includes("forget shop/db"));
  assert.deepEqual(house.reader.forgotten, ["shop/db"]);
  await house.sync.stop();
});

/** 40 objects of one store, all with deletionPolicy Delete; then the store knows nothing any more. */
async function openEmptiedStore(): Promise<House> {
  const house = openHouse();
  for (let i = 0; i < 40; i++) {
    house.reader.secrets.set(`k${i}`, { password: "one" });
    house.world.apply(
      externalSecret({ name: `es${i}`, target: { deletionPolicy: "Delete" }, data: { PASSWORD: `k${i}#password` } }),
    );
  }
  house.sync.start();
  await house.rest();
  await house.advance(hourMs);
  house.reader.secrets.clear();
  await house.advance(hourMs);
  return house;
}

test("a store that knows nothing any more takes 10 % of its Secrets with it, and no more for ever", async () => {
  const house = await openEmptiedStore();
  const early = house.world.secrets.size;
  assert.equal(early, 36);
  await house.advance(10 * hourMs);
  assert.equal(house.world.secrets.size, early);
  const held = house.world.events.filter((event) => event.reason === "DeletionHeld");
  assert.equal(held.length, early);
  assert.match(
    house.ready(held[0]!.object.slice(5)),
    /^False SecretSyncedError could not delete secret: \[deletion_held\]/,
  );
  await house.sync.stop();
});

test("a held deletion stays held over a restart, goes on when confirmed, and is off when the data is back", async () => {
  const house = await openEmptiedStore();
  await house.restart();
  await house.advance(2 * hourMs);
  assert.equal(house.world.secrets.size, 36);
  const [one, other] = [...house.world.secrets.values()].map(({ name }) => name);
  house.world.annotate(at(one!), { "keyferry.dev/allow-mass-delete": "true" });
  await house.rest();
  assert.equal(house.world.secrets.size, 35);
  house.reader.secrets.set(`k${other!.slice(2)}`, { password: "two" });
  await house.advance(hourMs);
  assert.equal(password(house, other), "two");
  assert.match(house.ready(other!), /^True SecretSynced/);
  await house.sync.stop();
});

test("one store that hangs holds up nobody who reads another", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  let asked = 0;
  const hang = new Promise<void>(() => undefined);
  const read = house.reader.read.bind(house.reader);
  house.reader.read = async (request, terms, signal) => {
    if (request.entries.some((entry) => entry.store.name === "slow")) {
      asked++;
      await Promise.race([
        hang,
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
      ]);
    }
    return read(request, terms, signal);
  };
  for (let i = 0; i < 50; i++)
    house.world.apply(externalSecret({ name: `slow${i}`, store: { kind: "SecretStore", name: "slow" } }));
  for (let i = 0; i < 50; i++) house.world.apply(externalSecret({ name: `fine${i}` }));
  house.sync.start();
  await house.clock.advance(100);
  for (let i = 0; i < 50; i++) assert.equal(password(house, `fine${i}`), "one");
  assert.equal(asked, 32, "and only so many of its own objects wait at a time");
  await house.sync.stop();
});
