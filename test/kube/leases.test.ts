/** The Lease that a turn hangs on, and the key that all processes share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openSync, resources, until } from "./cluster-bench.ts";

const atMs = Date.UTC(2026, 0, 1, 12, 0, 0, 250);
const write = { holder: "a", transitions: 0, durationMs: 6_000, renewedAtMs: atMs, acquiredAtMs: atMs };
const namespace = "keyferry";

test("a Lease is created, renewed and given back", async (t) => {
  const { sync, server, signal } = await openSync(t);
  const { leases } = sync;
  const stored = () => server.find(resources.leases, namespace, "slot-0")!;
  assert.equal(await leases.get("slot-0", signal), undefined);
  const made = (await leases.put("slot-0", write, undefined, signal))!;
  assert.deepEqual(made, { holder: "a", transitions: 0, resourceVersion: stored().metadata.resourceVersion });
  assert.deepEqual(stored()["spec"], {
    holderIdentity: "a",
    leaseTransitions: 0,
    leaseDurationSeconds: 6,
    renewTime: "2026-01-01T12:00:00.250000Z",
    acquireTime: "2026-01-01T12:00:00.250000Z",
  });
  const { acquiredAtMs: _, ...renewal } = write;
  const renewed = (await leases.put(
    "slot-0",
    { ...renewal, renewedAtMs: atMs + 2_000 },
    made.resourceVersion,
    signal,
  ))!;
  assert.notEqual(renewed.resourceVersion, made.resourceVersion);
  const { renewTime, acquireTime } = stored()["spec"] as Record<string, string>;
  assert.deepEqual([renewTime, acquireTime], ["2026-01-01T12:00:02.250000Z", "2026-01-01T12:00:00.250000Z"]);
  await leases.put("slot-0", { ...renewal, holder: "", transitions: 1 }, renewed.resourceVersion, signal);
  const { holder, transitions } = (await leases.get("slot-0", signal))!;
  assert.deepEqual([holder, transitions], ["", 1]);
});

test("whoever comes second, or writes an old state, is told so", async (t) => {
  const { sync, server, signal } = await openSync(t);
  const made = (await sync.leases.put("slot-0", write, undefined, signal))!;
  assert.equal(await sync.leases.put("slot-0", { ...write, holder: "b" }, undefined, signal), undefined);
  await sync.leases.put("slot-0", { ...write, holder: "c" }, made.resourceVersion, signal);
  assert.equal(await sync.leases.put("slot-0", { ...write, holder: "b" }, made.resourceVersion, signal), undefined);
  assert.equal((await sync.leases.get("slot-0", signal))?.holder, "c");
  server.remove(resources.leases, namespace, "slot-0");
  assert.equal(await sync.leases.put("slot-0", write, made.resourceVersion, signal), undefined);
});

test("a Lease that others made empty has no holder", async (t) => {
  const { sync, server, signal } = await openSync(t);
  server.put(resources.leases, { apiVersion: "v1", kind: "Lease", metadata: { namespace, name: "slot-0" } });
  const { holder, transitions } = (await sync.leases.get("slot-0", signal))!;
  assert.deepEqual([holder, transitions], ["", 0]);
});

test("a lease in a namespace that does not exist is no lost race", async (t) => {
  const { sync, server, signal } = await openSync(t);
  const body = { kind: "Status", reason: "NotFound", code: 404, details: { kind: "namespaces" } };
  server.fail({ verb: "create", plural: "leases" }, { status: 404, body });
  await assert.rejects(sync.leases.put("slot-0", write, undefined, signal), { code: "kube_unavailable" });
});

const keySecret = () => ({ namespace, name: "keyferry-digest-key" });

test("the digest key is made once, of 32 bytes, without labels", async (t) => {
  const { sync, server, signal } = await openSync(t);
  const key = await sync.digestKey(signal);
  assert.equal(key.length, 32);
  assert.ok(key.equals(await sync.digestKey(signal)));
  const stored = server.find(resources.secrets, namespace, keySecret().name)!;
  assert.deepEqual([stored["type"], stored.metadata.labels, stored["immutable"]], ["Opaque", undefined, undefined]);
  assert.equal(server.requestsTo({ verb: "create", plural: "secrets" }).length, 1);
  const other = await openSync(t);
  assert.ok(!key.equals(await other.sync.digestKey(other.signal)));
});

test("of two processes that make the digest key at one time the second takes the first's", async (t) => {
  const { sync, server, signal } = await openSync(t);
  server.fail({ verb: "create", plural: "secrets" }, "hold", 2);
  const loading = [sync.digestKey(signal), sync.digestKey(signal)];
  await server.requested({ verb: "create", plural: "secrets" }, 2);
  server.release();
  const [one, two] = await Promise.all(loading);
  assert.ok(one!.equals(two!));
  await until(() => server.requestsTo({ verb: "get", plural: "secrets" }).length === 3);
});

for (const data of [{ key: Buffer.alloc(16).toString("base64") }, { other: Buffer.alloc(32).toString("base64") }, {}])
  test(`a digest key of other content (${Object.keys(data).join() || "none"}) is refused with a way out`, async (t) => {
    const { sync, server, signal } = await openSync(t);
    server.put(resources.secrets, { apiVersion: "v1", kind: "Secret", metadata: keySecret(), data });
    await assert.rejects(sync.digestKey(signal), {
      code: "manifest_invalid",
      message: 'Secret keyferry/keyferry-digest-key has no 32 bytes under "key"; delete it, and a new one is made',
    });
  });
