import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogFields } from "../../plugin/observe/log.ts";
import { createLog, type BoundedLog, type LogOptions } from "../../plugin/observe/pino-log.ts";
import { FakeClock } from "../fakes/clock.ts";
import { CollectedLines } from "./collected-lines.ts";

function setup(options: Partial<LogOptions> = {}): { out: CollectedLines; log: BoundedLog } {
  const out = new CollectedLines();
  return { out, log: createLog({ level: "info", write: out.write, clock: new FakeClock(), ...options }) };
}

test("a line is one JSON object: level by name, time, fields, sentence", () => {
  const { out, log } = setup();
  log.info("secret read", { store: "vault-prod", cache: "miss", tookMs: 12.5 });
  assert.equal(
    out.text,
    '{"level":"info","time":"2026-01-01T00:00:00.000Z","store":"vault-prod","cache":"miss","tookMs":12.5,"msg":"secret read"}\n',
  );
});

test("levels below the chosen one are not written", () => {
  const { out, log } = setup({ level: "warn" });
  log.debug("one");
  log.info("two");
  log.warn("three");
  log.error("four");
  assert.deepEqual(
    out.lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`),
    ["warn three", "error four"],
  );
});

test("only known fields of plain types are written: an error that strays in leaves nothing behind", () => {
  const { out, log } = setup();
  const error = new Error("CANARY", { cause: new Error("CANARY") });
  const stray = { code: "internal", message: error, reason: { CANARY: 1 }, err: error, other: "CANARY" };
  log.error("mount failed", stray as unknown as LogFields);
  assert.deepEqual(out.lines, [
    { level: "error", time: "2026-01-01T00:00:00.000Z", code: "internal", msg: "mount failed" },
  ]);
});

test("a line break in a field stays inside of its line", () => {
  const { out, log } = setup();
  log.info("read", { name: 'a\n{"level":"error"}' });
  assert.deepEqual(
    out.lines.map(({ level }) => level),
    ["info"],
  );
});

test("what looks like a credential is scrubbed from fields and sentences", () => {
  const { out, log } = setup();
  log.info("got hvs.CAESIJlonglonglong", { message: "sent eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl to it" });
  assert.deepEqual(
    out.lines.map(({ msg, message }) => [msg, message]),
    [["got [scrubbed]", "sent [scrubbed] to it"]],
  );
});

test("a stuck destination drops lines at once, counts them, and says so when it goes on", async () => {
  const { out, log } = setup({ capacityBytes: 1_000 });
  out.mode = "hold";
  for (let i = 0; i < 100; i++) log.info("secret read", { count: i });
  const { length } = out.stuck;
  assert.equal(length, 1, "one write at a time");
  const dropped = log.dropped();
  assert.ok(dropped > 80 && dropped < 100, `${dropped} dropped`);
  out.release();
  await log.settled();
  const written = out.lines.filter(({ msg }) => msg === "secret read").length;
  assert.equal(written + dropped, 100);
  assert.deepEqual(out.lines.at(-1), {
    level: "warn",
    time: "2026-01-01T00:00:00.000Z",
    count: dropped,
    msg: "log lines dropped",
  });
  log.info("secret read");
  assert.equal(out.lines.filter(({ msg }) => msg === "log lines dropped").length, 1, "said once");
});

test("a destination that fails loses its lines, counted, and never throws", async () => {
  const { out, log } = setup();
  out.mode = new Error("EPIPE");
  log.info("one");
  log.info("two");
  await log.settled();
  assert.equal(log.dropped(), 2);
  out.mode = "take";
  log.info("three");
  assert.deepEqual(
    out.lines.map(({ msg, count }) => [msg, count]),
    [
      ["three", undefined],
      ["log lines dropped", 2],
    ],
  );
});
