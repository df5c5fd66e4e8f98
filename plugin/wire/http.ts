/**
 * The HTTP that stores speak: one pooled keep-alive agent for each TLS configuration, HTTP/1.1 with one request per
 * connection at a time, so that ending a request ends its socket and no answer can be taken for another's.
 *
 * Adds to the request what protects this node: addresses checked at connect time, no redirects, no cookies, no proxy
 * but those that the command line or the store names (http-proxy.ts), every timeout set. What an answer may weigh is in stores/http-body.ts.
 */
import { hash } from "node:crypto";
import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { LRUCache } from "lru-cache";
import { Agent, buildConnector } from "undici";
import { joinUnderSignal } from "../core/deadline.ts";
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import { createAddressCheck } from "../stores/http-address.ts";
import type { AddressCheck, AddressRules } from "../stores/http-address.ts";
import { acceptedEncodings, readBody } from "../stores/http-body.ts";
import { sendFailure } from "../stores/http-failure.ts";
import type { HttpAnswer, HttpRequest, HttpSend, TlsOptions } from "../stores/http.ts";
import { createProxyChoice, tunnelThrough } from "./http-proxy.ts";
import type { Proxy, ProxyDefaults, Tunnel } from "./http-proxy.ts";

export interface HttpClientOptions extends AddressRules {
  /** Name resolution; the system's unless given. */
  readonly lookup?: LookupFunction;
  /** Absent = no proxy but a store's own. */
  readonly proxies?: ProxyDefaults;
}

export interface HttpClients {
  /** `proxyUrl`: what the store says of a proxy, see `StoreManifest.proxyUrl`. */
  send: (tls: TlsOptions, proxyUrl?: string) => HttpSend;
  /** Ends every connection; requests in flight reject. */
  close: () => Promise<void>;
}

type RefusedBy = (address: string) => string | undefined;
type Connector = ReturnType<typeof buildConnector>;

/** Backstops only: the caller's signal ends an attempt earlier. Milliseconds. */
const timeouts = { connect: 5_000, headers: 15_000, body: 15_000 } as const;
/** Below the idle limits of servers and load balancers (commonly 60 s), so that a request seldom meets a closing socket. */
const idleMs = 10_000;
/** Beyond these many TLS configurations the least used agent is closed; its next request makes a new one. */
const agentsKept = 256;

export function createHttpClients(options: HttpClientOptions): HttpClients {
  const check = createAddressCheck(options);
  const lookup = options.lookup ?? systemLookup;
  const proxyOf = createProxyChoice(options.proxies ?? { noProxy: [] }, options);
  const ended = new AbortController();
  const agents = new LRUCache<string, Agent>({
    max: agentsKept,
    dispose: (agent) => void agent.close().catch(() => undefined),
  });
  const agentFor = (tls: TlsOptions, proxy: Proxy | undefined): Agent => {
    const key = agentKey(tls, proxy);
    const known = agents.get(key);
    if (known) return known;
    const agent = createAgent(tls, check, lookup, proxy && tunnelTo(proxy, check, lookup, ended.signal));
    agents.set(key, agent);
    return agent;
  };
  return {
    send: (tls, proxyUrl) => async (request, signal) => {
      const proxy = proxyOf(request.url, proxyUrl);
      return sendOnce(agentFor(tls, proxy), request, signal, proxy);
    },
    async close() {
      ended.abort();
      const open = [...agents.values()];
      await Promise.all(open.map((agent) => agent.destroy()));
    },
  };
}

/**
 * A connection speaks for the certificate that it was opened with, through the proxy that it was opened through. Keys are
 * hashed: they live longer than an agent.
 */
function agentKey({ ca = "", cert, key }: TlsOptions, proxy: Proxy | undefined): string {
  if (cert === undefined && key === undefined && !proxy) return `ca ${ca}`;
  const ofProxy = proxy ? [proxy.origin, proxy.authorization?.reveal().toString("utf8") ?? ""] : [];
  return hash("sha256", JSON.stringify([ca, cert ?? "", key?.reveal().toString("utf8") ?? "", ...ofProxy]));
}

/** The address rules hold for literal addresses too: sockets ask `lookup` about names alone. */
function checkedConnector(tls: TlsOptions, lookup: LookupFunction, refusedBy: RefusedBy, tunnel?: Tunnel): Connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: timeouts.connect,
    keepAliveInitialDelay: idleMs,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    lookup: checkedLookup(lookup, refusedBy),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key.reveal().toString("utf8") }),
  });
  return (target, callback) => {
    const refusal = isIP(target.hostname) === 0 ? undefined : refusalOf(target.hostname, target.hostname, refusedBy);
    if (refusal) process.nextTick(callback, refusal, null);
    else if (!tunnel) connect(target, callback);
    else
      tunnel(target).then(
        (httpSocket) => connect({ ...target, httpSocket }, callback),
        (failure: Error) => callback(failure, null),
      );
  };
}

/** What is inside is TLS, so the way to a proxy may be plain. */
function tunnelTo(proxy: Proxy, check: AddressCheck, lookup: LookupFunction, ended: AbortSignal): Tunnel {
  const connect = checkedConnector({}, lookup, (address) => check(address, false));
  return tunnelThrough(proxy, { connect, timeoutMs: timeouts.connect, ended });
}

/** Through a `tunnel` goes https alone. */
function createAgent(tls: TlsOptions, check: AddressCheck, lookup: LookupFunction, tunnel: Tunnel | undefined): Agent {
  const plain = checkedConnector({}, lookup, (address) => check(address, true));
  const secure = checkedConnector(tls, lookup, (address) => check(address, false), tunnel);
  return new Agent({
    allowH2: false,
    pipelining: 1,
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.body,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: 6 * idleMs,
    connect: (target, callback) => (target.protocol === "http:" ? plain : secure)(target, callback),
  });
}

/** Resolves all addresses of a name and refuses the name when one of them is refused: a rebinding name mixes them. */
function checkedLookup(lookup: LookupFunction, refusedBy: RefusedBy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const addresses = found as { address: string; family: number }[];
      const refusal = addresses.map(({ address }) => refusalOf(hostname, address, refusedBy)).find(Boolean);
      if (refusal) return callback(refusal, []);
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return callback(null, first?.address ?? "", first?.family);
    });
  };
}

function refusalOf(host: string, address: string, refusedBy: RefusedBy): Failure | undefined {
  const rule = refusedBy(address);
  if (rule === undefined) return undefined;
  const what = host === address ? address : `${host} (${address})`;
  return new Failure(
    "store_unreachable",
    `${what} is ${rule}, which stores may not use; exempt it with --unsafe-store-addresses ${address}`,
  );
}

async function sendOnce(
  agent: Agent,
  request: HttpRequest,
  signal: AbortSignal,
  proxy: Proxy | undefined,
): Promise<HttpAnswer> {
  signal.throwIfAborted();
  try {
    const asked = agent.request({
      origin: request.url.origin,
      path: request.url.pathname + request.url.search,
      method: request.method,
      headers: { "accept-encoding": acceptedEncodings, ...revealed(request.headers) },
      body: request.body ? request.body.reveal() : null,
      signal,
    });
    // Destroying a body before its end reports an error event that nobody else would take.
    const answered = asked.then((answer) => (answer.body.on("error", () => undefined), answer));
    // undici heeds the signal only when there is a connection.
    const { statusCode, headers, body } = await joinUnderSignal(answered, signal);
    try {
      refuseRedirect(statusCode);
      const flat = joined(headers);
      return { status: statusCode, headers: flat, body: await readBody(body, flat) };
    } finally {
      body.destroy();
    }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    const through = proxy ? ` (through proxy ${new URL(proxy.origin).host})` : "";
    throw sendFailure(thrown, request.url.host + through);
  }
}

/** The Location of a redirect is the other side's text and may carry anything, so it is not repeated. */
function refuseRedirect(status: number): void {
  if (status < 300 || status > 399 || status === 304) return;
  throw new Failure(
    "answer_invalid",
    `the store answered with a redirect (${status}), which is not followed; give the URL of the server itself`,
  );
}

export function revealed(headers: HttpRequest["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value instanceof SecretValue ? value.reveal().toString("utf8") : value,
    ]),
  );
}

export function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
}
