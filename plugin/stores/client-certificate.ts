/** A client certificate and its key, from Secrets: checked before a connection is made with them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";

/** The certificate as PEM. The fields are for messages. Throws Failure `store_invalid` for a pair that cannot be shown. */
export function checkedPair(
  certificate: SecretValue,
  key: SecretValue,
  certificateField: string,
  keyField: string,
): string {
  const pem = certificate.reveal().toString("latin1");
  const leaf = read(() => new X509Certificate(pem), certificateField, "is no PEM certificate");
  const own: KeyObject = read(
    () => createPrivateKey(key.reveal()),
    keyField,
    "is no PEM private key without a password",
  );
  if (!leaf.checkPrivateKey(own))
    throw new Failure("store_invalid", `${keyField}: the key is not that of the certificate`);
  return pem;
}

/** OpenSSL's errors may quote what they read. */
function read<T>(work: () => T, field: string, problem: string): T {
  try {
    return work();
  } catch {
    throw new Failure("store_invalid", `${field}: the Secret's value ${problem}`);
  }
}
