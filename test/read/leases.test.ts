/** What a store makes for one reader: read once, kept alive while it is read, given back when nobody reads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireBlock } from "./fake-server.ts";
import { entry, externalSecret, pod, readBench, requestFor, textOf } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

const minuteMs = 60_000;
const key = "creds/app|POST";
const request = {
  entries: ["user", "password"].map((property, i) =>
    entry(key, { field: `spec.data[${i}]`, property, take: { as: "value", name: property } }),
  ),
};

interface Scene extends Bench {
  /** Ids of the leases that were made. */
  readonly made: string[];
  /** Names of the consumers that fell due; emptied by asking. */
  readonly due: () => readonly string[];
  /** Reads as a sync of this name does at each interval, and gives the user. */
  readonly sync: (name?: string, terms?: Parameters<Bench["read"]>[1]) => Promise<string>;
  readonly mount: () => Promise<string>;
}

/** Credentials with leases of an hour that can be renewed for an hour, and sessions without an end. */
function scene(block: Partial<WireBlock> = {}, lease: { renewable?: boolean; lifeMs?: number } = {}): Scene {
  const { renewable = true, lifeMs = 60 * minuteMs } = lease;
  const bench = readBench();
  const { server, clock, cluster } = bench;
  cluster.putStore(storeManifest("main", { server: "x", auth: "none", leases: true, ...block }));
  const made: string[] = [];
  server.onRead = () => {
    const id = String(made.length + 1);
    made.push(id);
    const value = JSON.stringify({ user: `u${id}`, password: `p${id}` });
    return answerOf(value, { lease: { id, renewable }, expiresAtMs: clock.nowMs() + lifeMs });
  };
  server.onLeaseRenew = () => clock.nowMs() + lifeMs;
  const due: string[] = [];
  bench.path.consumers.onDue(({ consumer }) => due.push(consumer.name));
  const read = async (terms: Parameters<Bench["read"]>[1]): Promise<string> => {
    const bundle = await bench.read(request, { once: true, ...terms });
    assert.equal(textOf(bundle, "password").slice(1), textOf(bundle, "user").slice(1), "of one credential");
    return textOf(bundle, "user");
  };
  return {
    ...bench,
    made,
    due: () => due.splice(0),
    sync: (name = "db", terms = {}) => read({ caller: externalSecret("shop", name), ...terms }),
    mount: () => read({ caller: pod() }),
  };
}

const refuse = (code: FailureCode) => (): never => {
  throw new Failure(code, "as the store says");
};
const consumer = externalSecret("shop", "db");

test("user and password are of one read, and each consumer has its own", async () => {
  const s = scene();
  assert.deepEqual([await s.sync(), await s.sync("other"), await s.mount()], ["u1", "u2", "u3"]);
});

test("a refresh does not make another one while the lease lives", async () => {
  const s = scene();
  await s.sync();
  for (let minute = 0; minute < 39; minute += 13) {
    await s.clock.advance(13 * minuteMs);
    assert.equal(await s.sync(), "u1");
  }
  assert.deepEqual([s.made.length, s.server.leaseCalls.length, s.counted.answers.at(-1)], [1, 0, "hit"]);
});

test("whoever asks for new values gets them, once", async () => {
  const s = scene();
  await s.sync();
  await s.clock.advance(minuteMs);
  const forced = { leasedFromMs: s.clock.monotonicMs() };
  assert.equal(await s.sync("db", forced), "u2");
  await s.clock.advance(minuteMs);
  assert.equal(await s.sync("db", forced), "u2");
  assert.deepEqual(s.server.leaseCalls, [], "the old one is left to whoever has it");
});

test("at two thirds of its life its readers become due, and their read renews it", async () => {
  const s = scene();
  await s.sync();
  await s.clock.advance(40 * minuteMs - 1);
  assert.deepEqual(s.due(), []);
  await s.clock.advance(1);
  assert.deepEqual(s.due(), ["db"]);
  assert.equal(await s.sync("db", { acceptBegunFromMs: 0 }), "u1", "however old an answer it takes");
  assert.deepEqual(s.server.leaseCalls, ["renew 1 with 1"]);
  await s.clock.advance(40 * minuteMs);
  assert.deepEqual(s.due(), ["db"], "and again at two thirds of the next");
  await s.sync();
  await s.clock.advance(30 * minuteMs);
  assert.equal(await s.sync(), "u1");
  assert.deepEqual([s.made.length, s.server.leaseCalls.length], [1, 2]);
});

test("the end that is told with a renewed answer is the new one", async () => {
  const s = scene();
  await s.sync();
  await s.clock.advance(40 * minuteMs);
  const bundle = await s.read(request);
  assert.equal(bundle.sources[0]!.expiresAtMs, s.clock.nowMs() + 60 * minuteMs);
});

test("concurrent readers of one lease renew it once", async () => {
  const s = scene();
  await s.mount();
  await s.clock.advance(40 * minuteMs);
  s.server.latencyMs = 10;
  const readings = [s.mount(), s.mount()];
  await s.clock.advance(50);
  assert.deepEqual(await Promise.all(readings), ["u1", "u1"]);
  assert.equal(s.server.leaseCalls.length, 1);
});

test("nothing is renewed for nobody: a mount that is not repeated lets its lease run out", async () => {
  const s = scene();
  await s.mount();
  await s.clock.advance(24 * 60 * minuteMs);
  assert.deepEqual(s.server.leaseCalls, []);
  assert.equal(s.clock.pending, 0, "and nothing waits for it");
  assert.equal(await s.mount(), "u2");
});

const spent: readonly {
  name: string;
  renewable?: boolean;
  block?: Partial<WireBlock>;
  renew?: (s: Scene) => number;
}[] = [
  { name: "cannot be renewed", renewable: false },
  { name: "is of a store that renews none", block: { leases: undefined as never } },
  { name: "is refused its renewal", renew: refuse("store_denied") },
  { name: "has come near its longest life", renew: ({ clock }) => clock.nowMs() + 5 * minuteMs },
];

for (const { name, renewable = true, block = {}, renew } of spent)
  test(`a lease that ${name} is replaced while it lives, and left to run out`, async () => {
    const s = scene(block, { renewable });
    await s.sync();
    if (renew) s.server.onLeaseRenew = () => renew(s);
    await s.clock.advance(40 * minuteMs);
    assert.deepEqual(s.due(), ["db"]);
    assert.equal(await s.sync("db", { acceptBegunFromMs: 0 }), "u2", "however old an answer it takes");
    assert.ok(!s.server.leaseCalls.some((call) => call.startsWith("revoke")));
    await s.clock.advance(40 * minuteMs);
    assert.deepEqual(s.due(), ["db"], "the new one has its own two thirds");
  });

test("a shorter life that is not yet near its end is taken", async () => {
  const s = scene();
  await s.sync();
  s.server.onLeaseRenew = () => s.clock.nowMs() + 7 * minuteMs;
  await s.clock.advance(40 * minuteMs);
  assert.equal(await s.sync(), "u1");
});

test("while a renewal does not work the lease serves to its end, and is tried again before", async () => {
  const s = scene();
  await s.sync();
  s.server.onLeaseRenew = refuse("store_error");
  await s.clock.advance(40 * minuteMs);
  s.due();
  assert.equal(await s.sync(), "u1");
  await s.clock.advance(10 * minuteMs);
  assert.deepEqual(s.due(), ["db"], "half of what is left");
  s.server.onLeaseRenew = () => s.clock.nowMs() + 60 * minuteMs;
  assert.equal(await s.sync(), "u1");
  await s.clock.advance(30 * minuteMs);
  assert.equal(await s.sync(), "u1");
  assert.equal(s.made.length, 1);
});

test("what a session made ends with it: with another session there is another credential", async () => {
  const s = scene();
  s.server.onLogin = () => s.clock.nowMs() + 50 * minuteMs;
  await s.sync();
  await s.clock.advance(40 * minuteMs);
  assert.equal(await s.sync(), "u2");
  assert.deepEqual([s.server.leaseCalls, s.server.logins.length], [[], 2]);
});

test("a renewed session is the same one to its leases", async () => {
  const s = scene({ renew: true });
  const end = () => s.clock.nowMs() + 50 * minuteMs;
  s.server.onLogin = end;
  s.server.onRenew = end;
  await s.sync();
  await s.clock.advance(40 * minuteMs);
  assert.equal(await s.sync(), "u1");
  assert.deepEqual([s.server.leaseCalls, s.server.renewals], [["renew 1 with 1"], [1]]);
});

test("a reader that is gone gives it back, and nothing of it is served any more", async () => {
  const s = scene();
  await s.sync("db", { maxStaleMs: 3_600_000 });
  s.path.consumers.release(consumer);
  await s.clock.advance(0);
  assert.deepEqual(s.server.leaseCalls, ["revoke 1 with 1"]);
  s.server.onRead = refuse("store_sealed");
  await assert.rejects(s.sync("db", { maxStaleMs: 3_600_000 }));
  assert.equal(s.clock.pending, 0);
});

test("what another object reads stays", async () => {
  const s = scene();
  await s.sync();
  await s.sync("other");
  s.path.consumers.release(consumer);
  await s.clock.advance(0);
  assert.deepEqual(s.server.leaseCalls, ["revoke 1 with 1"]);
  assert.equal(await s.sync("other"), "u2");
});

test("of a lease that several share only the last one gives it back", async () => {
  const s = scene();
  const read = (name: string) =>
    s.read(requestFor("creds/app"), { caller: externalSecret("shop", name), acceptBegunFromMs: 0 });
  await read("db");
  await read("other");
  s.path.consumers.release(consumer);
  await s.clock.advance(0);
  assert.deepEqual(s.server.leaseCalls, []);
  s.path.consumers.release(externalSecret("shop", "other"));
  await s.clock.advance(0);
  assert.deepEqual(s.server.leaseCalls, ["revoke 1 with 1"]);
});

test("a pod that still reads keeps it, one that has not for a life does not", async () => {
  for (const [repeatsAtMs, calls] of [
    [30 * minuteMs, 0],
    [0, 1],
  ] as const) {
    const s = scene();
    const read = (caller: Parameters<Bench["read"]>[1]) =>
      s.read(requestFor("creds/app"), { acceptBegunFromMs: 0, ...caller });
    await read({ caller: pod() });
    await read({ caller: consumer });
    await s.clock.advance(40 * minuteMs);
    await read({ caller: consumer });
    if (repeatsAtMs > 0) await read({ caller: pod() });
    await s.clock.advance(30 * minuteMs);
    s.server.leaseCalls.length = 0;
    s.path.consumers.release(consumer);
    await s.clock.advance(0);
    assert.equal(s.server.leaseCalls.length, calls);
  }
});

test("an object that reads something else gives back what it read before, when the new values have had a minute", async () => {
  const s = scene();
  await s.sync();
  s.server.onRead = refuse("store_error");
  await assert.rejects(s.read(requestFor("plain"), { caller: consumer, once: true }));
  await s.clock.advance(10 * minuteMs);
  assert.deepEqual(s.server.leaseCalls, [], "not while it has nothing in its place");
  s.server.onRead = () => answerOf("v");
  await s.read(requestFor("plain"), { caller: consumer });
  await s.clock.advance(minuteMs - 1);
  assert.deepEqual(s.server.leaseCalls, []);
  await s.clock.advance(1);
  assert.deepEqual(s.server.leaseCalls, ["revoke 1 with 1"]);
});

test("an object that comes back to it within that minute keeps it", async () => {
  const s = scene();
  await s.sync();
  const { onRead } = s.server;
  s.server.onRead = () => answerOf("v");
  await s.read(requestFor("plain"), { caller: consumer });
  s.server.onRead = onRead;
  await s.clock.advance(30_000);
  assert.equal(await s.sync(), "u1");
  await s.clock.advance(10 * minuteMs);
  assert.deepEqual(s.server.leaseCalls, []);
});

test("an object that is only left alone gives back nothing", async () => {
  const s = scene();
  await s.sync();
  s.path.consumers.forget(consumer);
  await s.clock.advance(2 * minuteMs);
  assert.deepEqual(s.server.leaseCalls, []);
});

test("without the session that made it a lease is left to run out: no proof is kept to log in with", async () => {
  const s = scene();
  s.server.onLogin = () => s.clock.nowMs() + minuteMs;
  await s.sync();
  await s.clock.advance(2 * minuteMs);
  await s.read(requestFor("plain"), { caller: externalSecret("shop", "other") });
  s.path.consumers.release(consumer);
  await s.clock.advance(0);
  assert.deepEqual([s.server.leaseCalls, s.server.logins.length], [[], 2]);
});

test("a revocation that is refused is left at that, and one that hangs ends", async () => {
  const s = scene();
  await s.sync();
  s.server.onLeaseRevoke = refuse("store_denied");
  s.path.consumers.release(consumer);
  await s.clock.advance(minuteMs);
  await s.sync();
  s.server.latencyMs = 10 * minuteMs;
  s.path.consumers.release(consumer);
  await s.clock.advance(minuteMs);
  assert.equal(s.server.leaseCalls.length, 2);
  assert.equal(s.clock.pending, 0);
});

test("at the end of the process leases are left to run out", async () => {
  const s = scene();
  await s.sync();
  await s.mount();
  s.path.close();
  await s.clock.advance(60 * minuteMs);
  assert.deepEqual([s.server.leaseCalls, s.due(), s.clock.pending], [[], [], 0]);
});

test("a lease without an end is kept until somebody gives it back", async () => {
  const s = scene({}, { lifeMs: Infinity });
  const { onRead } = s.server;
  s.server.onRead = (seen) => {
    const { expiresAtMs: _, ...endless } = onRead(seen);
    return endless;
  };
  await s.sync();
  assert.equal(s.clock.pending, 0);
  await s.clock.advance(1_000 * minuteMs);
  assert.equal(await s.sync(), "u1");
  s.path.consumers.release(consumer);
  await s.clock.advance(0);
  assert.deepEqual(s.server.leaseCalls, ["revoke 1 with 1"]);
});

test("an identity that lost its right loses what was made for it", async () => {
  const s = scene({ auth: "token" });
  s.server.onLogin = () => s.clock.nowMs() + 30 * minuteMs;
  const read = (account: string) => s.read(request, { caller: pod("shop", account), once: true });
  await read("mine");
  await s.clock.advance(40 * minuteMs);
  await read("other");
  s.server.onLogin = (shown) => (shown.includes("of mine") ? refuse("store_login_denied")() : undefined);
  await assert.rejects(read("mine"), { code: "store_denied" });
  assert.deepEqual(s.server.leaseCalls, []);
});

test("no message and no audit line names a lease", async () => {
  const s = scene();
  s.server.onRead = () => answerOf('{"user":"u","password":"p"}', { lease: { id: "canary", renewable: true } });
  await s.sync();
  assert.ok(!JSON.stringify(s.audited).includes("canary"));
});
