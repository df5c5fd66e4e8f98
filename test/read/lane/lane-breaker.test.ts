import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, type FailureCode } from "../../../plugin/core/failure.ts";
import { settle } from "../../fakes/clock.ts";
import { failureOf, laneBench } from "./bench.ts";

test("five unavailable answers in a row open the breaker; callers are refused at once with the code", async () => {
  const { call, lane, started, unavailable } = laneBench();
  await unavailable(4, "store_unreachable");
  assert.equal(lane.state().breaker, "closed");
  await unavailable(1, "store_unreachable");
  assert.equal(lane.state().breaker, "open");
  assert.equal(lane.holdMs(), 1_000);
  const refused = await failureOf(call("refused"));
  assert.equal(refused.code, "store_unreachable");
  assert.equal(refused.retryAfterMs, 1_000);
  assert.ok(!started.includes("refused"));
});

test("a refusal does not repeat what the failed call said: it may name another tenant's secret", async () => {
  const { call, unavailable } = laneBench();
  await unavailable(5);
  assert.doesNotMatch((await failureOf(call("refused"))).message, /broken/);
});

test("whoever waits when the breaker opens is refused as well", async () => {
  const { call, clock, lane } = laneBench({ maxInFlight: 5 });
  const calls = Array.from({ length: 20 }, (_, i) => call(`c${i}`, i % 2 ? "periodic" : "mount"));
  await clock.advance(5_000);
  // Four more went out while only one to four timeouts were known; nobody waits behind them.
  assert.deepEqual(lane.state(), { inFlight: 4, waiting: 0, breaker: "open" });
  assert.equal(calls.filter((one) => one.settled).length, 16);
  await clock.advance(5_000);
  for (const one of calls) assert.equal((await failureOf(one)).code, "store_timeout");
});

test("one probe after 1 s; the others are refused while it is under way; its answer closes the breaker", async () => {
  const { call, lane, clock, started, unavailable } = laneBench();
  await unavailable(5);
  await clock.advance(999);
  await failureOf(call("early"));
  await clock.advance(1);
  const probe = call("probe");
  await settle();
  assert.equal(lane.state().breaker, "probing");
  assert.equal((await failureOf(call("beside"))).retryAfterMs, 5_000);
  probe.answer();
  await probe.outcome;
  assert.equal(lane.state().breaker, "closed");
  assert.equal(lane.holdMs(), 0);
  call("after");
  await settle();
  assert.deepEqual(started.slice(5), ["probe", "after"]);
});

test("probes come after 1 s doubling to 30 s", async () => {
  const { lane, clock, unavailable } = laneBench();
  await unavailable(5);
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    waits.push(lane.holdMs());
    await clock.advance(lane.holdMs());
    await unavailable(1);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("the probe too waits for the budget, and whoever comes meanwhile is refused", async () => {
  const { call, clock, started, unavailable } = laneBench({ ratePerSecond: 0.5, burst: 5 });
  await unavailable(5);
  await clock.advance(1_000);
  call("probe");
  await settle();
  assert.ok(!started.includes("probe"));
  await failureOf(call("beside"));
  await clock.advance(1_000);
  assert.ok(started.includes("probe"));
});

test("an attempt from before the opening neither ends the probe nor lengthens its delay", async () => {
  const { call, lane, clock, unavailable } = laneBench();
  const [slow, slower] = [call("slow"), call("slower")];
  await settle();
  await unavailable(5);
  slow.fail("store_error");
  await settle();
  assert.equal(lane.holdMs(), 1_000);
  await clock.advance(1_000);
  const probe = call("probe");
  await settle();
  slower.fail("store_error");
  await settle();
  assert.equal(lane.state().breaker, "probing");
  probe.fail("store_error");
  await settle();
  assert.equal(lane.holdMs(), 2_000);
});

test("a breaker probe that is abandoned makes room for the next caller", async () => {
  const { call, lane, clock, started, unavailable } = laneBench();
  await unavailable(5);
  await clock.advance(1_000);
  const probe = call("probe");
  await settle();
  probe.controller.abort(new Error("gone"));
  await probe.outcome;
  assert.equal(lane.state().breaker, "open");
  const next = call("next");
  await settle();
  assert.ok(started.includes("next"));
  next.answer();
  await next.outcome;
  assert.equal(lane.state().breaker, "closed");
});

const verdicts: readonly { code: FailureCode; after4: "open" | "closed"; why: string }[] = [
  { code: "store_unreachable", after4: "open", why: "no connection" },
  { code: "store_timeout", after4: "open", why: "no answer in time" },
  { code: "store_sealed", after4: "open", why: "an answer that says it cannot answer" },
  { code: "store_error", after4: "open", why: "5xx" },
  { code: "store_throttled", after4: "closed", why: "the store answered" },
  { code: "store_login_denied", after4: "closed", why: "the store answered" },
  { code: "store_denied", after4: "closed", why: "the store answered" },
  { code: "ref_not_found", after4: "closed", why: "the store answered" },
  { code: "version_not_found", after4: "closed", why: "the store answered" },
  { code: "answer_invalid", after4: "closed", why: "the store answered" },
  { code: "answer_too_large", after4: "closed", why: "the store answered" },
  { code: "store_invalid", after4: "closed", why: "the store answered" },
  { code: "kube_unavailable", after4: "closed", why: "not the store's fault" },
  { code: "credential_missing", after4: "closed", why: "nothing was sent" },
  { code: "internal", after4: "closed", why: "our own fault" },
];
for (const { code, after4, why } of verdicts) {
  test(`after four unavailable answers ${code} leaves the breaker ${after4}: ${why}`, async () => {
    const { lane, unavailable } = laneBench();
    await unavailable(4);
    await unavailable(1, code);
    assert.equal(lane.state().breaker, after4);
  });
}

for (const code of ["kube_unavailable", "credential_missing"] as const) {
  test(`${code} neither adds to the row nor ends it`, async () => {
    const { lane, unavailable } = laneBench();
    await unavailable(4);
    await unavailable(1, code);
    await unavailable(1);
    assert.equal(lane.state().breaker, "open");
  });
}

test("an answer between them starts the count over", async () => {
  const { lane, unavailable } = laneBench();
  await unavailable(4);
  await unavailable(1, "ref_not_found");
  await unavailable(4);
  assert.equal(lane.state().breaker, "closed");
});

test("callers that give up do not open the breaker", async () => {
  const { call, lane } = laneBench();
  for (let i = 0; i < 10; i++) {
    const one = call(`c${i}`);
    await settle(1);
    one.controller.abort(new Failure("store_timeout", "the caller's own limit"));
    await one.outcome;
  }
  assert.equal(lane.state().breaker, "closed");
});
