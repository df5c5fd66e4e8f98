/** creationPolicy × refreshPolicy and deletionPolicy, each row as a whole life in the loop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreationPolicy, DeletionPolicy, RefreshPolicy } from "../../plugin/manifests/objects.ts";
import { at, externalSecret, hourMs, openHouse, openStartedHouse, type House, type Wish } from "./house.ts";

interface Row {
  readonly creation: CreationPolicy;
  readonly refresh: RefreshPolicy;
  readonly createsMissing: boolean;
  readonly follows: "interval" | "change" | "no";
  readonly overwritesWhenMadeAgain: "yes" | "if there" | "no";
  readonly comesBack: "at once" | "at interval" | "on change" | "never";
  readonly staysWithoutObject: boolean;
}

const rows: readonly Row[] = [
  row("Owner", "Periodic", true, "interval", "yes", "at once", false),
  row("Owner", "OnChange", true, "change", "yes", "at once", false),
  row("Owner", "CreatedOnce", true, "no", "yes", "at once", false),
  row("Orphan", "Periodic", true, "interval", "yes", "at interval", true),
  row("Orphan", "OnChange", true, "change", "yes", "on change", true),
  row("Orphan", "CreatedOnce", true, "no", "yes", "never", true),
  row("Merge", "Periodic", false, "interval", "if there", "never", true),
  row("Merge", "OnChange", false, "change", "if there", "never", true),
  row("Merge", "CreatedOnce", false, "no", "if there", "never", true),
  row("CreateOrMerge", "Periodic", true, "interval", "yes", "at once", true),
  row("CreateOrMerge", "OnChange", true, "change", "yes", "at once", true),
  row("CreateOrMerge", "CreatedOnce", true, "no", "yes", "at once", true),
  row("None", "Periodic", false, "no", "no", "never", true),
];

function row(
  creation: CreationPolicy,
  refresh: RefreshPolicy,
  createsMissing: boolean,
  follows: Row["follows"],
  overwritesWhenMadeAgain: Row["overwritesWhenMadeAgain"],
  comesBack: Row["comesBack"],
  staysWithoutObject: boolean,
): Row {
  return { creation, refresh, createsMissing, follows, overwritesWhenMadeAgain, comesBack, staysWithoutObject };
}

const password = (house: House): string | undefined => house.world.textOf(at("db"))?.PASSWORD;

/** Started; a target of somebody else is there when the policy only fills. */
async function live({ creation, refresh }: Row): Promise<{ house: House; wish: Wish }> {
  const wish: Wish = { target: { creationPolicy: creation }, spec: { refreshPolicy: refresh } };
  const house = await openStartedHouse(wish);
  if (creation !== "Merge") return { house, wish };
  house.world.edit(at("db"), {});
  await house.rest();
  return { house, wish };
}

async function change(house: House, wish: Wish): Promise<void> {
  house.world.apply(externalSecret({ ...wish, meta: { labels: { touched: "yes" } } }));
  await house.rest();
}

for (const row of rows) {
  const name = `${row.creation}, ${row.refresh}`;

  test(`${name}: a missing Secret is ${row.createsMissing ? "created" : "not created"}`, async () => {
    const house = await openStartedHouse({
      target: { creationPolicy: row.creation },
      spec: { refreshPolicy: row.refresh },
    });
    assert.equal(password(house), row.createsMissing ? "one" : undefined);
    const missing = row.creation === "Merge";
    assert.match(house.ready("db"), missing ? /^True SecretMissing/ : /^True SecretSynced secret synced/);
    await house.sync.stop();
  });

  test(`${name}: a changed source is followed: ${row.follows}`, async () => {
    const { house, wish } = await live(row);
    house.reader.secrets.set("db", { password: "two" });
    await house.advance(2 * hourMs);
    const before = password(house);
    await change(house, wish);
    const after = password(house);
    const [early, late] = { interval: ["two", "two"], change: ["one", "two"], no: ["one", "one"] }[row.follows];
    assert.deepEqual([before, after], row.creation === "None" ? [undefined, undefined] : [early, late]);
    await house.sync.stop();
  });

  test(`${name}: an object that is made again overwrites: ${row.overwritesWhenMadeAgain}`, async () => {
    const { house, wish } = await live(row);
    house.world.delete(at("db"));
    // A first sync accepts an answer of the last 30 seconds.
    await house.advance(60_000);
    house.reader.secrets.set("db", { password: "two" });
    house.world.tamper(at("db"), { PASSWORD: "theirs" });
    house.world.apply(externalSecret({ ...wish, meta: { uid: "another" } }));
    await house.rest();
    assert.equal(password(house), row.overwritesWhenMadeAgain === "no" ? "theirs" : "two");
    await house.sync.stop();
  });

  test(`${name}: a deleted Secret comes back: ${row.comesBack}`, async () => {
    const { house, wish } = await live(row);
    house.world.deleteSecret(at("db"));
    await house.rest();
    const seen = [password(house)];
    await house.advance(2 * hourMs);
    seen.push(password(house));
    await change(house, wish);
    seen.push(password(house));
    const want = {
      "at once": ["one", "one", "one"],
      "at interval": [undefined, "one", "one"],
      "on change": [undefined, undefined, "one"],
      never: [undefined, undefined, undefined],
    }[row.comesBack];
    assert.deepEqual(seen, want);
    await house.sync.stop();
  });

  test(`${name}: the Secret ${row.staysWithoutObject ? "stays" : "goes"} when the object is deleted`, async () => {
    const { house } = await live(row);
    const before = password(house);
    house.world.delete(at("db"));
    await house.rest();
    assert.equal(password(house), row.staysWithoutObject ? before : undefined);
    assert.equal(house.world.statusOf.has("shop/db"), false);
    assert.equal(house.clock.pending, 0, "nothing is left to do for it");
    await house.sync.stop();
  });
}

interface Loss {
  readonly name: string;
  readonly deletion: DeletionPolicy;
  readonly creation?: CreationPolicy;
  /** Keys that stay at the store, of `db` and `mail`. */
  readonly left: readonly string[];
  readonly optional?: string;
  readonly leaves: Readonly<Record<string, string>> | undefined;
  readonly ready: RegExp;
  readonly events: readonly string[];
}

const both = { PASSWORD: "one", MAIL: "m" };
const losses: readonly Loss[] = [
  {
    name: "one entry gone",
    deletion: "Retain",
    left: ["db"],
    leaves: both,
    ready: /^False SecretSyncedError .*\[ref_not_found\] spec.data\[1\]/,
    events: ["UpdateFailed"],
  },
  {
    name: "one entry gone",
    deletion: "Delete",
    left: ["db"],
    leaves: { PASSWORD: "one" },
    ready: /^True SecretSynced/,
    events: ["MissingProviderSecret", "Updated"],
  },
  {
    name: "one entry gone",
    deletion: "Merge",
    left: ["db"],
    leaves: { PASSWORD: "one" },
    ready: /^True SecretSynced/,
    events: ["MissingProviderSecret", "Updated"],
  },
  {
    name: "one optional entry gone",
    deletion: "Retain",
    optional: "MAIL",
    left: ["db"],
    leaves: { PASSWORD: "one" },
    ready: /^True SecretSynced/,
    events: ["MissingProviderSecret", "Updated"],
  },
  {
    name: "all entries gone",
    deletion: "Retain",
    left: [],
    leaves: both,
    ready: /^False SecretSyncedError/,
    events: ["UpdateFailed"],
  },
  {
    name: "all entries gone",
    deletion: "Delete",
    left: [],
    leaves: undefined,
    ready: /^True SecretDeleted secret deleted due to DeletionPolicy=Delete/,
    events: ["Deleted", "MissingProviderSecret"],
  },
  {
    name: "all entries gone",
    deletion: "Merge",
    left: [],
    leaves: {},
    ready: /^True SecretSynced/,
    events: ["MissingProviderSecret", "Updated"],
  },
  {
    name: "all entries gone, merged into a foreign Secret",
    deletion: "Merge",
    creation: "Merge",
    left: [],
    leaves: { THEIRS: "x" },
    ready: /^True SecretSynced/,
    events: ["MissingProviderSecret", "Updated"],
  },
  {
    name: "all entries gone, not our Secret to delete",
    deletion: "Delete",
    creation: "Orphan",
    left: [],
    leaves: both,
    ready: /^False SecretSyncedError could not delete secret: \[target_refused\]/,
    events: ["MissingProviderSecret", "UpdateFailed"],
  },
];
for (const { name, deletion, creation = "Owner", left, optional, leaves, ready, events } of losses)
  test(`deletionPolicy ${deletion}: ${name}`, async () => {
    const house = openHouse();
    house.reader.secrets.set("db", { password: "one" }).set("mail", { password: "m" });
    if (creation === "Merge") house.world.tamper(at("db"), { THEIRS: "x" });
    const annotations = optional === undefined ? {} : { "keyferry.dev/optional-keys": optional };
    const target = { creationPolicy: creation, deletionPolicy: deletion };
    house.world.apply(
      externalSecret({ meta: { annotations }, target, data: { PASSWORD: "db#password", MAIL: "mail#password" } }),
    );
    house.sync.start();
    await house.rest();
    for (const key of ["db", "mail"]) if (!left.includes(key)) house.reader.secrets.delete(key);
    house.world.events.length = 0;
    await house.advance(2 * hourMs);
    assert.deepEqual(house.world.textOf(at("db")), leaves);
    assert.match(house.ready("db"), ready);
    assert.deepEqual([...new Set(house.reasons())].sort(), events);
    await house.sync.stop();
  });

const empties: readonly {
  deletion: DeletionPolicy;
  leaves: Readonly<Record<string, string>> | undefined;
  ready: RegExp;
}[] = [
  {
    deletion: "Retain",
    leaves: { password: "one", user: "app" },
    ready: /^True SecretSynced secret retained due to DeletionPolicy=Retain/,
  },
  { deletion: "Delete", leaves: undefined, ready: /^True SecretDeleted/ },
  { deletion: "Merge", leaves: {}, ready: /^True SecretSynced secret synced/ },
];
for (const { deletion, leaves, ready } of empties)
  test(`deletionPolicy ${deletion}: an extract that is empty all of a sudden`, async () => {
    const house = await openStartedHouse({ extract: ["db"], target: { deletionPolicy: deletion } });
    house.reader.secrets.set("db", {});
    await house.advance(2 * hourMs);
    assert.deepEqual(house.world.textOf(at("db")), leaves);
    assert.match(house.ready("db"), ready);
    await house.sync.stop();
  });

test("a Secret that is retained without data is still repaired", async () => {
  const house = await openStartedHouse({ extract: ["db"] });
  house.reader.secrets.set("db", {});
  await house.advance(2 * hourMs);
  house.world.tamper(at("db"), { password: "evil" });
  await house.rest();
  assert.equal(house.world.textOf(at("db"))?.password, "one");
  await house.sync.stop();
});

test("a Secret that was deleted with its source comes back with it", async () => {
  const house = await openStartedHouse({ target: { deletionPolicy: "Delete" } });
  house.reader.secrets.delete("db");
  await house.advance(2 * hourMs);
  assert.equal(password(house), undefined);
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(2 * hourMs);
  assert.equal(password(house), "two");
  assert.ok(!house.reasons().includes("SecretDrifted"));
  await house.sync.stop();
});

test("interval 0: a change and force-sync refresh, time does not", async () => {
  const house = await openStartedHouse({ spec: { refreshIntervalMs: 0 } });
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(100 * hourMs);
  assert.equal(password(house), "one");
  house.world.annotate(at("db"), { "keyferry.dev/force-sync": "now" });
  await house.rest();
  assert.equal(password(house), "two");
  await house.sync.stop();
});

test("an object that another one replaced under its name begins anew", async () => {
  const once: Wish = { spec: { refreshPolicy: "CreatedOnce" } };
  const house = await openStartedHouse(once);
  await house.advance(60_000);
  house.reader.secrets.set("db", { password: "two" });
  house.world.apply(externalSecret({ ...once, meta: { uid: "another" } }));
  await house.rest();
  assert.equal(password(house), "two");
  await house.sync.stop();
});

test("a deletion that somebody's edit came before is decided again, and not held for that", async () => {
  const house = await openStartedHouse({ target: { deletionPolicy: "Delete" } });
  let conflicts = 1;
  house.world.beforeWrite = (what) => (what.startsWith("remove") && conflicts-- > 0 ? "conflict" : undefined);
  house.reader.secrets.delete("db");
  await house.advance(2 * hourMs);
  assert.equal(password(house), undefined);
  assert.match(house.ready("db"), /^True SecretDeleted/);
  await house.sync.stop();
});
