import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../../fakes/clock.ts";
import { laneBench, type Bench } from "./bench.ts";

test("after a 429 nothing is sent until its Retry-After ends, then one probe, then the others", async () => {
  const { call, started, clock, lane } = laneBench();
  const first = call("first");
  const second = call("second");
  await settle();
  first.fail("store_throttled", 3_000);
  await settle();
  second.answer();
  const waiting = ["w1", "w2", "w3"].map((name) => call(name));
  assert.equal(lane.holdMs(), 3_000);
  await clock.advance(2_999);
  assert.deepEqual(started, ["first", "second"]);
  await clock.advance(1);
  assert.equal(lane.holdMs(), 0);
  await clock.advance(1_000);
  assert.deepEqual(started, ["first", "second", "w1"], "the others wait for the probe's answer");
  waiting[0]!.answer();
  await clock.advance(200);
  assert.deepEqual(started, ["first", "second", "w1", "w2", "w3"]);
});

test("a 429 of the probe holds again", async () => {
  const { call, started, clock } = laneBench();
  const first = call("first");
  await settle();
  first.fail("store_throttled", 3_000);
  await settle();
  const probe = call("probe");
  call("other");
  await clock.advance(3_000);
  probe.fail("store_throttled", 7_000);
  await clock.advance(6_999);
  assert.deepEqual(started, ["first", "probe"]);
  await clock.advance(1);
  assert.deepEqual(started, ["first", "probe", "other"]);
});

test("the longest Retry-After of calls in flight together counts", async () => {
  const { call, started, clock } = laneBench();
  const [a, b, c] = ["a", "b", "c"].map((name) => call(name));
  await settle();
  a!.fail("store_throttled", 1_000);
  b!.fail("store_throttled", 4_000);
  c!.fail("store_throttled", 2_000);
  await settle();
  call("next");
  await clock.advance(3_999);
  assert.equal(started.length, 3);
  await clock.advance(1);
  assert.equal(started.length, 4);
});

for (const [given, means] of [
  [undefined, "without Retry-After"],
  [0, "with Retry-After: 0"],
] as const) {
  test(`${means} the hold is 1 s and doubles up to 30 s while the store goes on refusing`, async () => {
    const { call, clock, lane } = laneBench();
    const holds: number[] = [];
    for (let i = 0; i < 7; i++) {
      const one = call(`c${i}`);
      await settle();
      one.fail("store_throttled", given);
      await settle();
      holds.push(lane.holdMs());
      await clock.advance(lane.holdMs());
    }
    assert.deepEqual(holds, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    const good = call("good");
    await settle();
    good.answer();
    await clock.advance(1_000);
    const last = call("last");
    await settle();
    last.fail("store_throttled", given);
    await settle();
    assert.equal(lane.holdMs(), 1_000, "an answer starts over");
  });
}

test("several 429s of one round double the hold once", async () => {
  const { call, lane } = laneBench();
  const calls = ["a", "b", "c"].map((name) => call(name));
  await settle();
  for (const one of calls) one.fail("store_throttled");
  await settle();
  assert.equal(lane.holdMs(), 1_000);
});

test("a Retry-After of a year is cut to ten minutes", async () => {
  const { call, lane } = laneBench();
  const one = call("one");
  await settle();
  one.fail("store_throttled", 365 * 86_400_000);
  await settle();
  assert.equal(lane.holdMs(), 600_000);
});

test("a probe whose caller gives up is followed by the next waiter", async () => {
  const { call, started, clock } = laneBench();
  const first = call("first");
  await settle();
  first.fail("store_throttled", 1_000);
  await settle();
  const probe = call("probe");
  call("next");
  await clock.advance(1_000);
  probe.controller.abort(new Error("gone"));
  await clock.advance(100);
  assert.deepEqual(started, ["first", "probe", "next"]);
});

/** Calls per second over a long time with the line never empty. */
async function measuredRate(bench: Bench, seconds: number): Promise<number> {
  const before = bench.started.length;
  for (let i = 0; i < seconds * 60; i++) {
    const one = bench.call("x");
    one.answer();
  }
  await bench.clock.advance(seconds * 1_000);
  return (bench.started.length - before) / seconds;
}

test("a 429 halves the rate once for all calls under way together", async () => {
  const bench = laneBench({ ratePerSecond: 40, burst: 1, maxInFlight: 50 });
  const calls = ["a", "b", "c"].map((name) => bench.call(name));
  await bench.clock.advance(100);
  for (const one of calls) one.fail("store_throttled", 1_000);
  await bench.clock.advance(1_000);
  const rate = await measuredRate(bench, 2);
  assert.ok(rate >= 18 && rate <= 24, `${rate} calls a second`);
});

test("the rate comes back while the store answers", async () => {
  const bench = laneBench({ ratePerSecond: 40, burst: 1, maxInFlight: 50 });
  const one = bench.call("a");
  await settle();
  one.fail("store_throttled", 1_000);
  await bench.clock.advance(1_000);
  await measuredRate(bench, 30);
  const rate = await measuredRate(bench, 2);
  assert.ok(rate >= 39, `${rate} calls a second`);
});

test("a store that always refuses still gets a call now and then", async () => {
  const { call, clock, started } = laneBench({ ratePerSecond: 40, burst: 1 });
  for (let i = 0; i < 30; i++) {
    const one = call(`c${i}`);
    await clock.advance(1_000);
    one.fail("store_throttled", 1_000);
    await clock.advance(1_000);
  }
  assert.equal(started.length, 30);
});
