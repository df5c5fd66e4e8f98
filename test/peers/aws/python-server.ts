/** A server of an AWS emulator on loopback: obtained from its wheel, and run until it is stopped or this process ends. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obtained, run } from "../cache.ts";

export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** Pinned: what it is made of has more rights on this machine than a test needs. */
  readonly sha256: string;
  /** Everything else that it imports, `name==version`. */
  readonly companions: readonly string[];
}

/** The folder that holds its Python packages. */
export async function obtainWheel({ name, version, sha256, companions }: Wheel): Promise<string> {
  const folder = await obtained(`${name}-${version}`, async (work) => {
    const pip = (...args: string[]): Promise<string> => run("python3", ["-m", "pip", ...args]);
    await pip("download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", work, `${name}==${version}`);
    const wheel = (await readdir(work)).find((file) => file.endsWith(".whl"));
    if (!wheel) throw new Error(`no wheel of ${name}`);
    const digest = createHash("sha256")
      .update(await readFile(join(work, wheel)))
      .digest("hex");
    if (digest !== sha256) throw new Error(`${wheel} has sha256 ${digest}, not the pinned one`);
    const target = ["--quiet", "--no-compile", "--no-deps", "--target", join(work, "packages")];
    await pip("install", ...target, join(work, wheel), ...companions);
    await rm(join(work, wheel));
  });
  return join(folder, "packages");
}

export interface PythonServer {
  readonly url: string;
  stop(): Promise<void>;
}

export interface ServerWish {
  readonly wheel: Wheel;
  /** After `python3`. */
  readonly args: (port: number) => readonly string[];
  readonly env?: (port: number) => Readonly<Record<string, string>>;
  /** Answers 200 when it serves. */
  readonly health: string;
}

export async function startPythonServer({ wheel, args, env, health }: ServerWish): Promise<PythonServer> {
  const packages = await obtainWheel(wheel);
  const [port, folder] = await Promise.all([freePort(), mkdtemp(join(tmpdir(), `${wheel.name}-`))]);
  const url = `http://127.0.0.1:${port}`;
  const child = spawn("python3", args(port), {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      TMPDIR: folder,
      PYTHONPATH: packages,
      PYTHONDONTWRITEBYTECODE: "1",
      ...env?.(port),
    },
  });
  let output = "";
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const endWithUs = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  void ended.then(() => process.off("exit", endWithUs));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${wheel.name} ended at start:\n${output.slice(-2_000)}`);
    if (
      await fetch(`${url}${health}`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
