/** A CONNECT proxy on loopback that notes what it was asked for. Names lead to 127.0.0.1, as it resolves them. */
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, isIP } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { Certificate } from "./certificate.ts";

export interface ConnectProxy {
  /** Without user and password. */
  readonly url: string;
  /** `host:port` of every CONNECT. */
  readonly asked: readonly string[];
  /** Header Proxy-Authorization of every CONNECT. */
  readonly logins: readonly (string | undefined)[];
  /** Connections ever accepted. */
  readonly connections: number;
  /** Requests that were no CONNECT. */
  readonly others: number;
  /** Resolves at its first CONNECT. */
  readonly met: Promise<void>;
  /** Resolves when no connection to it is open. */
  left(): Promise<void>;
  close: () => Promise<void>;
}

export interface ConnectProxyWish {
  /** Answers every CONNECT with this status line and nothing else, or not at all. */
  readonly answer?: "407 Login Please canary" | "502 canary" | "silence" | "hang up";
  /** Speaks TLS itself. */
  readonly certificate?: Certificate;
}

export async function startConnectProxy({ answer, certificate }: ConnectProxyWish = {}): Promise<ConnectProxy> {
  const asked: string[] = [];
  const logins: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  let [connections, others] = [0, 0];
  const met = Promise.withResolvers<void>();
  const waiting: (() => void)[] = [];
  const server = certificate
    ? createTlsServer({ cert: certificate.certificate, key: certificate.key })
    : createHttpServer();
  server.on("connection", (socket: Socket) => {
    connections++;
    keep(socket);
  });
  server.on("request", (_request, response: { end(): void }) => {
    others++;
    response.end();
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    keep(socket);
    asked.push(request.url ?? "");
    met.resolve();
    logins.push(request.headers["proxy-authorization"]);
    // Read on, for else nobody hears that the client has left.
    if (answer === "silence") return void socket.on("end", () => socket.destroy()).resume();
    if (answer === "hang up") return void socket.destroy();
    if (answer) return void socket.end(`HTTP/1.1 ${answer}\r\n\r\ncanary`);
    const { hostname, port } = new URL(`https://${request.url}`);
    const host = hostname.replace(/^\[|\]$/g, "");
    const upstream = connect(Number(port || 443), isIP(host) === 0 ? "127.0.0.1" : host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    keep(upstream);
  });
  function keep(socket: Socket): void {
    sockets.add(socket);
    socket
      .on("error", () => socket.destroy())
      .on("close", () => {
        sockets.delete(socket);
        if (sockets.size === 0) for (const resolve of waiting.splice(0)) resolve();
      });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http${certificate ? "s" : ""}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    logins,
    get connections() {
      return connections;
    },
    get others() {
      return others;
    },
    met: met.promise,
    left: () => new Promise((resolve) => (sockets.size === 0 ? resolve() : waiting.push(resolve))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
