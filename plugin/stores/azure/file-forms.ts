/**
 * What a vault's objects are as files, as Azure's CSI provider writes them: PEM throughout. Import it when it is used.
 *
 * Pure. Chains are put in order, not verified: neither signatures nor dates.
 */
import { createPublicKey, X509Certificate } from "node:crypto";
import { Failure } from "../../core/failure.ts";
import type { JsonObject } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { openPkcs12 } from "./pkcs12.ts";
import type { Bundle } from "./pkcs12.ts";

/** The key as PKCS #8, then its certificate and the others. `base64`: of a PFX. Throws Failure `answer_invalid`. */
export function pemOfPfx(base64: string): SecretValue {
  const bundle = openPkcs12(Buffer.from(base64, "base64"), () => unfit("a certificate that cannot be read"));
  const key = bundle.key.export({ type: "pkcs8", format: "pem" }).toString();
  return SecretValue.fromText([key, ...inOrder(bundle).map(pemOf)].join(""));
}

/** Leaf, intermediates, root; then those that none of these was issued by, as the file has them. */
function inOrder({ key, certificates }: Bundle): readonly X509Certificate[] {
  const left = [...certificates];
  const chain: X509Certificate[] = [];
  let next = left.find((one) => one.checkPrivateKey(key));
  while (next) {
    const issued = next;
    left.splice(left.indexOf(issued), 1);
    chain.push(issued);
    next = left.find((one) => issued.checkIssued(one));
  }
  return [...chain, ...left];
}

/** The public key in PEM (SubjectPublicKeyInfo) of a key in a vault. Throws Failure `answer_invalid`. */
export function pemOfKey(key: JsonObject): SecretValue {
  const member = (name: string): string => {
    const value = Object.hasOwn(key, name) ? key[name] : undefined;
    return typeof value === "string" ? value : "";
  };
  // A key in hardware is called RSA-HSM and EC-HSM.
  const kty = member("kty").replace(/-HSM$/, "");
  const names = kty === "RSA" ? ["n", "e"] : kty === "EC" ? ["crv", "x", "y"] : undefined;
  if (!names?.every((name) => member(name) !== "")) throw unfit("a key that has no public part");
  const jwk = { kty, ...Object.fromEntries(names.map((name) => [name, member(name)])) };
  try {
    const pem = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    return SecretValue.fromText(pem.toString());
  } catch {
    throw unfit("a key that cannot be read, or of a curve other than P-256, P-384 and P-521");
  }
}

/** Throws Failure `answer_invalid`. */
export function pemOfCertificate(der: Buffer): SecretValue {
  try {
    return SecretValue.fromText(pemOf(new X509Certificate(der)));
  } catch {
    throw unfit("a certificate that cannot be read");
  }
}

/** Its lines are 64 characters, and the last one ends too. */
function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString().trimEnd()}\n`;
}

function unfit(what: string): Failure {
  return new Failure(
    "answer_invalid",
    `the vault has ${what}, so there is no file of it; take another object or objectType`,
  );
}
