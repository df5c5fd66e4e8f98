/**
 * Proof by certificate: a short-lived JWT about the client itself, signed with the certificate's key. Comes with a JWT
 * library and a reader of PKCS#12: import it when it is used.
 */
import { createPrivateKey, hash, randomUUID, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { openPkcs12 } from "./pkcs12.ts";
import type { Bundle } from "./pkcs12.ts";

export interface Principal {
  readonly clientId: string;
  /** The token endpoint: what the JWT is for. */
  readonly url: string;
  readonly nowMs: number;
}

interface Signer {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

const lifetimeSeconds = 600;

/** Throws Failure `store_invalid` when the value is no certificate with its key. */
export async function signAssertion(value: SecretValue, { clientId, url, nowMs }: Principal): Promise<string> {
  const { key, certificate } = readSigner(value.reveal());
  const nowSeconds = Math.floor(nowMs / 1_000);
  const thumbprint = Buffer.from(hash("sha256", certificate.raw, "buffer")).toString("base64url");
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: "PS256", typ: "JWT", "x5t#S256": thumbprint })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(url)
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + lifetimeSeconds)
    .sign(key);
}

function readSigner(bytes: Buffer): Signer {
  const text = bytes.toString("latin1");
  const { key, certificates } = text.includes("-----BEGIN") ? ofPem(text) : ofPkcs12(bytes);
  const certificate = certificates.find((one) => one.checkPrivateKey(key));
  if (!certificate) throw invalid("its key belongs to none of its certificates");
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== "rsa" || bits < 2_048)
    throw invalid("Azure takes RSA keys of at least 2048 bits alone");
  return { key, certificate };
}

function ofPem(text: string): Bundle {
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g) ?? [];
  const key = blocks.find((block) => /^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(block));
  const certificates = blocks.filter((block) => block.startsWith("-----BEGIN CERTIFICATE-----"));
  if (key === undefined || certificates.length === 0) throw invalid("it must hold a certificate and its private key");
  return readable(() => ({
    key: createPrivateKey(key),
    certificates: certificates.map((block) => new X509Certificate(block)),
  }));
}

/** As bytes, or as the base64 text in which a vault itself keeps such files. */
function ofPkcs12(bytes: Buffer): Bundle {
  const text = bytes.toString("latin1").replace(/\s+/g, "");
  const file = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : bytes;
  return openPkcs12(file, () => invalid(unreadable));
}

const unreadable = "it can be read neither as PEM nor as PKCS#12 (PFX) without a password";

function readable<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw invalid(unreadable);
  }
}

function invalid(problem: string): Failure {
  return new Failure("store_invalid", `authSecretRef.clientCertificate: ${problem}`);
}
