/** /metrics, /livez and /readyz over plain HTTP. Serves nothing that may not be public inside the cluster. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorCode } from "./line-destination.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Why, when it is not ok; safe to show. */
  readonly note: string;
}

export type Checks = () => Promise<readonly Check[]>;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly metrics: { render(): Promise<string> };
  readonly livez: Checks;
  readonly readyz: Checks;
}

export interface HttpServer {
  /** `host:port` as bound. */
  readonly address: string;
  close(): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

// Not imported: an import of node:http reads all its exports, and one of them loads Node's whole fetch (50 ms, 4 MiB).
const { createServer } = process.getBuiltinModule("node:http");

const text = "text/plain; charset=utf-8";
const exposition = "text/plain; version=0.0.4; charset=utf-8";

/** Rejects with an Error whose message is a line for the user: `--http-addr: …`. */
export async function startHttpServer({ host, port, metrics, livez, readyz }: HttpServerOptions): Promise<HttpServer> {
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    "/metrics": async () => ({ status: 200, type: exposition, body: await metrics.render() }),
    "/livez": () => checkPage(livez),
    "/readyz": () => checkPage(readyz),
  };
  // Nothing here takes a body or a second to ask: slow clients are cut off early.
  const limits = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000, maxHeaderSize: 8 * 1024 };
  const server = createServer(limits, (request, response) => void answer(pages, request, response));
  server.maxConnections = 64;
  server.on("clientError", (_error, socket) => void socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenProblem(host, port, error)));
    server.listen(port, host, resolve);
  });
  return {
    address: formatAddress(host, (server.address() as AddressInfo).port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  pages: Readonly<Record<string, () => Promise<Page>>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "").split("?", 1)[0]!;
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (!page) return send(response, { status: 404, type: text, body: `not found; ${Object.keys(pages).join(" ")}\n` });
  if (request.method !== "GET") {
    response.setHeader("allow", "GET");
    return send(response, { status: 405, type: text, body: "use GET\n" });
  }
  // What a check or a metric throws may say anything.
  send(response, await page().catch(() => ({ status: 500, type: text, body: "internal error\n" })));
}

function send(response: ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

async function checkPage(checks: Checks): Promise<Page> {
  const failing = (await checks()).filter(({ ok }) => !ok);
  if (failing.length === 0) return { status: 200, type: text, body: "ok\n" };
  return { status: 503, type: text, body: failing.map(({ name, note }) => `${name}: ${note}\n`).join("") };
}

function listenProblem(host: string, port: number, error: Error): Error {
  const address = formatAddress(host, port);
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: "is in use; choose another address, or stop the program that listens there",
    EACCES: "may not be used by this user; choose a port above 1023",
    EADDRNOTAVAIL: "is no address of this machine; choose another, such as 127.0.0.1:8080",
    ENOTFOUND: "is no address of this machine; choose another, such as 127.0.0.1:8080",
  };
  const code = errorCode(error);
  const problem = problems[code] ?? `cannot be listened on (${code}); choose another address`;
  return new Error(`--http-addr: ${address} ${problem}`, { cause: error });
}

function formatAddress(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
