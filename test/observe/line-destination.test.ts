/** Real files, pipes and processes: what blocks, what fails and what comes back. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { createAudit } from "../../plugin/observe/audit-log.ts";
import { openAuditDestination, type LineDestination } from "../../plugin/observe/line-destination.ts";
import { createLog } from "../../plugin/observe/pino-log.ts";
import { FakeClock } from "../fakes/clock.ts";
import { CollectedLines } from "./collected-lines.ts";

function folder(t: TestContext): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), "keyferry-lines-"));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

const written = (to: LineDestination, text: string): Promise<unknown> =>
  new Promise((resolve) => to.write(text, resolve));

/** A named pipe with a reader that reads nothing by itself. */
async function pipe(t: TestContext): Promise<{ file: string; reader: number }> {
  const file = path.join(folder(t), "pipe");
  await promisify(execFile)("mkfifo", [file]);
  const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  return { file, reader };
}

/** Whatever the pipe holds now. */
function drain(reader: number): string {
  const chunk = Buffer.alloc(64 * 1024);
  let text = "";
  try {
    for (let read = 1; read > 0; text += chunk.toString("utf8", 0, read)) read = fs.readSync(reader, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
  return text;
}

const entry = {
  delivery: "sync",
  consumer: { kind: "ExternalSecret", namespace: "a", name: "b", uid: "c" },
  serviceAccount: "",
  store: "SecretStore/a/s",
  address: "k".repeat(2_000),
  version: "1",
  digest: "00",
  storeRequestId: "",
  cache: "miss",
  ageMs: 0,
} as const;

test("a file is made for its owner alone, and appended to", async (t) => {
  const file = path.join(folder(t), "audit.log");
  for (const line of ["one\n", "zwei ü\n"]) {
    const to = await openAuditDestination(file);
    assert.equal(await written(to, line), undefined);
    await to.close();
  }
  assert.equal(fs.readFileSync(file, "utf8"), "one\nzwei ü\n");
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
});

test("a file that cannot be opened is a clear problem", async (t) => {
  const inside = path.join(folder(t), "missing", "audit.log");
  await assert.rejects(openAuditDestination(inside), {
    message: `--audit-log: ${inside} cannot be opened (ENOENT); name a file that can be appended to`,
  });
  await assert.rejects(openAuditDestination(path.dirname(path.dirname(inside))), /\(EISDIR\)/);
});

test("a pipe that nobody reads is a problem at once, not a wait", async (t) => {
  const { file, reader } = await pipe(t);
  fs.closeSync(reader);
  await assert.rejects(openAuditDestination(file), /\(ENXIO\)/);
});

test("a full disk fails the write", async () => {
  const to = await openAuditDestination("/dev/full");
  assert.equal(((await written(to, "x\n")) as NodeJS.ErrnoException).code, "ENOSPC");
  await to.close();
});

function auditOf(to: LineDestination) {
  const clock = new FakeClock();
  const log = createLog({ level: "silent", write: new CollectedLines().write, clock });
  return createAudit({ write: to.write, capacityBytes: 200_000, clock, node: "n", log });
}

test("a stuck pipe: audit goes on until its buffer is full, and again after the pipe is read", async (t) => {
  const { file, reader } = await pipe(t);
  t.after(() => fs.closeSync(reader));
  const to = await openAuditDestination(file);
  t.after(() => to.close());
  const audit = auditOf(to);
  let accepted = 0;
  await assert.rejects(
    (async () => {
      for (; accepted < 1_000; accepted++) await audit.record([entry]);
    })(),
    { code: "audit_unavailable" },
  );
  assert.ok(accepted >= 80, `${accepted} accepted`);

  let text = "";
  let done = false;
  void audit.settled().then(() => (done = true));
  while (!done) {
    text += drain(reader);
    await new Promise((resolve) => setImmediate(resolve));
  }
  text += drain(reader);
  const lines = text.trimEnd().split("\n");
  assert.equal(lines.length, accepted);
  for (const line of lines) JSON.parse(line);
  await audit.record([entry]);
});

test("a closed pipe: audit refuses", async (t) => {
  const { file, reader } = await pipe(t);
  const to = await openAuditDestination(file);
  t.after(() => to.close());
  fs.closeSync(reader);
  const audit = auditOf(to);
  await audit.record([entry]);
  await audit.settled();
  await assert.rejects(audit.record([entry]), { code: "audit_unavailable" });
  await audit.settled();
  await assert.rejects(audit.record([entry]), { code: "audit_unavailable" });
});

const destinations = new URL("../../plugin/observe/line-destination.ts", import.meta.url).href;
/** Writes far more than a pipe holds, then shows on stderr that timers still run, and exits by itself. */
const flood = `
  import { openStandardStream } from ${JSON.stringify(destinations)};
  const to = openStandardStream(1);
  let failed = false;
  for (let i = 0; i < 100; i++) to.write("x".repeat(99_999) + "\\n", (error) => { failed ||= Boolean(error); });
  setTimeout(() => { process.stderr.write("turned"); process.stdin.once("data", () => {
    process.stderr.write(failed ? " failed" : " fine"); process.exit(0); }); }, 20);
`;

for (const through of ["socket", "pipe"] as const)
  test(`stdout that is a stuck ${through} blocks neither the process nor its end`, async (t) => {
    const { file, reader } = await pipe(t);
    t.after(() => fs.closeSync(reader));
    const end = fs.openSync(file, fs.constants.O_WRONLY);
    const child = spawn(process.execPath, ["--input-type=module", "-e", flood], {
      stdio: ["pipe", through === "pipe" ? end : "pipe", "pipe"],
    });
    fs.closeSync(end);
    t.after(() => child.kill("SIGKILL"));
    let text = "";
    child.stderr!.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    const closed = once(child, "exit");
    await once(child.stderr!, "data");
    child.stdin!.write("go\n");
    assert.deepEqual(await closed, [0, null]);
    assert.equal(text, "turned fine");
  });

test("stdout whose reader has gone fails the write and leaves its descriptor taken", async (t) => {
  const script = `
    import fs from "node:fs";
    import { openStandardStream } from ${JSON.stringify(destinations)};
    const to = openStandardStream(1);
    process.stdin.once("data", () => to.write("x", (error) => setImmediate(() => {
      process.stderr.write(String(error?.code) + " " + (fs.openSync("/dev/null", "r") > 2));
      process.exit(0);
    })));
    process.stderr.write("ready ");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  const closed = once(child, "close");
  await once(child.stderr, "data");
  child.stdout.destroy();
  await once(child.stdout, "close");
  child.stdin.write("go\n");
  await closed;
  assert.equal(text, "ready EPIPE true");
});
