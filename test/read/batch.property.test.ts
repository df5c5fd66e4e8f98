/** Whether reads go out together or one by one is the store's business alone: each caller gets the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Failure, ReadFailure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import { pod, readBench, requestFor } from "./read-bench.ts";

/** No outages: how many of them open the breaker does depend on the number of calls. */
const codes = ["ref_not_found", "version_not_found", "store_denied", "answer_invalid"] as const;

interface Plan {
  /** What the store says to some keys; it has all others. */
  readonly refused: Readonly<Record<string, FailureCode>>;
  /** To the call as a whole. */
  readonly batchRefused: FailureCode | undefined;
  /** Keys that turn out not to be read together. */
  readonly alone: readonly string[];
  readonly most: number;
  readonly latencyMs: number;
  readonly reads: readonly {
    readonly account: string;
    readonly keys: readonly string[];
    readonly startMs: number;
    /** Leaves this long after its start. */
    readonly leavesMs: number | undefined;
  }[];
}

const keys = ["a", "b", "c", "d", "e#p", "e#q"] as const;
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  refused: fc.dictionary(fc.constantFrom("a", "b", "c", "e"), fc.constantFrom(...codes), { maxKeys: 2 }),
  batchRefused: fc.constantFrom(undefined, undefined, "store_denied", "answer_too_large", "ref_invalid"),
  alone: fc.subarray(["b", "d"]),
  most: fc.constantFrom(2, 3, 10),
  latencyMs: fc.constantFrom(0, 20),
  reads: fc.array(
    fc.record({
      account: fc.constantFrom("one", "two"),
      keys: fc.uniqueArray(fc.constantFrom(...keys), { minLength: 1, maxLength: 4 }),
      startMs: fc.nat(8),
      leavesMs: fc.constantFrom(undefined, undefined, undefined, 2, 12),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

/** What each caller got, as text; of one who left only that. */
async function outcomes(plan: Plan, batch: number | undefined): Promise<{ told: readonly string[]; calls: number }> {
  const { clock, cluster, server, read } = readBench();
  cluster.putStore(storeManifest("main", { server: "x", auth: "token", ...(batch !== undefined && { batch }) }));
  server.onRead = ({ located, shown }) => {
    const code = plan.refused[located.address];
    if (code) throw new Failure(code, "as the store says");
    return answerOf(JSON.stringify({ address: located.address, shown }), { version: located.address });
  };
  server.onBatch = () => {
    if (plan.batchRefused) throw new Failure(plan.batchRefused, "not together");
  };
  server.readsAlone = ({ address }) => plan.alone.includes(address);
  for (const account of ["one", "two"]) {
    const warming = read(requestFor("warm"), { caller: pod("shop", account) });
    await clock.advance(10);
    await warming;
  }
  server.latencyMs = plan.latencyMs;
  const told = plan.reads.map(async ({ account, keys: wanted, startMs, leavesMs }) => {
    await new Promise<void>((resolve) => clock.after(startMs, resolve));
    const leaving = new AbortController();
    if (leavesMs !== undefined) clock.after(leavesMs, () => leaving.abort(new Error("left")));
    try {
      // Nothing that another read brought: what is compared is each one's own.
      const terms = { caller: pod("shop", account), limitMs: 1_000, once: true };
      const bundle = await read(requestFor(...wanted), terms, leaving.signal);
      if (leavesMs !== undefined) return "left";
      return JSON.stringify([...bundle.values].map(([name, { value }]) => [name, value.reveal().toString()]));
    } catch (thrown) {
      if (leavesMs !== undefined) return "left";
      assert.ok(thrown instanceof ReadFailure);
      return JSON.stringify(thrown.parts.map(({ code, field, message }) => [code, field, message]));
    }
  });
  await clock.advance(5_000);
  const ended = await Promise.all(told);
  assert.equal(clock.pending, 0, "a timer is left");
  return { told: ended, calls: server.batches.length };
}

test("with or without calls for several reads each caller gets the same", async () => {
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      const together = await outcomes(plan, plan.most);
      calls += together.calls;
      assert.deepEqual(together.told, (await outcomes(plan, undefined)).told);
    }),
    { numRuns: 300 },
  );
  assert.ok(calls > 100, `${calls} calls in all: the plans do not bring reads together`);
});
