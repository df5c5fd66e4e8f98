/** The half of the fault proxy that reads HTTP: forwards each request, remembers it, and answers chosen ones itself. */
import {
  createServer,
  request as plainRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { Agent, createServer as createTlsServer, request as tlsRequest } from "node:https";
import type { AddressInfo } from "node:net";

export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Of the answer's head; 0 until it is sent. */
  readonly status: number;
  /** Arrival, on performance.now(). */
  readonly atMs: number;
}

export interface FaultRule {
  readonly method?: string;
  /** Matched against path and query. */
  readonly path: RegExp;
  /** How many requests it meets; absent: until it is lifted. */
  readonly times?: number;
  /** "silence" never answers, "cut" resets the connection. */
  readonly answer: FaultAnswer | "silence" | "cut";
}

export interface FaultAnswer {
  readonly status: number;
  readonly retryAfterSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: a Kubernetes Status object of that code. */
  readonly body?: string;
  /** What follows the body; "silence" keeps the answer open, as a watch does. Default "end". */
  readonly then?: "end" | "cut" | "silence";
}

export interface RequestProxy {
  readonly url: string;
  readonly requests: ProxiedRequest[];
  intercept(rule: FaultRule): () => void;
  close(): Promise<void>;
}

interface TlsEnd {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export async function startRequestProxy(target: string, tls?: TlsEnd): Promise<RequestProxy> {
  const requests: { method: string; path: string; status: number; atMs: number }[] = [];
  const rules: { rule: FaultRule; left: number }[] = [];
  const forward = forwarder(target, tls);

  const listener: RequestListener = (incoming, outgoing) => {
    const seen = { method: incoming.method ?? "GET", path: incoming.url ?? "/", status: 0, atMs: performance.now() };
    requests.push(seen);
    const met = rules.find(({ rule, left }) => left > 0 && matches(rule, seen));
    if (met) met.left -= 1;
    if (met) seen.status = answerItself(met.rule.answer, incoming, outgoing);
    else forward.send(incoming, outgoing, (status) => (seen.status = status));
  };
  const server = tls ? createTlsServer({ cert: tls.certificate, key: tls.key }, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http${tls ? "s" : ""}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    intercept(rule) {
      const entry = { rule, left: rule.times ?? Infinity };
      rules.unshift(entry);
      return () => void (entry.left = 0);
    },
    close: () =>
      new Promise((resolve) => {
        forward.close();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function matches(rule: FaultRule, made: { method: string; path: string }): boolean {
  return (rule.method === undefined || rule.method === made.method) && rule.path.test(made.path);
}

/** Returns the status it sent, 0 for none. */
function answerItself(answer: FaultRule["answer"], incoming: IncomingMessage, outgoing: ServerResponse): number {
  incoming.resume();
  if (answer === "silence") return 0;
  if (answer === "cut") {
    incoming.socket.destroy();
    return 0;
  }
  outgoing.writeHead(answer.status, {
    "content-type": "application/json",
    ...(answer.retryAfterSeconds === undefined ? {} : { "retry-after": String(answer.retryAfterSeconds) }),
    ...answer.headers,
  });
  const body = answer.body ?? statusObject(answer.status);
  if ((answer.then ?? "end") === "end") outgoing.end(body);
  else outgoing.write(body, () => answer.then === "cut" && incoming.socket.destroy());
  return answer.status;
}

const reasons: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function statusObject(code: number): string {
  return JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "made by the fault proxy",
    reason: reasons[code] ?? "",
    code,
  });
}

function forwarder(target: string, tls?: TlsEnd) {
  const { hostname, port } = new URL(target);
  const agent = tls ? new Agent({ ca: tls.authority, keepAlive: true }) : undefined;
  return {
    send(incoming: IncomingMessage, outgoing: ServerResponse, answered: (status: number) => void): void {
      const { method, url: path, headers } = incoming;
      const wish = { hostname, port, method, path, headers };
      const upstream = agent ? tlsRequest({ ...wish, agent }) : plainRequest(wish);
      upstream.on("response", (answer) => {
        answered(answer.statusCode ?? 0);
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        // A watch without events has only a head for a long while.
        outgoing.flushHeaders();
        answer.on("error", () => outgoing.destroy());
        answer.pipe(outgoing);
      });
      upstream.on("error", () => outgoing.destroy());
      outgoing.on("close", () => upstream.destroy());
      incoming.pipe(upstream);
    },
    close: () => agent?.destroy(),
  };
}
