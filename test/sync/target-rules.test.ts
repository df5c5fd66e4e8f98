/** Writes that the API server would refuse, or has refused: each ends in a condition with a code and a way out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailureCode } from "../../plugin/core/failure.ts";
import type { ObjectMeta } from "../../plugin/manifests/objects.ts";
import { fieldManager } from "../../plugin/sync/secret-shape.ts";
import type { ExistingSecret, WriteRefusal } from "../../plugin/sync/ports.ts";
import { at, externalSecret, openHouse, openStartedHouse, type House } from "./house.ts";

const text = {
  update: "could not update secret",
  immutable: "could not update secret, target is immutable",
  provider: "could not get secret data from provider",
};

const refusals: readonly {
  refusal: WriteRefusal;
  want: readonly [constant: string, code: FailureCode, says: RegExp];
}[] = [
  {
    refusal: { because: "quota" },
    want: [text.update, "target_refused", /quota of namespace shop has no room for Secret db; raise it/],
  },
  {
    refusal: { because: "namespace_ending" },
    want: [text.update, "target_refused", /namespace shop is being deleted, so Secret db cannot be created/],
  },
  {
    refusal: { because: "namespace_missing" },
    want: [text.update, "target_refused", /namespace shop does not exist; create it/],
  },
  {
    refusal: { because: "forbidden" },
    want: [text.update, "target_refused", /may not write Secret db; give it create, update and delete/],
  },
  {
    refusal: { because: "admission", by: "deny-all" },
    want: [text.update, "target_refused", /admission policy "deny-all" does not let Secret db be written; exempt/],
  },
  { refusal: { because: "admission" }, want: [text.update, "target_refused", /an admission policy does not let/] },
  {
    refusal: { because: "immutable" },
    want: [text.immutable, "target_immutable", /Secret db is immutable .*; delete it/],
  },
  {
    refusal: { because: "too_large" },
    want: [text.update, "target_too_large", /larger than the API server takes; spread the entries/],
  },
  {
    refusal: { because: "invalid", fields: ["metadata.labels", "type"] },
    want: [text.update, "target_refused", /does not find Secret db valid in metadata\.labels, type; correct/],
  },
  {
    refusal: { because: "invalid", fields: [] },
    want: [text.update, "target_refused", /does not find Secret db valid; correct/],
  },
];

for (const { refusal, want } of refusals)
  test(`the API server refuses: ${JSON.stringify(refusal)}`, async () => {
    const house = openHouse();
    house.reader.secrets.set("db", { password: "one" });
    house.world.beforeWrite = (what) => (what.startsWith("create") ? refusal : undefined);
    house.world.apply(externalSecret());
    house.sync.start();
    await house.rest();
    assertNotReady(house, want);
    assert.deepEqual(house.reasons(), ["UpdateFailed"], "told once");
    await house.advance(600_000);
    assert.deepEqual(house.reasons(), ["UpdateFailed"]);
    house.world.beforeWrite = () => undefined;
    await house.advance(3_600_000);
    assert.equal(house.ready("db"), "True SecretSynced secret synced", "and goes on by itself");
    await house.sync.stop();
  });

function assertNotReady(house: House, [constant, code, says]: readonly [string, FailureCode, RegExp]): void {
  const ready = house.ready("db");
  assert.ok(ready.startsWith(`False SecretSyncedError ${constant}: [${code}] `), ready);
  assert.match(ready, says);
  assert.ok(Buffer.byteLength(ready) < 1_100);
}

test("a refused write is no hot loop", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  let writes = 0;
  house.world.beforeWrite = (what) => (what.startsWith("create") && ++writes > 0 ? { because: "quota" } : undefined);
  house.world.apply(externalSecret());
  house.sync.start();
  await house.advance(3_600_000);
  assert.ok(writes < 25, String(writes));
  await house.sync.stop();
});

const before: readonly {
  name: string;
  meta?: Partial<ObjectMeta>;
  value?: string;
  present?: Partial<ExistingSecret>;
  ending?: boolean;
  want: readonly [string, FailureCode, RegExp];
}[] = [
  {
    name: "a namespace that is being deleted",
    ending: true,
    want: [text.update, "target_refused", /namespace shop is being deleted/],
  },
  {
    name: "more than 1 MiB",
    value: "x".repeat(1024 * 1024 + 1),
    want: [text.update, "target_too_large", /1048577 bytes, more than the API server takes/],
  },
  {
    name: "a label with a value that is none",
    meta: { labels: { team: "a b" } },
    want: [text.update, "target_refused", /label team must be at most 63 letters.*Secret db cannot be written/],
  },
  {
    name: "a label value beyond 63",
    meta: { labels: { team: "x".repeat(64) } },
    want: [text.update, "target_refused", /label team must be at most 63/],
  },
  {
    name: "a label name that is none",
    meta: { labels: { "a/b/c": "x" } },
    want: [text.update, "target_refused", /label "a\/b\/c" has no valid name/],
  },
  {
    name: "an annotation name that is none",
    meta: { annotations: { "-x": "y" } },
    want: [text.update, "target_refused", /annotation "-x" has no valid name/],
  },
  {
    name: "annotations beyond 256 KiB",
    meta: { annotations: { note: "x".repeat(256 * 1024) } },
    want: [text.update, "target_too_large", /annotations of Secret db .*256 KiB/],
  },
  {
    name: "a type that mints tokens",
    present: { type: "kubernetes.io/service-account-token" },
    want: [text.update, "target_refused", /never written; choose another/],
  },
  {
    name: "a bootstrap token",
    present: { type: "bootstrap.kubernetes.io/token" },
    want: [text.update, "target_refused", /never written/],
  },
  {
    name: "an immutable Secret of somebody else",
    present: { immutable: true },
    want: [text.immutable, "target_immutable", /delete it to have it made anew/],
  },
  {
    name: "another ExternalSecret's Secret",
    present: { owner: "shop/other" },
    want: [
      "target is owned by another ExternalSecret",
      "target_conflict",
      /belongs to ExternalSecret shop\/other; choose another/,
    ],
  },
  {
    name: "another controller's Secret",
    present: { foreignController: "Deployment/web" },
    want: ["target is owned by another ExternalSecret", "target_conflict", /belongs to Deployment\/web; choose/],
  },
];

test("an immutable Secret of somebody else that is deleted is made anew within a minute, although no watch tells", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.edit(at("db"), { immutable: true });
  house.world.apply(externalSecret());
  house.sync.start();
  await house.rest();
  assert.match(house.ready("db"), /\[target_immutable\]/);
  house.world.secrets.delete("shop/db");
  await house.advance(60_000);
  assert.equal(house.world.textOf(at("db"))?.PASSWORD, "one");
  assert.equal(house.reader.fetched.length, 1);
  await house.sync.stop();
});

for (const { name, meta, value = "one", present, ending = false, want } of before)
  test(`is told before anything is written: ${name}`, async () => {
    const house = openHouse();
    house.reader.secrets.set("db", { password: value });
    house.world.namespacePhase = ending ? "ending" : "active";
    if (present) house.world.edit(at("db"), present);
    house.world.apply(externalSecret(meta ? { meta } : {}));
    house.sync.start();
    await house.rest();
    assertNotReady(house, want);
    assert.deepEqual(house.world.writes, ["status shop/db"]);
    await house.sync.stop();
  });

test("in a namespace that is being deleted nothing is made anew, and what is there is not deleted for it", async () => {
  const house = await openStartedHouse({});
  house.world.namespacePhase = "ending";
  house.world.edit(at("db"), { type: "kubernetes.io/tls" });
  await house.rest();
  assert.match(house.ready("db"), /\[target_refused\] namespace shop is being deleted/);
  assert.ok(house.world.secrets.has("shop/db"), "a repair by deleting and creating would have lost it");
  house.world.tamper(at("db"), {});
  house.world.edit(at("db"), { type: "Opaque", labels: {} });
  await house.rest();
  assert.equal(house.ready("db"), "True SecretSynced secret synced", "an update in place still works");
  await house.sync.stop();
});

for (const [name, want] of [
  ["db", "externalsecrets.external-secrets.io/db"],
  // 27 bytes more make 63.
  ["x".repeat(27), `externalsecrets.external-secrets.io/${"x".repeat(27)}`],
  ["x".repeat(28), /^externalsecrets\.external-secrets\.io\/sha3\/[0-9a-f]{56}$/],
] as const)
  test(`the field manager of ${name} is ESO's`, () => {
    if (typeof want === "string") assert.equal(fieldManager(name), want);
    else assert.match(fieldManager(name), want);
  });

test("the long form of the field manager hashes the bare name", () => {
  // SHA3-224 of "my-es-with-a-name-that-is-longer-than-27-bytes"
  const name = "my-es-with-a-name-that-is-longer-than-27-bytes";
  assert.notEqual(fieldManager(name), fieldManager(`${name}-2`));
  assert.ok(fieldManager(name).length <= 128, "the API server's limit");
});

test("an owner that was made anew becomes the controller in the old one's place", async () => {
  const house = await openStartedHouse({});
  const { world } = house;
  world.edit(at("db"), { ownerUid: "uid-of-an-earlier-one" });
  await house.rest();
  assert.equal(world.secrets.get("shop/db")?.ownerUid, "uid-db");
  await house.sync.stop();
});
