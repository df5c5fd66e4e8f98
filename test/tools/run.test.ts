/** The launcher in a copy of the repository that holds nothing but it, a lock, and tasks and an npm of the test's own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);

/** Notes that it was called, and leaves what npm leaves. */
const npm = `
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
appendFileSync("npm-calls", process.argv.slice(2).join(" ") + "\\n");
if (process.env.NPM_FAILS) process.exit(7);
mkdirSync("node_modules/.bin", { recursive: true });
writeFileSync("node_modules/.package-lock.json", "{}");
`;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "keyferry-run-"));
  await mkdir(at("tools"));
  await copyFile("tools/run.mjs", at("tools", "run.mjs"));
  await writeFile(at("package-lock.json"), "{}");
  await writeFile(at("npm-cli.mjs"), npm);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function task(source: string): Promise<void> {
  await writeFile(at("tools", "test.mjs"), source);
}

async function installed(): Promise<void> {
  await mkdir(at("node_modules", ".bin"), { recursive: true });
  await writeFile(at("node_modules", ".package-lock.json"), "{}");
}

/** `nodeVersion` is what the starting Node says of itself. */
function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}, nodeVersion?: string) {
  const pretend = `Object.defineProperty(process, "version", { value: "${nodeVersion}" });`;
  const preload = nodeVersion ? ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`] : [];
  const child = spawn(process.execPath, [...preload, at("tools", "run.mjs"), ...args], {
    cwd: tmpdir(),
    env: { ...process.env, npm_execpath: at("npm-cli.mjs"), ...env },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output,
  }));
  return { child, ended };
}

const npmCalls = (): Promise<string> => readFile(at("npm-calls"), "utf8").catch(() => "");

test("an unknown task is refused in one line that names the nearest", async () => {
  const { code, stdout, stderr } = await launch(["test:pears"]).ended;
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(stderr, "keyferry: test:pears: no such task; did you mean test:peers?\n");
});

test("no task is refused with their list", async () => {
  const { code, stderr } = await launch([]).ended;
  assert.equal(code, 2);
  assert.match(stderr, /^keyferry: name a task: demo, test, test:peers, bench, fuzz, crds, build\n$/);
});

test("a Node that cannot start the tools is refused in one line", async () => {
  const { code, stderr } = await launch(["test"], {}, "v18.20.0").ended;
  assert.equal(code, 2);
  assert.match(stderr, /^keyferry: Node v18\.20\.0 is too old: install Node 20 or later\n$/);
});

test("installs when nothing is installed, says so once, and then no more", async () => {
  await task("console.log('ran');");
  const first = await launch(["test"]).ended;
  assert.deepEqual([first.code, first.stdout], [0, "ran\n"]);
  assert.equal(first.stderr, "keyferry: installing the locked dependencies (npm ci) …\n");
  const second = await launch(["test"]).ended;
  assert.deepEqual([second.code, second.stderr], [0, ""]);
  assert.match(await npmCalls(), /^ci --ignore-scripts [^\n]*\n$/);
});

test("installs again when the lock is newer than what is installed", async () => {
  await installed();
  await task("");
  const laterS = Date.now() / 1000 + 60;
  await utimes(at("package-lock.json"), laterS, laterS);
  await launch(["test"]).ended;
  assert.match(await npmCalls(), /^ci /);
});

test("ends with npm's code when npm fails, and starts nothing", async () => {
  await task("console.log('ran');");
  const { code, stdout, stderr } = await launch(["test"], { NPM_FAILS: "1" }).ended;
  assert.deepEqual([code, stdout], [7, ""]);
  assert.match(stderr, /npm ci failed/);
});

test("the task gets the arguments, the repository's root and its programs first on PATH", async () => {
  await installed();
  await task("console.log(JSON.stringify([process.argv.slice(2), process.cwd(), process.env.PATH.split(':')[0]]));");
  const { stdout } = await launch(["test", "a b", "--flag"]).ended;
  assert.deepEqual(JSON.parse(stdout), [["a b", "--flag"], root, at("node_modules", ".bin")]);
});

test("the task's exit code is the launcher's", async () => {
  await installed();
  await task("process.exit(9);");
  assert.equal((await launch(["test"]).ended).code, 9);
});

for (const [name, source, end] of [
  ["a task that handles SIGTERM ends its own way", "process.on('SIGTERM', () => process.exit(5));", [5, null]],
  ["a task that a signal ends takes the launcher with it", "", [null, "SIGTERM"]],
] as const) {
  test(name, async () => {
    await installed();
    await task(`${source} setInterval(() => {}, 1000); console.log('ready');`);
    const { child, ended } = launch(["test"]);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    const { code, signal } = await ended;
    assert.deepEqual([code, signal], end);
  });
}

test("the locked Node runs the task, whatever Node starts the launcher", async () => {
  await installed();
  await symlink(process.execPath, at("node_modules", ".bin", "node"));
  await task("console.log(process.argv0);");
  const { code, stdout } = await launch(["test"], {}, "v20.20.2").ended;
  assert.deepEqual([code, stdout], [0, `${at("node_modules", ".bin", "node")}\n`]);
});

test("a locked Node that does not run on this machine is passed over", async () => {
  await installed();
  await writeFile(at("node_modules", ".bin", "node"), "#!/nowhere/ld-linux\n");
  await chmod(at("node_modules", ".bin", "node"), 0o755);
  await task("console.log('ran');");
  assert.equal((await launch(["test"]).ended).stdout, "ran\n");
});

test("Node 20 without a locked Node is refused in one line", async () => {
  await installed();
  await task("console.log('ran');");
  const { code, stdout, stderr } = await launch(["test"], {}, "v20.20.2").ended;
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^keyferry: Node v20\.20\.2 is too old .*install Node 24 or later\n$/);
});
