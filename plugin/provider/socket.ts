/**
 * A unix socket under a name that others rely on.
 *
 * It appears whole: bound and closed to others (0600) under a draft name, then renamed into place, so a predecessor
 * hands over without a gap. It comes back when somebody deletes it, gives way to a living successor, and goes at close
 * when it is still ours.
 */
import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import type { Log } from "../observe/log.ts";
import { isDeadSocket, occupantOf } from "./occupant.ts";

export interface OpenSocket {
  /** Accepts no more connections and removes the file; open connections are their owner's. */
  close(): Promise<void>;
}

export interface SocketOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onConnection: (connection: Socket) => void;
}

/** Linux: sun_path holds 108 bytes with its closing NUL. */
const longestPathBytes = 107;
/** The driver looks for the file once, at its first use of a provider: a deleted one must be back soon. */
const lookEveryMs = 1_000;
/** Shorter than any `<name>.sock` it becomes would be long enough to matter: it must fit the limit too. */
const draftName = /^\.kf-[-\w]{4}$/;

/** Rejects with Failure `internal` that names the path, what is wrong with it and the way out. */
export async function openSocket(options: SocketOptions): Promise<OpenSocket> {
  const { path, clock, log } = options;
  const directory = dirname(path);
  refuseLongPath(path);
  const closing = new AbortController();
  await refuseForeign(path, clock, closing.signal);
  await removeDeadDrafts(directory);
  let bound = await bind(options);
  let yielded = false;
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    if (await isOurs(path, bound.inode)) return void (yielded = false);
    const occupant = await occupantOf(path, clock, closing.signal);
    if (closing.signal.aborted) return;
    if (occupant.kind === "none" || occupant.kind === "dead") {
      const previous = bound;
      bound = await bind(options);
      previous.server.close();
      log.warn("provider socket was deleted and is made again", { socket: path });
    } else if (!yielded) {
      yielded = true;
      log.warn("provider socket was replaced; it is left alone", { socket: path, reason: occupant.kind });
    }
  };
  const schedule = (): (() => void) =>
    clock.after(lookEveryMs, () => {
      looking = look()
        .catch((thrown: unknown) => log.error("provider socket cannot be made again", failureFields(path, thrown)))
        .then(() => void (closing.signal.aborted || (cancel = schedule())));
    });
  let cancel = schedule();

  return {
    async close() {
      closing.abort();
      cancel();
      await looking;
      if (await isOurs(path, bound.inode)) await rm(path, { force: true });
      bound.server.close();
    },
  };
}

interface Bound {
  readonly server: Server;
  /** Stays taken while the server listens, so nobody else's socket can have it. */
  readonly inode: bigint;
}

async function bind({ path, log, onConnection }: SocketOptions): Promise<Bound> {
  const draft = join(dirname(path), `.kf-${randomBytes(3).toString("base64url")}`);
  const server = createServer(onConnection);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await listenPrivately(server, draft);
    await chmod(draft, 0o600);
    const inode = (await lstat(draft, { bigint: true })).ino;
    await rename(draft, path);
    // Without a listener an accept that fails (too many open files) would end the process.
    server.on("error", (thrown) => log.error("provider socket cannot accept", failureFields(path, thrown)));
    return { server, inode };
  } catch (thrown) {
    server.close();
    const reason = (thrown as NodeJS.ErrnoException).code ?? "unexpected error";
    throw new Failure("internal", `socket ${path}: ${reason}; the folder must be writable by this process`, {
      cause: thrown,
    });
  }
}

function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    // listen() binds before it returns, so the mask holds for this file alone.
    const mask = process.umask(0o077);
    try {
      server.listen(path);
    } finally {
      process.umask(mask);
    }
  });
}

function refuseLongPath(path: string): void {
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(join(dirname(path), ".kf-xxxx")));
  if (bytes > longestPathBytes)
    throw new Failure(
      "internal",
      `socket ${path}: ${bytes} bytes, and Linux allows ${longestPathBytes}; choose a shorter socket directory`,
    );
}

async function refuseForeign(path: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const occupant = await occupantOf(path, clock, signal);
  if (occupant.kind !== "foreign") return;
  const name = basename(path, ".sock");
  throw new Failure(
    "internal",
    `socket ${path} is ${occupant.what}; stop or remove it, or leave "${name}" out of --providers`,
  );
}

/** Drafts of processes that were killed between binding and renaming. */
async function removeDeadDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const draft = join(directory, name);
    if (draftName.test(name) && (await isDeadSocket(draft))) await rm(draft, { force: true });
  }
}

async function isOurs(path: string, inode: bigint): Promise<boolean> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined);
  return stat !== undefined && stat.isSocket() && stat.ino === inode;
}

function failureFields(path: string, thrown: unknown): { socket: string; reason: string } {
  const cause = thrown instanceof Failure ? thrown.cause : thrown;
  return { socket: path, reason: (cause as NodeJS.ErrnoException | undefined)?.code ?? "unexpected error" };
}
