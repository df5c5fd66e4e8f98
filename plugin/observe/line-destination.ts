/**
 * Where log and audit lines end: stdout, stderr or a file, written without ever blocking the process.
 *
 * Node's own process.stdout and process.stderr block on pipes, so a log collector that stops reading would stop every
 * mount. Pipes and sockets are written through a non-blocking handle here, files through the thread pool.
 */
import fs from "node:fs";
import net from "node:net";
import type { LineWrite } from "./line-queue.ts";

export interface LineDestination {
  readonly write: LineWrite;
  close(): Promise<void>;
}

/** For `--audit-log`: `-` is stdout; anything else a file that lines are appended to, made with mode 0600. */
export async function openAuditDestination(path: string): Promise<LineDestination> {
  if (path === "-") return openStandardStream(1);
  try {
    // Non-blocking, so that a named pipe nobody reads is an error and not a wait without end.
    const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;
    return destinationOf(await openFile(path, flags));
  } catch (error) {
    throw new Error(
      `--audit-log: ${path} cannot be opened (${errorCode(error)}); name a file that can be appended to`,
      {
        cause: error,
      },
    );
  }
}

/** 1 = stdout, 2 = stderr. */
export function openStandardStream(fd: 1 | 2): LineDestination {
  if (!isStream(fd)) return fileDestination(fd, () => Promise.resolve());
  try {
    // A description of its own: making the shared one non-blocking would change it for whoever else holds it.
    return streamDestination(fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK));
  } catch {
    // Sockets cannot be opened anew, nor can pipes of another user. libuv never closes descriptors 0 to 2.
    return streamDestination(fd);
  }
}

/** `ENOSPC`, `EPIPE` and the like; `error` for everything else, whose text may hold anything. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : "error";
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function destinationOf(fd: number): LineDestination {
  return isStream(fd) ? streamDestination(fd) : fileDestination(fd, () => closeFile(fd));
}

function isStream(fd: number): boolean {
  const stat = fs.fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}

function streamDestination(fd: number): LineDestination {
  const stream = new net.Socket({ fd, readable: false, writable: true });
  // Each write's callback gets the error too; without a listener it would end the process.
  stream.on("error", () => {});
  stream.unref();
  return {
    write: (text, done) => void stream.write(text, (error) => done(error ?? undefined)),
    close: () =>
      new Promise((resolve) => {
        if (stream.destroyed) return resolve();
        stream.once("close", () => resolve());
        stream.destroy();
      }),
  };
}

function fileDestination(fd: number, close: () => Promise<void>): LineDestination {
  // After a write that failed half-way: the next one starts on a line of its own.
  let torn = false;
  return {
    write(text, done) {
      const bytes = Buffer.from(torn ? `\n${text}` : text, "utf8");
      const step = (from: number): void => {
        fs.write(fd, bytes, from, bytes.length - from, null, (error, written) => {
          if (error) {
            torn ||= from > 0;
            return done(error);
          }
          if (from + written < bytes.length) return step(from + written);
          torn = false;
          done();
        });
      };
      step(0);
    },
    close,
  };
}

function closeFile(fd: number): Promise<void> {
  return new Promise((resolve) => fs.close(fd, () => resolve()));
}
