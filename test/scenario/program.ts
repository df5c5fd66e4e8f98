/**
 * The whole program as a process of its own, with a folder of manifests, for scenario tests and the demo.
 *
 * Everything it prints is kept; `until` waits for states of the outside (files, answers) without fixed sleeps.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";

export interface Program {
  /** The folder that holds manifests/, out/ and whatever a test adds. */
  readonly folder: string;
  at(...parts: string[]): string;
  /** Replaces a file in one step; folders are made. */
  put(path: string, text: string | Uint8Array): Promise<void>;
  /** `host:port` of the HTTP server. */
  readonly address: string;
  readonly socket: string;
  get(path: string): Promise<{ status: number; text: string }>;
  /** Everything printed so far. */
  printed(): { stdout: string; stderr: string };
  /** The decoded `data` of an output Secret. */
  secret(namespace: string, name: string): Promise<Record<string, string>>;
  /** The status file of an ExternalSecret. */
  status(namespace: string, name: string): Promise<StatusFile>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** SIGTERM, then removes the folder. Returns the exit code. */
  stop(): Promise<number | null>;
}

export interface StatusFile {
  readonly conditions: readonly { type: string; status: string; reason: string; message: string }[];
  readonly events?: readonly { type: string; reason: string; message: string }[];
}

export interface ProgramOptions {
  /** File name below manifests/ → text. `$FOLDER` is replaced by the program's folder. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Files below the folder that must be there before the start. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder with its manifests, before anything runs. */
export async function layOut(options: ProgramOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-"));
  await mkdir(join(folder, "manifests"));
  for (const [name, text] of Object.entries(options.files ?? {})) await replaceFile(join(folder, name), text);
  for (const [name, text] of Object.entries(options.manifests))
    await replaceFile(join(folder, "manifests", name), text.replaceAll("$FOLDER", folder));
  return folder;
}

export function standaloneArgs(folder: string, more: readonly string[] = []): string[] {
  const main = join(import.meta.dirname, "../../plugin/main.ts");
  return [main, "standalone", "--manifests", join(folder, "manifests"), "--out", join(folder, "out"), ...more];
}

/** Runs the program to its end, e.g. with --once or wrong flags. */
export async function runOnce(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const started = launch(args, env);
  const code = await started.ended;
  return { code, ...started.printed() };
}

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const folder = await layOut(options);
  const args = standaloneArgs(folder, [
    "--audit-log",
    join(folder, "audit.jsonl"),
    ...(options.args ?? []).map((word) => word.replaceAll("$FOLDER", folder)),
  ]);
  const { child, ended, printed } = launch(args, options.env ?? {});
  let address = "";
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`keyferry ended at start:\n${printed().stderr}`);
      address = /"address":"([^"]+)"/.exec(printed().stderr)?.[1] ?? "";
      return (
        address !== "" &&
        (await fetch(`http://${address}/readyz`).then(
          (answer) => answer.ok,
          () => false,
        ))
      );
    });
  } catch (problem) {
    child.kill("SIGKILL");
    throw new Error(`keyferry did not become ready:\n${printed().stderr}`, { cause: problem });
  }
  const at = (...parts: string[]): string => join(folder, ...parts);
  const kill = (signal: NodeJS.Signals): Promise<number | null> => (child.kill(signal), ended);
  return {
    folder,
    at,
    put: replaceFile,
    address,
    socket: at("out", "providers", "keyferry.sock"),
    async get(path) {
      const answer = await fetch(`http://${address}${path}`);
      return { status: answer.status, text: await answer.text() };
    },
    printed,
    async secret(namespace, name) {
      const document = parse(await readFile(at("out", "secrets", namespace, `${name}.yaml`), "utf8")) as {
        data?: Record<string, string>;
      };
      return Object.fromEntries(
        Object.entries(document.data ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]),
      );
    },
    status: async (namespace, name) =>
      parse(await readFile(at("out", "status", "ExternalSecret", namespace, `${name}.yaml`), "utf8")) as StatusFile,
    kill,
    async stop() {
      const code = await kill("SIGTERM");
      await rm(folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** Starts the program; what it prints is kept, and it ends with this process. */
export function launch(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  // A test that fails half-way must not leave a process behind.
  const endWithUs = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  void ended.then(() => process.off("exit", endWithUs));
  return { child, ended, printed: () => ({ stdout, stderr }) };
}

export async function replaceFile(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const fresh = join(dirname(path), `.${Math.random().toString(36).slice(2)}.new`);
  await writeFile(fresh, text);
  await rename(fresh, path);
}

/**
 * Waits until `state` gives something truthy, looking every 25 ms; a throw counts as "not yet" and its text is told when
 * the patience ends.
 */
export async function until<T>(state: () => Promise<T> | T, patienceMs = 15_000): Promise<NonNullable<T>> {
  const endMs = performance.now() + patienceMs;
  let problem = "the state did not come";
  while (performance.now() < endMs) {
    try {
      const found = await state();
      if (found) return found;
      problem = "the state did not come";
    } catch (thrown) {
      problem = thrown instanceof Error ? thrown.message : String(thrown);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`waited ${patienceMs} ms: ${problem}`);
}
