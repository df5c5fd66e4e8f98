/** The cluster as a whole: when it is ready, and that it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../fakes/clock.ts";
import { openRoles, openSync, resources, until } from "./cluster-bench.ts";

const names = (checks: readonly { name: string }[]): string[] => checks.map(({ name }) => name);

test("each role is ready once all that it follows is listed", async (t) => {
  const mount = await openRoles(t, ["mount"]);
  assert.deepEqual(names(mount.cluster.ready()), ["watch of StorePolicies"]);
  assert.equal(mount.cluster.sync, undefined);
  const sync = await openRoles(t, ["mount", "sync"], ({ server }) => {
    server.fail({ verb: "list", plural: "namespaces" }, "hold");
  });
  await until(() => sync.cluster.ready().filter(({ ok }) => ok).length === 5);
  assert.deepEqual(
    sync.cluster.ready().filter(({ ok }) => !ok),
    [{ name: "watch of Namespaces", ok: false, note: "not listed yet" }],
  );
  sync.server.mend();
  await sync.cluster.synced;
  assert.ok(sync.cluster.ready().every(({ ok }) => ok));
  assert.deepEqual(names(sync.cluster.ready()).sort(), [
    "watch of ClusterSecretStores",
    "watch of ExternalSecrets",
    "watch of Namespaces",
    "watch of SecretStores",
    "watch of StorePolicies",
    "watch of managed Secrets",
  ]);
});

test("a missing CRD is told by name", async (t) => {
  const { cluster } = await openRoles(t, ["sync"], ({ server }) => server.uninstall(resources.externalSecrets));
  const check = () => cluster.ready().find(({ name }) => name === "watch of ExternalSecrets")!;
  await until(() => check().note.includes("CRD"));
  assert.deepEqual([check().ok, check().note.startsWith("not listed yet: list externalsecrets")], [false, true]);
});

test("a watch that the API server has not confirmed for three minutes is not ready", async (t) => {
  const { cluster, server, clock } = await openRoles(t, ["mount"]);
  await cluster.synced;
  const watch = await server.watch("storepolicies");
  server.fail({ plural: "storepolicies" }, { status: 503 }, Infinity);
  watch.reset();
  await clock.advance(179_000);
  assert.equal(cluster.ready()[0]?.ok, true);
  await clock.advance(1_000);
  const [check] = cluster.ready();
  assert.equal(check?.ok, false);
  assert.match(check.note, /^confirmed 180 s ago: (list|watch) storepolicies/);
  server.mend();
  while (!cluster.ready()[0]?.ok) await clock.advance(1_000);
});

test("after the end no watch, timer or connection is left", async (t) => {
  const { cluster, server, clock, signal, sync } = await openSync(t);
  sync.externalSecrets.onDependencyChange(() => assert.fail("told after the end"));
  await cluster.view.secretValue("shop", "login", "a", signal);
  await until(() => server.watches.length === 7);
  server.put(resources.policies, { metadata: { name: "p" }, spec: {} });
  await until(() => clock.waitsFor(100));
  await cluster.close();
  await settle();
  assert.equal(clock.pending, 0);
  await until(() => server.watches.length === 0);
});

test("the end does not wait for a request that hangs", async (t) => {
  const { cluster, server, signal } = await openRoles(t, ["mount"]);
  server.fail({ plural: "secretstores" }, "hold");
  const asking = cluster.view.findStore("SecretStore", "shop", "vault", signal).catch((thrown: unknown) => thrown);
  await server.requested({ plural: "secretstores" }, 1);
  await cluster.close();
  assert.ok((await asking) instanceof Error);
});
