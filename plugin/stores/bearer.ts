/** The Authorization header of stores that take a bearer token. */
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { Proof } from "./contract.ts";

/** Of a token kept in a Secret, trimmed: files and editors leave a line end behind it. Throws Failure `store_invalid`. */
export function bearerFromSecret(proof: Proof, secret: string, field: string): SecretValue {
  const value = proof.kind === "static" ? proof.secrets[secret] : undefined;
  if (!value) throw new Failure("internal", `the proof lacks ${secret}`);
  const header = bearer(value.reveal().toString("utf8").trim());
  if (header) return header;
  throw new Failure(
    "store_invalid",
    `${field}: the Secret's value is no token: it must be one line of printable ASCII without spaces`,
  );
}

/** Undefined when the text cannot be sent as a token. */
export function bearer(token: string): SecretValue | undefined {
  return /^[\x21-\x7e]+$/.test(token) ? SecretValue.fromText(`Bearer ${token}`) : undefined;
}
