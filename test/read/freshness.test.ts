/** How old an answer may be, who shares one, and for how long a "not found" is believed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { answerOf } from "./fake-server.ts";
import { entry, failureOf, pod, requestFor, settle, simpleBench, textOf } from "./read-bench.ts";

const freshness: readonly {
  name: string;
  /** Age of the answer at the second read, and how old that one takes it. */
  ageMs: number;
  acceptMs: number;
  leaseMs?: number;
  fetches: 1 | 2;
}[] = [
  { name: "an answer younger than asked for is a hit", ageMs: 29_999, acceptMs: 30_000, fetches: 1 },
  { name: "an answer of just that age is a hit", ageMs: 30_000, acceptMs: 30_000, fetches: 1 },
  { name: "an older answer is read again", ageMs: 30_001, acceptMs: 30_000, fetches: 2 },
  { name: "a demand for a fetch from now on reads again", ageMs: 1, acceptMs: 0, fetches: 2 },
  { name: "a leased answer is a hit before its end", ageMs: 9_999, acceptMs: 30_000, leaseMs: 10_000, fetches: 1 },
  { name: "a lease that ended is read again", ageMs: 10_000, acceptMs: 30_000, leaseMs: 10_000, fetches: 2 },
];

for (const c of freshness)
  test(c.name, async () => {
    const bench = simpleBench();
    const { clock, server } = bench;
    server.onRead = () => answerOf("v", c.leaseMs === undefined ? {} : { expiresAtMs: clock.nowMs() + c.leaseMs });
    await bench.read(requestFor("a"));
    await clock.advance(c.ageMs);
    const bundle = await bench.read(requestFor("a"), { acceptBegunFromMs: clock.monotonicMs() - c.acceptMs });
    assert.equal(server.requests.length, c.fetches);
    assert.equal(bundle.sources[0]!.cache, c.fetches === 1 ? "hit" : "miss");
    assert.deepEqual(bench.counted.answers, ["miss", c.fetches === 1 ? "hit" : "miss"]);
  });

test("a step of the wall clock neither ends a lease nor revives one", async () => {
  const bench = simpleBench();
  const { clock, server } = bench;
  server.onRead = () => answerOf("v", { expiresAtMs: clock.nowMs() + 10_000 });
  await bench.read(requestFor("a"));
  clock.jumpWall(86_400_000);
  await bench.read(requestFor("a"), { acceptBegunFromMs: 0 });
  assert.equal(server.requests.length, 1);
  clock.jumpWall(-2 * 86_400_000);
  await clock.advance(10_000);
  await bench.read(requestFor("a"), { acceptBegunFromMs: 0 });
  assert.equal(server.requests.length, 2);
});

test("ten properties of one path are one fetch, one source and one audit line", async () => {
  const bench = simpleBench();
  const names = Array.from({ length: 10 }, (_, i) => `p${i}`);
  bench.server.onRead = () =>
    answerOf(JSON.stringify(Object.fromEntries(names.map((name) => [name, `value of ${name}`]))));
  const entries = names.map((property) => entry("a", { property, take: { as: "value", name: property } }));
  const bundle = await bench.read({ entries });
  assert.equal(textOf(bundle, "p7"), "value of p7");
  assert.deepEqual(
    [bench.server.requests.length, bundle.sources.length, bench.audited.length, bench.counted.answers],
    [1, 1, 1, ["miss"]],
  );
});

test("later entries win, and a value says where it came from", async () => {
  const bench = simpleBench();
  bench.server.onRead = ({ located }) =>
    answerOf(JSON.stringify({ user: `of ${located.address}`, [located.address]: "x" }));
  const map = { as: "map", conversion: "Default" } as const;
  const bundle = await bench.read({
    entries: [
      entry("a", { field: "spec.dataFrom[0]", take: map }),
      entry("b", { field: "spec.dataFrom[1]", take: map }),
      entry("c", { field: "spec.data[0]", property: "user", take: { as: "value", name: "a" } }),
    ],
  });
  assert.deepEqual(
    [...bundle.values].map(([name, { value, source, field }]) => [name, value.reveal().toString(), source, field]),
    [
      ["user", "of b", 1, "spec.dataFrom[1]"],
      ["a", "of c", 2, "spec.data[0]"],
      ["b", "x", 1, "spec.dataFrom[1]"],
    ],
  );
});

test("identical reads at one time are one fetch; the first is a miss and the others are hits", async () => {
  const bench = simpleBench();
  bench.server.latencyMs = 100;
  const readings = [1, 2, 3].map(() => bench.read(requestFor("a"), { caller: pod() }));
  await bench.clock.advance(200);
  const bundles = await Promise.all(readings);
  assert.equal(bench.server.requests.length, 1);
  assert.deepEqual(
    bundles.map(({ sources }) => sources[0]!.cache),
    ["miss", "hit", "hit"],
  );
});

test("a read joins one that began late enough for it, and no other", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  bench.server.requests.length = 0;
  bench.server.latencyMs = 1_000;
  const begin = bench.clock.monotonicMs();
  const first = bench.read(requestFor("a"));
  await bench.clock.advance(100);
  const joins = bench.read(requestFor("a"), { acceptBegunFromMs: begin });
  await settle();
  assert.equal(bench.server.requests.length, 1);
  const demands = bench.read(requestFor("a"), { acceptBegunFromMs: begin + 1 });
  await settle();
  assert.equal(bench.server.requests.length, 2);
  await bench.clock.advance(1_000);
  const begun = (await Promise.all([first, joins, demands])).map(({ sources }) => sources[0]!.begunAtMs - begin);
  assert.deepEqual(begun, [0, 0, 100]);
});

test("an answer that was overtaken does not replace the younger one", async () => {
  const bench = simpleBench();
  const { server, clock } = bench;
  await bench.read(requestFor("warm"));
  server.requests.length = 0;
  server.onRead = () => answerOf(`answer ${server.requests.length}`);
  server.latencyMs = 1_000;
  const slow = bench.read(requestFor("a"));
  await clock.advance(100);
  server.latencyMs = 10;
  const quick = bench.read(requestFor("a"));
  await clock.advance(1_000);
  assert.deepEqual([textOf(await slow, "a"), textOf(await quick, "a")], ["answer 1", "answer 2"]);
  assert.equal(textOf(await bench.read(requestFor("a"), { acceptBegunFromMs: 0 }), "a"), "answer 2");
});

test("a fetch has the time of whoever started it, and who joined it tries again", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  bench.server.requests.length = 0;
  bench.server.latencyMs = 60_000;
  const short = failureOf(bench.read(requestFor("a"), { limitMs: 1_000 }));
  const long = bench.read(requestFor("a"));
  await bench.clock.advance(1_000);
  assert.equal((await short).code, "store_timeout");
  bench.server.latencyMs = 0;
  await bench.clock.advance(250);
  await long;
  assert.deepEqual(
    bench.server.requests.map(({ atMs }) => atMs),
    [0, 1_250],
  );
});

test("the first caller leaves: the others get its fetch", async () => {
  const bench = simpleBench();
  bench.server.latencyMs = 100;
  const leaving = new AbortController();
  const first = bench.read(requestFor("a"), {}, leaving.signal);
  const second = bench.read(requestFor("a"));
  await bench.clock.advance(150);
  leaving.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  await bench.clock.advance(50);
  assert.equal((await second).sources.length, 1);
  assert.equal(bench.server.requests.length, 1);
});

test("all callers leave: the fetch is aborted, nothing stays behind, and the next one starts anew", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  bench.server.requests.length = 0;
  bench.server.latencyMs = 100;
  const leaving = new AbortController();
  const readings = [1, 2].map(() => bench.read(requestFor("a"), {}, leaving.signal));
  await bench.clock.advance(50);
  leaving.abort(new Error("gone"));
  for (const reading of readings) await assert.rejects(reading, /gone/);
  await settle();
  assert.equal(bench.clock.pending, 0);
  const again = bench.read(requestFor("a"), { acceptBegunFromMs: 0 });
  await bench.clock.advance(100);
  await again;
  assert.equal(bench.server.requests.length, 2);
});

test("reads that are not plain are shared by nobody, and kept for their own consumer", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => answerOf(`made ${bench.server.requests.length}`);
  const value = async (caller = pod()): Promise<string> =>
    textOf(await bench.read(requestFor("a|POST"), { caller, acceptBegunFromMs: 0 }), "a|POST");
  const other = { ...pod(), name: "web-1", uid: "another" };
  assert.deepEqual(await Promise.all([value(), value(other)]), ["made 1", "made 2"]);
  assert.deepEqual([await value(), await value(other)], ["made 1", "made 2"]);
});

const absences = ["ref_not_found", "version_not_found"] as const;
for (const code of absences)
  test(`${code} is remembered for 10 s, and not against a demand for a new fetch`, async () => {
    const bench = simpleBench();
    bench.server.onRead = () => {
      throw new Failure(code, "nothing there");
    };
    const ask = async (acceptBegunFromMs = 0): Promise<number> => {
      assert.equal((await failureOf(bench.read(requestFor("a"), { acceptBegunFromMs }))).code, code);
      return bench.server.requests.length;
    };
    assert.equal(await ask(), 1);
    await bench.clock.advance(9_999);
    assert.equal(await ask(), 1);
    assert.equal(await ask(bench.clock.monotonicMs()), 2);
    await bench.clock.advance(10_000);
    assert.equal(await ask(), 3);
  });

test("a refusal is never remembered", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => {
    throw new Failure("store_denied", "no");
  };
  await failureOf(bench.read(requestFor("a")));
  bench.server.onRead = () => answerOf("v");
  assert.equal(textOf(await bench.read(requestFor("a"), { acceptBegunFromMs: 0 }), "a"), "v");
});

test("a refusal removes the kept answer", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"));
  await bench.clock.advance(1_000);
  bench.server.onRead = () => {
    throw new Failure("store_denied", "no");
  };
  await failureOf(bench.read(requestFor("a")));
  assert.equal((await failureOf(bench.read(requestFor("a"), { acceptBegunFromMs: 0 }))).code, "store_denied");
});

test("a refusal is not outlived by a read that was under way", async () => {
  const bench = simpleBench();
  const { server, clock } = bench;
  await bench.read(requestFor("warm"));
  server.onRead = () => answerOf("v");
  server.latencyMs = 1_000;
  const slow = bench.read(requestFor("a"));
  await clock.advance(100);
  server.onRead = () => {
    throw new Failure("store_denied", "no");
  };
  server.latencyMs = 10;
  const refused = failureOf(bench.read(requestFor("a")));
  await clock.advance(1_000);
  assert.equal((await refused).code, "store_denied");
  assert.equal(textOf(await slow, "a"), "v");
  const later = failureOf(bench.read(requestFor("a"), { acceptBegunFromMs: 0 }), clock, 1_000);
  assert.equal((await later).code, "store_denied");
});

test("the cache keeps to its bounds: the least used answers go first, one that is too large is not kept", async () => {
  const bench = simpleBench({ limits: { cacheEntries: 2 } });
  const hits = async (...keys: readonly string[]): Promise<readonly string[]> => {
    const read = [];
    for (const key of keys) read.push((await bench.read(requestFor(key), { acceptBegunFromMs: 0 })).sources[0]!.cache);
    return read;
  };
  assert.deepEqual(await hits("a", "b", "a", "c", "a", "b"), ["miss", "miss", "hit", "miss", "hit", "miss"]);

  const small = simpleBench({ limits: { cacheBytes: 2_000 } });
  small.server.onRead = () => answerOf("x".repeat(2_001));
  await small.read(requestFor("a"));
  await small.read(requestFor("a"), { acceptBegunFromMs: 0 });
  assert.equal(small.server.requests.length, 2);
});
