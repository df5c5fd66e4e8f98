/** Asking whether a kept answer still is the answer: when, and what comes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireBlock } from "./fake-server.ts";
import { externalSecret, failureOf, pod, readBench, requestFor, textOf } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

/** Its answer to `a` has the validator `e1`, the next one `e2`. */
function refetchBench(block: Partial<WireBlock> = {}): Bench {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none", refetch: true, ...block }));
  let answers = 0;
  bench.server.onRead = () => {
    answers++;
    return answerOf(`v${answers}`, { version: String(answers), validator: `e${answers}`, requestId: `r${answers}` });
  };
  return bench;
}

const unchanged = (): "unchanged" => "unchanged";
const fail = (code: FailureCode) => (): never => {
  throw new Failure(code, "as the store says");
};

test("an answer that is still the answer is as good as new, and reads nothing", async () => {
  const bench = refetchBench();
  bench.server.onRefetch = unchanged;
  await bench.read(requestFor("a"));
  await bench.clock.advance(60_000);
  const again = await bench.read(requestFor("a"));
  assert.deepEqual([bench.server.refetches, bench.server.requests.length], [["e1"], 1]);
  const [source] = again.sources;
  assert.deepEqual([textOf(again, "a"), source!.version, source!.cache], ["v1", "1", "miss"]);
  assert.deepEqual([source!.begunAtMs, source!.fetchedAtMs], [60_000, bench.clock.nowMs()]);
  await bench.clock.advance(1_000);
  const kept = await bench.read(requestFor("a"), { acceptBegunFromMs: 60_000 });
  assert.deepEqual([kept.sources[0]!.cache, bench.server.refetches.length], ["hit", 1]);
});

test("it makes nobody due, and has the digest that it had", async () => {
  const bench = refetchBench();
  bench.server.onRefetch = unchanged;
  const due: string[] = [];
  bench.path.consumers.onDue(({ consumer }) => due.push(consumer.name));
  for (const name of ["one", "two", "one"]) {
    await bench.read(requestFor("a"), { caller: externalSecret("shop", name) });
    await bench.clock.advance(1);
  }
  assert.deepEqual(due, []);
  assert.equal(new Set(bench.audited.map(({ digest }) => digest)).size, 1);
});

test("one that changed comes with the question's own answer", async () => {
  const bench = refetchBench();
  await bench.read(requestFor("a"));
  await bench.clock.advance(1);
  assert.equal(textOf(await bench.read(requestFor("a")), "a"), "v2");
  await bench.clock.advance(1);
  await bench.read(requestFor("a"));
  assert.deepEqual([bench.server.refetches, bench.server.requests.length], [["e1", "e2"], 3]);
});

test("readers who come while it is asked share the question", async () => {
  const bench = refetchBench();
  bench.server.onRefetch = unchanged;
  await bench.read(requestFor("a"));
  await bench.clock.advance(1);
  bench.server.latencyMs = 10;
  const readings = ["one", "two"].map((name) => bench.read(requestFor("a"), { caller: externalSecret("shop", name) }));
  await bench.clock.advance(20);
  await Promise.all(readings);
  assert.equal(bench.server.refetches.length, 1);
});

const plain: readonly { name: string; block?: Partial<WireBlock>; answer?: object; leaseMs?: number }[] = [
  { name: "a store that cannot be asked", block: { refetch: undefined as never } },
  { name: "an answer without a validator", answer: { validator: undefined } },
  { name: "an answer whose end has come", leaseMs: 500 },
];

for (const { name, block = {}, answer = {}, leaseMs } of plain)
  test(`${name} is read again`, async () => {
    const bench = refetchBench(block);
    const { onRead } = bench.server;
    bench.server.onRefetch = unchanged;
    bench.server.onRead = (request) => ({
      ...onRead(request),
      ...answer,
      ...(leaseMs !== undefined && { expiresAtMs: bench.clock.nowMs() + leaseMs }),
    });
    await bench.read(requestFor("a"));
    await bench.clock.advance(1_000);
    assert.equal(textOf(await bench.read(requestFor("a")), "a"), "v2");
    assert.equal(bench.server.refetches.length, 0);
  });

test("nobody is told of another identity's answer", async () => {
  const bench = refetchBench({ auth: "token" });
  bench.server.onRefetch = unchanged;
  await bench.read(requestFor("a"), { caller: pod("shop", "one") });
  const other = await bench.read(requestFor("a"), { caller: pod("shop", "two") });
  assert.deepEqual([textOf(other, "a"), bench.server.refetches.length], ["v2", 0]);
});

for (const code of ["store_denied", "ref_not_found", "answer_invalid"] as const)
  test(`a question that ends with ${code} is no answer: the read itself counts`, async () => {
    const bench = refetchBench();
    await bench.read(requestFor("a"));
    await bench.clock.advance(1);
    bench.server.onRefetch = fail(code);
    assert.equal(textOf(await bench.read(requestFor("a")), "a"), "v2");
  });

test("a question that nobody answers is an outage, and never taken for unchanged", async () => {
  const bench = refetchBench();
  await bench.read(requestFor("a"));
  await bench.clock.advance(1);
  bench.server.onRefetch = fail("store_error");
  const failure = await failureOf(bench.read(requestFor("a"), { once: true }));
  assert.deepEqual([failure.code, bench.server.requests.length], ["store_error", 1]);
});

test("what was refused is not asked about any more", async () => {
  const bench = refetchBench();
  const { onRead } = bench.server;
  await bench.read(requestFor("a"));
  await bench.clock.advance(1);
  bench.server.onRead = fail("store_denied");
  bench.server.onRefetch = fail("store_denied");
  await failureOf(bench.read(requestFor("a")));
  const asked = bench.server.refetches.length;
  await bench.clock.advance(1);
  bench.server.onRead = onRead;
  bench.server.onRefetch = unchanged;
  assert.equal(textOf(await bench.read(requestFor("a")), "a"), "v2");
  assert.equal(bench.server.refetches.length, asked);
});

test("what changed while it was asked is not kept", async () => {
  const bench = refetchBench();
  bench.server.onRefetch = unchanged;
  await bench.read(requestFor("a"));
  await bench.clock.advance(1);
  bench.server.latencyMs = 10;
  const reading = bench.read(requestFor("a"));
  await bench.clock.advance(5);
  for (const tell of bench.server.watchers) tell();
  await bench.clock.advance(10);
  await reading;
  bench.server.latencyMs = 0;
  assert.equal(textOf(await bench.read(requestFor("a"), { acceptBegunFromMs: 0 }), "a"), "v2");
});
