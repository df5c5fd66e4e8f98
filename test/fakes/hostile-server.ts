/**
 * An HTTP server on loopback that misbehaves on demand: it speaks raw TCP, so it can hang, stop half-way, never end or
 * not speak HTTP at all. It notes what it was asked and when the client ended the connection.
 */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";

export interface ReceivedRequest {
  readonly method: string;
  /** With the query, as sent. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Resolves when the connection that it came on is closed. */
  readonly disconnected: Promise<void>;
}

/** Answers one request. Nothing is closed afterwards unless the reply does it. */
export type Reply = (socket: Socket, request: ReceivedRequest) => void;

export interface HostileServer {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Bytes of answers handed to the system. */
  readonly sentBytes: number;
  /** Connections ever accepted. */
  readonly connections: number;
  /** What every request gets from now on. */
  answer(choose: (request: ReceivedRequest) => Reply): void;
  /** Resolves when at least `count` requests have arrived. */
  requested(count: number): Promise<void>;
  close: () => Promise<void>;
}

export async function startHostileServer(
  first: (request: ReceivedRequest) => Reply = () => silence(),
): Promise<HostileServer> {
  let choose = first;
  let connections = 0;
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let endedBytes = 0;
  let watchers: (() => boolean)[] = [];
  const changed = (): void => void (watchers = watchers.filter((isDone) => !isDone()));
  const until = (isMet: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      watchers.push(() => {
        if (!isMet()) return false;
        resolve();
        return true;
      });
      changed();
    });

  const server = createServer({ noDelay: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      endedBytes += socket.bytesWritten;
      changed();
    });
    const disconnected = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    let unread: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      for (let found = takeRequest(unread); found; found = takeRequest(unread)) {
        unread = found.rest;
        const request = { ...found.request, disconnected };
        requests.push(request);
        choose(request)(socket, request);
        changed();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get sentBytes() {
      return endedBytes + [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0);
    },
    get connections() {
      return connections;
    },
    answer: (next) => void (choose = next),
    requested: (count) => until(() => requests.length >= count),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function takeRequest(bytes: Buffer): { request: Omit<ReceivedRequest, "disconnected">; rest: Buffer } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [requestLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bodyEnd = headEnd + 4 + Number(headers["content-length"] ?? 0);
  if (bytes.length < bodyEnd) return undefined;
  const [method = "", path = ""] = requestLine.split(" ");
  const body = bytes.subarray(headEnd + 4, bodyEnd).toString("utf8");
  return { request: { method, path, headers, body }, rest: bytes.subarray(bodyEnd) };
}

export interface CannedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A complete, well-formed answer. */
export function canned({ status, headers = {}, body = "" }: CannedAnswer): Reply {
  const bytes = Buffer.from(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = status === 204 ? "" : `content-length: ${bytes.length}\r\n`;
  return (socket) => {
    socket.write(`HTTP/1.1 ${status} Canned\r\n${lines.join("")}${length}\r\n`);
    if (bytes.length > 0) socket.write(bytes);
  };
}

/** Accepts the request and never says anything. */
export function silence(): Reply {
  return () => undefined;
}

/** Promises more than it sends, and then says nothing, or closes. */
export function halfBody(sent: string, then: "hang" | "close"): Reply {
  return (socket) => {
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${sent.length + 100}\r\n\r\n${sent}`,
    );
    if (then === "close") socket.end();
  };
}

export function raw(text: string): Reply {
  return (socket) => void socket.write(text);
}

export function reset(): Reply {
  return (socket) => void socket.resetAndDestroy();
}

/** Sends up to `totalBytes` as fast as they are taken, without saying beforehand how many. */
export function flood(totalBytes: number): Reply {
  const chunk = Buffer.alloc(64 * 1024, "a");
  return (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
    let left = totalBytes;
    const pump = (): void => {
      while (left > 0 && !socket.destroyed) {
        left -= chunk.length;
        if (!socket.write(chunk)) return void socket.once("drain", pump);
      }
      socket.end();
    };
    pump();
  };
}

const bombs = new Map<number, Buffer>();

/** A small answer that inflates to `inflatedBytes`. */
export function gzipBomb(inflatedBytes: number): Reply {
  const body = bombs.get(inflatedBytes) ?? gzipSync(Buffer.alloc(inflatedBytes, " "), { level: 1 });
  bombs.set(inflatedBytes, body);
  return canned({
    status: 200,
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body,
  });
}
