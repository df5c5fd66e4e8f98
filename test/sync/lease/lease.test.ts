import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { Log } from "../../../plugin/observe/log.ts";
import { holdLease, type HeldLease } from "../../../plugin/sync/lease/lease.ts";
import { writeGuard } from "../../../plugin/sync/lease/guarded.ts";
import type { LeaseRecord, LeaseStore, LeaseWrite } from "../../../plugin/sync/lease/ports.ts";
import { FakeClock } from "../../fakes/clock.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Fate = "up" | "down" | "answers lost" | "answers late" | "hangs";

interface Line extends LeaseStore {
  fate: Fate;
}

/** One Lease as the API server keeps it, with a line to it for each process that can be cut. */
class SharedLease {
  readonly #clock: FakeClock;
  record: LeaseRecord | undefined;
  readonly writes: LeaseWrite[] = [];
  #version = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  write(write: Pick<LeaseWrite, "holder" | "transitions">): LeaseRecord {
    this.record = {
      holder: write.holder,
      transitions: write.transitions,
      resourceVersion: String(++this.#version),
    };
    return this.record;
  }

  line(): Line {
    const reach = (signal: AbortSignal): Promise<void> => {
      if (line.fate === "down") return Promise.reject(new Failure("kube_unavailable", "cut"));
      if (line.fate !== "hangs") return Promise.resolve();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    };
    const line: Line = {
      fate: "up",
      get: async (_name, signal) => {
        await reach(signal);
        return this.record;
      },
      put: async (_name, write, resourceVersion, signal) => {
        await reach(signal);
        if (this.record?.resourceVersion !== resourceVersion) return undefined;
        this.writes.push(write);
        const record = this.write(write);
        if (line.fate === "answers lost") throw new Failure("kube_unavailable", "reset");
        if (line.fate === "answers late") await new Promise<void>((done) => this.#clock.after(1_900, done));
        return record;
      },
    };
    return line;
  }
}

interface Process {
  readonly lease: HeldLease;
  readonly line: Line;
  readonly turns: boolean[];
}

function world() {
  const clock = new FakeClock();
  const shared = new SharedLease(clock);
  const join = (holder: string, processClock = clock): Process => {
    const line = shared.line();
    const turns: boolean[] = [];
    const lease = holdLease({
      store: line,
      clock: processClock,
      log: silent,
      name: "keyferry-sync-0",
      holder,
      random: () => 0.5,
      onTurn: (mine) => turns.push(mine),
    });
    return { lease, line, turns };
  };
  return { clock, shared, join };
}

describe("the lease", () => {
  test("is won by the first, while the second stands by, and renewed before it grows old", async () => {
    const { clock, shared, join } = world();
    const a = join("a");
    await clock.advance(100);
    const b = join("b");
    await clock.advance(60_000);
    assert.deepEqual([a.turns, b.turns], [[true], []]);
    assert.equal(a.lease.mayWrite(), true);
    assert.equal(b.lease.mayWrite(), false);
    assert.equal(shared.record?.transitions, 0);
    assert.ok(shared.writes.length >= 29 && shared.writes.length <= 32, String(shared.writes.length));
    assert.equal(shared.writes[0]?.durationMs, 6_000);
    await Promise.all([a.lease.stop(), b.lease.stop()]);
    assert.equal(clock.pending, 0);
  });

  test("passes on at once when its holder stops", async () => {
    const { clock, shared, join } = world();
    const a = join("a");
    await clock.advance(100);
    const b = join("b");
    await clock.advance(5_000);
    await a.lease.stop();
    assert.equal(a.lease.mayWrite(), false);
    await clock.advance(2_500);
    assert.equal(b.lease.mayWrite(), true);
    assert.equal(shared.record?.transitions, 1);
    await b.lease.stop();
  });

  for (const fate of ["down", "hangs"] as const)
    test(`passes on when its holder is cut off (${fate}), and never do two write`, async () => {
      const { clock, join } = world();
      const a = join("a");
      await clock.advance(100);
      const b = join("b");
      await clock.advance(10_000);
      a.line.fate = fate;
      let takenOverAfterMs = 0;
      for (let passedMs = 0; passedMs < 20_000; passedMs += 100) {
        await clock.advance(100);
        assert.ok(!(a.lease.mayWrite() && b.lease.mayWrite()), `both write after ${passedMs} ms`);
        if (b.lease.mayWrite() && takenOverAfterMs === 0) takenOverAfterMs = passedMs;
      }
      assert.ok(takenOverAfterMs >= 6_000 && takenOverAfterMs <= 11_000, String(takenOverAfterMs));
      assert.deepEqual(a.turns, [true, false]);
      a.line.fate = "up";
      await clock.advance(20_000);
      assert.deepEqual([a.lease.mayWrite(), b.lease.mayWrite()], [false, true]);
      await Promise.all([a.lease.stop(), b.lease.stop()]);
    });

  test("allows no write after a sleep that only the wall clock saw", async () => {
    const { clock, join } = world();
    const a = join("a");
    await clock.advance(500);
    assert.equal(a.lease.mayWrite(), true);
    clock.jumpWall(4_000);
    assert.equal(a.lease.mayWrite(), false);
    assert.throws(() => writeGuard(() => a.lease.mayWrite())(), /kube_unavailable|writes nothing now/);
    await clock.advance(5_000);
    assert.equal(a.lease.mayWrite(), true, "renewed again");
    await a.lease.stop();
  });

  test("is not lost with the answer of one renewal", async () => {
    const { clock, join } = world();
    const a = join("a");
    await clock.advance(500);
    a.line.fate = "answers lost";
    await clock.advance(2_000);
    a.line.fate = "up";
    await clock.advance(2_500);
    assert.deepEqual(a.turns, [true]);
    assert.equal(a.lease.mayWrite(), true);
    await a.lease.stop();
  });

  test("counts from when a renewal was sent, not from when its answer came", async () => {
    const { clock, join } = world();
    const a = join("a");
    await clock.advance(1_000);
    a.line.fate = "answers late";
    await clock.advance(3_000);
    a.line.fate = "down";
    await clock.advance(1_900);
    assert.equal(a.lease.mayWrite(), true);
    await clock.advance(200);
    assert.equal(a.lease.mayWrite(), false);
    await a.lease.stop();
  });

  test("is made anew when an administrator deletes it", async () => {
    const { clock, shared, join } = world();
    const a = join("a");
    await clock.advance(500);
    shared.record = undefined;
    await clock.advance(2_500);
    assert.deepEqual([a.turns, a.lease.mayWrite()], [[true], true]);
    assert.equal(shared.record !== undefined, true);
    await a.lease.stop();
  });

  test("is given up when somebody else stands in it", async () => {
    const { clock, shared, join } = world();
    const a = join("a");
    await clock.advance(500);
    shared.write({ holder: "someone", transitions: 7 });
    await clock.advance(2_500);
    assert.deepEqual([a.turns, a.lease.mayWrite()], [[true, false], false]);
    await clock.advance(9_000);
    assert.equal(a.lease.mayWrite(), true, "the silent one is succeeded");
    assert.equal(shared.record?.transitions, 8);
    await a.lease.stop();
    assert.equal(shared.record?.holder, "");
  });

  test("is not touched by the end of a process that never held it", async () => {
    const { clock, shared, join } = world();
    shared.write({ holder: "someone", transitions: 0 });
    const a = join("a");
    await clock.advance(1_000);
    await a.lease.stop();
    assert.equal(shared.record?.holder, "someone");
    assert.equal(clock.pending, 0);
  });
});
