/** Reads that go out together: how many calls, who waits for them, and what becomes of each read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireBlock } from "./fake-server.ts";
import { externalSecret, failureOf, pod, readBench, requestFor, textOf } from "./read-bench.ts";
import type { Bench, BenchOptions } from "./read-bench.ts";

function batchBench(block: Partial<WireBlock> = {}, options: BenchOptions = {}): Bench {
  const bench = readBench(options);
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none", batch: 10, ...block }));
  bench.server.onRead = ({ located }) => answerOf(`of ${located.address}`);
  return bench;
}

const fail = (code: FailureCode): never => {
  throw new Failure(code, "as the store says");
};
const alone = ({ server }: Bench): readonly string[] => {
  const together = new Set(server.batches.flat());
  return server.requests.map(({ located }) => located.address).filter((address) => !together.has(address));
};
/** With the session that it needs from then on. */
async function readIn(bench: Bench, ms: number, ...keys: readonly string[]): Promise<void> {
  const reading = bench.read(requestFor(...keys));
  await bench.clock.advance(ms);
  await reading;
}
const byToken = { auth: "token" } as const;

test("reads that fall due together are one call, whoever asks", async () => {
  const bench = batchBench();
  const one = bench.read(requestFor("a", "b"));
  const two = bench.read(requestFor("b", "c"), { caller: externalSecret("shop", "other") });
  await bench.clock.advance(5);
  assert.deepEqual(bench.server.batches, [["a", "b", "c"]]);
  assert.deepEqual([textOf(await one, "a"), textOf(await one, "b"), textOf(await two, "c")], ["of a", "of b", "of c"]);
});

test("a lone read goes out as ever, at most 5 ms later", async () => {
  const bench = batchBench();
  const reading = bench.read(requestFor("a"));
  await bench.clock.advance(5);
  await reading;
  assert.deepEqual([bench.server.batches.length, bench.server.requests.length], [0, 1]);
  assert.ok(bench.server.requests[0]!.atMs <= 5);
});

test("what is due a moment later is another call", async () => {
  const bench = batchBench();
  const first = bench.read(requestFor("a", "b"));
  await bench.clock.advance(2);
  const joining = bench.read(requestFor("c"));
  await bench.clock.advance(2);
  const later = bench.read(requestFor("d", "e"));
  await bench.clock.advance(5);
  await Promise.all([first, joining, later]);
  assert.deepEqual(bench.server.batches, [
    ["a", "b", "c"],
    ["d", "e"],
  ]);
});

test("a full call goes out at once", async () => {
  const bench = batchBench({ batch: 2 });
  const bundle = await bench.read(requestFor("a", "b", "c", "d"));
  assert.equal(bundle.values.size, 4);
  assert.equal(bench.clock.monotonicMs(), 0);
  assert.deepEqual(bench.server.batches, [
    ["a", "b"],
    ["c", "d"],
  ]);
});

test("a store without such a call is not waited for", async () => {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }));
  await bench.read(requestFor("a", "b"));
  assert.equal(bench.clock.monotonicMs(), 0);
});

test("what does not fit into such a call is not held up", async () => {
  const bench = batchBench();
  await bench.read(requestFor("a|POST"));
  assert.equal(bench.clock.monotonicMs(), 0);
});

test("two identities never share a call", async () => {
  const bench = batchBench(byToken);
  const readings = ["one", "two"].map((account) => bench.read(requestFor("a", "b"), { caller: pod("shop", account) }));
  await bench.clock.advance(5);
  await Promise.all(readings);
  assert.equal(bench.server.batches.length, 2);
  for (const { located, shown } of bench.server.requests)
    assert.equal(bench.server.requests.filter((other) => other.located === located && other.shown !== shown).length, 0);
  assert.deepEqual(
    new Set(bench.server.requests.map(({ shown }) => /of (one|two)/.exec(shown)![1])),
    new Set(["one", "two"]),
  );
});

test("one outcome is one read's alone", async () => {
  const bench = batchBench();
  bench.server.onRead = ({ located }) => (located.address === "b" ? fail("ref_not_found") : answerOf("v"));
  const reading = failureOf(bench.read(requestFor("a", "b", "c")));
  await bench.clock.advance(5);
  assert.deepEqual(
    (await reading).parts.map(({ code, field }) => [code, field]),
    [["ref_not_found", "spec.data[1]"]],
  );
  const others = bench.read(requestFor("a", "c"), { acceptBegunFromMs: 0 });
  assert.equal((await others).values.size, 2, "the others are kept");
  assert.equal(bench.server.batches.length, 1);
});

test("what turns out not to be read so is read alone", async () => {
  const bench = batchBench();
  bench.server.readsAlone = ({ address }) => address === "b";
  const reading = bench.read(requestFor("a", "b", "c"));
  await bench.clock.advance(5);
  const bundle = await reading;
  assert.deepEqual(
    ["a", "b", "c"].map((key) => textOf(bundle, key)),
    ["of a", "of b", "of c"],
  );
  assert.deepEqual(
    bench.server.requests.map(({ located }) => located.address),
    ["a", "c", "b"],
  );
  assert.deepEqual(bench.server.batches, [["a", "b", "c"]]);
});

test("a reader who leaves takes nobody along, and what nobody waits for is not asked", async () => {
  const bench = batchBench();
  const leaving = new AbortController();
  const gone = bench.read(requestFor("a"), {}, leaving.signal);
  const staying = bench.read(requestFor("b", "c"));
  await bench.clock.advance(1);
  leaving.abort(new Error("gone"));
  await assert.rejects(gone, /gone/);
  await bench.clock.advance(5);
  await staying;
  assert.deepEqual(bench.server.batches, [["b", "c"]]);
});

test("the call goes on while one waits, and ends when nobody does", async () => {
  const bench = batchBench();
  await readIn(bench, 5, "warm");
  bench.server.latencyMs = 100;
  const leaving = [new AbortController(), new AbortController()];
  const readings = ["a", "b"].map((key, i) =>
    bench.read(requestFor(key), {}, leaving[i]!.signal).catch((thrown: Error) => thrown.message),
  );
  await bench.clock.advance(10);
  leaving[0]!.abort(new Error("gone"));
  await bench.clock.advance(10);
  assert.ok(bench.clock.pending > 0, "the call is still under way");
  leaving[1]!.abort(new Error("gone too"));
  await bench.clock.advance(0);
  assert.deepEqual(await Promise.all(readings), ["gone", "gone too"]);
  assert.equal(bench.clock.pending, 0, "nothing is left of it");
});

test("nobody waits any more before it goes out: nothing is sent, and the next read starts anew", async () => {
  const bench = batchBench();
  const leaving = new AbortController();
  const gone = bench.read(requestFor("a"), {}, leaving.signal).catch((thrown: Error) => thrown.message);
  await bench.clock.advance(1);
  leaving.abort(new Error("gone"));
  const next = bench.read(requestFor("b"));
  await bench.clock.advance(3);
  assert.deepEqual([await gone, (await next).values.size, alone(bench)], ["gone", 1, ["b"]]);
});

test("who demands an answer from now on does not join a call that is under way", async () => {
  const bench = batchBench();
  await readIn(bench, 5, "warm");
  bench.server.latencyMs = 100;
  const first = bench.read(requestFor("a", "b"));
  await bench.clock.advance(50);
  const second = bench.read(requestFor("a"));
  await bench.clock.advance(200);
  await Promise.all([first, second]);
  assert.equal(bench.server.requests.filter(({ located }) => located.address === "a").length, 2);
});

test("a deadline is a read's own", async () => {
  const bench = batchBench();
  await readIn(bench, 5, "warm");
  bench.server.latencyMs = 500;
  const hurried = failureOf(bench.read(requestFor("a"), { limitMs: 100 }));
  const patient = bench.read(requestFor("b"));
  await bench.clock.advance(600);
  assert.equal((await hurried).code, "store_timeout");
  assert.equal((await patient).values.size, 1);
});

const refusals: readonly { name: string; code: FailureCode; again: number }[] = [
  { name: "that may not make the call", code: "store_denied", again: 0 },
  { name: "whose call was too much for the store", code: "answer_too_large", again: 1 },
];

for (const { name, code, again } of refusals)
  test(`a session ${name} reads one by one${again === 0 ? ", and for ten minutes does not try it again" : ""}`, async () => {
    const bench = batchBench(byToken);
    const read = async (...keys: readonly string[]) => {
      const reading = bench.read(requestFor(...keys), { caller: pod() });
      await bench.clock.advance(5);
      return reading;
    };
    bench.server.onBatch = () => fail(code);
    assert.equal((await read("a", "b")).values.size, 2);
    assert.deepEqual([bench.server.batches.length, bench.server.requests.length], [1, 2]);
    await read("c", "d");
    assert.equal(bench.server.batches.length, 1 + again);
    await bench.clock.advance(600_000);
    await read("e", "f");
    assert.equal(bench.server.batches.length, 2 + again);
    assert.equal(bench.server.logins.length, 1);
  });

test("one identity's refusal is not another's", async () => {
  const bench = batchBench(byToken);
  bench.server.onBatch = (shown) => (shown.includes("of one") ? fail("store_denied") : undefined);
  for (const account of ["one", "two", "two"]) {
    const reading = bench.read(requestFor("a", "b"), { caller: pod("shop", account) });
    await bench.clock.advance(5);
    await reading;
  }
  assert.equal(bench.server.batches.length, 3);
});

test("a session revoked under a call is replaced once", async () => {
  const bench = batchBench(byToken);
  const read = async (...keys: readonly string[]) => {
    const reading = bench.read(requestFor(...keys), { caller: pod() });
    await bench.clock.advance(20);
    return reading;
  };
  await read("warm");
  bench.server.onRead = ({ login }) => (login === 1 ? fail("store_denied") : answerOf("v"));
  assert.equal((await read("a", "b", "c")).values.size, 3);
  assert.equal(bench.server.logins.length, 2);
});

test("an outage is everybody's, and tried again together", async () => {
  const bench = batchBench();
  let calls = 0;
  bench.server.onBatch = () => (++calls === 1 ? fail("store_error") : undefined);
  const reading = bench.read(requestFor("a", "b"));
  await bench.clock.advance(300);
  assert.equal((await reading).values.size, 2);
  assert.deepEqual([bench.server.batches.length, bench.server.requests.length], [2, 2]);
});

test("a call takes one turn in the lane, whoever is in it at their best place", async () => {
  const bench = batchBench({}, { lane: { ratePerSecond: 1, burst: 1 } });
  await readIn(bench, 5_000, "warm");
  await readIn(bench, 5, "a", "b", "c");
  const periodic = bench.read(requestFor("d", "e"), { priority: "periodic" });
  await bench.clock.advance(5);
  const withMount = [
    bench.read(requestFor("f"), { priority: "periodic" }),
    bench.read(requestFor("g"), { priority: "mount" }),
  ];
  await bench.clock.advance(3_000);
  await Promise.all([periodic, ...withMount]);
  assert.deepEqual(bench.server.batches, [
    ["a", "b", "c"],
    ["f", "g"],
    ["d", "e"],
  ]);
});

test("a store that throttles every read of a call is left alone for as long as it asks", async () => {
  const bench = batchBench();
  bench.server.onRead = () => {
    throw new Failure("store_throttled", "slow down", { retryAfterMs: 2_000 });
  };
  const reading = failureOf(bench.read(requestFor("a", "b"), { limitMs: 1_000 }));
  await bench.clock.advance(1_000);
  assert.equal((await reading).code, "store_throttled");
  const held = await failureOf(bench.read(requestFor("c"), { once: true }));
  assert.match(held.message, /paused after store_throttled/);
});
