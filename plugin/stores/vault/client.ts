/**
 * node-vault as this house can trust it: one client for each session, with its transport replaced.
 *
 * node-vault builds the requests; what leaves is decided here. It never sees a token (it carries a stand-in, which
 * the transport replaces by the session's own), never reads the environment, and hands every answer back whole, so
 * statuses and headers are judged in refusal.ts. Traps closed: tokens leaking through shared headers, VAULT_* and proxy
 * variables, DEBUG printing secrets, unencoded paths, followed redirects, no abort, no size limit, lost headers.
 */
import { SecretValue } from "../../core/secret-value.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";

/** Members of a request body; secret ones stay wrapped until the bytes are written. */
export type LoginBody = Readonly<Record<string, string | SecretValue>>;
/** Likewise; other members are JSON. */
type Body = Readonly<Record<string, unknown>>;

/** Every status resolves; rejects as HttpSend does. Paths are encoded already and stand below `/v1/`. */
export interface VaultClient {
  read(path: string, signal: AbortSignal): Promise<HttpAnswer>;
  write(path: string, body: Body, signal: AbortSignal): Promise<HttpAnswer>;
}

export interface VaultTarget {
  readonly server: string;
  /** Empty = the root namespace. */
  readonly namespace: string;
  /** Absent for a login. */
  readonly token?: SecretValue;
  /** Beside those that every request has; lower-case names. */
  readonly headers?: Readonly<Record<string, string | SecretValue>>;
  /** Shared by the clients of one login; absent = no store asked for it. */
  readonly writes?: WritesSeen;
}

/** The last write that a login's clients made, in Vault's own words, so that a standby can tell whether it knows it. */
export interface WritesSeen {
  index?: string;
}

const indexHeader = "x-vault-index";

/** What node-vault hands its transport. */
interface TransportOptions {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: Body;
  readonly signal: AbortSignal;
}

/** Keeps node-vault from looking for a token in the environment; never sent. */
const standInToken = "keyferry-stand-in";

export async function createVaultClient(target: VaultTarget, send: HttpSend): Promise<VaultClient> {
  // Loaded at the first login: a process without a Vault store does not pay for it.
  const { default: nodeVault } = await import("node-vault");
  const transport = async (options: TransportOptions) => {
    const answer = await send(requestOf(options, target), options.signal);
    const index = answer.headers[indexHeader];
    if (target.writes && index !== undefined && /^[\w+/=-]{1,1024}$/.test(index)) target.writes.index = index;
    // node-vault looks into the path of a refused request (`sys/health` would pass for a success), so it needs one.
    return { statusCode: answer.status, body: answer, request: { path: "" } };
  };
  const client = nodeVault({
    endpoint: target.server,
    token: standInToken,
    commands: {},
    debug: () => undefined,
    "request-promise": { defaults: () => transport },
  });
  // As options, empty ones would fall back to VAULT_NAMESPACE and VAULT_PREFIX.
  Object.assign(client, { namespace: target.namespace, pathPrefix: "" });
  return {
    read: (path, signal) => whole(client.read(path, { signal })),
    write: (path, body, signal) => whole(client.write(path, body, { signal })),
  };
}

function requestOf(options: TransportOptions, { token, headers, writes }: VaultTarget): Parameters<HttpSend>[0] {
  const namespace = options.headers["X-Vault-Namespace"];
  return {
    method: options.method,
    url: new URL(options.uri),
    headers: {
      ...headers,
      ...(writes?.index === undefined ? {} : { [indexHeader]: writes.index }),
      accept: "application/json",
      "x-vault-request": "true",
      ...(token ? { "x-vault-token": token } : {}),
      ...(namespace ? { "x-vault-namespace": namespace } : {}),
      ...(options.json ? { "content-type": "application/json" } : {}),
    },
    ...(options.json ? { body: encoded(options.json) } : {}),
  };
}

function encoded(body: Body): SecretValue {
  const members = Object.entries(body).map(([name, value]) => [
    name,
    value instanceof SecretValue ? value.reveal().toString("utf8") : value,
  ]);
  return SecretValue.fromText(JSON.stringify(Object.fromEntries(members)));
}

/** node-vault resolves with the body for 200 and 204 and rejects with it for the rest; the body is the whole answer. */
async function whole(request: Promise<unknown>): Promise<HttpAnswer> {
  try {
    return (await request) as HttpAnswer;
  } catch (thrown) {
    const answer = (thrown as { response?: { body?: HttpAnswer } }).response?.body;
    if (answer) return answer;
    throw thrown;
  }
}
