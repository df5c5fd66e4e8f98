import assert from "node:assert/strict";
import { test } from "node:test";
import { joinUnderSignal, pause, withDeadline } from "../../plugin/core/deadline.ts";
import { Failure } from "../../plugin/core/failure.ts";
import { FakeClock, settle } from "../fakes/clock.ts";

/** Counts listeners, so that a leftover shows. */
function countedSignal() {
  const control = new AbortController();
  let listeners = 0;
  const { signal } = control;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
  return { control, signal, listeners: () => listeners };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

test("work that outlasts its limit is aborted with store_timeout", async () => {
  const clock = new FakeClock();
  const { signal, listeners } = countedSignal();
  const ended = assert.rejects(
    withDeadline(signal, 5_000, clock, "vault", untilAborted),
    (problem) =>
      problem instanceof Failure &&
      problem.code === "store_timeout" &&
      problem.message === "vault: no answer within 5000 ms",
  );
  await clock.advance(4_999);
  assert.equal(clock.pending, 1);
  await clock.advance(1);
  await ended;
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
});

test("work in time leaves no timer and no listener", async () => {
  const clock = new FakeClock();
  const { signal, listeners } = countedSignal();
  assert.equal(await withDeadline(signal, 5_000, clock, "vault", async () => 7), 7);
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
});

test("the caller's abort reaches the work with its own reason", async () => {
  const clock = new FakeClock();
  const { control, signal } = countedSignal();
  const ended = assert.rejects(withDeadline(signal, 5_000, clock, "vault", untilAborted), /gone/);
  control.abort(new Error("gone"));
  await ended;
  assert.equal(clock.pending, 0);
});

test("a caller that is already gone aborts the work at once", async () => {
  const clock = new FakeClock();
  const seen: boolean[] = [];
  await withDeadline(
    AbortSignal.abort(new Error("gone")),
    5_000,
    clock,
    "vault",
    async (signal) => void seen.push(signal.aborted),
  );
  assert.deepEqual(seen, [true]);
});

test("a pause ends after its time, or at once when aborted, and leaves nothing", async () => {
  const clock = new FakeClock();
  const { control, signal, listeners } = countedSignal();
  let ended = false;
  void pause(clock, 100, signal).then(() => (ended = true));
  await clock.advance(99);
  assert.equal(ended, false);
  await clock.advance(1);
  assert.equal(ended, true);
  const aborted = assert.rejects(pause(clock, 100, signal), /gone/);
  control.abort(new Error("gone"));
  await aborted;
  await assert.rejects(pause(clock, 100, signal), /gone/);
  assert.equal(clock.pending, 0);
  assert.equal(listeners() <= 1, true);
});

test("one who leaves shared work does not end it for the others", async () => {
  const { control, signal } = countedSignal();
  let finish = (_: number): void => {};
  const shared = new Promise<number>((resolve) => (finish = resolve));
  const leaver = assert.rejects(joinUnderSignal(shared, signal), /left/);
  const stayer = joinUnderSignal(shared, new AbortController().signal);
  control.abort(new Error("left"));
  await leaver;
  finish(3);
  assert.equal(await stayer, 3);
  await settle();
});
