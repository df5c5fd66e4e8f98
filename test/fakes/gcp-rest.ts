/**
 * Google's servers over HTTP on one address of loopback: Secret Manager, the token servers, IAM credentials and a
 * machine's metadata server. test/peers/gcp drives it with Google's own clients.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32c } from "../../plugin/stores/gcp/crc32c.ts";
import { OAuthProblem } from "./gcp-identities.ts";
import type { GcpIdentities } from "./gcp-identities.ts";
import { codes, GcpProblem } from "./gcp-secrets.ts";
import type { GcpSecrets, SecretRequest } from "./gcp-secrets.ts";

export interface GcpRest {
  readonly url: string;
  readonly requests: readonly RestRequest[];
  /** What stands in place of the node's own identity, and the machine's attributes. */
  readonly machine: { principal?: string; attributes: Record<string, string> };
  close(): Promise<void>;
}

export interface RestRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `nowMs`: for assertions, which are signed under the clock of whoever signs. */
export async function startGcpRest(secrets: GcpSecrets, identities: GcpIdentities, nowMs = Date.now): Promise<GcpRest> {
  const requests: RestRequest[] = [];
  const machine: GcpRest["machine"] = { attributes: {} };
  const server: Server = createServer((incoming, outgoing) => {
    void received(incoming)
      .then(async (request) => {
        requests.push(request);
        return answer(request).catch(problemReply);
      })
      .then(({ status, body, headers = {} }) => {
        const text = typeof body === "string" ? body : JSON.stringify(body);
        outgoing.writeHead(status, { "content-type": "application/json; charset=UTF-8", ...headers }).end(text);
      });
  });

  async function answer(request: RestRequest): Promise<Reply> {
    const url = new URL(request.path, "http://gcp");
    const path = decodeURIComponent(url.pathname);
    if (path.startsWith("/computeMetadata/v1/")) return metadata(path.slice("/computeMetadata/v1/".length), request);
    if (request.method === "POST") return post(path, request);
    return { status: 200, body: secretsReply(path, url.searchParams, request) };
  }

  function secretsReply(path: string, query: URLSearchParams, { headers }: RestRequest): unknown {
    const asked = toRequest(path, query);
    const done = secrets.run(asked, identities.whose(headers.authorization as string | undefined));
    if ("access" in done) {
      const { name, data } = done.access;
      return { name, payload: { data: data.toString("base64"), dataCrc32c: String(crc32c(data)) } };
    }
    if ("rendered" in done) {
      const { name, data } = done.rendered;
      return { parameterVersion: name, renderedPayload: data.toString("base64") };
    }
    if (asked.method === "getSecret") return "secrets" in done ? done.secrets[0] : {};
    if ("versions" in done)
      return { ...done, versions: done.versions.map((one) => ({ ...one, state: stateText(one.state, query) })) };
    return done;
  }

  async function post(path: string, { headers, body }: RestRequest): Promise<Reply> {
    const fields = /json/.test(String(headers["content-type"]))
      ? (JSON.parse(body) as Record<string, string>)
      : Object.fromEntries(new URLSearchParams(body));
    const oauth = (token: string): Reply => ({
      status: 200,
      body: {
        access_token: token,
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        token_type: "Bearer",
        expires_in: 3_599,
      },
    });
    if (path === "/v1/token" || path === "/v1/identitybindingtoken") return oauth(await identities.exchange(fields));
    if (path === "/token") return oauth(await identities.byAssertion(fields["assertion"] ?? "", nowMs()));
    const email = /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):generateAccessToken$/.exec(path)?.[1];
    if (email === undefined) throw new GcpProblem("NOT_FOUND", "Requested entity was not found.");
    const token = identities.impersonate(email, identities.whose(headers.authorization as string | undefined));
    const seconds = Number.parseInt(fields["lifetime"] ?? "3600s");
    return { status: 200, body: { accessToken: token, expireTime: new Date(nowMs() + seconds * 1_000).toISOString() } };
  }

  function metadata(path: string, { headers }: RestRequest): Reply {
    const flavor = { "metadata-flavor": "Google" };
    if (headers["metadata-flavor"] !== "Google") return { status: 403, body: "Missing Metadata-Flavor:Google header." };
    if (path === "instance/service-accounts/default/token" && machine.principal)
      return {
        status: 200,
        headers: flavor,
        body: { access_token: identities.grant(machine.principal), expires_in: 3_000, token_type: "Bearer" },
      };
    const value = machine.attributes[path.replace("instance/attributes/", "")];
    return value === undefined ? { status: 404, body: "not found" } : { status: 200, headers: flavor, body: value };
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    machine,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function received(incoming: IncomingMessage): Promise<RestRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = "", url = "", headers } = incoming;
  return { method, path: url, headers, body: Buffer.concat(chunks).toString("utf8") };
}

function toRequest(path: string, query: URLSearchParams): SecretRequest {
  const parameter = /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/parameters\/[^/]+\/versions\/[^/:]+):render$/.exec(
    path,
  );
  if (parameter) return { method: "renderParameter", name: parameter[1]! };
  const name =
    /^\/v1\/(projects\/[^/]+(?:\/locations\/[^/]+)?)(\/secrets(?:\/[^/]+)?)?(\/versions(?:\/[^/:]+)?)?(:access)?$/.exec(
      path,
    );
  if (!name) throw new GcpProblem("NOT_FOUND", "Requested entity was not found.");
  const [, parent = "", secret = "", version = "", verb] = name;
  const page = {
    filter: query.get("filter") ?? "",
    pageSize: Number(query.get("pageSize") ?? 0),
    pageToken: query.get("pageToken") ?? "",
  };
  if (verb !== undefined) return { method: "accessSecretVersion", name: parent + secret + version };
  if (version === "/versions") return { method: "listSecretVersions", name: parent + secret, ...page };
  if (secret === "/secrets") return { method: "listSecrets", name: parent, ...page };
  return { method: "getSecret", name: parent + secret };
}

/** Google's clients ask for numbers in place of the names of enums. */
function stateText(state: string, query: URLSearchParams): string | number {
  return query.get("$alt") === "json;enum-encoding=int"
    ? ["", "ENABLED", "DISABLED", "DESTROYED"].indexOf(state)
    : state;
}

function problemReply(thrown: unknown): Reply {
  if (thrown instanceof OAuthProblem)
    return { status: thrown.httpStatus, body: { error: thrown.error, error_description: thrown.message } };
  if (!(thrown instanceof GcpProblem))
    return { status: 500, body: { error: { code: 500, message: String(thrown), status: "INTERNAL" } } };
  const { status, message } = thrown;
  return { status: codes[status][1], body: { error: { code: codes[status][1], message, status } } };
}
