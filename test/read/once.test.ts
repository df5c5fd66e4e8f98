import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { failureOf, requestFor, simpleBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

function sealed(): Bench {
  const bench = simpleBench();
  bench.server.onRead = () => {
    throw new Failure("store_sealed", "sealed");
  };
  return bench;
}

test("a read is tried until its limit, since nobody else would", async () => {
  const bench = sealed();
  const failure = await failureOf(bench.read(requestFor("a"), { limitMs: 2_000 }), bench.clock, 2_000);
  assert.equal(failure.code, "store_sealed");
  assert.ok(bench.server.requests.length > 1);
});

test("whoever tries again by itself hears at the first attempt", async () => {
  const bench = sealed();
  const failure = await failureOf(bench.read(requestFor("a"), { limitMs: 2_000, once: true }));
  assert.equal(failure.code, "store_sealed");
  assert.equal(bench.server.requests.length, 1);
  assert.equal(bench.clock.monotonicMs(), 0);
});

test("one attempt does not wait for the end of a pause either", async () => {
  const bench = sealed();
  for (let i = 0; i < 5; i++) await failureOf(bench.read(requestFor("a"), { once: true }));
  const failure = await failureOf(bench.read(requestFor("a"), { once: true }));
  assert.match(failure.message, /paused after store_sealed; next attempt in 1 s/);
  assert.equal(bench.server.requests.length, 5);
});
