/** What a mirror does when the API server or the network does not do what it should: nothing lost, nothing told twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Fault } from "../../fakes/kube-server.ts";
import type { FakeWatch } from "../../fakes/kube-server-watch.ts";
import { secrets, until } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { openMirror, secret } from "./mirror-bench.ts";
import type { MirrorBench, MirrorBenchOptions } from "./mirror-bench.ts";

interface Watching extends MirrorBench {
  readonly watch: FakeWatch;
  /** Resource versions that watches began at, in order. */
  starts: () => readonly (string | null)[];
  lists: () => number;
  /** The watch that is open after this one. */
  nextWatch: (after: FakeWatch) => Promise<FakeWatch>;
}

/** Two Secrets held, and a watch open. */
async function watching(t: TestContext, options: MirrorBenchOptions = {}): Promise<Watching> {
  const prepare = (bench: Bench): void => {
    for (const name of ["a", "b"]) bench.server.put(secrets, secret(name, "1"));
    options.prepare?.(bench);
  };
  const bench = await openMirror(t, { ...options, prepare });
  await bench.mirror.synced;
  const watch = await bench.server.watch("secrets");
  bench.news();
  return {
    ...bench,
    watch,
    starts: () => bench.server.requestsTo({ verb: "watch" }).map(({ query }) => query.get("resourceVersion")),
    lists: () => bench.server.requestsTo({ verb: "list" }).length,
    async nextWatch(after) {
      await after.closed;
      return bench.server.watch("secrets");
    },
  };
}

/** Makes the client see that the watch is open: only then is an empty one judged by how long it lived. */
async function anEvent({ put, told1, news }: MirrorBench): Promise<void> {
  put("x", String(Math.random()));
  await told1();
  news();
}

test("a watch that ends goes on at once where it was", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.watch.end();
  await bench.nextWatch(bench.watch);
  assert.deepEqual([bench.starts()[1], bench.lists()], [bench.server.resourceVersion, 1]);
  bench.put("c");
  await bench.told1();
  assert.deepEqual(bench.news(), ["added shop/c=1"]);
});

test("a watch goes on from its last bookmark, although no object changed", async (t) => {
  const bench = await watching(t);
  bench.server.put({ group: "", plural: "pods" }, { kind: "Pod", metadata: { namespace: "shop", name: "p" } });
  await bench.clock.advance(60_000);
  await bench.watch.bookmark();
  await until(() => bench.mirror.health().freshAtMs === 60_000);
  bench.watch.end();
  await bench.nextWatch(bench.watch);
  assert.equal(bench.starts()[1], bench.server.resourceVersion);
  assert.notEqual(bench.starts()[0], bench.starts()[1]);
});

test("a watch that is reset goes on where it was, after a pause", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  const was = bench.server.resourceVersion;
  bench.watch.reset();
  await until(() => bench.mirror.health().problem !== undefined);
  bench.put("c");
  await bench.clock.pass(375);
  await bench.told1();
  assert.deepEqual([bench.news(), bench.starts()[1], bench.lists()], [["added shop/c=1"], was, 1]);
  assert.equal(bench.mirror.health().problem, undefined);
});

for (const form of ["answer", "event"] as const) {
  test(`a place that is no longer kept (410 as ${form}) brings a new list, of which only differences are told`, async (t) => {
    const bench = await watching(t);
    await anEvent(bench);
    bench.watch.reset();
    await until(() => bench.mirror.health().problem !== undefined);
    bench.put("a", "2");
    bench.remove("b");
    bench.put("c");
    bench.remove("x");
    bench.put("x", "new");
    bench.server.compact(form);
    await bench.clock.pass(375);
    await bench.clock.pass(750);
    await until(() => bench.lists() === 2 && bench.told.length >= 6);
    assert.deepEqual([...bench.news()].sort(), [
      "added shop/c=1",
      "added shop/x=new",
      "changed shop/a=2",
      "removed shop/b=1",
      ...bench.told.filter((line) => line.startsWith("removed shop/x")),
    ]);
    assert.deepEqual(bench.held(), ["shop/a=2", "shop/c=1", "shop/x=new"]);
    const next = await bench.server.watch("secrets");
    assert.equal(next.query.get("resourceVersion"), bench.server.resourceVersion);
  });
}

test("an ERROR event 410 in the middle of a stream brings a new list, and says nothing when nothing changed", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.watch.fail(410, "Expired");
  await bench.clock.pass(375);
  await bench.nextWatch(bench.watch);
  assert.deepEqual([bench.lists(), bench.news(), bench.mirror.health().problem], [2, [], undefined]);
  assert.deepEqual(bench.lines, []);
});

const announced: readonly { name: string; fault: Fault; pauseMs: number }[] = [
  { name: "429 with a wish", fault: { status: 429, headers: { "retry-after": "7" } }, pauseMs: 7_375 },
  { name: "503 with a wish", fault: { status: 503, headers: { "retry-after": "2" } }, pauseMs: 2_375 },
  { name: "a wish of a day", fault: { status: 429, headers: { "retry-after": "86400" } }, pauseMs: 120_375 },
  { name: "429 without a wish", fault: { status: 429 }, pauseMs: 375 },
  { name: "500", fault: { status: 500 }, pauseMs: 375 },
  { name: "403, as of an API server that is still starting", fault: { status: 403 }, pauseMs: 375 },
  { name: "a reset", fault: "reset", pauseMs: 375 },
];
for (const { name, fault, pauseMs } of announced) {
  test(`a watch answered by ${name} is asked for again after ${pauseMs} ms, from the same place`, async (t) => {
    const bench = await watching(t);
    await anEvent(bench);
    const was = bench.server.resourceVersion;
    bench.server.fail({ verb: "watch" }, fault);
    bench.watch.end();
    await bench.clock.pass(pauseMs);
    await bench.nextWatch(bench.watch);
    assert.deepEqual([bench.starts().slice(1), bench.lists()], [[was, was], 1]);
  });
}

test("pauses grow to half a minute, and are short again once an event has come", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.server.fail({ verb: "watch" }, { status: 500 }, 9);
  bench.watch.end();
  for (const ms of [375, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500]) await bench.clock.pass(ms);
  const second = await bench.nextWatch(bench.watch);
  await anEvent(bench);
  second.reset();
  await bench.clock.pass(375);
  await bench.nextWatch(second);
});

test("an outage is logged once when it begins and once when it ends", async (t) => {
  const bench = await watching(t);
  bench.server.fail({ verb: "watch" }, { status: 503 }, 3);
  bench.watch.reset();
  for (const ms of [375, 750, 1_500, 3_000]) await bench.clock.pass(ms);
  await bench.nextWatch(bench.watch);
  await until(() => bench.lines.length === 2);
  assert.deepEqual(
    bench.lines.map(({ level, sentence, kind }) => [level, sentence, kind]),
    [
      ["warn", "watching failed and is tried again", "secrets"],
      ["info", "watching again", "secrets"],
    ],
  );
});

test("a watch that goes silent is given up after 75 to 90 s and the list read anew", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.watch.mute();
  bench.put("a", "2");
  await bench.clock.advance(82_499);
  assert.deepEqual([bench.news(), bench.watch.open, bench.lists()], [[], true, 1]);
  await bench.clock.advance(1);
  await bench.watch.closed;
  await bench.clock.pass(375);
  await bench.told1();
  assert.deepEqual([bench.news(), bench.lists()], [["changed shop/a=2"], 2]);
});

test("a resource that nobody writes is no outage: it is listed again and again, after short pauses, without a word", async (t) => {
  const bench = await watching(t);
  let watch = bench.watch;
  for (let i = 2; i < 6; i++) {
    await bench.clock.pass(82_500);
    await bench.clock.pass(375);
    watch = await bench.nextWatch(watch);
    assert.deepEqual([bench.lists(), bench.mirror.health().problem, bench.lines.length], [i, undefined, 0]);
  }
});

test("bookmarks alone keep a quiet watch alive and fresh", async (t) => {
  const bench = await watching(t);
  for (let minute = 1; minute <= 5; minute++) {
    await bench.clock.advance(60_000);
    await bench.watch.bookmark();
    await until(() => bench.mirror.health().freshAtMs === minute * 60_000);
  }
  assert.deepEqual([bench.watch.open, bench.lists(), bench.starts().length], [true, 1, 1]);
});

test("a watch that never opens is given up after 30 s", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.server.fail({ verb: "watch" }, "hold");
  bench.watch.end();
  await bench.server.requested({ verb: "watch" }, 2);
  await bench.clock.pass(30_000);
  await bench.clock.pass(375);
  await bench.nextWatch(bench.watch);
  assert.equal(bench.lists(), 1);
});

test("a watch that the server ends at once, again and again, is not asked for in a hot loop", async (t) => {
  const bench = await watching(t);
  let watch = bench.watch;
  for (const ms of [375, 750, 1_500]) {
    watch.end();
    await bench.clock.pass(ms);
    watch = await bench.nextWatch(watch);
  }
  assert.equal(bench.starts().length, 4);
});

const broken = [
  { name: "a line that is no JSON", bytes: '{"type":"ADDED","obj\n' },
  { name: "a line that is no object", bytes: "7\n" },
  { name: "an event without an object", bytes: '{"type":"ADDED"}\n' },
  { name: "an object without a name", bytes: '{"type":"ADDED","object":{"metadata":{"resourceVersion":"9999"}}}\n' },
  { name: "an object without a resourceVersion", bytes: '{"type":"ADDED","object":{"metadata":{"name":"z"}}}\n' },
  { name: "a line without end", bytes: "x".repeat(5_000) },
  {
    name: "an ERROR event of another kind",
    bytes: '{"type":"ERROR","object":{"code":500,"message":"hunter2-canary"}}\n',
  },
];
for (const { name, bytes } of broken) {
  test(`${name} ends the stream, which goes on from the last good event; in the same place again and again, the list is read`, async (t) => {
    const bench = await watching(t, { limits: { eventBytes: 4_000 } });
    await anEvent(bench);
    const was = bench.server.resourceVersion;
    let watch = bench.watch;
    for (const ms of [375, 750, 1_500]) {
      await watch.sendBytes(bytes);
      await bench.clock.pass(ms);
      watch = await bench.nextWatch(watch);
    }
    assert.deepEqual([bench.starts().slice(1, 3), bench.lists()], [[was, was], 2]);
    bench.put("c");
    await bench.told1();
    assert.deepEqual(bench.news(), ["added shop/c=1"]);
    assert.doesNotMatch(JSON.stringify(bench.lines), /canary/);
  });
}

test("streams that break in different places are resumed however often", async (t) => {
  const bench = await watching(t);
  let watch = bench.watch;
  for (let i = 0; i < 4; i++) {
    await anEvent(bench);
    await watch.sendBytes("torn\n");
    await bench.clock.pass(375);
    watch = await bench.nextWatch(watch);
  }
  assert.deepEqual([bench.starts().length, bench.lists()], [5, 1]);
});

test("a stream that is ended for throttling is resumed however often", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  let watch = bench.watch;
  for (const ms of [375, 750, 1_500, 3_000]) {
    watch.fail(429, "TooManyRequests");
    await bench.clock.pass(ms);
    watch = await bench.nextWatch(watch);
  }
  assert.deepEqual([bench.starts().length, bench.lists()], [5, 1]);
});

test("a line that is cut off by the end of the stream comes again, whole", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.watch.mute();
  bench.put("a", "2");
  await bench.watch.sendBytes('{"type":"MODIFIED","object":{"metadata":{"name":"a","nam');
  bench.watch.end();
  await bench.told1();
  assert.deepEqual([bench.news(), bench.lists()], [["changed shop/a=2"], 1]);
});

test("an event that arrives in pieces, cut inside a character, is one event", async (t) => {
  const bench = await watching(t);
  const metadata = { namespace: "shop", name: "c", uid: "u", resourceVersion: "99999", labels: { v: "Ü€🔑" } };
  const bytes = Buffer.from(`${JSON.stringify({ type: "ADDED", object: { metadata } })}\n`);
  for (const byte of bytes) await bench.watch.sendBytes(Uint8Array.of(byte));
  await bench.told1();
  assert.deepEqual(bench.news(), ["added shop/c=Ü€🔑"]);
});

test("event types that are not known and empty lines are passed over", async (t) => {
  const bench = await watching(t);
  await bench.watch.sendBytes("\n\r\n".replace("\r", ""));
  await bench.watch.sendEvent("RENAMED", { metadata: { name: "a", namespace: "shop", resourceVersion: "99999" } });
  bench.put("c");
  await bench.told1();
  assert.deepEqual([bench.news(), bench.watch.open], [["added shop/c=1"], true]);
});

test("a list that breaks off half-way changes nothing", async (t) => {
  const bench = await watching(t, { pageSize: 1 });
  await anEvent(bench);
  bench.watch.fail(410, "Expired");
  bench.put("b", "2");
  bench.server.fail({ verb: "list" }, "hold", 2);
  const before = bench.lists();
  await bench.clock.pass(375);
  await bench.server.requested({ verb: "list" }, before + 1);
  bench.server.release();
  await bench.server.requested({ verb: "list" }, before + 2);
  bench.server.fail({ verb: "list" }, { status: 403 }, 1);
  bench.server.release();
  await until(() => bench.mirror.health().problem?.status === 403);
  assert.deepEqual([bench.news(), bench.mirror.size], [[], 3]);
  await bench.clock.pass(750);
  await bench.told1();
  assert.deepEqual(bench.news(), ["changed shop/b=2"]);
});

test("an outage while it lists is waited for, however long", async (t) => {
  const bench = await openMirror(t, {
    prepare: ({ server }) => {
      server.put(secrets, secret("a", "1"));
      server.fail({ verb: "list" }, { status: 403 }, 5);
    },
  });
  for (const ms of [375, 750, 1_500, 3_000, 6_000]) await bench.clock.pass(ms);
  await bench.mirror.synced;
  assert.deepEqual(bench.held(), ["shop/a=1"]);
});

test("a resource that is not installed is a problem until it is; then it is mirrored", async (t) => {
  const bench = await openMirror(t, { prepare: ({ server }) => server.uninstall(secrets) });
  await until(() => bench.mirror.health().problem !== undefined);
  const { synced, problem } = bench.mirror.health();
  assert.deepEqual([synced, problem?.status], [false, 404]);
  bench.server.uninstall(secrets, false);
  bench.put("a");
  await bench.clock.pass(375);
  await bench.mirror.synced;
  assert.deepEqual([bench.held(), bench.mirror.health().problem], [["shop/a=1"], undefined]);
});

test("a resource that is taken away under a running mirror empties nothing", async (t) => {
  const bench = await watching(t);
  bench.server.uninstall(secrets);
  bench.watch.reset();
  await bench.clock.pass(375);
  await bench.clock.pass(750);
  await until(() => bench.mirror.health().problem?.status === 404);
  assert.deepEqual([bench.news(), bench.held()], [[], ["shop/a=1", "shop/b=1"]]);
});

test("a restart of the API server is survived without a list", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  await bench.server.stop();
  await until(() => bench.mirror.health().problem !== undefined);
  await bench.clock.pass(375);
  await until(() => bench.clock.waitsFor(750));
  bench.put("c");
  await bench.server.start();
  await bench.clock.pass(750);
  await bench.told1();
  assert.deepEqual([bench.news(), bench.lists()], [["added shop/c=1"], 1]);
});

test("a token that expired is looked up anew when the watch begins again", async (t) => {
  const bench = await watching(t);
  await anEvent(bench);
  bench.setToken("second-token");
  bench.server.acceptTokens(["second-token"]);
  bench.watch.end();
  await bench.nextWatch(bench.watch);
  const tokens = bench.server.requestsTo({ verb: "watch" }).map(({ token }) => token);
  assert.deepEqual(
    [tokens, bench.mirror.health().problem],
    [["first-token", "first-token", "second-token"], undefined],
  );
});
