/** Whatever happens in whatever order: what a lane promises always holds. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import fc from "fast-check";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { settle } from "../../fakes/clock.ts";
import { laneBench, type Bench, type Call } from "./bench.ts";

const priorities = ["mount", "first_sync", "periodic"] as const;
const codes: readonly FailureCode[] = ["store_error", "store_unreachable", "store_denied", "kube_unavailable"];

type Step =
  | { readonly do: "call"; readonly count: number; readonly priority: (typeof priorities)[number] }
  | { readonly do: "answer" | "abandon"; readonly which: number }
  | { readonly do: "fail"; readonly which: number; readonly code: FailureCode }
  | { readonly do: "throttle"; readonly which: number; readonly retryAfterMs: number | undefined }
  | { readonly do: "pass"; readonly ms: number };

const which = fc.nat(30);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("call" as const),
      count: fc.integer({ min: 1, max: 8 }),
      priority: fc.constantFrom(...priorities),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("answer" as const, "abandon" as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("fail" as const), which, code: fc.constantFrom(...codes) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("throttle" as const),
      which,
      retryAfterMs: fc.constantFrom(undefined, 300, 2_500),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1, 90, 700, 5_000) }) },
);

const options = { ratePerSecond: 10, burst: 5, maxInFlight: 3, attemptMs: 5_000 };

/** What was seen of a store, as its own request log would show it. */
class Seen {
  readonly startsMs: number[] = [];
  heldUntilMs = -Infinity;
  readonly calls: Call[] = [];
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  running(): Call[] {
    return this.calls.filter((call) => call.startedAtMs !== undefined && !call.settled);
  }

  /** After every step. */
  check(): void {
    const { lane, started, clock } = this.#bench;
    const { inFlight, waiting } = lane.state();
    assert.ok(inFlight <= options.maxInFlight, `${inFlight} in flight`);
    assert.equal(inFlight, this.running().length);
    assert.equal(waiting + inFlight, this.calls.filter((call) => !call.settled).length, "every call is somewhere");
    const timers = clock.pending - inFlight;
    assert.ok(timers >= 0 && timers <= 1, `${timers} timers beside the deadlines`);
    const fresh = this.calls.filter((call) => call.startedAtMs !== undefined).map((call) => call.startedAtMs!);
    assert.equal(fresh.length, started.length);
    const window = fresh.sort((a, b) => a - b);
    for (const [i, fromMs] of window.entries()) {
      const j = window.length - 1;
      const allowed = options.burst + ((window[j]! - fromMs) / 1_000) * options.ratePerSecond;
      assert.ok(j - i + 1 <= allowed + 1e-6, `${j - i + 1} calls in ${window[j]! - fromMs} ms`);
    }
  }
}

async function perform(step: Step, bench: Bench, seen: Seen): Promise<void> {
  const { clock } = bench;
  if (step.do === "pass") return clock.advance(step.ms);
  if (step.do === "call") {
    for (let i = 0; i < step.count; i++) seen.calls.push(bench.call(`c${seen.calls.length}`, step.priority));
    return settle(2);
  }
  const pool = step.do === "abandon" ? seen.calls.filter((call) => !call.settled) : seen.running();
  const chosen = pool[step.which % Math.max(1, pool.length)];
  if (!chosen) return;
  if (step.do === "fail") chosen.fail(step.code);
  else if (step.do !== "throttle") {
    if (step.do === "answer") chosen.answer();
    else chosen.controller.abort(new Error("gone"));
  } else {
    chosen.fail("store_throttled", step.retryAfterMs);
    await chosen.outcome;
    const untilMs = clock.monotonicMs() + (step.retryAfterMs ?? 1_000);
    seen.heldUntilMs = Math.max(seen.heldUntilMs, untilMs);
    const startsBefore = bench.started.length;
    await settle(2);
    assert.equal(bench.started.length, startsBefore, "nothing starts when a 429 has arrived");
  }
  await settle(2);
}

test("slots, rate, holds and timers hold under any schedule, and every call ends", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const bench = laneBench(options);
      const seen = new Seen(bench);
      for (const one of steps) {
        const known = bench.started.length;
        const heldUntilMs = seen.heldUntilMs;
        await perform(one, bench, seen);
        for (const name of bench.started.slice(known)) {
          const call = seen.calls.find((each) => each.name === name)!;
          assert.ok(call.startedAtMs! >= heldUntilMs, `${name} started inside a hold`);
        }
        seen.check();
      }
      // Left alone, everything ends: attempts by their deadlines, waiters by their turns.
      for (let i = 0; i < 200 && seen.calls.some((call) => !call.settled); i++) {
        for (const call of seen.running()) call.answer();
        await bench.clock.advance(5_000);
        seen.check();
      }
      assert.ok(
        seen.calls.every((call) => call.settled),
        "a call never ended",
      );
      assert.equal(bench.clock.pending, 0);
      for (const call of seen.calls) assert.equal(getEventListeners(call.controller.signal, "abort").length, 0);
    }),
    { numRuns: 150 },
  );
});

test("while the breaker is open at most one attempt is made, whatever comes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(50, 400, 1_000, 3_000, 9_000), { maxLength: 25 }), async (pauses) => {
      const bench = laneBench(options);
      await bench.clock.advance(2_000);
      await bench.unavailable(5);
      const known = bench.started.length;
      let probes = 0;
      for (const ms of pauses) {
        const may = bench.lane.holdMs() === 0;
        const calls = [1, 2, 3].map((i) => bench.call(`n${i}`));
        await settle(2);
        probes += may ? 1 : 0;
        assert.equal(bench.started.length - known, probes);
        for (const call of calls) call.fail("store_error");
        await bench.clock.advance(ms);
        assert.equal(bench.lane.state().breaker, "open");
      }
    }),
    { numRuns: 60 },
  );
});
