/**
 * A server on loopback that behaves like Doppler where a reader looks: tokens bound to a config or not, downloads in
 * every format and naming with an ETag, service account identities that verify what they are shown. Its refusals repeat
 * what was asked.
 */
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createLocalJWKSet, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";

export interface DopplerRequest {
  readonly token: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly status: number;
}

export interface Identity {
  readonly issuer: string;
  /** JWKS text. */
  readonly jwks: string;
  readonly audience: string;
  readonly subject: string;
  /** `project/config` that its tokens may read. */
  readonly reads: readonly string[];
  readonly lifeMs?: number;
}

export interface FakeDoppler {
  readonly url: string;
  readonly requests: readonly DopplerRequest[];
  /** `place` is project/config. */
  put(place: string, secrets: Readonly<Record<string, string | null>>): void;
  /** A service token reads one place and need not name it; another token reads several and must. */
  token(token: string, reads: readonly string[], kind?: "service" | "personal"): void;
  identity(id: string, identity: Identity): void;
  revoke(token: string): void;
  /** From now on every request is answered so; undefined ends it. */
  refuse(answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (status: number, body: unknown): Answer => ({
  status,
  body: JSON.stringify(body),
  headers: { "content-type": "application/json; charset=utf-8" },
});
const no = (status: number, message: string): Answer => json(status, { messages: [message], success: false });

type Rights = { readonly reads: readonly string[]; readonly kind: "service" | "personal" };

export async function startDoppler(now: () => number = () => 0): Promise<FakeDoppler> {
  const requests: DopplerRequest[] = [];
  const places = new Map<string, Readonly<Record<string, string | null>>>();
  const tokens = new Map<string, Rights>();
  const identities = new Map<string, Identity>();
  let refused: Parameters<FakeDoppler["refuse"]>[0];

  async function route(request: IncomingMessage, url: URL, token: string): Promise<Answer> {
    if (request.method === "POST" && url.pathname === "/v3/auth/oidc") return trade(await bodyOf(request));
    const rights = tokens.get(token);
    if (!rights) return no(401, `Invalid Auth token ${token}`);
    if (url.pathname === "/v3/me") return json(200, { slug: "token-slug", type: rights.kind });
    if (url.pathname === "/v3/configs/config/secrets/download") return download(rights, url, request);
    return no(404, "Not found");
  }

  async function trade(body: string): Promise<Answer> {
    const { identity: id, token } = JSON.parse(body) as Readonly<Record<string, string>>;
    const identity = identities.get(id!);
    if (!identity) return no(404, `Could not find identity ${id}`);
    try {
      const keys = createLocalJWKSet(JSON.parse(identity.jwks) as JSONWebKeySet);
      const { issuer, audience, subject } = identity;
      await jwtVerify(token!, keys, { issuer, audience, subject });
    } catch {
      return no(401, `Claims do not match: ${token}`);
    }
    const given = `dp.said.${randomUUID()}`;
    tokens.set(given, { reads: identity.reads, kind: "personal" });
    const end = new Date(now() + (identity.lifeMs ?? 3_600_000)).toISOString();
    return json(200, { success: true, token: given, expires_at: end });
  }

  function download({ reads, kind }: Rights, { searchParams }: URL, request: IncomingMessage): Answer {
    const [ownProject = "", ownConfig = ""] = kind === "service" ? reads[0]!.split("/") : [];
    const project = searchParams.get("project") ?? ownProject;
    const config = searchParams.get("config") ?? ownConfig;
    if (project === "" || config === "") return no(400, "You must specify a project and config");
    const secrets = places.get(`${project}/${config}`);
    if (!secrets) return no(404, `Could not find requested config '${config}'`);
    if (!reads.includes(`${project}/${config}`)) return no(403, `This token does not have access to '${project}'`);
    const all = { ...secrets, DOPPLER_PROJECT: project, DOPPLER_CONFIG: config };
    const rename = renamers[searchParams.get("name_transformer") ?? ""] ?? ((name: string) => name);
    const renamed = Object.entries(all).map(([name, value]) => [rename(name), value] as const);
    const { body, type } = written(renamed, searchParams.get("format") ?? "json");
    const etag = `W/"${createHash("sha256").update(body).digest("hex")}"`;
    if (request.headers["if-none-match"] === etag) return { status: 304, body: "", headers: { etag } };
    return { status: 200, body, headers: { "content-type": type, etag } };
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://doppler");
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const answered = refused ? Promise.resolve(no(refused.status, `refused ${token}`)) : route(request, url, token);
    void answered.then(({ status, body, headers }) => {
      const { method = "" } = request;
      requests.push({ token, method, path: url.pathname, query: Object.fromEntries(url.searchParams), status });
      response.writeHead(status, { "x-request-id": randomUUID(), ...headers, ...refused?.headers });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    put: (place, secrets) => void places.set(place, secrets),
    token: (token, reads, kind = "service") => void tokens.set(token, { reads, kind }),
    identity: (id, identity) => void identities.set(id, identity),
    revoke: (token) => void tokens.delete(token),
    refuse: (answer) => void (refused = answer),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const words = (name: string): string[] => name.toLowerCase().split("_");
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const upperCamel = (name: string): string => words(name).map(capital).join("");

const renamers: Readonly<Record<string, (name: string) => string>> = {
  "upper-camel": upperCamel,
  camel: (name) => upperCamel(name).replace(/^./, (first) => first.toLowerCase()),
  "lower-snake": (name) => name.toLowerCase(),
  "tf-var": (name) => `TF_VAR_${name.toLowerCase()}`,
  "dotnet-env": (name) => name.split("__").map(upperCamel).join("__"),
  "lower-kebab": (name) => words(name).join("-"),
};

function written(secrets: readonly (readonly [string, string | null])[], format: string) {
  const lines = (write: (name: string, value: string) => string): string =>
    secrets.map(([name, value]) => `${write(name, value ?? "")}\n`).join("");
  switch (format) {
    case "json":
      return { body: JSON.stringify(Object.fromEntries(secrets)), type: "application/json" };
    case "dotnet-json":
      return { body: JSON.stringify({ Section: Object.fromEntries(secrets) }), type: "application/json" };
    case "yaml":
      return { body: lines((name, value) => `${name}: ${JSON.stringify(value)}`), type: "text/plain" };
    case "env":
      return { body: lines((name, value) => `${name}=${JSON.stringify(value)}`), type: "text/plain" };
    default:
      return { body: lines((name, value) => `${name}=${value}`), type: "text/plain" };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
