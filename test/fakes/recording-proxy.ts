/** An HTTP proxy in front of a real server: forwards everything and remembers what was asked, so that calls are counted at the store. */
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Arrival and answer, epoch milliseconds. */
  readonly atMs: number;
  readonly answeredAtMs: number;
  /** Of the answer's Retry-After, milliseconds; 0 without one. */
  readonly retryAfterMs: number;
}

export interface RecordingProxy {
  readonly url: string;
  readonly requests: RecordedRequest[];
  /** Requests whose method and path match. */
  count(method: string, path: string | RegExp): number;
  close(): Promise<void>;
}

export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  const requests: RecordedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url: path = "/", headers } = incoming;
    const atMs = Date.now();
    const upstream = forward({ hostname, port, method, path, headers }, (answer) => {
      const retryAfterMs = 1_000 * Number(answer.headers["retry-after"] ?? 0);
      const status = answer.statusCode ?? 0;
      requests.push({ method, path, status, atMs, answeredAtMs: Date.now(), retryAfterMs });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    count: (method, path) =>
      requests.filter(
        (made) => made.method === method && (typeof path === "string" ? made.path === path : path.test(made.path)),
      ).length,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
