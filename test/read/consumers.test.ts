/** A fetch that brings something new makes everybody due who waits for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { ConsumerDue } from "../../plugin/read/consumers.ts";
import { answerOf } from "./fake-server.ts";
import { externalSecret, pod, requestFor, simpleBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

interface Scene extends Bench {
  /** Names of the consumers that fell due, in order; emptied by asking. */
  readonly due: () => readonly string[];
  readonly dues: ConsumerDue[];
  readonly sync: (name: string, ...keys: readonly string[]) => Promise<unknown>;
}

function scene(): Scene {
  const bench = simpleBench();
  const dues: ConsumerDue[] = [];
  bench.path.consumers.onDue((due) => dues.push(due));
  return {
    ...bench,
    dues,
    due: () => dues.splice(0).map(({ consumer }) => consumer.name),
    sync: (name, ...keys) => bench.read(requestFor(...keys), { caller: externalSecret("shop", name) }),
  };
}

const changes = [
  {
    name: "another version",
    first: answerOf("v", { version: "1" }),
    second: answerOf("v", { version: "2" }),
    due: true,
  },
  { name: "another value without a version", first: answerOf("v"), second: answerOf("w"), due: true },
  { name: "the same value without a version", first: answerOf("v"), second: answerOf("v"), due: false },
  {
    name: "the same version",
    first: answerOf("v", { version: "1" }),
    second: answerOf("v", { version: "1" }),
    due: false,
  },
  {
    name: "another value under a version counted anew",
    first: answerOf("v", { version: "1" }),
    second: answerOf("w", { version: "1" }),
    due: true,
  },
];

for (const { name, first, second, due } of changes)
  test(`${name} makes ${due ? "the others" : "nobody"} due`, async () => {
    const s = scene();
    s.server.onRead = () => first;
    for (const consumer of ["one", "two", "three"]) await s.sync(consumer, "a");
    await s.sync("elsewhere", "b");
    assert.deepEqual(s.due(), []);
    await s.clock.advance(1_000);
    s.server.onRead = () => second;
    await s.sync("two", "a");
    if (due) assert.deepEqual(new Set(s.dues.map((d) => d.acceptBegunFromMs)), new Set([1_000]));
    assert.deepEqual(s.due(), due ? ["one", "three"] : []);
  });

test("who is made due accepts the very answer that made it due", async () => {
  const s = scene();
  await s.sync("one", "a");
  await s.clock.advance(1_000);
  s.server.onRead = () => answerOf("new");
  await s.sync("two", "a");
  const [due] = s.dues;
  await s.clock.advance(1_000);
  const bundle = await s.read(requestFor("a"), { caller: due!.consumer, acceptBegunFromMs: due!.acceptBegunFromMs });
  assert.equal(bundle.sources[0]!.cache, "hit");
  assert.equal(s.server.requests.length, 2);
});

test("a mount that brings something new makes the ExternalSecrets due", async () => {
  const s = scene();
  await s.sync("one", "a");
  await s.clock.advance(1_000);
  s.server.onRead = () => answerOf("new");
  await s.read(requestFor("a"), { caller: pod() });
  assert.deepEqual(s.due(), ["one"]);
});

test("those who wait for one fetch are all served by it", async () => {
  const s = scene();
  await Promise.all(["one", "two", "three"].map((name) => s.sync(name, "a")));
  await s.clock.advance(1_000);
  s.server.latencyMs = 100;
  s.server.onRead = () => answerOf("new");
  const readings = ["one", "two"].map((name) => s.sync(name, "a"));
  await s.clock.advance(100);
  await Promise.all(readings);
  assert.deepEqual(s.due(), ["three"]);
});

test("a consumer that stopped reading a key is not made due by it", async () => {
  const s = scene();
  await s.sync("one", "a");
  await s.sync("one", "b");
  await s.sync("two", "a");
  await s.clock.advance(1_000);
  s.server.onRead = () => answerOf("new");
  await s.sync("three", "a");
  assert.deepEqual(s.due(), ["two"]);
});

test("a consumer that is gone is forgotten", async () => {
  const s = scene();
  await s.sync("one", "a");
  await s.sync("two", "a");
  s.path.consumers.forget(externalSecret("shop", "one"));
  await s.clock.advance(1_000);
  s.server.onRead = () => answerOf("new");
  await s.sync("three", "a");
  assert.deepEqual(s.due(), ["two"]);
});

test("an answer that was overtaken makes nobody due", async () => {
  const s = scene();
  await s.sync("one", "a");
  await s.clock.advance(1_000);
  s.server.latencyMs = 1_000;
  s.server.onRead = () => answerOf("old");
  const slow = s.sync("two", "a");
  await s.clock.advance(100);
  s.server.latencyMs = 10;
  s.server.onRead = () => answerOf("new");
  const quick = s.sync("three", "a");
  await s.clock.advance(10);
  assert.deepEqual(s.due(), ["one", "two"]);
  await s.clock.advance(1_000);
  await Promise.all([slow, quick]);
  assert.deepEqual(s.due(), []);
});

test("a listener that left hears nothing", async () => {
  const s = scene();
  const heard: ConsumerDue[] = [];
  s.path.consumers.onDue((due) => heard.push(due))();
  await s.sync("one", "a");
  await s.clock.advance(1_000);
  s.server.onRead = () => answerOf("new");
  await s.sync("two", "a");
  assert.deepEqual([heard.length, s.due()], [0, ["one"]]);
});

test("a consumer whose read failed still waits for its keys", async () => {
  const s = scene();
  s.server.onRead = () => {
    throw new Failure("store_denied", "no");
  };
  await assert.rejects(s.sync("one", "a"));
  s.server.onRead = () => answerOf("v");
  await s.clock.advance(1_000);
  await s.sync("two", "a");
  await s.clock.advance(1_000);
  s.server.onRead = () => answerOf("new");
  await s.sync("two", "a");
  assert.deepEqual(s.due(), ["one"]);
});

test("a store that reports a change makes all due who read from it, once each, for a fetch from now on", async () => {
  const s = scene();
  await s.sync("one", "a", "b");
  await s.sync("two", "b");
  await s.clock.advance(1_000);
  for (const changed of s.server.watchers) changed();
  assert.deepEqual(
    s.dues.map(({ consumer, acceptBegunFromMs }) => [consumer.name, acceptBegunFromMs]),
    [
      ["one", 1_000],
      ["two", 1_000],
    ],
  );
});
