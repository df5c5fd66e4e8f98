/**
 * Who Google takes somebody for: token exchange for identity pools (by the issuer's keys, audience and subject), JSON keys,
 * service account impersonation, and the tokens that come of it.
 */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import type { JWTPayload } from "jose";
import { GcpProblem } from "./gcp-secrets.ts";

export interface Pool {
  /** What the exchange is asked for. */
  readonly audience: string;
  /** JWKS text of the issuer that it trusts, and the issuer's name. */
  readonly jwks: string;
  readonly issuer: string;
  /** Of which a token must have one. */
  readonly tokenAudiences: readonly string[];
  /** Whom a subject becomes. */
  readonly principal: (subject: string) => string;
}

/** What OAuth's token servers answer. */
export class OAuthProblem extends Error {
  override readonly name = "OAuthProblem";
  readonly error: string;
  readonly httpStatus: number;
  constructor(error: string, message: string, httpStatus = 400) {
    super(message);
    this.error = error;
    this.httpStatus = httpStatus;
  }
}

const tokenServer = "https://oauth2.googleapis.com/token";
const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
const scope = "https://www.googleapis.com/auth/cloud-platform";

export function createGcpIdentities() {
  const pools = new Map<string, Pool>();
  const keys = new Map<string, { readonly keyId: string; readonly publicPem: string }>();
  const impersonators = new Map<string, readonly string[]>();
  const tokens = new Map<string, string>();
  let made = 0;

  function grant(principal: string): string {
    const token = `ya29.token-${++made}-of-${principal.replaceAll(/[^a-z0-9]+/gi, "-")}`;
    tokens.set(token, principal);
    return token;
  }

  return {
    trust: (pool: Pool) => void pools.set(pool.audience, pool),
    /** Who may speak for a Google service account. */
    letIn: (email: string, principals: readonly string[]) => void impersonators.set(email, principals),
    grant,
    /** The file that Google makes for a new key of a service account. */
    makeKey(email: string): string {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const keyId = `key${keys.size + 1}`;
      keys.set(email, { keyId, publicPem: publicKey.export({ type: "spki", format: "pem" }).toString() });
      return JSON.stringify({
        type: "service_account",
        project_id: "shop",
        private_key_id: keyId,
        private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
        client_email: email,
        client_id: "1",
        auth_uri: "https://accounts.google.com/o/oauth2/auth",
        token_uri: tokenServer,
        universe_domain: "googleapis.com",
      });
    },
    forgetKey: (email: string) => void keys.delete(email),
    revoke: (token: string) => void tokens.delete(token),
    /** Throws GcpProblem. */
    whose(authorization: string | undefined): string {
      const principal = tokens.get(authorization?.replace(/^Bearer /, "") ?? "");
      if (principal === undefined)
        throw new GcpProblem("UNAUTHENTICATED", "Request had invalid authentication credentials.");
      return principal;
    },
    /** Rejects with OAuthProblem. */
    async exchange(asked: Readonly<Record<string, string | undefined>>): Promise<string> {
      if (asked["grant_type"] !== exchangeGrant) throw new OAuthProblem("unsupported_grant_type", "grant type");
      if (asked["scope"] !== scope) throw new OAuthProblem("invalid_scope", "scope");
      const pool = pools.get(asked["audience"] ?? "");
      if (!pool) throw new OAuthProblem("invalid_target", "The target service indicated by the audience is invalid.");
      const token = asked["subject_token"] ?? "";
      if (!/^[\w.-]+$/.test(token)) throw new OAuthProblem("invalid_request", "The subject token is malformed.");
      const payload = await verified(pool, token);
      return grant(pool.principal(payload.sub ?? ""));
    },
    /** Rejects with OAuthProblem. */
    async byAssertion(assertion: string, nowMs: number): Promise<string> {
      const claims = JSON.parse(
        Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString() || "{}",
      ) as JWTPayload;
      const key = keys.get(claims.iss ?? "");
      if (!key) throw new OAuthProblem("invalid_grant", "Invalid grant: account not found");
      const { payload } = await jwtVerify(assertion, createPublicKey(key.publicPem), {
        audience: tokenServer,
        currentDate: new Date(nowMs),
      }).catch(() => {
        throw new OAuthProblem("invalid_grant", "Invalid JWT Signature.");
      });
      if (payload["scope"] !== scope) throw new OAuthProblem("invalid_scope", "scope");
      if (payload.exp! - payload.iat! > 3_600) throw new OAuthProblem("invalid_grant", "Invalid JWT: too long");
      return grant(`serviceAccount:${claims.iss}`);
    },
    /** Throws GcpProblem. */
    impersonate(email: string, principal: string): string {
      const admitted = impersonators.get(email);
      if (!admitted) throw new GcpProblem("NOT_FOUND", `Not found; Gaia id not found for email ${email}`);
      if (!admitted.includes(principal))
        throw new GcpProblem(
          "PERMISSION_DENIED",
          "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
        );
      return grant(`serviceAccount:${email}`);
    },
  };
}

export type GcpIdentities = ReturnType<typeof createGcpIdentities>;

async function verified({ jwks, issuer, tokenAudiences }: Pool, token: string): Promise<JWTPayload> {
  const keys = createLocalJWKSet(JSON.parse(jwks) as Parameters<typeof createLocalJWKSet>[0]);
  const { payload } = await jwtVerify(token, keys, { issuer, audience: [...tokenAudiences] }).catch(() => {
    throw new OAuthProblem("invalid_grant", "The audience, issuer or signature of the subject token is not accepted.");
  });
  return payload;
}
