/** An authoritative no, then an outage: the condition tells the newer cause, and the no still stands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, openStartedHouse, type House } from "./house.ts";

/** The store refuses at the first refresh, and is sealed from then on. */
async function deniedThenSealed(): Promise<House> {
  const house = await openStartedHouse({ spec: { refreshIntervalMs: 10_000 } });
  house.reader.refusal = "store_denied";
  await house.advance(12_000);
  assert.match(house.ready("db"), /\[store_denied\]/);
  house.reader.refusal = "store_sealed";
  return house;
}

test("the next attempt names the outage and what the store had said before it", async () => {
  const house = await deniedThenSealed();
  await house.advance(10_000);
  assert.match(
    house.ready("db"),
    /^False SecretSyncedError could not get secret data from provider: \[store_sealed\] .*; before, the store had answered \[store_denied\]/,
  );
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  await house.sync.stop();
});

test("an edit is undone, a deleted Secret is not made again: the outage does not take the no back", async () => {
  const house = await deniedThenSealed();
  await house.advance(60_000);
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  house.world.deleteSecret(at("db"));
  await house.advance(600_000);
  assert.equal(house.world.textOf(at("db")), undefined);
  house.reader.refusal = undefined;
  await house.advance(300_000);
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  house.reader.refusal = "store_sealed";
  await house.advance(30_000);
  house.world.deleteSecret(at("db"));
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" }, "a read that worked has ended the no");
  assert.doesNotMatch(house.ready("db"), /store_denied/);
  await house.sync.stop();
});

test("the first failing read is patient, those that follow it are one attempt each", async () => {
  const house = await deniedThenSealed();
  await house.advance(60_000);
  house.reader.refusal = undefined;
  await house.advance(300_000);
  await house.advance(20_000);
  const [first, ...others] = house.reader.terms.map(({ once }) => once);
  assert.equal(first, false);
  assert.ok(others.includes(true));
  assert.equal(others.at(-1), false);
  await house.sync.stop();
});
