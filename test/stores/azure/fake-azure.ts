/**
 * Microsoft Entra, a vault and the machine's metadata service on one address, as far as reading goes. Each login gets a
 * token of its own, and a value of "{who}" is answered with whose token it was read with.
 *
 * What it says is held against Azure's own client in vendor-client.test.ts, and against the server side that Azure
 * generates for its Go library in test/peers/azure.
 */
import { createPublicKey, verify } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer, HostileServer, ReceivedRequest } from "../../fakes/hostile-server.ts";

export interface FakeVersion {
  /** 32 letters and digits. */
  readonly id: string;
  readonly enabled?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  /** Epoch seconds: exp, nbf, created, updated. */
  readonly dates?: Readonly<Record<string, number>>;
  /** What a collection's own answer has beside these: value and contentType, key, cer. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** What an application trusts: tokens of one issuer, for one account and one audience. */
export interface FederatedCredential {
  readonly jwks: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

export interface FakeAzureWish {
  /** What tokens are for. */
  readonly resource?: string;
  /** Of each application by its client id, or of all. Without it, every assertion is taken for what it says. */
  readonly federation?: FederatedCredential | ((clientId: string) => FederatedCredential | undefined);
  /** Items that a page of a list holds. */
  readonly pageSize?: number;
}

/** By collection and name, e.g. `secrets/db`; the newest version last. */
export type FakeObjects = Map<string, readonly FakeVersion[]>;

export interface FakeAzure {
  readonly objects: FakeObjects;
  /** The forms, or queries, of the logins, in the order of their arrival. */
  readonly logins: readonly Readonly<Record<string, string>>[];
  answer(request: Pick<ReceivedRequest, "method" | "path" | "headers" | "body">, origin: string): CannedAnswer;
}

export const vaultResource = "https://vault.azure.net";
export const idOf = (last: string): string => last.padStart(32, "0");

export function createFakeAzure(wish: FakeAzureWish = {}): FakeAzure {
  const { resource = vaultResource, federation, pageSize = 25 } = wish;
  const objects: FakeObjects = new Map();
  const logins: Record<string, string>[] = [];
  const issued = new Map<string, string>();

  function grant(who: string, lifetime: number | string): CannedAnswer {
    const token = `token-${issued.size + 1}`;
    issued.set(token, who);
    return json(200, { token_type: "Bearer", expires_in: lifetime, access_token: token });
  }

  function login(form: Record<string, string>): CannedAnswer {
    logins.push(form);
    if (form["scope"] !== `${resource}/.default`) return entraError(400, "invalid_resource", 500011);
    const { client_id: id = "", client_secret: secret, client_assertion: assertion = "" } = form;
    if (secret !== undefined)
      return secret === "wrong" ? entraError(401, "invalid_client", 7000215) : grant(`${id}+${secret}`, 3599);
    const trusted = typeof federation === "function" ? federation(id) : federation;
    if (federation && !trusted) return entraError(400, "unauthorized_client", 700016);
    const problem = trusted && assertionProblem(assertion, trusted);
    return problem ? entraError(400, "invalid_request", problem) : grant(`${id}@${assertion}`, 3599);
  }

  function read(path: string, query: URLSearchParams, origin: string, who: string): CannedAnswer {
    const [collection = "", name = "", version = ""] = path.split("/").filter((part) => part !== "");
    const base = `${origin}/${collection}`;
    if (name === "") return list(collection, query, base);
    const versions = objects.get(`${collection}/${name}`) ?? [];
    const found = version === "" ? versions.at(-1) : versions.find(({ id }) => id === version);
    const one = singular[collection];
    if (one === undefined) return vaultError(404, "ResourceNotFound");
    if (!found) return vaultError(404, `${one}NotFound`);
    if (found.enabled === false && one === "Secret") return vaultError(403, "Forbidden", "SecretDisabled");
    const id = `${base}/${name}/${found.id}`;
    const { key, value, ...content } = found.content;
    return json(200, {
      ...content,
      ...(collection === "keys" ? { key: { kid: id, ...(key as object) } } : { id }),
      ...(typeof value === "string" ? { value: value.replaceAll("{who}", who) } : {}),
      attributes: attributesOf(found),
      ...(found.tags ? { tags: found.tags } : {}),
    });
  }

  function list(collection: string, query: URLSearchParams, base: string): CannedAnswer {
    const from = Number(query.get("$skiptoken") ?? 0);
    const all = [...objects].filter(([path]) => path.startsWith(`${collection}/`));
    const value = all.slice(from, from + pageSize).map(([path, versions]) => {
      const last = versions.at(-1)!;
      const { contentType } = last.content;
      return { id: `${base}/${path.split("/")[1]}`, contentType, attributes: attributesOf(last), tags: last.tags };
    });
    const next = from + pageSize;
    const nextLink = next < all.length ? `${base}?api-version=${query.get("api-version")}&$skiptoken=${next}` : null;
    return json(200, { value, nextLink });
  }

  return {
    objects,
    logins,
    answer({ method, path, headers, body }, origin) {
      const { pathname, searchParams: query } = new URL(path, origin);
      if (method === "POST" && pathname.endsWith("/oauth2/v2.0/token"))
        return login({ ...Object.fromEntries(new URLSearchParams(body)), tenant: pathname.split("/")[1]! });
      if (pathname === "/metadata/identity/oauth2/token") {
        logins.push(Object.fromEntries(query));
        if (headers["metadata"] !== "true") return entraError(400, "bad_request_102");
        return query.get("client_id") === "none"
          ? entraError(400, "invalid_request")
          : grant(`machine${query.has("client_id") ? `:${query.get("client_id")}` : ""}`, "86399");
      }
      const token = /^Bearer (.+)$/.exec(headers["authorization"] ?? "")?.[1];
      const who = token === undefined ? undefined : issued.get(token);
      if (!query.has("api-version")) return vaultError(400, "BadParameter");
      return who === undefined ? challenge(origin, resource, token !== undefined) : read(pathname, query, origin, who);
    },
  };
}

/** On http:// and loopback; `url` is vault, authority and metadata service alike. */
export async function startFakeAzure(wish: FakeAzureWish = {}): Promise<HostileServer & Omit<FakeAzure, "answer">> {
  const fake = createFakeAzure(wish);
  const server: HostileServer = await startHostileServer((request) => canned(fake.answer(request, server.url)));
  const { objects, logins } = fake;
  return Object.assign(Object.create(server) as HostileServer, { objects, logins });
}

const singular: Readonly<Record<string, string>> = { secrets: "Secret", keys: "Key", certificates: "Certificate" };

function attributesOf({ enabled = true, dates = {} }: FakeVersion): object {
  return { enabled, created: 1_700_000_000, updated: 1_700_000_000, recoveryLevel: "Recoverable", ...dates };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): CannedAnswer {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "x-ms-request-id": "0c1d2e3f-1111", ...headers },
    body: JSON.stringify(body),
  };
}

export function vaultError(status: number, code: string, inner?: string, message = "said by the vault"): CannedAnswer {
  return json(status, { error: { code, message, ...(inner === undefined ? {} : { innererror: { code: inner } }) } });
}

export function entraError(status: number, error: string, number?: number, said = "said by Entra"): CannedAnswer {
  const numbered = number === undefined ? {} : { error_codes: [number] };
  return json(status, {
    error,
    error_description: `AADSTS${number}: ${said}`,
    ...numbered,
    trace_id: "t",
    correlation_id: "c",
  });
}

function challenge(origin: string, resource: string, wasShown: boolean): CannedAnswer {
  const header = `Bearer authorization="${origin}/tenant", resource="${resource}"`;
  const problem = wasShown ? "AKV10032: Invalid issuer." : "AKV10000: Request is missing a Bearer or PoP token.";
  return json(401, { error: { code: "Unauthorized", message: problem } }, { "www-authenticate": header });
}

/** The number of what is wrong with an assertion. */
function assertionProblem(assertion: string, trusted: FederatedCredential): number | undefined {
  const [head = "", body = "", signature = ""] = assertion.split(".");
  const parsed = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  const { keys } = JSON.parse(trusted.jwks) as { keys: (JsonWebKey & { kid?: string })[] };
  const jwk = keys.find(({ kid }) => kid === parsed(head)["kid"]);
  if (!jwk) return 5000811;
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (!verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))) return 5000811;
  const { iss, sub, aud, exp } = parsed(body);
  if (iss !== trusted.issuer) return 700211;
  if (![aud].flat().includes(trusted.audience)) return 700212;
  if (sub !== trusted.subject) return 700213;
  return Number(exp) * 1_000 < Date.now() ? 700024 : undefined;
}
