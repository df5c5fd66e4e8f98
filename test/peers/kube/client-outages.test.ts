/**
 * A mirror on a real API server whose connections are cut, silenced and refused, and that is killed and started again:
 * it goes on where it was where it can, else lists and tells the differences alone.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../../scenario/program.ts";
import type { FaultAnswer } from "../request-proxy.ts";
import { configMaps } from "./client-bench.ts";
import { mapPath, putMap, startWriter } from "./client-journal.ts";
import { startWatchWorld, watching, type WatchWorld } from "./client-watching.ts";

let world: WatchWorld;

before(async () => {
  world = await startWatchWorld();
});
after(() => world?.stop());
afterEach(() => world.proxy.pass());

test("changes arrive once each, in their order, through connections that are cut, without another list", async (t) => {
  const bench = await watching(t, world);
  const wanted: string[] = [];
  for (let n = 1; n <= 30; n++) {
    await bench.put("b", n);
    wanted.push(`${n === 1 ? "added" : "changed"} b=${n}`);
    if (n % 10 === 0) world.proxy.cut();
  }
  await world.admin.remove(mapPath(bench.namespace, "b"));
  await bench.put("b", 31);
  await bench.untilEqual(world.admin);
  assert.deepEqual(bench.news(), [...wanted, "removed b=30", "added b=31"]);
  assert.equal(await bench.lists(), 1);
});

test("a quiet watch goes on from its last bookmark", async (t) => {
  const bench = await watching(t, world, { watchSeconds: 5 });
  const elsewhere = await putMap(world.admin, "default", "elsewhere", 1);
  const [first] = await bench.starts();
  const listedAtMs = bench.mirror.health().freshAtMs!;
  // The API server sends one two seconds before a watch ends.
  await until(() => bench.mirror.health().freshAtMs! > listedAtMs);
  world.proxy.cut();
  const second = await until(async () => (await bench.starts())[1]);
  assert.ok(BigInt(second) >= BigInt(elsewhere.metadata.resourceVersion!), `${first}, then ${second}`);
  assert.deepEqual([bench.news(), await bench.lists()], [[], 1]);
});

test("a watch that the API server ends goes on at once, again and again, without a word", async (t) => {
  const bench = await watching(t, world, { watchSeconds: 1 });
  await until(async () => (await bench.starts()).length >= 4);
  await bench.put("b", 1);
  await bench.untilEqual(world.admin);
  assert.deepEqual([bench.news(), await bench.lists(), bench.lines], [["added b=1"], 1, []]);
});

test("compacted and restarted, the API server has forgotten the place: a list, and only the differences", async (t) => {
  const bench = await watching(t, world);
  for (const name of ["kept", "changed", "removed"]) await bench.put(name, 1);
  await bench.untilEqual(world.admin);
  bench.news();
  world.proxy.silenceOpen();
  await bench.put("changed", 2);
  await world.admin.remove(mapPath(bench.namespace, "removed"));
  await bench.put("added", 1);
  await world.cluster.compact();
  await world.cluster.killApiServer();
  await world.cluster.restartApiServer();
  world.proxy.cut();
  await bench.untilEqual(world.admin);
  assert.deepEqual([...bench.news()].sort(), ["added added=1", "changed changed=2", "removed removed=1"]);
  assert.equal(await bench.lists(), 2);
});

test("a connection that lives and says nothing is given up; the list says what it swallowed", async (t) => {
  const bench = await watching(t, world, { limits: { silenceMs: 2_000 } });
  world.proxy.silenceOpen();
  await bench.put("a", 50);
  await bench.put("a", 51);
  await bench.put("b", 1);
  assert.deepEqual(bench.news(), []);
  await bench.untilEqual(world.admin);
  assert.deepEqual([...bench.news()].sort(), ["added b=1", "changed a=51"]);
  assert.ok((await bench.lists()) >= 2);
});

test("an API server that accepts and never answers: requests end in time, the mirror comes back by itself", async (t) => {
  const limits = { silenceMs: 1_000, attemptMs: 300, requestMs: 1_000 };
  const bench = await watching(t, world, { limits });
  world.proxy.silenceAll();
  await bench.put("b", 1);
  await assert.rejects(bench.client.get(configMaps, { namespace: bench.namespace, name: "a" }, bench.signal), {
    status: 0,
    message: /^get configmaps shop-\d+\/a: no answer from the API server in time$/,
  });
  const problem = await until(() => bench.mirror.health().problem);
  assert.match(problem.message, /no answer/);
  assert.deepEqual(bench.news(), []);
  world.proxy.pass();
  await bench.untilEqual(world.admin);
  assert.deepEqual(bench.news(), ["added b=1"]);
  assert.equal(bench.mirror.health().problem, undefined);
});

test("an outage is waited for: what is held stays, the log says when it began and when it ended", async (t) => {
  const bench = await watching(t, world);
  await world.cluster.killApiServer();
  const problem = await until(() => bench.mirror.health().problem);
  assert.deepEqual([problem.status, problem.code], [0, "kube_unavailable"]);
  assert.deepEqual([bench.mirror.size, bench.news()], [1, []]);
  await world.cluster.restartApiServer();
  await bench.put("b", 1);
  await bench.untilEqual(world.admin);
  assert.deepEqual(bench.news(), ["added b=1"]);
  assert.deepEqual(
    bench.lines.map(({ level, sentence }) => `${level} ${sentence}`),
    ["warn watching failed and is tried again", "info watching again"],
  );
});

test("under all of it in turn nothing is lost or doubled, whoever writes meanwhile", async (t) => {
  const { admin, cluster, proxy } = world;
  const limits = { silenceMs: 1_200, attemptMs: 1_000, requestMs: 2_000 };
  const bench = await watching(t, world, { limits, watchSeconds: 3 });
  const writer = startWriter(admin, bench.namespace);
  t.after(() => writer.stop());
  const writes = async (count: number): Promise<void> => {
    const goal = writer.written + count;
    await until(() => writer.written >= goal, 60_000);
  };
  /** Until the mirror tells of something written after this. */
  const caughtUp = async (): Promise<void> => {
    const { turn } = writer;
    await until(() => [...bench.mirror.entries()].some(({ value }) => value > turn), 60_000);
  };
  const restart = async (): Promise<void> => {
    await cluster.killApiServer();
    await cluster.restartApiServer();
  };
  const watch = (answer: FaultAnswer): (() => void) => proxy.intercept({ path: bench.watchPath, times: 1, answer });
  const troubles: readonly (() => unknown)[] = [
    () => proxy.silenceOpen(),
    async () => {
      watch({ status: 410 });
      await cluster.compact();
      proxy.cut();
    },
    () => {
      watch({ status: 200, body: '{"type":"MODIFIED","object":{"metadata":{"na', then: "cut" });
      proxy.cut();
    },
    () => {
      proxy.intercept({ path: /configmaps/, times: 2, answer: { status: 503, retryAfterSeconds: 1 } });
      proxy.cut();
    },
    async () => {
      proxy.refuse();
      await writes(30);
      proxy.pass();
    },
    restart,
    async () => {
      proxy.silenceAll();
      await writes(30);
      proxy.pass();
    },
    async () => {
      await cluster.compact();
      await restart();
      proxy.cut();
    },
  ];
  for (const make of troubles) {
    await writes(20);
    await make();
    await caughtUp();
    // The first time may be by a list.
    await caughtUp();
  }
  await writer.stop();
  await bench.untilEqual(admin);
  assert.ok(bench.told.length > 100, `${bench.told.length} changes`);
});
