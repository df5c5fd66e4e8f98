/** When a refresh looks at its Secret, and when it knows without a look that nothing has changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dataOf } from "../fakes/sync-world.ts";
import { at, externalSecret, hourMs, openStartedHouse, type House, type Wish } from "./house.ts";

/** A house in which the Secret was looked at once after it was written, with the looks since then. */
async function atRest(...wishes: readonly Wish[]): Promise<House> {
  const house = await openStartedHouse(...wishes);
  await house.advance(hourMs);
  house.world.reads.length = 0;
  return house;
}

const synced = (house: House): number => house.counted.filter((one) => one === "sync shop/db success").length;
const looks = (house: House): readonly string[] => house.world.reads.splice(0);

test("a refresh that changes nothing looks once after the write and never again", async () => {
  const house = await openStartedHouse({});
  house.world.reads.length = 0;
  await house.advance(hourMs);
  assert.deepEqual(looks(house), ["secret shop/db"]);
  const [runs, fetched] = [synced(house), house.reader.fetched.length];
  await house.advance(hourMs);
  await house.advance(hourMs);
  assert.deepEqual(looks(house), []);
  assert.deepEqual([synced(house), house.reader.fetched.length], [runs + 2, fetched + 2]);
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
});

test("the status still says when the last sync was", async () => {
  const house = await atRest({});
  const before = house.world.statusOf.get("shop/db")!.refreshTime!;
  await house.advance(hourMs);
  assert.equal(Date.parse(house.world.statusOf.get("shop/db")!.refreshTime!) - Date.parse(before), hourMs);
});

const rows: readonly { name: string; change: (house: House) => void; ends: Record<string, string> }[] = [
  {
    name: "another value at the store",
    change: ({ reader }) => void reader.secrets.set("db", { password: "two" }),
    ends: { PASSWORD: "two" },
  },
  {
    name: "another key wanted",
    change: ({ world }) => world.apply(externalSecret({ data: { PASSWORD: "db#password", USER: "db#user" } })),
    ends: { PASSWORD: "one", USER: "app" },
  },
  {
    name: "another label",
    change: ({ world }) => world.apply(externalSecret({ meta: { labels: { team: "pay" } } })),
    ends: { PASSWORD: "one" },
  },
  { name: "an edit", change: ({ world }) => world.tamper(at("db"), { PASSWORD: "evil" }), ends: { PASSWORD: "one" } },
  { name: "a deletion", change: ({ world }) => world.deleteSecret(at("db")), ends: { PASSWORD: "one" } },
  {
    name: "a second ExternalSecret that fills the same Secret",
    change: ({ world }) =>
      world.apply(externalSecret({ name: "more", target: { name: "db", creationPolicy: "Merge" }, extract: ["db"] })),
    ends: { PASSWORD: "one", password: "one", user: "app" },
  },
  { name: "an edit that the watch has not told yet", change: editUntold, ends: { PASSWORD: "one" } },
];
for (const { name, change, ends } of rows)
  test(`${name} brings a look, and the Secret as it must be`, async () => {
    const house = await atRest({});
    change(house);
    await house.advance(hourMs);
    assert.ok(looks(house).length > 0);
    assert.deepEqual(house.world.textOf(at("db")), ends);
  });

test("the end of another ExternalSecret that filled the same Secret brings a look, and its keys go", async () => {
  const house = await atRest({});
  house.world.apply(externalSecret({ name: "more", target: { name: "db", creationPolicy: "Merge" }, extract: ["db"] }));
  await house.advance(hourMs);
  await house.advance(hourMs);
  house.world.delete(at("more"));
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
});

/** The watch has the new version, and nobody was told. */
function editUntold({ world }: House): void {
  const secret = world.secrets.get("shop/db")!;
  world.secrets.set("shop/db", { ...secret, data: dataOf({ PASSWORD: "evil" }), resourceVersion: "edited" });
}

test("a Secret that others fill too, or that no watch tells of, is looked at each time", async () => {
  const merged = await atRest({ target: { creationPolicy: "Merge" } });
  merged.world.edit(at("db"), {});
  await merged.rest();
  await merged.advance(hourMs);
  const unwatched = await openStartedHouse({});
  Object.assign(unwatched.world.targets, { watchedVersion: () => undefined });
  for (const house of [merged, unwatched]) {
    await house.advance(hourMs);
    house.world.reads.length = 0;
    await house.advance(hourMs);
    assert.deepEqual(looks(house), ["secret shop/db"]);
  }
});

test("an outage looks for drift although nothing was told, and recovers", async () => {
  const house = await atRest({});
  house.reader.refusal = "store_unreachable";
  await house.advance(hourMs);
  assert.ok(looks(house).length > 0);
  assert.match(house.ready("db"), /^False/);
  house.reader.refusal = undefined;
  await house.advance(hourMs);
  assert.match(house.ready("db"), /^True/);
});
