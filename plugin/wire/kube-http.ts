/**
 * The HTTP to the API server: one pooled keep-alive agent, HTTP/1.1 with one request per connection at a time, so that
 * ending a request ends its socket. New certificates bring a new agent; requests under way end on the old one.
 */
import { Agent, buildConnector } from "undici";
import type { Dispatcher } from "undici";
import type { KubeHttp, KubeHttpAnswer, KubeHttpRequest, KubeTls } from "../kube/http.ts";
import { joined, revealed } from "./http.ts";
import { problemOf } from "./kube-http-problem.ts";

export interface KubeHttpClient {
  readonly send: KubeHttp;
  /** Ends every connection; requests and watches under way reject. */
  close(): Promise<void>;
}

/** Milliseconds. The caller's signal ends a request earlier; a watch's body may be silent, so it has no limit here. */
const timeouts = { connect: 5_000, headers: 60_000, body: 0, idle: 30_000, probe: 10_000 } as const;

/** For one API server: requests with another `tls` than the last one's move everything to it. */
export function createKubeHttp(): KubeHttpClient {
  const open = new Set<Agent>();
  let current: { readonly tls: KubeTls; readonly agent: Agent } | undefined;
  const agentFor = (tls: KubeTls): Agent => {
    if (current?.tls === tls) return current.agent;
    const old = current?.agent;
    current = { tls, agent: createAgent(tls) };
    open.add(current.agent);
    if (old)
      void old.close().then(
        () => open.delete(old),
        () => open.delete(old),
      );
    return current.agent;
  };
  return {
    send: (request, signal) => sendOnce(agentFor(request.tls), request, signal),
    async close() {
      await Promise.all([...open].map((agent) => agent.destroy()));
    },
  };
}

function createAgent(tls: KubeTls): Agent {
  return new Agent({
    allowH2: false,
    pipelining: 1,
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.body,
    keepAliveTimeout: timeouts.idle,
    connect: buildConnector({
      allowH2: false,
      timeout: timeouts.connect,
      keepAliveInitialDelay: timeouts.probe,
      minVersion: "TLSv1.2",
      rejectUnauthorized: true,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    }),
  });
}

async function sendOnce(agent: Agent, request: KubeHttpRequest, signal: AbortSignal): Promise<KubeHttpAnswer> {
  signal.throwIfAborted();
  try {
    const { statusCode, headers, body } = await agent.request({
      origin: request.url.origin,
      path: request.url.pathname + request.url.search,
      method: request.method,
      headers: revealed(request.headers),
      body: request.body ? request.body.reveal() : null,
      signal,
    });
    // Destroying a body before its end reports an error event that nobody else would take.
    body.on("error", () => undefined);
    return { status: statusCode, headers: joined(headers), body: chunksOf(body, request.url.host, signal) };
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw problemOf(thrown, request.url.host);
  }
}

async function* chunksOf(body: Dispatcher.ResponseData["body"], host: string, signal: AbortSignal) {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw problemOf(thrown, host);
  }
}
