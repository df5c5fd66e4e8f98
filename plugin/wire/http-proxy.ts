/**
 * Tunnels through HTTP proxies: which request takes one, and CONNECT. What is inside a tunnel is TLS between this
 * process and the store, checked as without a proxy, so a proxy sees names and ports alone.
 */
import type { Socket } from "node:net";
import { Client } from "undici";
import type { buildConnector } from "undici";
import { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { AddressRules } from "../stores/http-address.ts";
import { sendFailure } from "../stores/http-failure.ts";
import { createNoProxy } from "../stores/http-no-proxy.ts";

export interface Proxy {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Of a header Proxy-Authorization. */
  readonly authorization?: SecretValue;
}

/** How stores are reached that say nothing of a proxy themselves. */
export interface ProxyDefaults {
  readonly proxy?: Proxy;
  /** Hosts that `proxy` is not asked for; see http-no-proxy.ts. */
  readonly noProxy: readonly string[];
}

/**
 * The proxy of one request; undefined = none. `own`: what the store says, see `StoreManifest.proxyUrl`. Throws Failure
 * for what no proxy may be asked for.
 */
export type ChooseProxy = (url: URL, own: string | undefined) => Proxy | undefined;

/** Whoever asks a proxy for one of these means it, or what lies beside it. */
const metadataNames = new Set([
  "metadata",
  "metadata.goog",
  "metadata.google.internal",
  "instance-data",
  "instance-data.ec2.internal",
  "metadata.tencentyun.com",
]);
const ownNames = /^(?:(?:.+\.)?localhost|localhost6?\.localdomain6?|localhost6|ip6-localhost|ip6-loopback)$/;
const apiServerNames = /^kubernetes(?:\.default(?:\.svc(?:\..+)?)?)?$/;

export function createProxyChoice({ proxy, noProxy }: ProxyDefaults, rules: Pick<AddressRules, "apiServer">) {
  const isExcepted = createNoProxy(noProxy);
  const choose: ChooseProxy = (url, own) => {
    const isTls = url.protocol === "https:";
    if (own === "") return undefined;
    if (own === undefined && (!proxy || !isTls || isExcepted(url))) return undefined;
    if (!isTls)
      throw new Failure(
        "store_invalid",
        'is for https:// servers, and this one is http://; use https, or set it to "" to go without a proxy',
        { field: "metadata.annotations[keyferry.dev/proxy-url]" },
      );
    const rule = nameRule(url.hostname.replace(/\.$/, ""), rules);
    if (rule !== undefined)
      throw new Failure(
        "store_unreachable",
        `${url.hostname} is ${rule}, which no proxy is asked for; give another host`,
      );
    return own === undefined ? proxy : { origin: own };
  };
  return choose;
}

/** Names are resolved by the proxy, so no address of theirs can be checked. */
function nameRule(host: string, { apiServer }: Pick<AddressRules, "apiServer">): string | undefined {
  if (ownNames.test(host)) return "a name of the proxy itself";
  if (metadataNames.has(host)) return "a metadata service";
  return apiServer.length > 0 && apiServerNames.test(host) ? "the API server" : undefined;
}

/** The address where a connection to the store begins: bytes written to it arrive there. */
export type Tunnel = (target: buildConnector.Options) => Promise<Socket>;

export interface TunnelOptions {
  /** Connects to the proxy, under the rules for addresses. */
  readonly connect: buildConnector.connector;
  readonly timeoutMs: number;
  /** Ends every attempt. */
  readonly ended: AbortSignal;
}

/** Rejects with Failure, which names the proxy. */
export function tunnelThrough(proxy: Proxy, { connect, timeoutMs, ended }: TunnelOptions): Tunnel {
  const name = `proxy ${new URL(proxy.origin).host}`;
  return async ({ host = "", port }) => {
    const client = new Client(proxy.origin, {
      // The name to expect in the certificate of a proxy is its own, not that of the Host header.
      connect: (to, callback) => connect({ ...to, servername: "" }, callback),
      headersTimeout: timeoutMs,
      allowH2: false,
    });
    try {
      const authority = port === "" ? `${host}:443` : host;
      const { statusCode, socket } = await client.connect({
        path: authority,
        headers: { host: authority, ...loginOf(proxy) },
        signal: ended,
      });
      if (statusCode >= 200 && statusCode <= 299) return socket as Socket;
      socket.on("error", () => undefined).destroy();
      throw refusal(statusCode, name, authority, proxy);
    } catch (thrown) {
      throw sendFailure(thrown, name, "give an http:// proxy, or trust its CA on this machine");
    } finally {
      // The socket has left it.
      client.destroy().catch(() => undefined);
    }
  };
}

function loginOf({ authorization }: Proxy): Record<string, string> {
  return authorization ? { "proxy-authorization": authorization.reveal().toString("utf8") } : {};
}

function refusal(status: number, name: string, authority: string, { authorization }: Proxy): Failure {
  if (status !== 407)
    return new Failure(
      "store_unreachable",
      `${name}: does not connect to ${authority} (${status}); ask whoever runs it`,
    );
  const way = authorization
    ? "does not take its login (407); correct the user and password in KEYFERRY_HTTPS_PROXY"
    : "wants a login (407); name one that wants none, or give KEYFERRY_HTTPS_PROXY with user and password";
  return new Failure("store_unreachable", `${name}: ${way}`);
}
