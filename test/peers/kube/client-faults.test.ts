/**
 * A mirror and a client on a real API server behind a proxy that answers some requests itself: 429, 503, 410, torn and
 * split lines, answers lost. Each change is told once, in its order, and in the end the mirror holds the truth.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../../scenario/program.ts";
import type { FaultAnswer } from "../request-proxy.ts";
import { configMaps } from "./client-bench.ts";
import { startWatchWorld, watching, type WatchWorld } from "./client-watching.ts";

let world: WatchWorld;

before(async () => {
  world = await startWatchWorld();
});
after(() => world?.stop());
afterEach(() => world.proxy.pass());

const expired = JSON.stringify({
  type: "ERROR",
  object: { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Expired", message: "made up", code: 410 },
});
const forgotten: readonly { name: string; answer: FaultAnswer }[] = [
  { name: "an answer", answer: { status: 410 } },
  { name: "an event", answer: { status: 200, body: `${expired}\n`, then: "silence" } },
];
for (const { name, answer } of forgotten) {
  test(`410 as ${name} brings a list, of which only the differences are told`, async (t) => {
    const bench = await watching(t, world);
    await bench.put("b", 1);
    await bench.untilEqual(world.admin);
    bench.news();
    world.proxy.intercept({ path: bench.watchPath, times: 1, answer });
    world.proxy.silenceOpen();
    await bench.put("b", 2);
    await bench.put("c", 1);
    world.proxy.cut();
    await bench.untilEqual(world.admin);
    assert.deepEqual([...bench.news()].sort(), ["added c=1", "changed b=2"]);
    assert.equal(await bench.lists(), 2);
  });
}

for (const status of [429, 503]) {
  test(`a watch answered by ${status} with Retry-After is not asked for again before its end`, async (t) => {
    const bench = await watching(t, world);
    const before = bench.watchesSeen().length;
    world.proxy.intercept({ path: bench.watchPath, times: 2, answer: { status, retryAfterSeconds: 1 } });
    world.proxy.cut();
    await until(() => bench.watchesSeen().length >= before + 3);
    const [first, second, third] = bench.watchesSeen().slice(before);
    for (const pauseMs of [second!.atMs - first!.atMs, third!.atMs - second!.atMs])
      assert.ok(pauseMs >= 1_000, `asked again after ${pauseMs} ms`);
    await bench.put("b", 1);
    await bench.untilEqual(world.admin);
    assert.equal(await bench.lists(), 1);
  });

  test(`a write answered by ${status} with Retry-After is sent again after its end, and once`, async (t) => {
    const bench = await watching(t, world);
    world.proxy.intercept({ method: "POST", path: /configmaps/, times: 2, answer: { status, retryAfterSeconds: 1 } });
    const seen = world.proxy.requests.length;
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: bench.namespace, name: "written" } };
    await bench.client.create(configMaps, map, bench.signal);
    const posts = world.proxy.requests.slice(seen).filter(({ method }) => method === "POST");
    assert.deepEqual(
      posts.map((post) => post.status),
      [status, status, 201],
    );
    assert.ok(posts[1]!.atMs - posts[0]!.atMs >= 1_000 && posts[2]!.atMs - posts[1]!.atMs >= 1_000);
  });
}

test("a write whose answer is lost is not sent again; a read is", async (t) => {
  const bench = await watching(t, world);
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: bench.namespace, name: "unsure" } };
  world.proxy.intercept({ path: /configmaps$/, method: "POST", times: 1, answer: "cut" });
  await assert.rejects(bench.client.create(configMaps, map, bench.signal), { status: 0, code: "kube_unavailable" });
  assert.equal(
    world.proxy.requests.filter(({ method, path }) => method === "POST" && path.includes(bench.namespace)).length,
    1,
  );
  world.proxy.intercept({ path: /configmaps\/a$/, times: 2, answer: "cut" });
  assert.equal(
    (await bench.client.get(configMaps, { namespace: bench.namespace, name: "a" }, bench.signal))?.metadata.name,
    "a",
  );
});

const whole = JSON.stringify({
  type: "MODIFIED",
  object: { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a", namespace: "x", resourceVersion: "1" } },
});
const streams: readonly { name: string; answer: FaultAnswer }[] = [
  {
    name: "a line that is torn off with its connection",
    answer: { status: 200, body: whole.slice(0, 60), then: "cut" },
  },
  { name: "a line that is torn off by the end", answer: { status: 200, body: whole.slice(0, 60), then: "end" } },
  { name: "a line that is half an object", answer: { status: 200, body: `${whole.slice(0, 60)}\n`, then: "silence" } },
  { name: "a page of a gateway", answer: { status: 200, body: "<html>\n<body>\n", then: "silence" } },
  { name: "a 403 of an API server that does not know its roles yet", answer: { status: 403 } },
  { name: "a gateway's 502", answer: { status: 502, body: "<html>" } },
];
for (const { name, answer } of streams) {
  test(`${name} is passed over: the watch goes on where it was`, async (t) => {
    const bench = await watching(t, world);
    world.proxy.intercept({ path: bench.watchPath, times: 2, answer });
    world.proxy.cut();
    await bench.put("b", 1);
    await bench.put("b", 2);
    await bench.untilEqual(world.admin);
    assert.deepEqual([bench.news(), await bench.lists()], [["added b=1", "changed b=2"], 1]);
  });
}

test("a reset in the middle of a line: what it was the begin of comes again, whole", async (t) => {
  const bench = await watching(t, world);
  const seen = bench.watchesSeen().length;
  world.proxy.intercept({
    path: bench.watchPath,
    times: 1,
    answer: { status: 200, body: whole.slice(0, 90), then: "silence" },
  });
  world.proxy.cut();
  const arrived = bench.received();
  await until(() => bench.watchesSeen().length > seen && bench.received() > arrived);
  await bench.put("a", 99);
  world.proxy.cut();
  await bench.untilEqual(world.admin);
  assert.deepEqual([bench.news(), await bench.lists()], [["changed a=99"], 1]);
});

test("an event of many pieces, cut inside characters, is one event", async (t) => {
  const bench = await watching(t, world);
  const text = "Ü€🔑".repeat(60_000);
  const texts: unknown[] = [];
  const mirror = bench.client.mirror({
    kind: configMaps,
    namespace: bench.namespace,
    keep: (map) => void texts.push((map["data"] as Record<string, string> | undefined)?.["text"]),
  });
  t.after(() => mirror.stop());
  await mirror.synced;
  texts.length = 0;
  // Small and irregular pieces.
  world.proxy.delay(1);
  t.after(() => world.proxy.delay(0));
  await world.admin.create({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "long", namespace: bench.namespace },
    data: { n: "1", text },
  });
  await bench.untilEqual(world.admin);
  await until(() => texts.length > 0);
  assert.ok(texts.length === 1 && texts[0] === text);
});
