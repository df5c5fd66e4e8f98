/** A read as a whole: all or nothing, its deadline, its patience, its audit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import {
  entry,
  externalSecret,
  failureOf,
  pod,
  readBench,
  requestFor,
  settle,
  simpleBench,
  textOf,
} from "./read-bench.ts";

const fail = (code: FailureCode, retryAfterMs?: number): never => {
  throw new Failure(code, "as the store says", retryAfterMs === undefined ? {} : { retryAfterMs });
};

test("one failing entry fails the read, and every failing entry is named with its field and store", async () => {
  const bench = simpleBench();
  bench.server.onRead = ({ located }) => (located.address === "b" ? answerOf("v") : fail("store_denied"));
  const failure = await failureOf(bench.read(requestFor("a", "b", "c")));
  assert.equal(
    failure.message,
    "spec.data[0]: ClusterSecretStore/main: as the store says; spec.data[2]: ClusterSecretStore/main: as the store says",
  );
  assert.deepEqual(
    failure.parts.map(({ code, field }) => [code, field]),
    [
      ["store_denied", "spec.data[0]"],
      ["store_denied", "spec.data[2]"],
    ],
  );
  assert.equal(bench.audited.length, 0);
});

test("of many failing entries five are named and the others counted", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => fail("ref_not_found");
  const failure = await failureOf(bench.read(requestFor("a", "b", "c", "d", "e", "f", "g")));
  assert.equal(failure.parts.length, 7);
  assert.match(failure.message, /spec\.data\[4\]: [^;]+ and 2 more$/);
  assert.ok(!failure.message.includes("spec.data[5]"));
});

test("faults of different stages are reported together, the gravest speaks", async () => {
  const bench = simpleBench();
  bench.server.onRead = ({ located }) => (located.address === "down" ? fail("store_sealed") : answerOf("not json"));
  const request = {
    entries: [
      entry("down", { field: "spec.data[0]" }),
      entry("a", { field: "spec.data[1]", property: "p" }),
      entry("a", { field: "spec.data[2]", store: { kind: "SecretStore", name: "lost" } }),
      entry("", { field: "spec.data[3]" }),
    ],
  };
  const failure = await failureOf(bench.read(request), bench.clock, 20_000);
  assert.deepEqual(
    failure.parts.map(({ code, field }) => [code, field]),
    [
      ["store_sealed", "spec.data[0]"],
      ["answer_invalid", "spec.data[1]"],
      ["store_not_found", "spec.data[2]"],
      ["ref_invalid", "spec.data[3]"],
    ],
  );
  assert.equal(failure.code, "store_not_found");
  assert.match(failure.message, /SecretStore\/shop\/lost does not exist/);
});

test("entries of several stores merge into one result", async () => {
  const bench = simpleBench();
  bench.cluster.putStore(
    storeManifest("own", { server: "y", auth: "none" }, { kind: "SecretStore", namespace: "shop" }),
  );
  const own = entry("b", { store: { kind: "SecretStore", name: "own" } });
  const bundle = await bench.read({ entries: [entry("a"), own] });
  assert.match(textOf(bundle, "a"), /"server":"x"/);
  assert.match(textOf(bundle, "b"), /"server":"y"/);
  assert.deepEqual(
    bundle.sources.map(({ store, storeNamespace, storeKindName, address }) => [
      store.name,
      storeNamespace,
      storeKindName,
      address,
    ]),
    [
      ["main", "", "plain", "a"],
      ["own", "shop", "plain", "b"],
    ],
  );
});

test("an optional entry that is not there is left out and named", async () => {
  const bench = simpleBench();
  bench.server.onRead = ({ located }) => (located.address === "b" ? fail("ref_not_found") : answerOf("v"));
  const optional = entry("b", { field: "spec.data[1]", optional: true });
  const bundle = await bench.read({ entries: [entry("a"), optional] });
  assert.deepEqual([...bundle.values.keys()], ["a"]);
  assert.deepEqual(bundle.missing, [{ field: "spec.data[1]", key: "b" }]);
  assert.equal(bench.audited.length, 1);
});

const notMissing: readonly FailureCode[] = ["version_not_found", "store_denied", "store_invalid"];
for (const code of notMissing)
  test(`${code} fails the read for an optional entry too`, async () => {
    const bench = simpleBench();
    bench.server.onRead = () => fail(code);
    assert.equal((await failureOf(bench.read({ entries: [entry("a", { optional: true })] }))).code, code);
  });

test("one entry's need is not another's: the same missing key fails where it is not optional", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => fail("ref_not_found");
  const entries = [entry("a", { optional: true }), entry("a", { field: "spec.data[1]" })];
  const failure = await failureOf(bench.read({ entries }));
  assert.deepEqual(
    failure.parts.map(({ field }) => field),
    ["spec.data[1]"],
  );
});

test("an outage is tried again with growing pauses while the time lasts", async () => {
  const bench = simpleBench();
  const startMs = bench.clock.monotonicMs();
  bench.server.onRead = ({ atMs }) => (atMs < 1_700 ? fail("store_unreachable") : answerOf("v"));
  const reading = bench.read(requestFor("a"));
  await bench.clock.advance(2_000);
  assert.equal(textOf(await reading, "a"), "v");
  assert.deepEqual(
    bench.server.requests.map(({ atMs }) => atMs - startMs),
    [0, 250, 750, 1_750],
  );
});

test("an outage that lasts fails the read before its deadline with what the store said last", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => fail("store_sealed");
  const reading = bench.read(requestFor("a"), { limitMs: 3_000 });
  const failure = await failureOf(reading, bench.clock, 3_000);
  assert.equal(failure.code, "store_sealed");
  assert.deepEqual(
    bench.server.requests.map(({ atMs }) => atMs),
    [0, 250, 750, 1_750],
  );
  assert.equal(bench.clock.pending, 0);
});

test("a Retry-After within the deadline is waited for", async () => {
  const bench = simpleBench();
  bench.server.onRead = ({ atMs }) => (atMs < 3_000 ? fail("store_throttled", 3_000) : answerOf("v"));
  const reading = bench.read(requestFor("a"));
  await bench.clock.advance(3_000);
  assert.equal(textOf(await reading, "a"), "v");
  assert.equal(bench.server.requests.length, 2);
});

test("a Retry-After beyond the deadline fails the read at once, and the next one without a call", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => fail("store_throttled", 60_000);
  const failure = await failureOf(bench.read(requestFor("a")));
  assert.deepEqual([failure.code, failure.retryAfterMs], ["store_throttled", 60_000]);
  await bench.clock.advance(10_000);
  const next = await failureOf(bench.read(requestFor("b")));
  assert.deepEqual([next.code, next.retryAfterMs], ["store_throttled", 50_000]);
  assert.match(next.message, /paused after store_throttled; next attempt in 50 s$/);
  assert.equal(bench.server.requests.length, 1);
});

test("a Retry-After of a store that is down is waited for as well", async () => {
  const bench = simpleBench();
  bench.server.onRead = ({ atMs }) => (atMs < 3_000 ? fail("store_sealed", 3_000) : answerOf("v"));
  const reading = bench.read(requestFor("a"));
  await bench.clock.advance(3_000);
  await reading;
  assert.equal(bench.server.requests.length, 2);
});

test("who is turned away by an open breaker does not learn what others read", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  bench.server.latencyMs = 10;
  bench.server.onRead = ({ located }) => {
    throw new Failure("store_error", `failed to read ${located.address}`);
  };
  const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`);
  const failures = keys.map((key) => failureOf(bench.read(requestFor(key), { limitMs: 900 })));
  await bench.clock.advance(900);
  const messages = (await Promise.all(failures)).map(({ message }) => message);
  messages.forEach((message, i) => assert.match(message, new RegExp(`main: (failed to read key-${i}|calls .*)$`)));
  assert.match(messages[29]!, /main: calls to this store are paused after store_error; next attempt in 1 s$/);
});

test("a store that hangs ends with store_timeout at the deadline, and leaves nothing behind", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  bench.server.latencyMs = 60_000;
  const failure = await failureOf(bench.read(requestFor("a"), { limitMs: 4_000 }), bench.clock, 4_000);
  assert.equal(failure.code, "store_timeout");
  await settle();
  assert.equal(bench.clock.pending, 0);
});

test("a caller that leaves is told its own reason, whatever could stand in", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"), { maxStaleMs: 60_000 });
  await bench.clock.advance(1_000);
  bench.server.latencyMs = 1_000;
  const leaving = new AbortController();
  const reading = bench.read(requestFor("a"), { maxStaleMs: 60_000 }, leaving.signal);
  await bench.clock.advance(10);
  leaving.abort(new Error("gone"));
  await assert.rejects(reading, /gone/);
});

test("the audit lines say who got what from where, before the value leaves", async () => {
  const bench = readBench();
  bench.cluster.putStore(
    storeManifest("main", { server: "x", auth: "token", account: { name: "reader", namespace: "infra" } }),
  );
  bench.cluster.accounts.set("infra/reader", "u");
  bench.server.onRead = () => answerOf("v", { version: "7", requestId: "req-1" });
  await bench.read(requestFor("a"));
  await bench.clock.advance(1_000);
  await bench.read(requestFor("a"), { acceptBegunFromMs: 0 });
  const common = {
    delivery: "sync",
    consumer: { kind: "ExternalSecret", namespace: "shop", name: "db", uid: "uid of shop/db" },
    serviceAccount: "infra/reader",
    store: "ClusterSecretStore/main",
    address: "a",
    version: "7",
    digest: bench.audited[0]!.digest,
    storeRequestId: "req-1",
  };
  assert.match(common.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(bench.audited, [
    { ...common, cache: "miss", ageMs: 0 },
    { ...common, cache: "hit", ageMs: 1_000 },
  ]);
});

const accounts = [
  { name: "a pod's account", caller: pod(), want: "shop/app" },
  {
    name: "a pod's account without a verified token",
    caller: { ...pod(), proven: false },
    want: "shop/app (unproven)",
  },
  { name: "no account where none is involved", caller: externalSecret(), want: "" },
];
for (const { name, caller, want } of accounts)
  test(`an audit line names ${name}`, async () => {
    const bench = simpleBench();
    await bench.read(requestFor("a"), { caller });
    assert.equal(bench.audited[0]!.serviceAccount, want);
  });

for (const outage of [false, true])
  test(`nothing is released without its audit lines, ${outage ? "stale" : "fresh"}`, async () => {
    const bench = simpleBench();
    const terms = { maxStaleMs: 60_000 };
    if (outage) {
      await bench.read(requestFor("a"), terms);
      await bench.clock.advance(1_000);
      bench.server.onRead = () => fail("store_sealed");
    }
    bench.audit.fails = true;
    const failure = await failureOf(bench.read(requestFor("a"), terms));
    assert.deepEqual([failure.code, failure.message], ["audit_unavailable", "the audit log is full"]);
  });

test("no failure holds a value, a token or a credential", async () => {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "static", secret: { name: "creds" } }));
  bench.cluster.secrets.set("shop/creds", "canary-credential");
  bench.server.onRead = () => answerOf("canary-value");
  const failures = [
    await failureOf(bench.read({ entries: [entry("a", { property: "p" })] })),
    await failureOf(bench.read({ entries: [entry("a", { decoding: "Base64" })] })),
    await failureOf(bench.read(requestFor("a"), { caller: pod() })),
  ];
  for (const failure of failures) assert.doesNotMatch(failure.message, /canary/);
});
