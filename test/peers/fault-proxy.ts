/**
 * A proxy of ours in front of a real server, for faults that the server itself cannot be asked for.
 *
 * On the way of bytes: late, swallowed (a connection that lives and says nothing), reset, refused; these work for every
 * protocol and leave TLS alone. On the way of requests, where the proxy can read them (an http target, or an https
 * target with `tls`): answers of its own for chosen requests, and a record of everything asked. Client certificates end
 * at a proxy that reads requests; bearer tokens pass.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";
import { startRequestProxy, type FaultRule, type ProxiedRequest } from "./request-proxy.ts";

export type { FaultRule, ProxiedRequest } from "./request-proxy.ts";

export interface FaultProxyOptions {
  /** Makes the proxy the TLS end of an https target, so that it can read requests. */
  readonly tls?: {
    /** PEM of what it shows its clients; must name 127.0.0.1. */
    readonly certificate: string;
    readonly key: string;
    /** PEM by which it trusts the target. */
    readonly authority: string;
  };
}

export interface FaultProxy {
  /** With the target's scheme, on 127.0.0.1. */
  readonly url: string;
  readonly port: number;
  /** Connections of clients that are open now, silent ones included. */
  connections(): number;
  /** Every request seen, in order of arrival; empty where the proxy cannot read requests. */
  readonly requests: ProxiedRequest[];
  /** New connections are forwarded at once. What was made silent stays silent. */
  pass(): void;
  /** Every open connection falls silent for good, both ways, without being closed; new ones are forwarded. */
  silenceOpen(): void;
  /** As `silenceOpen`, and new connections are accepted and get nothing, until `pass`. */
  silenceAll(): void;
  /** Resets every open connection; new ones are forwarded. */
  cut(): void;
  /** Resets every open connection and each new one, until `pass`. */
  refuse(): void;
  /** From now on every piece of data arrives this much later, both ways; 0 ends it. */
  delay(ms: number): void;
  /** The rule meets matching requests from now on, before older rules. Returns what lifts it. Throws where requests cannot be read. */
  intercept(rule: FaultRule): () => void;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly upstream?: Socket;
  silent: boolean;
}

/** `target` is the URL of a server; only its scheme, host and port count. */
export async function startFaultProxy(target: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const { protocol } = new URL(target);
  const reader = protocol === "http:" || options.tls ? await startRequestProxy(target, options.tls) : undefined;
  const { hostname, port: targetPort } = new URL(reader?.url ?? target);
  const links = new Set<Link>();
  let mode: "pass" | "silence" | "refuse" = "pass";
  let delayMs = 0;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => client.destroy());
    if (mode === "refuse") return void client.resetAndDestroy();
    const link: Link =
      mode === "silence"
        ? { client, silent: true }
        : {
            client,
            upstream: connect({ host: hostname, port: Number(targetPort), allowHalfOpen: true }),
            silent: false,
          };
    links.add(link);
    client.on("close", () => {
      links.delete(link);
      link.upstream?.destroy();
    });
    if (link.upstream) join(link, link.upstream, () => delayMs);
    else client.resume();
  });
  await listen(server);

  const silenceOpen = (): void => {
    for (const link of links) link.silent = true;
  };
  const cut = (): void => {
    for (const link of links) link.client.resetAndDestroy();
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: `${protocol}//127.0.0.1:${port}`,
    port,
    connections: () => links.size,
    requests: reader?.requests ?? [],
    pass: () => void (mode = "pass"),
    silenceOpen,
    silenceAll() {
      mode = "silence";
      silenceOpen();
    },
    cut,
    refuse() {
      mode = "refuse";
      cut();
    },
    delay: (ms) => void (delayMs = ms),
    intercept(rule) {
      if (!reader) throw new Error("this proxy forwards TLS as it is and cannot read requests: give it `tls`");
      return reader.intercept(rule);
    },
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await reader?.close();
    },
  };
}

function join(link: Link, upstream: Socket, delayMs: () => number): void {
  const { client } = link;
  client.pipe(valve(link, delayMs)).pipe(upstream);
  upstream.pipe(valve(link, delayMs)).pipe(client, { end: false });
  upstream.on("end", () => link.silent || client.end());
  upstream.on("error", () => link.silent || client.resetAndDestroy());
}

/** Lets data through in order, late or not at all. */
function valve(link: Link, delayMs: () => number): Transform {
  let before: Promise<void> = Promise.resolve();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const ms = delayMs();
      const due = new Promise<void>((resolve) => (ms > 0 ? setTimeout(resolve, ms) : resolve()));
      before = before.then(() => due).then(() => void (link.silent || this.destroyed || this.push(chunk)));
      // A delayed piece does not hold up the reading of the next one.
      if (ms > 0) done();
      else void before.then(() => done());
    },
    flush(done) {
      void before.then(() => done());
    },
  });
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
}
