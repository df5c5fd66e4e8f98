/**
 * `npm test`: the checks, then the tests. Stops at the first red step and shows what it said.
 * `npm test -- PATTERN…` runs only the test files whose path holds or matches a pattern, without the checks.
 *
 * test/peers/ is left out: it needs real servers and has its own task, test:peers.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { matchesGlob } from "node:path";
import process from "node:process";

const nothing = () => undefined;

/** Each check: its name, its program below node_modules, and what is wrong with an output that exited with 0. */
const checks = [
  ["types", ["typescript7/bin/tsc", "-p", "."], nothing],
  ["lint", ["eslint/bin/eslint.js", "--max-warnings=0", "."], nothing],
  ["format", ["prettier/bin/prettier.cjs", "--check", "--log-level=warn", "."], nothing],
  ["dead code", ["knip/bin/knip.js", "--no-progress"], nothing],
  ["code that only tests use", ["knip/bin/knip.js", "--no-progress", "--production"], nothing],
  [
    "cycles and rooms",
    ["dependency-cruiser/bin/dependency-cruiser.mjs", "plugin", "proto", "bench", "tools", "test"],
    sawModules,
  ],
];

/** With a TypeScript that it cannot use, the cruiser reads no module at all and is content. */
function sawModules(output) {
  const seen = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0);
  return seen > 0 ? undefined : "dependency-cruiser read no module";
}

async function main(patterns) {
  const files = globSync("test/**/*.test.ts")
    .filter((file) => !file.startsWith("test/peers/"))
    .filter((file) => patterns.length === 0 || patterns.some((p) => file.includes(p) || matchesGlob(file, p)))
    .sort();
  if (files.length === 0) {
    process.stderr.write(`keyferry: no test file matches ${patterns.join(" ") || "test/**/*.test.ts"}\n`);
    return 2;
  }
  if (patterns.length === 0) for (const check of checks) if (!(await isGreen(check))) return 1;
  return runTests(files);
}

async function isGreen([name, [program, ...args], fault]) {
  const beganMs = performance.now();
  const { code, output } = await collect([`node_modules/${program}`, ...args]);
  const problem = code === 0 ? fault(output) : `exit code ${code}`;
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  if (!problem) process.stdout.write(`ok   ${name} (${seconds} s)\n`);
  else process.stdout.write(`${output}\nRED  ${name}: ${problem}\n`);
  return !problem;
}

function collect(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

function runTests(files) {
  return new Promise((resolve, reject) => {
    const options = ["--test-reporter=spec", "--test-concurrency=2", "--test-timeout=120000"];
    const child = spawn(process.execPath, ["--test", ...options, ...files], { stdio: "inherit" });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main(process.argv.slice(2));
