/**
 * An API server on loopback, in memory: CRUD on any resource, status subresources, selectors, pages, watches,
 * optimistic concurrency, managedFields, garbage collection. It keeps a log of its requests, and does on request what
 * makes real ones hard to use: expired state, throttling, outages, resets, silence.
 */
import { createServer as createPlainServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { KubeRefusal, refused, statusDocument } from "./kube-server-answers.ts";
import { createKubeEndpoints } from "./kube-server-endpoints.ts";
import type { Virtual } from "./kube-server-endpoints.ts";
import { KubeObjects } from "./kube-server-objects.ts";
import type { ResourceName, StoredObject } from "./kube-server-types.ts";
import { readRequest } from "./kube-server-request.ts";
import type { KubeRequestLine } from "./kube-server-request.ts";
import { breakOff, openWatch } from "./kube-server-watch.ts";
import type { FakeWatch } from "./kube-server-watch.ts";

/** Which requests: every given member must be equal. */
export type RequestMatch = Partial<
  Pick<KubeRequestLine, "group" | "name" | "namespace" | "path" | "plural" | "subresource" | "verb">
>;

/** `reset`: the connection breaks; `cut`: after half of the right answer; `hold`: no answer until release(). */
export type Fault =
  | "cut"
  | "hold"
  | "reset"
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | object };

export interface FakeKubeOptions {
  /** PEM; plain HTTP unless given. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface FakeKube {
  readonly url: string;
  readonly requests: readonly KubeRequestLine[];
  requestsTo: (match: RequestMatch) => readonly KubeRequestLine[];
  /** Resolves when `count` such requests have arrived since the start. */
  requested: (match: RequestMatch, count: number) => Promise<void>;
  /** How many connections were ever opened. */
  readonly connections: number;
  readonly openConnections: number;

  /** Writes as another client would, whatever is there: creates the object or replaces it, its status too. */
  put: (resource: ResourceName, object: object, manager?: string) => StoredObject;
  find: (resource: ResourceName, namespace: string, name: string) => StoredObject | undefined;
  all: (resource: ResourceName, namespace?: string) => readonly StoredObject[];
  remove: (resource: ResourceName, namespace: string, name: string) => void;
  /** Of the last write. */
  readonly resourceVersion: string;

  /** All that are open, oldest first. */
  readonly watches: readonly FakeWatch[];
  /** The next watch that opens, or the newest open one of this resource. */
  watch: (plural: string) => Promise<FakeWatch>;
  /** Resumes from before now end with 410: as the answer, or as an ERROR event inside the stream. */
  compact: (form: "answer" | "event") => void;
  expireContinueTokens: () => void;

  /** The next `times` such requests (1 unless given) end like this; `Infinity` until mended. */
  fail: (match: RequestMatch, fault: Fault, times?: number) => void;
  /** Ends all faults; what is held is answered. */
  mend: () => void;
  release: () => void;
  /** Only these tokens are accepted from now on; undefined accepts all. */
  acceptTokens: (tokens: readonly string[] | undefined) => void;
  /** Answers 403 to these verbs on this resource, as RBAC does. */
  deny: (match: RequestMatch) => void;
  /** This resource's CRD is not installed; `false` installs it. */
  uninstall: (resource: ResourceName, gone?: boolean) => void;
  /** A document at a path that is no resource, such as /openid/v1/jwks. */
  serve: (path: string, document: unknown) => void;
  /** What POST answers on `plural` or `plural/subresource` instead of storing; may throw KubeRefusal. */
  answerPost: (place: string, virtual: Virtual) => void;
  /** A kubeconfig for this server, with this token. */
  kubeconfig: (token: string, ca?: string) => string;

  /** Stops listening and breaks all connections; nothing is forgotten. */
  stop: () => Promise<void>;
  /** Listens again at the same port. */
  start: () => Promise<void>;
  close: () => Promise<void>;
}

export async function startKubeServer({ tls }: FakeKubeOptions = {}): Promise<FakeKube> {
  const objects = new KubeObjects();
  const requests: KubeRequestLine[] = [];
  const watches: FakeWatch[] = [];
  const sockets = new Set<Socket>();
  const denied: RequestMatch[] = [];
  const documents = new Map<string, unknown>([["/version", { major: "1", minor: "35", gitVersion: "v1.35.0" }]]);
  let faults: { match: RequestMatch; fault: Fault; left: number }[] = [];
  let held: (() => void)[] = [];
  let waiting: (() => boolean)[] = [];
  let accepted: readonly string[] | undefined;
  let connections = 0;
  const endpoints = createKubeEndpoints(objects);
  const look = (): void => void (waiting = waiting.filter((isDone) => !isDone()));

  const serveRequest = (line: KubeRequestLine, response: ServerResponse, cut: boolean): void => {
    const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void =>
      write(line, response, { status, body, headers, cut });
    try {
      if (accepted && !accepted.includes(line.token)) throw refused.unauthorized();
      // Served as application/jwk-set+json and as nothing else.
      if (line.path === "/openid/v1/jwks" && !line.accept.includes("*/*")) return answer(406, "406: Not Acceptable\n");
      if (documents.has(line.path)) return answer(200, documents.get(line.path));
      if (line.verb === "") return answer(404, "404 page not found\n");
      if (denied.some((match) => fits(line, match))) throw refused.forbidden(line.verb, line.plural, line.group);
      if (line.verb !== "watch") {
        const { status, body } = endpoints.answer(line);
        return answer(status, body);
      }
      const wish = endpoints.watchWish(line);
      line.status = 200;
      const watch = openWatch(response, objects, wish);
      if (!watch) return;
      watches.push(watch);
      void watch.closed.then(() => void watches.splice(watches.indexOf(watch), 1));
      look();
    } catch (thrown) {
      if (!(thrown instanceof KubeRefusal)) throw thrown;
      answer(
        thrown.wish.code,
        thrown.wish.code === 404 && thrown.wish.kind === undefined
          ? "404 page not found\n"
          : statusDocument(thrown.wish),
      );
    }
  };
  const takeFault = (line: KubeRequestLine): Fault | undefined => {
    const rule = faults.find(({ match }) => fits(line, match));
    if (rule && --rule.left <= 0) faults = faults.filter((each) => each !== rule);
    return rule?.fault;
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const line = readRequest({ method, url, headers, body: Buffer.concat(chunks).toString("utf8") });
      requests.push(line);
      look();
      const fault = takeFault(line);
      if (fault === "reset") breakOff(request.socket);
      else if (fault === "hold") held.push(() => serveRequest(line, response, false));
      else if (fault === "cut" || fault === undefined) serveRequest(line, response, fault === "cut");
      else write(line, response, { ...fault, cut: false });
    });
  };
  const server = tls
    ? createTlsServer({ cert: tls.certificate, key: tls.key }, onRequest)
    : createPlainServer(onRequest);
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  let port = 0;
  const listen = async (): Promise<void> => {
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const release = (): void => {
    const answers = held;
    held = [];
    for (const answer of answers) answer();
  };
  const until = (check: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const isDone = (): boolean => {
        const done = check();
        if (done) resolve();
        return done;
      };
      if (!isDone()) waiting.push(isDone);
    });
  const requestsTo = (match: RequestMatch): KubeRequestLine[] => requests.filter((line) => fits(line, match));
  await listen();
  const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  return {
    url,
    requests,
    requestsTo,
    requested: (match, count) => until(() => requestsTo(match).length >= count),
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    put: (resource, object, manager = "kubectl-edit") => endpoints.put(resource, object as StoredObject, manager),
    find: (resource, namespace, name) => objects.find(resource, namespace, name),
    all: (resource, namespace) => objects.all(resource, namespace),
    remove: (resource, namespace, name) => endpoints.remove(resource, namespace, name),
    get resourceVersion() {
      return objects.version;
    },
    watches,
    async watch(plural) {
      const newest = (): FakeWatch | undefined => watches.findLast(({ resource }) => resource.plural === plural);
      await until(() => newest() !== undefined);
      return newest()!;
    },
    compact: endpoints.compact,
    expireContinueTokens: endpoints.expireContinueTokens,
    fail: (match, fault, times = 1) => void faults.push({ match, fault, left: times }),
    mend() {
      faults = [];
      release();
    },
    release,
    acceptTokens: (tokens) => void (accepted = tokens),
    deny: (match) => void denied.push(match),
    uninstall: endpoints.uninstall,
    serve: (path, document) => void documents.set(path, document),
    answerPost: endpoints.answerPost,
    kubeconfig: (token, ca) => kubeconfigText(url, token, ca),
    stop,
    start: listen,
    close: stop,
  };
}

function fits(line: KubeRequestLine, match: RequestMatch): boolean {
  return (Object.keys(match) as (keyof RequestMatch)[]).every((member) => line[member] === match[member]);
}

interface Written {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly cut: boolean;
}

function write(
  line: KubeRequestLine,
  response: ServerResponse,
  { status, headers = {}, body = "", cut }: Written,
): void {
  line.status = status;
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const type = typeof body === "string" ? "text/plain" : "application/json";
  response.writeHead(status, { "content-type": type, "content-length": String(bytes.length), ...headers });
  if (!cut) response.end(bytes);
  else response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.destroy());
}

function kubeconfigText(server: string, token: string, ca: string | undefined): string {
  const authority = ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "keyferry" } }],
    clusters: [{ name: "test", cluster: { server, ...authority } }],
    users: [{ name: "test", user: { token } }],
  });
}
