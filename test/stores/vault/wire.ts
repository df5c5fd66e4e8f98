/** A server that says what a test tells it and notes all that it was asked, and vault stores opened on it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../../plugin/core/clock.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, Store, StoreContext, StoreKind } from "../../../plugin/stores/contract.ts";
import { vault } from "../../../plugin/stores/vault/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { success } from "../../fakes/vault-answers.ts";
import type { VaultAnswer } from "../../fakes/vault-answers.ts";

export interface Asked {
  readonly method: string;
  /** Below the server, decoded by nobody. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Common name of the certificate that the connection showed. */
  readonly peer: string | undefined;
}

export interface Wire {
  readonly url: string;
  readonly asked: Asked[];
  /** `POST auth/x/login`, in order. */
  readonly lines: () => readonly string[];
  answer: (request: Asked) => VaultAnswer | { readonly status: number; readonly text: string };
  close(): Promise<void>;
}

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** With `tls` it asks for a certificate, and takes connections without one. */
export async function startWire(tls?: ServerTls): Promise<Wire> {
  const asked: Asked[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one: Asked = {
        method: request.method ?? "",
        path: (request.url ?? "").replace(/^\/v1\//, ""),
        headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
        body: Buffer.concat(chunks).toString("utf8"),
        peer: tls ? nameOf(request.socket as TLSSocket) : undefined,
      };
      asked.push(one);
      const said = wire.answer(one);
      response.writeHead(said.status, "headers" in said ? said.headers : {});
      response.end("text" in said ? said.text : said.status === 204 ? undefined : JSON.stringify(said.body));
    });
  };
  const server = tls
    ? createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false }, handle)
    : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const wire: Wire = {
    url: `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    lines: () => asked.map(({ method, path }) => `${method} ${path}`),
    answer: () => success({ data: {} }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return wire;
}

function nameOf(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const { CN } = socket.getPeerCertificate().subject as { CN: string };
  return CN;
}

export function granted(token: string, more: object = {}): VaultAnswer {
  return success({ auth: { client_token: token, lease_duration: 3_600, renewable: true, ...more } });
}

export function statics(secrets: Readonly<Record<string, string>>): Proof {
  const wrapped = Object.entries(secrets).map(([name, text]) => [name, SecretValue.fromText(text)] as const);
  return { kind: "static", secrets: Object.fromEntries(wrapped) };
}

export const inShop: StoreContext = { scope: "SecretStore", name: "vault", namespace: "shop" };

export interface OpenOptions {
  readonly url: string;
  readonly clients: HttpClients;
  readonly clock?: Clock;
  readonly calls?: string[];
  readonly kind?: StoreKind;
  readonly endpoints?: Readonly<Record<string, string>>;
}

export function openStore(block: object, options: OpenOptions): Store {
  const { url, clients, clock = new FakeClock(), calls = [], kind = vault, endpoints = {} } = options;
  const opened = kind.open({ server: url, ...block }, inShop, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints,
    countCall: (call, outcome, provider) => void calls.push([provider, call, outcome].filter(Boolean).join(" ")),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

export const ref = (key: string) => ({ key, metadataPolicy: "None" as const });
