/**
 * What stands at a socket path, and whether keyferry may take its place.
 *
 * A socket that a living process answers on is only ever replaced when that process is a keyferry: the driver caches
 * the path of a provider, so stealing another provider's socket breaks every pod of it on this node.
 */
import { lstat } from "node:fs/promises";
import { connect as http2Connect, type ClientHttp2Session } from "node:http2";
import { connect } from "node:net";
import { providerService } from "../../proto/provider.ts";
import type { Clock } from "../core/clock.ts";
import { withDeadline } from "../core/deadline.ts";

export const contractVersion = "v1alpha1";
export const runtimeName = "keyferry";

export type Occupant =
  | { readonly kind: "none" }
  /** A socket file that nobody listens on. */
  | { readonly kind: "dead" }
  | { readonly kind: "keyferry" }
  /** `what` completes "the path is …", e.g. `a symlink`, `answered by provider "x"`. */
  | { readonly kind: "foreign"; readonly what: string };

/** The driver's own health check waits as long. */
const probeLimitMs = 5_000;
const longestVersionBytes = 64 * 1024;

/** `signal` ends the wait for a silent peer, which then counts as foreign. */
export async function occupantOf(path: string, clock: Clock, signal: AbortSignal): Promise<Occupant> {
  const stat = await lstat(path).catch((thrown: NodeJS.ErrnoException) => thrown);
  if (stat instanceof Error)
    return stat.code === "ENOENT" || stat.code === "ENOTDIR" ? { kind: "none" } : foreign(`unreadable (${stat.code})`);
  if (stat.isSymbolicLink()) return foreign("a symlink");
  if (stat.isDirectory()) return foreign("a folder");
  if (!stat.isSocket()) return foreign("a file that is no socket");
  const unheard = await unheardSocket(path);
  if (unheard) return unheard;
  const name = await askRuntimeName(path, clock, signal);
  if (name === runtimeName) return { kind: "keyferry" };
  // Its process may have ended while it was asked.
  if (name === undefined)
    return (await unheardSocket(path)) ?? foreign("held by a process that answers no Version call");
  return foreign(`answered by provider "${name.replace(/[^-\w. ]/g, "?").slice(0, 64)}"`);
}

function foreign(what: string): Occupant {
  return { kind: "foreign", what };
}

/** A socket file that nobody listens on. Other files refuse connections too, and are not meant. */
export async function isDeadSocket(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isSocket() === true && (await unheardSocket(path))?.kind === "dead";
}

/** Undefined when somebody accepts connections. */
function unheardSocket(path: string): Promise<Occupant | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") resolve({ kind: "dead" });
      else if (error.code === "ENOENT") resolve({ kind: "none" });
      else resolve(foreign(`not reachable (${error.code})`));
    });
  });
}

/** Undefined when no valid answer comes in time. */
async function askRuntimeName(path: string, clock: Clock, signal: AbortSignal): Promise<string | undefined> {
  const { Version } = providerService;
  // Not grpc-js's client: against a peer that accepts and then is silent, its close() leaves the connection open.
  const session = http2Connect("http://localhost", { createConnection: () => connect(path) });
  try {
    const body = await withDeadline(signal, probeLimitMs, clock, path, (bounded) =>
      answerTo(session, Version.path, Version.requestSerialize({ version: contractVersion }), bounded),
    );
    return Version.responseDeserialize(body).runtime_name;
  } catch {
    return undefined;
  } finally {
    session.destroy();
  }
}

/** One unary gRPC call: the first message of the answer. Rejects when there is none. */
function answerTo(session: ClientHttp2Session, call: string, message: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error("no answer"));
    session.on("error", fail);
    if (signal.aborted) return fail();
    signal.addEventListener("abort", fail, { once: true });
    const stream = session.request({
      ":method": "POST",
      ":path": call,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on("error", fail);
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > longestVersionBytes) fail();
    });
    stream.on("end", () => {
      const answer = Buffer.concat(chunks);
      // A message's frame: one byte for "compressed", four for the length.
      if (answer.length < 5 || answer[0] !== 0) return fail();
      resolve(answer.subarray(5, 5 + answer.readUInt32BE(1)));
    });
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
  });
}
