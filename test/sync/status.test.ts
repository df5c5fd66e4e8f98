import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, ReadFailure, type FailureCode } from "../../plugin/core/failure.ts";
import { syncedResourceVersion } from "../../plugin/sync/secret-shape.ts";
import { cutTo, statusAfter, worthWriting, type Outcome, type Stage } from "../../plugin/sync/status.ts";
import type { ExternalSecretStatus, OwnParts } from "../../plugin/sync/ports.ts";
import { externalSecret, hourMs } from "./house.ts";

const startedAtMs = Date.UTC(2026, 0, 1, 12, 0, 0, 900);
const { meta } = externalSecret();
const own: OwnParts = { policy: "Owner", type: "Opaque", immutable: false, keys: ["A"], labels: [], annotations: [] };
const holding = { target: "db", record: { digest: "d", own } };

const good: ExternalSecretStatus = {
  refreshTime: "2026-01-01T11:00:00Z",
  syncedResourceVersion: "old",
  conditions: [
    {
      type: "Ready",
      status: "True",
      reason: "SecretSynced",
      message: "secret synced",
      lastTransitionTime: "2026-01-01T10:00:00Z",
    },
  ],
  binding: { name: "db" },
  keyferry: { digest: "d", own },
};

function after(outcome: Outcome, previous: ExternalSecretStatus | undefined = good): ExternalSecretStatus {
  return statusAfter(previous, { meta, startedAtMs, outcome }, startedAtMs + 5_000);
}

const synced: readonly { how: Extract<Outcome, { kind: "synced" }>["how"]; reason: string; message: string }[] = [
  { how: "written", reason: "SecretSynced", message: "secret synced" },
  { how: "same", reason: "SecretSynced", message: "secret synced" },
  { how: "none", reason: "SecretSynced", message: "secret synced" },
  { how: "retained", reason: "SecretSynced", message: "secret retained due to DeletionPolicy=Retain" },
  { how: "removed", reason: "SecretDeleted", message: "secret deleted due to DeletionPolicy=Delete" },
  { how: "deleted", reason: "SecretDeleted", message: "secret deleted due to DeletionPolicy=Delete" },
  { how: "waits", reason: "SecretMissing", message: "secret will not be created due to CreationPolicy=Merge" },
];
for (const { how, reason, message } of synced)
  test(`${how} is Ready True, ${reason}: ${message}`, () => {
    const [ready] = after({ kind: "synced", how, fresh: true }).conditions;
    assert.deepEqual(ready, {
      type: "Ready",
      status: "True",
      reason,
      message,
      lastTransitionTime: "2026-01-01T10:00:00Z",
    });
  });

const failed: readonly { code: FailureCode; at: Stage; text: string }[] = [
  { code: "store_unreachable", at: "read", text: "could not get secret data from provider" },
  { code: "manifest_invalid", at: "read", text: "could not get secret data from provider" },
  { code: "kube_unavailable", at: "write", text: "could not update secret" },
  { code: "kube_unavailable", at: "delete", text: "could not delete secret" },
  { code: "kube_unavailable", at: "orphans", text: "could not delete orphaned secrets" },
  { code: "target_conflict", at: "write", text: "target is owned by another ExternalSecret" },
  { code: "target_immutable", at: "write", text: "could not update secret, target is immutable" },
  { code: "target_refused", at: "write", text: "could not update secret" },
  { code: "deletion_held", at: "delete", text: "could not delete secret" },
];
for (const { code, at, text } of failed)
  test(`${code} at ${at} says "${text}" and the cause`, () => {
    const status = after({ kind: "failed", failure: new Failure(code, "the cause; the way out"), at });
    assert.deepEqual(status.conditions, [
      {
        type: "Ready",
        status: "False",
        reason: "SecretSyncedError",
        message: `${text}: [${code}] the cause; the way out`,
        lastTransitionTime: "2026-01-01T12:00:05Z",
      },
    ]);
    assert.equal(status.refreshTime, good.refreshTime);
    assert.equal(status.syncedResourceVersion, "old");
    assert.deepEqual(status.keyferry, good.keyferry);
  });

test("a fresh sync sets the time at which it began and the version that it was of", () => {
  const status = after({ kind: "synced", how: "written", fresh: true });
  assert.equal(status.refreshTime, "2026-01-01T12:00:00Z");
  assert.equal(status.syncedResourceVersion, syncedResourceVersion(meta));
});

test("a repair is no refresh", () => {
  assert.equal(after({ kind: "synced", how: "written", fresh: false }).refreshTime, good.refreshTime);
});

test("the transition time is that of the last change of status", () => {
  const failure = new Failure("store_sealed", "x");
  const down = after({ kind: "failed", failure, at: "read" });
  const still = statusAfter(
    down,
    { meta, startedAtMs, outcome: { kind: "failed", failure: new Failure("store_timeout", "y"), at: "read" } },
    startedAtMs + hourMs,
  );
  assert.equal(still.conditions[0]?.lastTransitionTime, "2026-01-01T12:00:05Z");
  assert.match(still.conditions[0]?.message ?? "", /store_timeout/);
});

test("last-good values are told by their time", () => {
  const status = after({
    kind: "failed",
    failure: new Failure("store_sealed", "x"),
    at: "read",
    staleSinceMs: startedAtMs,
  });
  assert.match(
    status.conditions[0]!.message,
    /\[store_sealed\] x; the Secret keeps the values of 2026-01-01T12:00:00Z$/,
  );
});

test("all refs of a failed read are named, in at most 1,024 bytes, no character cut in half", () => {
  const parts = [0, 1, 2, 3, 4, 5, 6].map(
    (i) => new Failure("ref_not_found", "ü".repeat(200), { field: `spec.data[${i}]` }),
  );
  const { message } = after({ kind: "failed", failure: new ReadFailure([parts[0]!, ...parts.slice(1)]), at: "read" })
    .conditions[0]!;
  assert.match(message, /spec\.data\[0\].*; spec\.data\[1\]/);
  assert.ok(Buffer.byteLength(message) <= 1_024 && Buffer.byteLength(message) > 1_000);
  assert.ok(!message.includes("\ufffd"));
});

test("text is cut only where it is too long", () => {
  assert.equal(cutTo("abc", 3), "abc");
  assert.equal(cutTo("abcd", 3), "…");
  assert.equal(cutTo("aüüü", 6), "aü…");
});

test("a pause is a condition of its own and goes with the pause; Ready stays", () => {
  const paused = after({ kind: "paused", untilMs: startedAtMs + hourMs });
  assert.deepEqual(
    paused.conditions.map(({ type, status }) => `${type}=${status}`),
    ["Ready=True", "Paused=True"],
  );
  assert.match(paused.conditions[1]!.message, /until 2026-01-01T13:00:00Z/);
  assert.deepEqual(after({ kind: "checked" }, paused).conditions, good.conditions);
});

test("an object without a status gets one", () => {
  const status = statusAfter(
    undefined,
    { meta, startedAtMs, outcome: { kind: "synced", how: "written", fresh: true }, holding },
    startedAtMs,
  );
  assert.deepEqual(status.binding, { name: "db" });
  assert.deepEqual(status.keyferry, holding.record);
});

test("a target that is gone is no longer recorded", () => {
  const status = statusAfter(
    good,
    { meta, startedAtMs, outcome: { kind: "synced", how: "removed", fresh: true }, holding: "nothing" },
    startedAtMs,
  );
  assert.equal(status.keyferry, undefined);
  assert.equal(status.binding, undefined);
});

const later = { ...good, refreshTime: "2026-01-01T12:00:00Z" };
const writing: readonly {
  name: string;
  next: ExternalSecretStatus;
  sinceMs: number;
  intervalMs: number;
  write: boolean;
}[] = [
  { name: "nothing new is not written", next: good, sinceMs: 9 * hourMs, intervalMs: hourMs, write: false },
  { name: "another condition is", next: { ...good, conditions: [] }, sinceMs: 0, intervalMs: hourMs, write: true },
  {
    name: "another digest is",
    next: { ...good, keyferry: { digest: "e", own } },
    sinceMs: 0,
    intervalMs: hourMs,
    write: true,
  },
  {
    name: "a moved refresh time alone waits for the heartbeat",
    next: later,
    sinceMs: 60_000,
    intervalMs: 30_000,
    write: false,
  },
  {
    name: "and is written before it would be older than that",
    next: later,
    sinceMs: hourMs - 20_000,
    intervalMs: 30_000,
    write: true,
  },
  {
    name: "with an interval of the heartbeat it is written at each refresh",
    next: later,
    sinceMs: hourMs - 1_000,
    intervalMs: hourMs,
    write: true,
  },
];
for (const { name, next, sinceMs, intervalMs, write } of writing)
  test(name, () => assert.equal(worthWriting(good, next, { sinceMs, intervalMs, everyMs: hourMs }), write));
test("a first status is always written", () =>
  assert.equal(worthWriting(undefined, good, { sinceMs: 0, intervalMs: 0, everyMs: hourMs }), true));
