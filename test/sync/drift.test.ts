/** Every kind of edit, by a named writer, in a running process and behind a stopped one, with a store that is down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { createdByLabel, dataHash, dataHashAnnotation, managedLabel } from "../../plugin/sync/secret-shape.ts";
import type { ExistingSecret } from "../../plugin/sync/ports.ts";
import { at, externalSecret, openStartedHouse, type House, type Wish } from "./house.ts";

const texts = { labels: { team: "pay" }, annotations: { note: "keep" } };
/** The same Secret, of plain keys and of a template. */
const wishes: readonly (readonly [of: string, wish: Wish])[] = [
  ["", { meta: texts }],
  [" of a template", { template: { ...texts, type: "Opaque", data: { PASSWORD: "{{ .PASSWORD }}" } } }],
];

interface Row {
  readonly name: string;
  readonly edit: (secret: ExistingSecret) => Partial<ExistingSecret> | "deleted";
  /** What the event says was changed. */
  readonly told: string;
  /** `part` labels of the metric. */
  readonly parts: string;
  /** The values are untouched, so a process that has just started can repair it without the store. */
  readonly afterRestart: boolean;
}

const without = (texts: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).filter(([one]) => one !== name));
const evil = new Map([["PASSWORD", SecretValue.fromText("evil")]]);

const rows: readonly Row[] = [
  {
    name: "a changed value",
    edit: () => ({ data: evil }),
    told: "key PASSWORD changed; restored",
    parts: "key",
    afterRestart: false,
  },
  {
    name: "a changed value with a forged data hash",
    edit: ({ annotations }) => ({ data: evil, annotations: { ...annotations, [dataHashAnnotation]: dataHash(evil) } }),
    told: "key PASSWORD changed, data hash forged",
    parts: "key,data_hash",
    afterRestart: false,
  },
  {
    name: "a planted key",
    edit: ({ data }) => ({ data: new Map([...data, ["PLANTED", SecretValue.fromText("evil")]]) }),
    told: "key PLANTED added",
    parts: "key",
    afterRestart: true,
  },
  {
    name: "a forged data hash alone",
    edit: ({ annotations }) => ({ annotations: { ...annotations, [dataHashAnnotation]: "forged" } }),
    told: "data hash forged",
    parts: "data_hash",
    afterRestart: true,
  },
  {
    name: "a changed label",
    edit: ({ labels }) => ({ labels: { ...labels, team: "evil" } }),
    told: "label team changed",
    parts: "label",
    afterRestart: true,
  },
  {
    name: "the managed label stripped",
    edit: ({ labels }) => ({ labels: without(labels, managedLabel) }),
    told: `label ${managedLabel} missing`,
    parts: "label",
    afterRestart: true,
  },
  {
    name: "the created-by label stripped",
    edit: ({ labels }) => ({ labels: without(labels, createdByLabel) }),
    told: `label ${createdByLabel} missing`,
    parts: "label",
    afterRestart: true,
  },
  {
    name: "a changed annotation",
    edit: ({ annotations }) => ({ annotations: { ...annotations, note: "evil" } }),
    told: "annotation note changed",
    parts: "annotation",
    afterRestart: true,
  },
  {
    name: "a changed type",
    edit: () => ({ type: "kubernetes.io/basic-auth" }),
    told: "type changed",
    parts: "type",
    afterRestart: true,
  },
  {
    name: "the owner taken away",
    edit: () => ({ owner: undefined as never, ownerUid: undefined as never }),
    told: "owner changed",
    parts: "owner",
    afterRestart: true,
  },
  {
    name: "another controller put in the owner's place",
    edit: () => ({ owner: undefined as never, ownerUid: undefined as never, foreignController: "Deployment/web" }),
    told: "owner changed",
    parts: "owner",
    afterRestart: true,
  },
  {
    name: "an ExternalSecret put there that is none",
    edit: () => ({ owner: "shop/ghost", ownerUid: "g" }),
    told: "owner changed",
    parts: "owner",
    afterRestart: true,
  },
  { name: "a deleted Secret", edit: () => "deleted", told: "Secret deleted", parts: "secret", afterRestart: false },
];

function drift(house: House, { edit }: Row): ExistingSecret {
  const secret = house.world.secrets.get("shop/db")!;
  const change = edit(secret);
  if (change === "deleted") house.world.deleteSecret(at("db"));
  else house.world.edit(at("db"), { ...change, lastWriter: "mallory-edit" });
  return secret;
}

function assertLike(house: House, secret: ExistingSecret): void {
  const now = house.world.secrets.get("shop/db")!;
  const shape = ({ data, resourceVersion: _v, lastWriter: _w, ...rest }: ExistingSecret): unknown => [
    Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    [...data].map(([key, value]) => [key, value.reveal().toString()]),
  ];
  assert.deepEqual(shape(now), shape(secret));
}

function assertTold(house: House, { edit, told, parts }: Row): void {
  const events = house.world.events.filter(({ reason }) => reason === "SecretDrifted");
  assert.equal(events.length, 1, JSON.stringify(events));
  const deleted = edit(house.world.secrets.get("shop/db")!) === "deleted";
  assert.ok(events[0]!.message.includes(`: ${told}`), events[0]!.message);
  assert.ok(events[0]!.message.startsWith(`secret edited by ${deleted ? "an unknown writer" : "mallory-edit"}: `));
  assert.ok(!events[0]!.message.includes("evil"));
  assert.ok(house.counted.includes("drift shop/db"));
  assert.ok(
    house.counted.includes(`drift by ${deleted ? "_unknown" : "mallory-edit"}: ${parts}`),
    house.counted.join("\n"),
  );
}

for (const [of, wish] of wishes)
  for (const row of rows) {
    test(`${row.name}${of} is undone at once without the store, and told`, async () => {
      const house = await openStartedHouse(wish);
      house.reader.refusal = "store_sealed";
      const reads = house.reader.terms.length;
      const good = drift(house, row);
      await house.rest();
      assertLike(house, good);
      assert.equal(house.reader.terms.length, reads, "nothing was read");
      assertTold(house, row);
      assert.equal(house.ready("db"), "True SecretSynced secret synced");
      await house.sync.stop();
    });

    test(`${row.name}${of} behind a stopped process is ${row.afterRestart ? "undone without the store" : "undone once the store answers"}`, async () => {
      const house = await openStartedHouse(wish);
      await house.replace();
      house.counted.length = 0;
      house.reader.refusal = "store_sealed";
      const good = drift(house, row);
      house.sync.start();
      await house.advance(60_000);
      if (!row.afterRestart) {
        house.reader.refusal = undefined;
        await house.advance(300_000);
      }
      assertLike(house, good);
      assert.ok(house.reasons().includes("SecretDrifted"));
      await house.sync.stop();
    });
  }

test("an immutable Secret that was edited into another one is made anew", async () => {
  const house = await openStartedHouse({ target: { immutable: true } });
  house.reader.refusal = "store_sealed";
  const good = drift(house, rows[0]!);
  await house.rest();
  assertLike(house, good);
  await house.sync.stop();
});

test("the immutable flag taken away (by delete and create) is set again", async () => {
  const house = await openStartedHouse({ target: { immutable: true } });
  house.world.edit(at("db"), { immutable: false, lastWriter: "mallory-edit" });
  await house.rest();
  assert.equal(house.world.secrets.get("shop/db")?.immutable, true);
  assert.match(house.world.events.at(-2)!.message, /secret edited by mallory-edit: immutable flag changed; restored/);
  await house.sync.stop();
});

test("only an ExternalSecret that wants this very Secret ends the repair, and the repair goes on when it has gone", async () => {
  const house = await openStartedHouse({}, { name: "other" });
  const { world } = house;
  // Theirs is another Secret: a reference to it in this one was planted.
  world.edit(at("db"), { owner: "shop/other", ownerUid: "uid-other" });
  await house.rest();
  assert.equal(world.secrets.get("shop/db")?.owner, "shop/db");
  world.apply(externalSecret({ name: "other", target: { name: "db", creationPolicy: "None" } }));
  await house.advance(1_000);
  world.edit(at("db"), { owner: "shop/other", ownerUid: "uid-other" });
  await house.advance(1_000);
  assert.match(house.ready("db"), /\[target_conflict\] Secret db belongs to ExternalSecret shop\/other/);
  const writes = world.writes.filter((write) => write === "replace shop/db").length;
  world.tamper(at("db"), { PASSWORD: "theirs" });
  await house.advance(60_000);
  assert.equal(world.writes.filter((write) => write === "replace shop/db").length, writes, "no ping-pong");
  world.delete(at("other"));
  await house.advance(600_000);
  assert.equal(world.secrets.get("shop/db")?.owner, "shop/db");
  assert.deepEqual(world.textOf(at("db")), { PASSWORD: "one" });
  await house.sync.stop();
});

test("whoever planted another kind's controller reference in a Secret before it was ours is not overruled", async () => {
  const house = await openStartedHouse({ name: "x", target: { name: "x" } });
  house.world.edit(at("db"), { foreignController: "Deployment/web" });
  house.world.apply(externalSecret());
  await house.rest();
  assert.match(house.ready("db"), /\[target_conflict\] Secret db belongs to Deployment\/web/);
  await house.sync.stop();
});
