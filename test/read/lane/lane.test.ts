import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { settle } from "../../fakes/clock.ts";
import { failureOf, laneBench } from "./bench.ts";

test("a call runs at once and its value comes back", async () => {
  const { lane, call, clock } = laneBench();
  const one = call("one");
  await settle();
  assert.deepEqual(lane.state(), { inFlight: 1, waiting: 0, breaker: "closed" });
  one.answer("value");
  assert.deepEqual(await one.outcome, { value: "value" });
  assert.deepEqual(lane.state(), { inFlight: 0, waiting: 0, breaker: "closed" });
  assert.equal(clock.pending, 0);
});

test("what the work throws comes back unchanged", async () => {
  const { lane } = laneBench();
  const own = new RangeError("own");
  await assert.rejects(
    lane.run("mount", new AbortController().signal, () => Promise.reject(own)),
    (thrown) => thrown === own,
  );
  assert.equal(lane.state().inFlight, 0);
});

test("work that throws instead of rejecting gives its slot back", async () => {
  const { lane } = laneBench();
  const work = (): Promise<never> => {
    throw new Failure("answer_invalid", "broken");
  };
  await assert.rejects(lane.run("mount", new AbortController().signal, work), { code: "answer_invalid" });
  assert.equal(lane.state().inFlight, 0);
});

test("no more than maxInFlight run together, and the next one takes the first free slot", async () => {
  const { call, started, lane } = laneBench({ maxInFlight: 2 });
  const calls = ["a", "b", "c", "d"].map((name) => call(name));
  await settle();
  assert.deepEqual(started, ["a", "b"]);
  assert.equal(lane.state().waiting, 2);
  calls[1]!.answer();
  await settle();
  assert.deepEqual(started, ["a", "b", "c"]);
});

test("mounts go before first syncs before periodic ones, in order of arrival among themselves", async () => {
  const { call, started } = laneBench({ maxInFlight: 1 });
  const blocker = call("blocker");
  const order = [
    call("p1", "periodic"),
    call("f1", "first_sync"),
    call("p2", "periodic"),
    call("m1", "mount"),
    call("m2", "mount"),
  ];
  for (const one of [blocker, order[3]!, order[4]!, order[1]!, order[0]!, order[2]!]) {
    await settle();
    one.answer();
  }
  await settle();
  assert.deepEqual(started, ["blocker", "m1", "m2", "f1", "p1", "p2"]);
});

test("a periodic call is not overtaken for ever: one place in eight goes to the longest waiting", async () => {
  const { call, started } = laneBench({ maxInFlight: 1 });
  const running = [call("m0")];
  call("old", "periodic");
  for (let i = 1; i <= 20; i++) {
    running.push(call(`m${i}`));
    await settle();
    running[i - 1]!.answer();
    if (started.includes("old")) break;
  }
  await settle();
  assert.equal(started.indexOf("old"), 7);
});

test("after the burst calls go at the rate", async () => {
  const { call, started, clock } = laneBench({ ratePerSecond: 10, burst: 3, maxInFlight: 100 });
  for (let i = 0; i < 10; i++) call(`c${i}`);
  await settle();
  assert.equal(started.length, 3);
  await clock.advance(99);
  assert.equal(started.length, 3);
  await clock.advance(1);
  assert.equal(started.length, 4);
  await clock.advance(300);
  assert.equal(started.length, 7);
});

test("a quiet time fills the budget up to the burst, not beyond", async () => {
  const { call, started, clock } = laneBench({ ratePerSecond: 10, burst: 3, maxInFlight: 100 });
  await clock.advance(60_000);
  for (let i = 0; i < 10; i++) call(`c${i}`);
  await settle();
  assert.equal(started.length, 3);
});

test("an attempt ends with store_timeout at its deadline, and the slot is free again", async () => {
  const { call, clock, lane } = laneBench({ attemptMs: 5_000 });
  const one = call("hangs");
  await clock.advance(4_999);
  assert.equal(one.settled, false);
  await clock.advance(1);
  assert.equal((await failureOf(one)).code, "store_timeout");
  assert.deepEqual([lane.state().inFlight, clock.pending], [0, 0]);
});

test("work that answers its abort with an error of its own still ends as store_timeout", async () => {
  const { lane, clock } = laneBench();
  const run = lane.run(
    "mount",
    new AbortController().signal,
    (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new TypeError("aborted")))),
  );
  run.catch(() => {});
  await clock.advance(5_000);
  await assert.rejects(run, { code: "store_timeout" });
});

test("the attempt's deadline starts with the attempt, not with the wait", async () => {
  const { call, clock } = laneBench({ maxInFlight: 1, attemptMs: 5_000 });
  const first = call("first");
  const second = call("second");
  await clock.advance(4_000);
  first.answer();
  await clock.advance(4_999);
  assert.equal(second.settled, false);
  await clock.advance(1);
  assert.equal((await failureOf(second)).code, "store_timeout");
});

for (const where of [
  "waiting for a slot",
  "waiting for the budget",
  "waiting for Retry-After",
  "in flight",
  "as the probe in line",
]) {
  test(`a caller that gives up while ${where} leaves nothing behind`, async () => {
    const budget = { "waiting for the budget": 1, "as the probe in line": 5 }[where] ?? 50;
    const { call, clock, lane, unavailable } = laneBench({ maxInFlight: 1, ratePerSecond: 0.5, burst: budget });
    if (where === "waiting for the budget") {
      const first = call("first");
      await settle();
      first.answer();
    }
    if (where === "waiting for Retry-After") {
      const first = call("first");
      await settle();
      first.fail("store_throttled", 3_000);
    }
    if (where === "as the probe in line") {
      await unavailable(5);
      await clock.advance(1_000);
    }
    await settle();
    const blocker = where === "waiting for a slot" ? call("blocker") : undefined;
    const one = call("one");
    await settle();
    assert.equal(one.startedAtMs !== undefined, where === "in flight");
    const reason = new Error("gone");
    one.controller.abort(reason);
    const outcome = await one.outcome;
    assert.ok("thrown" in outcome && outcome.thrown === reason);
    assert.equal(getEventListeners(one.controller.signal, "abort").length, 0);
    blocker?.answer();
    await settle();
    assert.deepEqual([lane.state().inFlight, lane.state().waiting, clock.pending], [0, 0, 0]);
    assert.notEqual(lane.state().breaker, "probing");
  });
}

test("a signal that is aborted already never joins the line", async () => {
  const { lane, clock } = laneBench();
  const reason = new Error("gone");
  const work = (): Promise<never> => assert.fail("must not run");
  await assert.rejects(lane.run("mount", AbortSignal.abort(reason), work), (thrown) => thrown === reason);
  assert.equal(clock.pending, 0);
});
