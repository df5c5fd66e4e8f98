/** keyferry and the echo server, bundled alike and started alike: in processes of their own, with the image's flags. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { buildKeyferry, bundle } from "../tools/build.mjs";
import { imageFlags, readStages } from "../tools/dockerfile.ts";
import { cacheEnvironment, precompile } from "../tools/precompile.mjs";
import { objectBytes, objects, writeWorkload } from "./workload.ts";

export interface Starter {
  readonly name: "keyferry" | "echo";
  /** Resolves when the process is spawned: nothing of it is ready yet. */
  start(): Running;
}

export interface Running {
  readonly socket: string;
  readonly pid: number;
  /** Resolves when something listens on the socket; rejects when the process ends before. */
  listening(): Promise<void>;
  stop(): Promise<void>;
}

/** A folder with both bundles and the workload. `close` removes it. */
export async function prepare(): Promise<{ keyferry: Starter; echo: Starter; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-bench-"));
  await buildKeyferry("dist");
  await precompile("dist", imageFlags(readStages().at(-1)!));
  await bundle({ "echo-server": "bench/echo-server.ts" }, join(folder, "echo"));
  const { manifests } = await writeWorkload(folder);
  let runs = 0;
  return {
    keyferry: {
      name: "keyferry",
      start() {
        const out = join(folder, `out-${runs++}`);
        const flags = ["--manifests", manifests, "--out", out, "--audit-log", `${out}.audit.jsonl`];
        const args = ["dist/keyferry.mjs", "standalone", ...flags];
        return run(args, join(out, "providers", "keyferry.sock"), cacheEnvironment("dist"));
      },
    },
    echo: {
      name: "echo",
      start() {
        const socket = join(folder, `echo-${runs++}.sock`);
        return run([join(folder, "echo", "echo-server.mjs"), socket, String(objects), String(objectBytes)], socket);
      },
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `cache`: where the image has what was compiled ahead. A bare server has none. */
function run(args: readonly string[], socket: string, cache: Readonly<Record<string, string>> = {}): Running {
  const image = readStages().at(-1)!;
  const child = spawn(process.execPath, [...imageFlags(image), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...image.env, NODE_COMPILE_CACHE: "", ...cache },
  });
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4096)));
  return {
    socket,
    pid: child.pid!,
    async listening() {
      while (!(await listens(socket))) {
        if (hasEnded(child)) throw new Error(`the server ended at its start:\n${log}`);
        await pause(1);
      }
    },
    async stop() {
      if (hasEnded(child)) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("error", () => resolve(false));
    connection.once("connect", () => {
      resolve(true);
      connection.destroy();
    });
  });
}

/** Resident memory of a process in MiB: all of it, and the private part that no file backs. */
export function memoryOf(pid: number): { rssMiB: number; anonMiB: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)![1]) / 1024;
  return { rssMiB: read("VmRSS"), anonMiB: read("RssAnon") };
}
