/** The JSON key of a Google service account, for an access token. */
import { createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { isJsonObject } from "../../core/json.ts";
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { readJson } from "../json-body.ts";
import { isEmail } from "./names.ts";
import { postForm, readGrant, requestToken, scope } from "./token-request.ts";
import type { Granted, LoginDeps } from "./token-request.ts";

/** Also whom the assertion is for, whatever stands in the server's place. The key's own `token_uri` is not followed. */
const tokenServer = "https://oauth2.googleapis.com/token";
const lifetimeSeconds = 3_600;

/** Rejects with Failure, see `Store.login`. */
export async function tradeKey(json: SecretValue, deps: LoginDeps, signal: AbortSignal): Promise<Granted> {
  const { email, keyId, key } = readKey(json);
  const nowSeconds = Math.floor(deps.clock.nowMs() / 1_000);
  const assertion = await new SignJWT({ scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(email)
    .setAudience(tokenServer)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + lifetimeSeconds)
    .sign(key);
  const step = {
    name: "ExchangeKey",
    what: `the key of ${email}`,
    knob: "check that the account and this key of it still exist and are not disabled; compare the clocks of this node and Google",
  };
  const request = postForm(deps.endpoints["CLOUDSDK_AUTH_TOKEN_HOST"] ?? tokenServer, {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion,
  });
  return readGrant(await requestToken(step, request, deps, signal), deps.clock);
}

function readKey(json: SecretValue): { email: string; keyId?: string; key: KeyObject } {
  const read = readJson(json);
  const file = read.ok ? read.value : undefined;
  if (!isJsonObject(file)) throw invalid("is no JSON object; keep the file as Google made it");
  if (file["type"] !== "service_account") throw invalid("is no key of a service account (its type is another one)");
  const { client_email: email, private_key: pem, private_key_id: keyId, universe_domain: universe } = file;
  if (universe !== undefined && universe !== "googleapis.com")
    throw invalid("is for another universe than googleapis.com, which is not supported yet");
  if (typeof email !== "string" || !isEmail(email)) throw invalid("has no client_email of a service account");
  const named = typeof keyId === "string" && /^[A-Za-z0-9]{1,128}$/.test(keyId) ? { keyId } : {};
  return { email, ...named, key: privateKey(pem) };
}

function privateKey(pem: unknown): KeyObject {
  try {
    const key = createPrivateKey(pem as string);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // What OpenSSL says about it is not repeated.
  }
  throw invalid("has no private_key that can be read");
}

function invalid(problem: string): Failure {
  return new Failure("store_invalid", `auth.secretRef.secretAccessKeySecretRef: the JSON key ${problem}`);
}
