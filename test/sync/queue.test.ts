import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DueHeap } from "../../plugin/sync/due-heap.ts";
import { createQueue, type Queue } from "../../plugin/sync/queue.ts";
import { FakeClock, settle } from "../fakes/clock.ts";

interface Bench {
  readonly clock: FakeClock;
  readonly queue: Queue;
  /** Keys in the order in which their runs began. */
  readonly begun: string[];
  /** Ends a run; without a call, runs go on. */
  readonly end: (key: string) => Promise<void>;
}

function openBench(options: { concurrency?: number; held?: boolean } = {}): Bench {
  const clock = new FakeClock();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = createQueue({
    clock,
    concurrency: options.concurrency ?? 32,
    laneOf: (key) => key[0]!,
    work: (key) => {
      begun.push(key);
      return options.held ? new Promise((resolve) => ends.set(key, resolve)) : Promise.resolve();
    },
  });
  const end = async (key: string): Promise<void> => {
    ends.get(key)?.();
    await settle();
  };
  return { clock, queue, begun, end };
}

test("a key runs when it is due, and not before", async () => {
  const { clock, queue, begun } = openBench();
  queue.add("a", 1_000, "periodic");
  await clock.advance(999);
  assert.deepEqual(begun, []);
  await clock.advance(1);
  assert.deepEqual(begun, ["a"]);
  assert.equal(clock.pending, 0);
});

test("1,000 keys due at one instant share one timer", async () => {
  const { clock, queue, begun } = openBench();
  for (let i = 0; i < 1_000; i++) queue.add(`a${i}`, 5_000, "periodic");
  assert.equal(clock.pending, 1);
  await clock.advance(5_000);
  await settle(200);
  assert.equal(begun.length, 1_000);
});

test("wishes for one key are one run, at the earliest of their times", async () => {
  const { clock, queue, begun } = openBench();
  for (const atMs of [3_000, 1_000, 2_000]) queue.add("a", atMs, "periodic");
  await clock.advance(10_000);
  assert.deepEqual(begun, ["a"]);
  assert.equal(clock.pending, 0);
});

test("a key never runs twice at a time, and a wish during its run is another run", async () => {
  const { queue, begun, end } = openBench({ held: true });
  queue.add("a", 0, "changed");
  await settle();
  queue.add("a", 0, "changed");
  queue.add("a", 0, "changed");
  await settle();
  assert.deepEqual(begun, ["a"]);
  await end("a");
  assert.deepEqual(begun, ["a", "a"]);
  await end("a");
  assert.equal(queue.idle, true);
});

test("a lane runs as many at a time as allowed, and the urgent go first", async () => {
  const { queue, begun, end } = openBench({ held: true, concurrency: 2 });
  queue.add("a1", 0, "periodic");
  queue.add("a2", 0, "periodic");
  await settle();
  queue.add("a3", 0, "periodic");
  queue.add("a4", 0, "first");
  queue.add("a5", 0, "changed");
  queue.add("a3", 0, "changed");
  await settle();
  assert.deepEqual(begun, ["a1", "a2"]);
  for (const key of ["a1", "a2", "a5", "a3"]) await end(key);
  assert.deepEqual(begun, ["a1", "a2", "a5", "a3", "a4"]);
});

test("a full lane holds up no other lane", async () => {
  const { queue, begun } = openBench({ held: true, concurrency: 1 });
  for (const key of ["a1", "a2", "b1"]) queue.add(key, 0, "periodic");
  await settle();
  assert.deepEqual(begun, ["a1", "b1"]);
});

test("a dropped key does not run", async () => {
  const { clock, queue, begun } = openBench();
  queue.add("a", 1_000, "periodic");
  queue.drop("a");
  await clock.advance(2_000);
  assert.deepEqual(begun, []);
});

test("stop waits for what runs, starts nothing more, and leaves no timer", async () => {
  const { clock, queue, begun, end } = openBench({ held: true, concurrency: 1 });
  queue.add("a1", 0, "periodic");
  queue.add("a2", 0, "periodic");
  queue.add("a3", 1_000, "periodic");
  await settle();
  let stopped = false;
  const stopping = queue.stop().then(() => (stopped = true));
  await settle();
  assert.equal(stopped, false);
  await end("a1");
  await stopping;
  await clock.advance(10_000);
  assert.deepEqual(begun, ["a1"]);
  assert.equal(clock.pending, 0);
});

test("who waits for a run hears of the next one that begins", async () => {
  const { queue, end } = openBench({ held: true });
  let told = false;
  queue.add("a", 0, "periodic");
  await settle();
  void queue.afterRun("a").then(() => (told = true));
  queue.add("a", 0, "periodic");
  await end("a");
  assert.equal(told, false);
  await end("a");
  assert.equal(told, true);
});

test("the heap gives keys back in order of their last due time", () => {
  const puts = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e", "f"), fc.option(fc.nat(20))), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(puts, (steps) => {
      const heap = new DueHeap();
      const model = new Map<string, number>();
      for (const [key, atMs] of steps)
        if (atMs === null) {
          heap.drop(key);
          model.delete(key);
        } else {
          heap.put(key, atMs);
          model.set(key, atMs);
        }
      assert.equal(heap.size, model.size);
      const taken: (number | undefined)[] = [];
      while (heap.nextAtMs !== undefined) taken.push(model.get(heap.takeDue(Infinity)!));
      assert.deepEqual(
        taken,
        [...model.values()].sort((a, b) => a - b),
      );
    }),
  );
});
