import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, failureHandling, ReadFailure, toFailure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";

test("no failure reaches Mount as a status that the driver retries or kubelet reads as running", () => {
  const allowed = new Set(["FAILED_PRECONDITION", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT", "INTERNAL"]);
  for (const code of Object.keys(failureHandling) as FailureCode[])
    assert.ok(allowed.has(failureHandling[code].grpc), code);
});

const gravest: ReadonlyArray<{ name: string; codes: Failure["code"][]; want: Failure["code"] }> = [
  { name: "an authoritative no beside an outage", codes: ["store_timeout", "store_denied"], want: "store_denied" },
  { name: "a bad answer beside an outage", codes: ["store_error", "answer_invalid"], want: "answer_invalid" },
  { name: "a no beside a bad answer", codes: ["answer_invalid", "ref_not_found"], want: "ref_not_found" },
  { name: "outages alone", codes: ["store_sealed", "store_timeout"], want: "store_sealed" },
];
for (const row of gravest)
  test(`a read speaks with the gravest code: ${row.name}`, () => {
    const [first, ...rest] = row.codes.map((code) => new Failure(code, code));
    assert.equal(new ReadFailure([first!, ...rest]).code, row.want);
  });

test("names every failed ref, at most five and how many more", () => {
  const parts = Array.from(
    { length: 7 },
    (_, i) => new Failure("ref_not_found", "no such secret", { field: `spec.data[${i}]` }),
  );
  const failure = new ReadFailure(parts as [Failure, ...Failure[]]);
  assert.equal(failure.parts.length, 7);
  assert.match(failure.message, /^spec\.data\[0\]: no such secret; .*spec\.data\[4\]: no such secret and 2 more$/);
});

test("waits as long as the most patient store asked for", () => {
  const parts = [3_000, 500].map((retryAfterMs) => new Failure("store_throttled", "busy", { retryAfterMs }));
  assert.equal(new ReadFailure(parts as [Failure, ...Failure[]]).retryAfterMs, 3_000);
});

test("an unknown error keeps its class name and loses its text", () => {
  const failure = toFailure(new TypeError("token=canary"));
  assert.equal(failure.code, "internal");
  assert.match(failure.message, /TypeError/);
  assert.doesNotMatch(failure.message, /canary/);
});
