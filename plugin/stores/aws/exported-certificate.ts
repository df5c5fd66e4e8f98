/** A certificate as it is exported: its key comes encrypted, and leaves here as ESO delivers it, in one PEM text. */
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SecretValue } from "../../core/secret-value.ts";
import { answerInvalid } from "./sdk.ts";

/** PEM texts. */
export interface Exported {
  readonly certificate: string;
  /** Empty when there is none. */
  readonly chain: string;
  readonly key: string;
}

/** For one export. Letters and digits: AWS takes no #, $ and %. */
export function freshPassphrase(): string {
  return randomBytes(32).toString("hex");
}

/** Certificate, chain, and key as plain PKCS #8. Throws Failure `answer_invalid`, also for a key of another certificate. */
export function pemOf({ certificate, chain, key }: Exported, passphrase: string): SecretValue {
  const open = keyOf(key, passphrase);
  if (!certificateOf(certificate).checkPrivateKey(open)) throw answerInvalid("a key of another certificate");
  const plain = open.export({ type: "pkcs8", format: "pem" }).toString();
  const parts = [certificate, chain, plain].map((part) => part.trimEnd()).filter((part) => part !== "");
  return SecretValue.fromText(`${parts.join("\n")}\n`);
}

/** Says which certificate it is, and nothing that is secret. Throws Failure `answer_invalid`. */
export function fingerprintOf(certificate: string): string {
  return certificateOf(certificate).fingerprint256;
}

function keyOf(pem: string, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: "pem", passphrase });
  } catch {
    throw answerInvalid("a key that its passphrase does not open");
  }
}

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw answerInvalid("a certificate that cannot be read");
  }
}
