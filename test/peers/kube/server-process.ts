/** One server of a cluster as a child process: its log in a file, its end for certain. */
import { spawn } from "node:child_process";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  running(): boolean;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  logged(text: string): Promise<boolean>;
  /** The end of its log. */
  tail(): Promise<string>;
}

export async function launchServer(
  folder: string,
  name: string,
  program: string,
  args: readonly string[],
): Promise<ServerProcess> {
  const log = await open(logPath(folder, name), "a");
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ["ignore", log.fd, log.fd],
    env: { PATH: process.env.PATH ?? "", HOME: folder },
  });
  const pidFile = join(folder, `${name}.pid`);
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.on("spawn", resolve);
    child.on("error", reject);
  });
  await log.close();
  // A test that failed before it could stop its cluster ends all the same, and the guard ends the servers.
  child.unref();
  const pid = child.pid!;
  await writeFile(pidFile, `${pid}\n`);
  return {
    name,
    pid,
    running: () => child.exitCode === null && child.signalCode === null,
    async kill() {
      child.ref();
      child.kill("SIGKILL");
      await gone;
      // Only its own: a successor may have been started since.
      if ((await readFile(pidFile, "utf8").catch(() => "")) === `${pid}\n`) await rm(pidFile, { force: true });
    },
    logged: async (text) => (await readFile(logPath(folder, name), "utf8")).includes(text),
    tail: () => logTail(folder, name),
  };
}

export async function logTail(folder: string, name: string): Promise<string> {
  return (await readFile(logPath(folder, name), "utf8")).slice(-4_000);
}

function logPath(folder: string, name: string): string {
  return join(folder, "logs", `${name}.log`);
}

/**
 * A shell that waits for the end of this process, however it comes, and then ends the folder's servers (by their pid
 * files) and removes the folder.
 */
export function guardFolder(folder: string): { release(): Promise<void> } {
  const script = 'cat; for f in "$1"/*.pid; do [ -f "$f" ] && kill -9 "$(cat "$f")"; done; rm -rf "$1"';
  const guard = spawn("sh", ["-c", script, "guard", folder], {
    stdio: ["pipe", "ignore", "ignore"],
    // A signal to the process group of the tests must not end it.
    detached: true,
  });
  const gone = new Promise<void>((resolve) => guard.on("close", () => resolve()));
  guard.unref();
  return {
    async release() {
      guard.ref();
      guard.stdin.end();
      await gone;
    },
  };
}
