/**
 * Starts one of the project's tasks with the right Node: `node tools/run.mjs NAME [arguments]`.
 *
 * Plain JavaScript, because it must start on whatever Node is installed (20 and later). It installs the locked
 * dependencies when they are absent or older than the lock, then runs the task from the repository's root. Signals and
 * exit codes pass through.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const tasks = {
  demo: "tools/demo.ts",
  test: "tools/test.mjs",
  "test:peers": "tools/peers.ts",
  bench: "bench/run.ts",
  fuzz: "tools/fuzz.ts",
  crds: "tools/crds.ts",
  build: "tools/build.mjs",
};
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const oldestStarter = 20;
const oldestNode = 24;

main(process.argv.slice(2));

function main([name, ...args]) {
  if (majorOf(process.version) < oldestStarter)
    refuse(`Node ${process.version} is too old: install Node ${oldestStarter} or later`);
  if (!name) refuse(`name a task: ${Object.keys(tasks).join(", ")}`);
  if (!Object.hasOwn(tasks, name)) refuse(`${name}: no such task; did you mean ${nearest(name, Object.keys(tasks))}?`);
  if (!isInstalled()) install();
  start(pickNode(), [join(root, tasks[name]), ...args]);
}

/** npm writes its own copy of the lock last: without it, or with an older one, the folder is not what the lock says. */
function isInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

function install() {
  process.stderr.write("keyferry: installing the locked dependencies (npm ci) …\n");
  const npm = process.env.npm_execpath ?? "";
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const [command, all] = basename(npm).startsWith("npm") ? [process.execPath, [npm, ...args]] : ["npm", args];
  // stdout belongs to the task.
  const { status, error } = spawnSync(command, all, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error) refuse(`npm cannot be started (${error.code}): install npm beside Node`);
  if (status !== 0) {
    process.stderr.write(
      "keyferry: npm ci failed, see above; once it can reach its registry, run the same command again\n",
    );
    process.exit(status ?? 1);
  }
}

/** The locked Node where npm has one for this machine and it runs here (it does not with musl), else the installed one. */
function pickNode() {
  const locked = join(bin, "node");
  if (existsSync(locked) && spawnSync(locked, ["--version"]).status === 0) return locked;
  if (majorOf(process.version) >= oldestNode) return process.execPath;
  return refuse(
    `Node ${process.version} is too old and npm has none for this machine: install Node ${oldestNode} or later`,
  );
}

function start(node, args) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  const child = spawn(node, args, { cwd: root, env, stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child too; once is enough.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  child.on("error", (error) => refuse(`${node} cannot be started (${error.code})`));
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** The name with the most letters in common, for its length. */
function nearest(name, known) {
  const likeness = (other) => {
    const shared = [...new Set(name)].filter((letter) => other.includes(letter)).length;
    return shared / new Set(name + other).size;
  };
  return known.reduce((best, other) => (likeness(other) > likeness(best) ? other : best));
}

function majorOf(version) {
  return Number(version.slice(1).split(".")[0]);
}

function refuse(problem) {
  process.stderr.write(`keyferry: ${problem}\n`);
  process.exit(2);
}
