import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../plugin/core/clock.ts";
import { FakeClock } from "../fakes/clock.ts";

test("the system clock calls back once and can be cancelled any number of times", async () => {
  const order: string[] = [];
  const cancel = systemClock.after(0, () => order.push("cancelled one"));
  cancel();
  cancel();
  await new Promise<void>((resolve) => systemClock.after(1, () => (order.push("kept one"), resolve())));
  assert.deepEqual(order, ["kept one"]);
});

test("a delay beyond setTimeout's range does not fire at once", async () => {
  let fired = false;
  const cancel = systemClock.after(2 ** 40, () => (fired = true));
  await new Promise<void>((resolve) => systemClock.after(5, resolve));
  cancel();
  assert.equal(fired, false);
});

test("the fake clock fires in order of due time, and timers set on the way as well", async () => {
  const clock = new FakeClock();
  const order: string[] = [];
  clock.after(20, () => order.push("b"));
  clock.after(10, () => {
    order.push("a");
    clock.after(5, () => order.push("a2"));
  });
  await clock.advance(19);
  assert.deepEqual(order, ["a", "a2"]);
  await clock.advance(1);
  assert.deepEqual([order, clock.pending], [["a", "a2", "b"], 0]);
});

test("a jump of the wall clock moves no duration", () => {
  const clock = new FakeClock(1_000);
  clock.jumpWall(86_400_000);
  assert.deepEqual([clock.nowMs(), clock.monotonicMs()], [86_401_000, 0]);
});
