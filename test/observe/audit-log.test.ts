import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { createAudit, type BoundedAudit } from "../../plugin/observe/audit-log.ts";
import type { AuditEntry } from "../../plugin/observe/audit.ts";
import { createLog } from "../../plugin/observe/pino-log.ts";
import { FakeClock } from "../fakes/clock.ts";
import { CollectedLines } from "./collected-lines.ts";

const entry: AuditEntry = {
  ageMs: 1_500,
  cache: "hit",
  storeRequestId: "req-1",
  digest: "00ff",
  version: "7",
  address: "secret/data/payments/db",
  store: "ClusterSecretStore/vault-prod",
  serviceAccount: "payments/api (unproven)",
  consumer: { uid: "u-1", name: "api-0", namespace: "payments", kind: "Pod" },
  delivery: "mount",
};

function setup(capacityBytes = 10_000): { out: CollectedLines; logged: CollectedLines; audit: BoundedAudit } {
  const [out, logged, clock] = [new CollectedLines(), new CollectedLines(), new FakeClock()];
  const log = createLog({ level: "info", write: logged.write, clock });
  return { out, logged, audit: createAudit({ write: out.write, capacityBytes, clock, node: "node-1", log }) };
}

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof Failure && error.code === "audit_unavailable" && message.test(error.message);

test("a line has exactly these fields in this order, whatever order they came in", async () => {
  const { out, audit } = setup();
  await audit.record([{ ...entry, extra: "no" } as AuditEntry]);
  assert.equal(
    out.text,
    '{"time":"2026-01-01T00:00:00.000Z","node":"node-1","delivery":"mount",' +
      '"consumer":{"kind":"Pod","namespace":"payments","name":"api-0","uid":"u-1"},' +
      '"serviceAccount":"payments/api (unproven)","store":"ClusterSecretStore/vault-prod",' +
      '"address":"secret/data/payments/db","version":"7","digest":"00ff","storeRequestId":"req-1",' +
      '"cache":"hit","ageMs":1500}\n',
  );
});

test("the line of a listing says, last, how much of it was withheld", async () => {
  const { out, audit } = setup();
  await audit.record([{ ...entry, withheld: 3 }]);
  assert.match(out.text, /"ageMs":1500,"withheld":3\}\n$/);
});

test("several entries are accepted together, in order", async () => {
  const { out, audit } = setup();
  await audit.record([entry, { ...entry, version: "8" }]);
  assert.deepEqual(
    out.lines.map(({ version }) => version),
    ["7", "8"],
  );
});

test("a stuck destination holds up nobody until the buffer is full, then nothing is released", async () => {
  const { out, audit } = setup(1_000);
  out.mode = "hold";
  await audit.record([entry]);
  await audit.record([entry]);
  await assert.rejects(audit.record([entry]), refused(/does not keep up/));
  await assert.rejects(audit.record([entry, entry]), refused(/does not keep up/));
  out.release();
  await audit.settled();
  await audit.record([entry]);
  assert.equal(out.lines.length, 3, "accepted lines are written, refused ones never");
});

test("of entries that do not fit together none is written", async () => {
  const { out, audit } = setup(500);
  await assert.rejects(audit.record([entry, entry]), refused(/does not keep up/));
  assert.equal(out.text, "");
});

test("a failed destination refuses releases, keeps what it accepted, and recovers by itself", async () => {
  const { out, logged, audit } = setup();
  out.mode = Object.assign(new Error("CANARY"), { code: "ENOSPC" });
  await audit.record([{ ...entry, version: "1" }]);
  await assert.rejects(audit.record([entry]), refused(/cannot be written/));
  await assert.rejects(audit.record([entry]), refused(/check --audit-log/));
  out.mode = "take";
  await assert.rejects(audit.record([entry]), refused(/cannot be written/));
  await audit.record([{ ...entry, version: "2" }]);
  assert.deepEqual(
    out.lines.map(({ version }) => version),
    ["1", "2"],
  );
  assert.deepEqual(
    logged.lines.map(({ level, msg, code }) => [level, msg, code]),
    [
      ["error", "audit destination failed", "ENOSPC"],
      ["info", "audit destination works again", undefined],
    ],
  );
});
