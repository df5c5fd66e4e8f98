/**
 * STS and Secrets Manager on one loopback address, with IAM between them. A token is traded for a role's credentials when
 * the issuer's keys, the provider's audiences and the role's trust policy admit it; a secret is read by a request that is
 * really signed with such credentials, and whose role may read it. What it grants lasts an hour.
 *
 * The client that all tests drive it with is Amazon's own, inside the aws kind.
 */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createLocalJWKSet, errors, jwtVerify } from "jose";

/** IAM's OIDC provider: whose tokens are known to the account. */
export interface OidcProvider {
  readonly issuer: string;
  /** JWKS text. */
  readonly jwks: string;
  /** Of which a token must have one. */
  readonly audiences: readonly string[];
}

export interface AwsRole {
  /** The only `sub` that its trust policy admits. */
  readonly subject: string;
  /** Secrets that its policies let it read. */
  readonly reads: readonly string[];
}

export interface AwsRequest {
  /** `AssumeRoleWithWebIdentity`, `GetSecretValue`. */
  readonly action: string;
  /** The role's ARN, or the secret's name. */
  readonly about: string;
  /** The role whose credentials signed it; empty for a login. */
  readonly role: string;
  readonly status: number;
  /** As answered in x-amzn-requestid. */
  readonly id: string;
}

export interface AwsServer {
  readonly url: string;
  readonly requests: readonly AwsRequest[];
  trust(provider: OidcProvider): void;
  role(arn: string, role: AwsRole): void;
  /** `{role}` in a value is answered with the ARN of whoever reads it. Returns nothing; the version counts up. */
  put(name: string, value: string): void;
  /** From now on every request is answered with this status; undefined ends it. */
  fail(status: number | undefined): void;
  close(): Promise<void>;
}

interface Credentials {
  readonly secret: string;
  readonly session: string;
  readonly role: string;
}

interface Outcome {
  readonly about: string;
  readonly role: string;
  readonly body: string;
}

/** `AWS_STS_ENDPOINT` and `AWS_SECRETSMANAGER_ENDPOINT` are to name its `url`. */
export async function startAwsServer(): Promise<AwsServer> {
  const requests: AwsRequest[] = [];
  const providers = new Map<string, OidcProvider>();
  const roles = new Map<string, AwsRole>();
  const secrets = new Map<string, { readonly value: string; readonly version: number }>();
  const issued = new Map<string, Credentials>();
  let failing: number | undefined;

  async function assume(form: URLSearchParams): Promise<Outcome> {
    const arn = form.get("RoleArn") ?? "";
    const subject = await subjectOf(form.get("WebIdentityToken") ?? "", providers, arn);
    // A role that is not there and one that does not trust the token are one answer.
    if (roles.get(arn)?.subject !== subject)
      throw new AwsProblem(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", arn);
    const key = `ASIA${issued.size + 1}`;
    const granted = { secret: randomUUID(), session: randomUUID(), role: arn };
    issued.set(key, granted);
    const body = `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
      <AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${granted.secret}</SecretAccessKey>
      <SessionToken>${granted.session}</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
      </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
    return { about: arn, role: "", body };
  }

  function read(request: IncomingMessage, body: string): Outcome {
    const { SecretId: name = "" } = JSON.parse(body) as { SecretId?: string };
    const role = signerOf(request, body, issued);
    if (role === undefined)
      throw new AwsProblem(400, "UnrecognizedClientException", "The security token included is invalid", name);
    if (!roles.get(role)?.reads.includes(name))
      throw new AwsProblem(400, "AccessDeniedException", `${role} is not authorized`, name, role);
    const found = secrets.get(name);
    if (!found) throw new AwsProblem(400, "ResourceNotFoundException", "Secrets Manager can't find it", name, role);
    const SecretString = found.value.replaceAll("{role}", role);
    return {
      about: name,
      role,
      body: JSON.stringify({ Name: name, SecretString, VersionId: `version-${found.version}` }),
    };
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const target = headerOf(request, "x-amz-target").replace("secretsmanager.", "");
      const form = new URLSearchParams(text);
      const action = target || (form.get("Action") ?? "");
      const id = randomUUID();
      const finish = (status: number, { about, role, body }: Outcome): void => {
        requests.push({ action, about, role, status, id });
        const type = target === "" ? "text/xml" : "application/x-amz-json-1.1";
        response.writeHead(status, { "content-type": type, "x-amzn-requestid": id }).end(body);
      };
      const answer = async (): Promise<Outcome> => {
        if (failing !== undefined) throw new AwsProblem(failing, "InternalServiceError", "It is down", "");
        if (action === "AssumeRoleWithWebIdentity") return assume(form);
        if (action === "GetSecretValue") return read(request, text);
        throw new AwsProblem(400, "UnknownOperationException", action, "");
      };
      answer().then(
        (outcome) => finish(200, outcome),
        (thrown: unknown) => {
          const problem = thrown instanceof AwsProblem ? thrown : new AwsProblem(500, "InternalFailure", "", "");
          finish(problem.status, { ...problem, body: target === "" ? problem.xml : problem.json });
        },
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    trust: (provider) => void providers.set(provider.issuer, provider),
    role: (arn, role) => void roles.set(arn, role),
    put: (name, value) => void secrets.set(name, { value, version: (secrets.get(name)?.version ?? 0) + 1 }),
    fail: (status) => void (failing = status),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class AwsProblem extends Error {
  override readonly name = "AwsProblem";
  readonly status: number;
  readonly type: string;
  readonly about: string;
  readonly role: string;
  constructor(status: number, type: string, message: string, about: string, role = "") {
    super(message);
    this.status = status;
    this.type = type;
    this.about = about;
    this.role = role;
  }
  get xml(): string {
    return `<ErrorResponse><Error><Type>Sender</Type><Code>${this.type}</Code><Message>${this.message}</Message></Error></ErrorResponse>`;
  }
  get json(): string {
    return JSON.stringify({ __type: this.type, message: this.message });
  }
}

/** Rejects with AwsProblem, in STS's words. */
async function subjectOf(
  token: string,
  providers: ReadonlyMap<string, OidcProvider>,
  arn: string,
): Promise<string | undefined> {
  const refuse = (type: string, message: string): never => {
    throw new AwsProblem(400, type, message, arn);
  };
  const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString() || "{}";
  const provider = providers.get((JSON.parse(claims) as { iss?: string }).iss ?? "");
  if (!provider) return refuse("InvalidIdentityToken", "No OpenIDConnect provider found in your account");
  const keys = createLocalJWKSet(JSON.parse(provider.jwks) as Parameters<typeof createLocalJWKSet>[0]);
  try {
    return (await jwtVerify(token, keys, { issuer: provider.issuer, audience: [...provider.audiences] })).payload.sub;
  } catch (thrown) {
    if (thrown instanceof errors.JWTExpired) return refuse("ExpiredTokenException", "Token expired");
    if (thrown instanceof errors.JWTClaimValidationFailed && thrown.claim === "aud")
      return refuse("InvalidIdentityToken", "Incorrect token audience");
    return refuse("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider");
  }
}

const authorizationShape =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/((\d{8})\/([^/]+)\/([^/]+)\/aws4_request), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/;

/** The role whose credentials signed this very request (Signature Version 4); undefined for any other request. */
function signerOf(
  request: IncomingMessage,
  body: string,
  issued: ReadonlyMap<string, Credentials>,
): string | undefined {
  const found = authorizationShape.exec(headerOf(request, "authorization"));
  if (!found) return undefined;
  const [, key = "", scope, date, region, service, signed = "", signature] = found;
  const credentials = issued.get(key);
  if (!credentials || headerOf(request, "x-amz-security-token") !== credentials.session) return undefined;
  const names = signed.split(";");
  if (!["host", "x-amz-date", "x-amz-security-token", "x-amz-target"].every((name) => names.includes(name)))
    return undefined;
  const canonical = [
    request.method,
    request.url,
    "",
    ...names.map((name) => `${name}:${headerOf(request, name).trim()}`),
    "",
    signed,
    sha256(body),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headerOf(request, "x-amz-date"), scope, sha256(canonical)].join("\n");
  const signingKey = [date!, region!, service!, "aws4_request"].reduce<string | Buffer>(
    (last, part) => hmac(last, part).digest(),
    `AWS4${credentials.secret}`,
  );
  return hmac(signingKey, toSign).digest("hex") === signature ? credentials.role : undefined;
}

function hmac(key: string | Buffer, text: string) {
  return createHmac("sha256", key).update(text);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}
