/** Events on ExternalSecrets and stores. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { settle } from "../fakes/clock.ts";
import { clusterStore, externalSecret, openSync, resources, store, until } from "./cluster-bench.ts";

const db = { namespace: "shop", name: "db" };
const longName = `${"x".repeat(235)}.${"y".repeat(17)}`;

async function open(t: TestContext) {
  const bench = await openSync(t, ({ server }) => {
    for (const name of ["db", "web", longName]) server.put(resources.externalSecrets, externalSecret(name));
    server.put(resources.secretStores, store("vault"));
    server.put(resources.clusterSecretStores, clusterStore("all"));
  });
  const { server, sync } = bench;
  const stored = (namespace?: string) => server.all(resources.events, namespace);
  const sent = (verb: "create" | "patch"): number => server.requestsTo({ verb, plural: "events" }).length;
  const drifted = (message = "key A changed"): void => sync.events.emit(db, "Warning", "SecretDrifted", message);
  return { ...bench, events: sync.events, stored, sent, drifted };
}

test("an event tells what happened to which object, and who says so", async (t) => {
  const { stored, drifted, server } = await open(t);
  drifted();
  await until(() => stored().length === 1);
  const { metadata, ...event } = stored()[0]!;
  const { uid } = server.find(resources.externalSecrets, "shop", "db")!.metadata;
  assert.match(metadata.name, /^db\.[0-9a-f]{16}$/);
  assert.equal(metadata.namespace, "shop");
  assert.deepEqual(event, {
    apiVersion: "v1",
    kind: "Event",
    involvedObject: { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", ...db, uid },
    type: "Warning",
    reason: "SecretDrifted",
    message: "key A changed",
    source: { component: "keyferry", host: "node-1" },
    reportingComponent: "keyferry",
    reportingInstance: "node-1",
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    count: 1,
  });
});

test("events on stores stand in their namespace, or in default", async (t) => {
  const { stored, sync } = await open(t);
  sync.stores.events.emit(
    { kind: "SecretStore", namespace: "shop", name: "vault" },
    "Normal",
    "Valid",
    "store validated",
  );
  sync.stores.events.emit(
    { kind: "ClusterSecretStore", namespace: "", name: "all" },
    "Normal",
    "Valid",
    "store validated",
  );
  await until(() => stored().length === 2);
  assert.deepEqual(
    stored()
      .map(({ metadata, involvedObject }) => [metadata.namespace, (involvedObject as { kind: string }).kind])
      .sort(),
    [
      ["default", "ClusterSecretStore"],
      ["shop", "SecretStore"],
    ],
  );
});

test("an object that is gone is told nothing", async (t) => {
  const { events, stored, drifted } = await open(t);
  events.emit({ namespace: "shop", name: "gone" }, "Normal", "Created", "secret created");
  drifted();
  await until(() => stored().length === 1);
  assert.equal(stored()[0]?.["reason"], "SecretDrifted");
});

test("what happens again is counted on the event that is there", async (t) => {
  const { stored, sent, drifted, clock } = await open(t);
  drifted();
  await until(() => stored().length === 1);
  await settle();
  await clock.advance(90_000);
  drifted();
  await until(() => sent("patch") === 1);
  await settle();
  const [{ count, firstTimestamp, lastTimestamp }] = stored() as unknown as [Record<string, unknown>];
  assert.deepEqual([count, firstTimestamp, lastTimestamp], [2, "2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z"]);
  drifted("key B changed");
  await until(() => stored().length === 2);
});

test("what happens several times before it is sent is one request", async (t) => {
  const { stored, sent, drifted } = await open(t);
  for (let n = 0; n < 5; n++) drifted();
  await until(() => stored().length === 1);
  await settle();
  assert.deepEqual([stored()[0]?.["count"], sent("create"), sent("patch")], [5, 1, 0]);
});

test("a repeat of an event that the API server has forgotten makes a new one, and so does one after half an hour", async (t) => {
  const { stored, sent, drifted, server, clock } = await open(t);
  drifted();
  await until(() => stored().length === 1);
  await settle();
  server.remove(resources.events, "shop", stored()[0]!.metadata.name);
  drifted();
  await until(() => stored().length === 1);
  await settle();
  assert.deepEqual([sent("create"), sent("patch"), stored()[0]?.["count"]], [2, 1, 1]);
  await clock.advance(30 * 60_000);
  drifted();
  await until(() => stored().length === 2);
});

test("one object has its share: twenty-five at once, then one a minute; others have theirs", async (t) => {
  const { stored, drifted, events, clock, lines } = await open(t);
  for (let n = 0; n < 40; n++) drifted(`edit ${n}`);
  events.emit({ namespace: "shop", name: "web" }, "Normal", "Created", "secret created");
  await until(() => stored().length === 26);
  await clock.advance(60_000);
  drifted("edit 40");
  drifted("edit 41");
  await until(() => stored().length === 27);
  await settle();
  assert.equal(stored().length, 27);
  const warnings = lines.filter(({ sentence }) => sentence === "events were dropped");
  assert.deepEqual(
    warnings.map(({ count, reason }) => [count, reason]),
    [
      [1, "an object has too many"],
      [15, "an object has too many"],
    ],
  );
});

test("events never hold up their teller: too many are dropped and counted", async (t) => {
  const { stored, sync, lines } = await openSync(t, ({ server }) => {
    for (let n = 0; n < 1_005; n++) server.put(resources.externalSecrets, externalSecret(`o${n}`));
  }).then((bench) => ({ ...bench, stored: () => bench.server.all(resources.events) }));
  for (let n = 0; n < 1_005; n++)
    sync.events.emit({ namespace: "shop", name: `o${n}` }, "Normal", "Created", "secret created");
  await until(() => stored().length === 1_000);
  await settle();
  assert.equal(stored().length, 1_000);
  const [warning] = lines.filter(({ sentence }) => sentence === "events were dropped");
  assert.deepEqual([warning?.level, warning?.reason], ["warn", "too many events wait"]);
});

test("an event that is refused is dropped, and the next one is sent", async (t) => {
  const { stored, drifted, server, lines } = await open(t);
  server.fail({ verb: "create", plural: "events" }, { status: 403, body: { kind: "Status", reason: "Forbidden" } });
  drifted();
  drifted("key B changed");
  await until(() => stored().length === 1);
  assert.equal(stored()[0]?.["message"], "key B changed");
  const [warning] = lines.filter(({ sentence }) => sentence === "events were dropped");
  assert.match(warning?.reason ?? "", /^create events shop\/db\.[0-9a-f]+: /);
});

test("long names and long messages are cut to what the API server takes", async (t) => {
  const { stored, events } = await open(t);
  events.emit({ namespace: "shop", name: longName }, "Normal", "Updated", "é".repeat(600));
  await until(() => stored().length === 1);
  const [{ metadata, message }] = stored() as unknown as [{ metadata: { name: string }; message: string }];
  assert.ok(metadata.name.length <= 253);
  assert.match(metadata.name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  assert.ok(Buffer.byteLength(message) <= 1_024);
  assert.match(message, /^é{500,}…$/);
});

test("the end waits for what is to be sent, but not for long", async (t) => {
  const { stored, drifted, cluster } = await open(t);
  drifted();
  drifted("key B changed");
  await cluster.close();
  assert.equal(stored().length, 2);
  const stuck = await open(t);
  stuck.server.fail({ plural: "events" }, "hold", Infinity);
  stuck.drifted();
  const closing = stuck.cluster.close();
  await until(() => stuck.sent("create") === 1);
  await stuck.clock.advance(1_001);
  await closing;
  assert.equal(stuck.clock.pending, 0);
});
