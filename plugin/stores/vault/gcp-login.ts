/**
 * The login by Google: a statement signed with a service account's own key, which Vault verifies with the public half
 * that Google keeps. Google itself is not asked.
 */
import { createPrivateKey, sign } from "node:crypto";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Clock } from "../../core/clock.ts";
import type { Proof } from "../contract.ts";
import { readJson } from "../json-body.ts";
import type { LoginBody } from "./client.ts";
import { shown } from "./shown.ts";

/** Below the 15 minutes that a role allows unless it says otherwise; the statement is used once, at once. */
const lifeSeconds = 600;

/** Throws Failure `store_invalid` for a key that cannot be used. */
export function gcpBody(role: string, proof: Proof, clock: Clock): LoginBody {
  const { email, keyId, key } = readKey(shown(proof, "key"));
  const now = Math.floor(clock.nowMs() / 1_000);
  const claims = { iss: email, sub: email, aud: `vault/${role}`, iat: now, exp: now + lifeSeconds };
  const statement = [{ alg: "RS256", typ: "JWT", kid: keyId }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return { role, jwt: SecretValue.fromText(`${statement}.${signed(statement, key)}`) };
}

interface ServiceAccountKey {
  readonly email: string;
  readonly keyId: string;
  /** PEM. */
  readonly key: string;
}

function readKey(file: SecretValue): ServiceAccountKey {
  const read = readJson(file);
  const document = read.ok && isJsonObject(read.value) ? read.value : {};
  const { type, client_email: email, private_key_id: keyId, private_key: key } = document;
  if (type !== "service_account" || typeof email !== "string" || typeof keyId !== "string" || typeof key !== "string")
    throw unusable("is no JSON key of a Google service account");
  return { email, keyId, key };
}

function signed(statement: string, key: string): string {
  try {
    return sign("sha256", Buffer.from(statement), createPrivateKey(key)).toString("base64url");
  } catch {
    // OpenSSL's errors may quote what they read.
    throw unusable("holds a private_key that cannot be read");
  }
}

function unusable(what: string): Failure {
  return new Failure("store_invalid", `auth.gcp.secretRef.secretAccessKeySecretRef: the Secret's value ${what}`);
}
