/**
 * A server on loopback that behaves like Vault where keyferry looks: KV v1 and v2 with versions, logins, policies for
 * each token, namespaces, seal, quota, outage. It writes its own request log, so that tests count what the store saw.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../plugin/core/clock.ts";
import type { Clock } from "../../plugin/core/clock.ts";
import { refusal, success } from "./vault-answers.ts";
import type { VaultAnswer } from "./vault-answers.ts";
import { createVaultEngines } from "./vault-engines.ts";
import type { VaultEngines } from "./vault-engines.ts";
import { createVaultTokens } from "./vault-tokens.ts";
import type { VaultTokens } from "./vault-tokens.ts";

export interface VaultRequest {
  readonly method: string;
  /** Below `/v1/`, with the query, as sent. */
  readonly path: string;
  /** Empty = the root namespace. */
  readonly namespace: string;
  /** By the server's clock, epoch milliseconds. */
  readonly atMs: number;
  /** Undefined while the request is held. */
  status: number | undefined;
  /** As the answer has it; undefined for a refusal. */
  requestId?: string;
}

/** Paths begin with the mount: `secret/payments/db`. Mounts `secret` (KV v2) and `kv1` (KV v1) exist from the start. */
export interface FakeVault extends VaultEngines, VaultTokens {
  readonly url: string;
  readonly requests: readonly VaultRequest[];
  /** Requests whose path begins so. */
  requestsTo(pathPrefix: string): readonly VaultRequest[];
  /** Resolves when the log has at least `count` requests whose path begins so. */
  requested(pathPrefix: string, count: number): Promise<void>;
  seal(): void;
  unseal(): void;
  /** From now on every request is answered with 429; undefined ends it. Without seconds there is no Retry-After. */
  throttle(quota: { readonly retryAfterSeconds?: number } | undefined): void;
  /** From now on requests are taken and not answered. */
  hold(): void;
  /** Answers held requests and goes on as usual. */
  release(): void;
  /** Stops listening and drops all connections; nothing is forgotten. */
  stop(): Promise<void>;
  /** Listens again at the same address. */
  start(): Promise<void>;
  close: () => Promise<void>;
}

export async function startVaultServer(options: { readonly clock?: Clock } = {}): Promise<FakeVault> {
  const clock = options.clock ?? systemClock;
  const tokens = createVaultTokens(clock);
  const engines = createVaultEngines(clock);
  const requests: VaultRequest[] = [];
  let sealed = false;
  let quota: { readonly retryAfterSeconds?: number } | undefined;
  let held: (() => void)[] | undefined;
  let watchers: (() => boolean)[] = [];

  const route = (request: IncomingMessage, path: string, body: string): VaultAnswer => {
    if (sealed) return refusal(503, "Vault is sealed");
    if (quota) {
      const wait = quota.retryAfterSeconds;
      return {
        ...refusal(429, `request path "${path}": rate limit quota exceeded`),
        ...(wait === undefined ? {} : { headers: { "retry-after": String(wait) } }),
      };
    }
    const namespace = namespaceOf(request);
    if (!engines.hasNamespace(namespace)) return refusal(404, "namespace not found");
    const [pathname = "", query = ""] = path.split("?");
    const decoded = decodeURIComponent(pathname);
    if (request.method !== "GET") return tokens.login(namespace, decoded, body);
    // As the default policy has it.
    if (decoded === "auth/token/lookup-self" && tokens.isAlive(header(request, "x-vault-token"), namespace))
      return success({ data: { ttl: 0 } });
    if (!tokens.mayRead(header(request, "x-vault-token"), namespace, decoded)) return refusal(403, "permission denied");
    return engines.read(namespace, decoded, new URLSearchParams(query).get("version") ?? "");
  };

  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v1\//, "");
    const line: VaultRequest = {
      method: request.method ?? "",
      path,
      namespace: namespaceOf(request),
      atMs: clock.nowMs(),
      status: undefined,
    };
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push(line);
      watchers = watchers.filter((isDone) => !isDone());
      const answer = (): void => {
        const chosen = route(request, path, Buffer.concat(chunks).toString("utf8"));
        line.status = chosen.status;
        const { request_id: id } = chosen.body as { request_id?: string };
        if (id !== undefined) line.requestId = id;
        write(response, chosen);
      };
      if (held) held.push(answer);
      else answer();
    });
  });
  let port = 0;
  const listen = async (): Promise<void> => {
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const requestsTo = (prefix: string): VaultRequest[] => requests.filter(({ path }) => path.startsWith(prefix));
  await listen();
  return {
    ...engines.controls,
    ...tokens.controls,
    url: `http://127.0.0.1:${port}`,
    requests,
    requestsTo,
    requested: (prefix, count) =>
      new Promise((resolve) => {
        const isDone = (): boolean => {
          const done = requestsTo(prefix).length >= count;
          if (done) resolve();
          return done;
        };
        if (!isDone()) watchers.push(isDone);
      }),
    seal: () => void (sealed = true),
    unseal: () => void (sealed = false),
    throttle: (next) => void (quota = next),
    hold: () => void (held ??= []),
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const answer of waiting) answer();
    },
    stop,
    start: listen,
    close: stop,
  };
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}

function namespaceOf(request: IncomingMessage): string {
  return header(request, "x-vault-namespace").replace(/^\/|\/$/g, "");
}

function write(response: ServerResponse, { status, headers = {}, body }: VaultAnswer): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}
