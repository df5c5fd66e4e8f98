/** What stands in while a store is unavailable, and what never does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import type { ReadTerms } from "../../plugin/read/request.ts";
import { storeManifest, storePolicy } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import { entry, externalSecret, failureOf, pod, readBench, requestFor, simpleBench, textOf } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

const hour = 3_600_000;
const stale: Partial<ReadTerms> = { maxStaleMs: hour, caller: pod() };

function failing(code: FailureCode, retryAfterMs?: number): () => never {
  return () => {
    throw new Failure(code, `the store says ${code}`, retryAfterMs === undefined ? {} : { retryAfterMs });
  };
}

/** Reads once, lets a second pass, then changes what the server does. */
async function afterOneRead(keys: readonly string[], onRead: Bench["server"]["onRead"], options = {}): Promise<Bench> {
  const bench = simpleBench(options);
  await bench.read(requestFor(...keys), stale);
  await bench.clock.advance(1_000);
  bench.server.onRead = onRead;
  return bench;
}

const outages: readonly FailureCode[] = [
  "store_unreachable",
  "store_timeout",
  "store_sealed",
  "store_error",
  "store_throttled",
];

for (const code of outages)
  test(`${code}: the earlier result is served at once, marked stale`, async () => {
    const bench = await afterOneRead(["a"], failing(code));
    const readAtMs = bench.clock.nowMs() - 1_000;
    const bundle = await bench.read(requestFor("a"), stale);
    assert.match(textOf(bundle, "a"), /"server":"x"/);
    assert.deepEqual([bundle.stale?.sinceMs, bundle.stale?.code], [readAtMs, code]);
    assert.match(
      bundle.stale!.message,
      new RegExp(`spec.data\\[0\\]: ClusterSecretStore/main: the store says ${code}`),
    );
    assert.equal(bundle.sources[0]!.cache, "stale");
    assert.deepEqual([bench.audited.at(-1)!.cache, bench.audited.at(-1)!.ageMs], ["stale", 1_000]);
    assert.deepEqual(bench.counted.answers, ["miss", "stale"]);
    assert.equal(bench.server.requests.length, 2, "one attempt is enough");
  });

test("a store that hangs is given its attempt, then the earlier result is served", async () => {
  const bench = await afterOneRead(["a"], () => answerOf("v"));
  bench.server.latencyMs = 60_000;
  const reading = bench.read(requestFor("a"), stale);
  await bench.clock.advance(5_000);
  assert.equal((await reading).stale?.code, "store_timeout");
});

test("what the deadline of the whole read cut off is an outage too", async () => {
  const bench = await afterOneRead(["a"], () => answerOf("v"));
  bench.server.latencyMs = 60_000;
  const reading = bench.read(requestFor("a"), { ...stale, limitMs: 2_000 });
  await bench.clock.advance(2_000);
  assert.equal((await reading).stale?.code, "store_timeout");
});

test("while the store asked for a pause, the earlier result is served without waiting or calling", async () => {
  const bench = await afterOneRead(["a"], failing("store_throttled", 5_000));
  await bench.read(requestFor("a"), stale);
  const calls = bench.server.requests.length;
  const bundle = await bench.read(requestFor("a"), stale);
  assert.equal(bundle.stale?.code, "store_throttled");
  assert.equal(bench.server.requests.length, calls);
});

const refusals: readonly { name: string; code: FailureCode }[] = [
  { name: "refused", code: "store_denied" },
  { name: "not there", code: "ref_not_found" },
  { name: "destroyed", code: "version_not_found" },
  { name: "invalid", code: "answer_invalid" },
];
for (const { name, code } of refusals)
  test(`a part that is ${name} is not stood in for, even when others are unavailable`, async () => {
    const bench = await afterOneRead(["a", "b"], ({ located }) =>
      failing(located.address === "a" ? code : "store_sealed")(),
    );
    const failure = await failureOf(bench.read(requestFor("a", "b"), stale), bench.clock, 20_000);
    assert.equal(failure.code, code);
    assert.equal(failure.parts.length, 2);
  });

const sticky: readonly FailureCode[] = ["store_denied", "ref_not_found", "version_not_found"];
for (const code of sticky)
  test(`${code} sticks: a later outage does not revive what was kept`, async () => {
    const bench = await afterOneRead(["a"], failing(code));
    await failureOf(bench.read(requestFor("a"), stale));
    await bench.clock.advance(11_000);
    bench.server.onRead = failing("store_sealed");
    assert.equal((await failureOf(bench.read(requestFor("a"), stale), bench.clock, 20_000)).code, "store_sealed");
  });

test("a no heard by one request drops every earlier result with that part, and no other", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a", "b"), stale);
  await bench.read(requestFor("b"), stale);
  await bench.clock.advance(1_000);
  bench.server.onRead = failing("store_denied");
  await failureOf(bench.read(requestFor("a"), stale));
  bench.server.onRead = failing("store_sealed");
  await failureOf(bench.read(requestFor("a", "b"), stale), bench.clock, 20_000);
  assert.equal((await bench.read(requestFor("b"), stale)).stale?.code, "store_sealed");
});

test("a no that is heard while a result is put together keeps it from standing in", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"), stale);
  bench.server.latencyMs = 100;
  const both = bench.read(requestFor("a", "b"), { ...stale, acceptBegunFromMs: 0 });
  await bench.clock.advance(50);
  bench.server.latencyMs = 0;
  bench.server.onRead = failing("store_denied");
  await failureOf(bench.read(requestFor("a"), stale));
  await bench.clock.advance(50);
  assert.deepEqual([...(await both).values.keys()], ["a", "b"]);
  bench.server.onRead = failing("store_sealed");
  await bench.clock.advance(1_000);
  await failureOf(bench.read(requestFor("a", "b"), stale), bench.clock, 20_000);
});

test("a result that was overtaken does not take the place of the younger one", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"), stale);
  bench.server.onRead = ({ atMs }) => answerOf(`sent at ${atMs}`);
  bench.server.latencyMs = 1_000;
  const slow = bench.read(requestFor("a"), stale);
  await bench.clock.advance(100);
  bench.server.latencyMs = 10;
  const quick = bench.read(requestFor("a"), stale);
  await bench.clock.advance(1_000);
  await Promise.all([slow, quick]);
  bench.server.onRead = failing("store_sealed");
  const late = bench.read(requestFor("a"), stale);
  await bench.clock.advance(10);
  assert.equal(textOf(await late, "a"), "sent at 100");
});

test("a result names its own store: that of another namespace does not stand in, however equal", async () => {
  const bench = readBench();
  for (const namespace of ["shop", "bank"])
    bench.cluster.putStore(storeManifest("own", { server: "x", auth: "none" }, { kind: "SecretStore", namespace }));
  const request = { entries: [entry("a", { store: { kind: "SecretStore", name: "own" } })] };
  await bench.read(request, { ...stale, caller: pod("bank") });
  await bench.clock.advance(1_000);
  bench.server.onRead = failing("store_sealed");
  await failureOf(bench.read(request, stale), bench.clock, 20_000);
  await bench.clock.advance(60_000);
  const { sources } = await bench.read(request, { ...stale, caller: pod("bank") });
  assert.equal(sources[0]!.storeNamespace, "bank");
});

test("an invalid answer is no reason to forget: a later outage is stood in for", async () => {
  const bench = await afterOneRead(["a"], failing("answer_invalid"));
  await failureOf(bench.read(requestFor("a"), stale));
  bench.server.onRead = failing("store_sealed");
  assert.equal((await bench.read(requestFor("a"), stale)).stale?.code, "store_sealed");
});

test("a property that is gone sticks for its own entry", async () => {
  const bench = simpleBench();
  const one = { entries: [entry("a", { property: "p" })] };
  const other = { entries: [entry("a", { property: "q" })] };
  bench.server.onRead = () => answerOf('{"p":"1","q":"2"}');
  await bench.read(one, stale);
  await bench.read(other, stale);
  await bench.clock.advance(1_000);
  bench.server.onRead = () => answerOf('{"q":"2"}');
  assert.equal((await failureOf(bench.read(one, stale))).code, "property_not_found");
  await bench.clock.advance(1_000);
  bench.server.onRead = failing("store_sealed");
  assert.equal((await failureOf(bench.read(one, stale), bench.clock, 20_000)).code, "store_sealed");
  assert.equal(textOf(await bench.read(other, stale), "a"), "2");
});

test("a store that was deleted sticks, also when it comes back", async () => {
  const bench = await afterOneRead(["a"], failing("store_sealed"));
  const manifest = bench.cluster.stores.get("ClusterSecretStore/main")!;
  bench.cluster.stores.clear();
  assert.equal((await failureOf(bench.read(requestFor("a"), stale))).code, "store_not_found");
  bench.cluster.stores.set("ClusterSecretStore/main", manifest);
  assert.equal((await failureOf(bench.read(requestFor("a"), stale), bench.clock, 20_000)).code, "store_sealed");
});

for (const identity of ["Store", "Pod"] as const)
  test(`a credential that was deleted sticks, for its own namespace; sync is no pod (${identity})`, async () => {
    const bench = readBench();
    const block = { server: "x", auth: "static", secret: { name: "creds" } };
    bench.cluster.putStore(storeManifest("main", block));
    for (const namespace of ["shop", "bank"]) bench.cluster.secrets.set(`${namespace}/creds`, `of ${namespace}`);
    const of = (namespace: string) =>
      bench.read(requestFor("a"), { caller: externalSecret(namespace), identity, maxStaleMs: hour });
    await of("shop");
    await of("bank");
    await bench.clock.advance(1_000);
    bench.cluster.secrets.delete("shop/creds");
    assert.equal((await failureOf(of("shop"))).code, "credential_missing");
    bench.cluster.secrets.set("shop/creds", "of shop");
    bench.server.onRead = failing("store_sealed");
    assert.equal((await of("bank")).stale?.code, "store_sealed");
    assert.equal((await failureOf(of("shop"), bench.clock, 20_000)).code, "store_sealed");
  });

test("authorize runs before anything stands in", async () => {
  const bench = await afterOneRead(["a"], failing("store_sealed"));
  bench.cluster.policies.push(storePolicy("p", { kind: "ClusterSecretStore", name: "main" }, []));
  assert.equal((await failureOf(bench.read(requestFor("a"), stale))).code, "not_allowed");
});

test("a stale result is one that was read together: a part that can be read is not mixed in", async () => {
  const bench = simpleBench();
  let rotation = 1;
  bench.server.onRead = ({ located }) => answerOf(`${located.address}${rotation}`);
  await bench.read(requestFor("a", "b"), stale);
  await bench.clock.advance(1_000);
  rotation = 2;
  bench.server.onRead = ({ located }) => (located.address === "b" ? failing("store_sealed")() : answerOf("a2"));
  const bundle = await bench.read(requestFor("a", "b"), stale);
  assert.deepEqual([textOf(bundle, "a"), textOf(bundle, "b"), bundle.stale?.code], ["a1", "b1", "store_sealed"]);
});

test("another shape of the same answers is another result", async () => {
  const bench = await afterOneRead(["a"], failing("store_sealed"));
  const renamed = { entries: [entry("a", { take: { as: "value", name: "renamed" } })] };
  assert.equal((await failureOf(bench.read(renamed, stale), bench.clock, 20_000)).code, "store_sealed");
});

test("requests of other identities do not stand in for one another", async () => {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "token" }));
  const as = (account: string) => ({ ...stale, caller: pod("shop", account) });
  await bench.read(requestFor("a"), as("one"));
  await bench.clock.advance(1_000);
  bench.server.onRead = failing("store_sealed");
  await failureOf(bench.read(requestFor("a"), as("two")), bench.clock, 20_000);
  assert.equal((await bench.read(requestFor("a"), as("one"))).stale?.code, "store_sealed");
});

const ends: readonly { name: string; leaseMs?: number; maxStaleMs: number; atMs: number; served: boolean }[] = [
  { name: "up to maxStale since its oldest answer", maxStaleMs: 60_000, atMs: 60_000, served: true },
  { name: "not beyond", maxStaleMs: 60_000, atMs: 60_001, served: false },
  { name: "not when the consumer wants none", maxStaleMs: 0, atMs: 1, served: false },
  { name: "up to the end of its lease", leaseMs: 30_000, maxStaleMs: 60_000, atMs: 29_999, served: true },
  { name: "not after the lease ended", leaseMs: 30_000, maxStaleMs: 60_000, atMs: 30_000, served: false },
];
for (const { name, leaseMs, maxStaleMs, atMs, served } of ends)
  test(`a result stands in ${name}`, async () => {
    const bench = simpleBench();
    const { clock, server } = bench;
    server.onRead = () => answerOf("v", leaseMs === undefined ? {} : { expiresAtMs: clock.nowMs() + leaseMs });
    await bench.read(requestFor("a"), stale);
    await clock.advance(atMs);
    server.onRead = failing("store_sealed");
    const reading = bench.read(requestFor("a"), { ...stale, maxStaleMs });
    if (served) assert.equal(textOf(await reading, "a"), "v");
    else assert.equal((await failureOf(reading, clock, 20_000)).code, "store_sealed");
  });

test("last-good keeps to its bounds", async () => {
  const few = simpleBench({ limits: { cacheEntries: 1 } });
  await few.read(requestFor("a"), stale);
  await few.read(requestFor("b"), stale);
  few.server.onRead = failing("store_sealed");
  await few.clock.advance(1_000);
  assert.equal((await few.read(requestFor("b"), stale)).stale?.code, "store_sealed");
  await failureOf(few.read(requestFor("a"), stale), few.clock, 20_000);

  const small = simpleBench({ limits: { cacheBytes: 4_000 } });
  small.server.onRead = () => answerOf("x".repeat(4_000));
  await small.read(requestFor("a"), stale);
  await small.clock.advance(1_000);
  small.server.onRead = failing("store_sealed");
  await failureOf(small.read(requestFor("a"), stale), small.clock, 20_000);
});

test("a result without any value never stands in", async () => {
  const bench = simpleBench();
  const request = { entries: [entry("a", { optional: true })] };
  bench.server.onRead = failing("ref_not_found");
  assert.equal((await bench.read(request, stale)).values.size, 0);
  await bench.clock.advance(11_000);
  bench.server.onRead = failing("store_sealed");
  await failureOf(bench.read(request, stale), bench.clock, 20_000);
});
