/** Where real servers for tests are kept between runs, and the progress line each one prints when it is obtained. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** $KEYFERRY_PEERS, else a folder below the user's cache folder. */
export function peersFolder(): string {
  return (
    process.env.KEYFERRY_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "keyferry", "peers")
  );
}

/**
 * The folder `name` below the cache; made by `build` in a folder of its own and moved into place when it is whole, so
 * that an interrupted build leaves nothing that looks finished.
 */
export async function obtained(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(peersFolder(), name);
  if (await stat(folder).catch(() => undefined)) return folder;
  const beganMs = performance.now();
  process.stdout.write(`peers: getting ${name} …\n`);
  await mkdir(peersFolder(), { recursive: true });
  const work = await mkdtemp(join(peersFolder(), `.${name}-`));
  try {
    await build(work);
    await rename(work, folder).catch(async (problem: unknown) => {
      // Another test process finished the same peer first.
      if (!(await stat(folder).catch(() => undefined))) throw problem;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  process.stdout.write(`peers: ${name} ready after ${Math.round((performance.now() - beganMs) / 1000)} s\n`);
  return folder;
}

/** Runs a command to its end; rejects with the end of its output when it fails. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output.slice(-4000)}`)),
    );
  });
}
