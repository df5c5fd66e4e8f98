/**
 * The keys that service account tokens are signed with, and the check of one signature.
 *
 * Public keys only: with a shared secret whoever can verify can also forge.
 */
import type { JSONWebKeySet, JWK } from "jose";
import { Failure } from "../core/failure.ts";
import { isJsonObject, parseJson, type JsonValue } from "../core/json.ts";

export interface TokenKeys {
  readonly jwks: JSONWebKeySet;
  /** The `iss` that every token must have. Source: a member `issuer` beside `keys`; absent = not checked. */
  readonly issuer?: string;
}

/** Keys that change while the process runs: those of an API server. */
export interface TokenKeySource {
  /**
   * The keys to verify this token with: read anew when none has its key id, as often as the API server can bear.
   * Rejects with Failure `kube_unavailable` while no keys were ever read.
   */
  keysFor(token: string): Promise<TokenKeys>;
}

const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const publicKinds: readonly unknown[] = ["RSA", "EC", "OKP"];
const wayOut = "save what `kubectl get --raw /openid/v1/jwks` prints";

/** Throws Failure `manifest_invalid` that says what is wrong with the text; its parts are never shown. */
export function loadTokenKeys(jwksText: string): TokenKeys {
  let parsed: JsonValue;
  try {
    parsed = parseJson(jwksText);
  } catch {
    throw invalid("is not JSON");
  }
  if (!isJsonObject(parsed) || !Array.isArray(parsed.keys)) throw invalid('has no list "keys"');
  if (parsed.keys.length === 0) throw invalid("has no key");
  const { issuer } = parsed;
  if (issuer !== undefined && typeof issuer !== "string") throw invalid('has an "issuer" that is no text');
  const keys = parsed.keys.map(publicKey);
  return { jwks: { keys }, ...(issuer === undefined ? {} : { issuer }) };
}

function publicKey(key: JsonValue, index: number): JWK {
  if (!isJsonObject(key) || !publicKinds.includes(key.kty))
    throw invalid(`has no RSA, EC or OKP key at keys[${index}]`);
  if ("d" in key) throw invalid(`has a private key at keys[${index}]; only public keys belong here`);
  return { ...key };
}

function invalid(problem: string): Failure {
  return new Failure("manifest_invalid", `the token key file ${problem}: ${wayOut}`);
}

/** True when one of the keys made this token's signature with an algorithm for public keys. */
export async function isSignedBy(keys: TokenKeys, token: string): Promise<boolean> {
  const { compactVerify, createLocalJWKSet, errors } = await import("jose");
  try {
    await compactVerify(token, createLocalJWKSet(keys.jwks), { algorithms });
    return true;
  } catch (thrown) {
    if (!(thrown instanceof errors.JWKSMultipleMatchingKeys)) return false;
    // A token without key id fits several keys.
    for await (const key of thrown) {
      const verified = await compactVerify(token, key, { algorithms }).catch(() => undefined);
      if (verified) return true;
    }
    return false;
  }
}
