/** New X.509 certificates, as Go's x509.CreateCertificate makes them from sprig's template. */
import { createHash, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { fail } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { bitsOf, context, contextBytes, DerReader, tags } from "./der-read.ts";
import { bits, element, integer, nothing, octets, oid, sequence, unsigned } from "./der-write.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { publicKeyOf, spkiOf } from "./keys-write.ts";
import { commonName } from "./x509-names.ts";
import { writeOtherNames } from "./x509-sans.ts";

export interface NewCertificate {
  readonly name: GoString;
  readonly days: bigint;
  readonly isCa: boolean;
  readonly dns: readonly GoString[];
  /** Addresses of 4 or 16 bytes. */
  readonly ips: readonly Buffer[];
}

/** Who signs; absent where the certificate signs itself. */
export interface Issuer {
  readonly rawSubject: Buffer;
  readonly publicKey: Buffer;
  readonly subjectKeyId?: Buffer;
}

const dayNs = 86_400_000_000_000n;
const nsPerMs = 1_000_000n;

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** UTCTime from 1950 to 2049, GeneralizedTime beyond. */
function time(ms: number): Buffer {
  const at = new Date(ms);
  const year = at.getUTCFullYear();
  const parts = [at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
  const rest = `${parts.map(twoDigits).join("")}Z`;
  if (year >= 1950 && year < 2050) return element(tags.utcTime, Buffer.from(twoDigits(year % 100) + rest));
  if (year < 0 || year > 9999) fail("asn1: structure error: cannot represent time as GeneralizedTime");
  return element(tags.generalizedTime, Buffer.from(String(year).padStart(4, "0") + rest));
}

/** Days are counted in 64 bits of nanoseconds, as Go's durations are. */
function validity(nowMs: number, days: bigint): Buffer {
  const duration = BigInt.asIntN(64, dayNs * days);
  return sequence(time(nowMs), time(nowMs + Number(duration / nsPerMs)));
}

interface Algorithm {
  readonly identifier: Buffer;
  /** None for Ed25519. */
  readonly hash: "sha256" | "sha384" | "sha512" | null;
}

const ecdsa = (arc: number, hash: "sha256" | "sha384" | "sha512"): Algorithm => ({
  identifier: sequence(oid(`1.2.840.10045.4.3.${arc}`)),
  hash,
});

function algorithmOf({ kind, key }: PrivateKey): Algorithm {
  switch (kind) {
    case "rsa":
      return { identifier: sequence(oid("1.2.840.113549.1.1.11"), nothing()), hash: "sha256" };
    case "ed25519":
      return { identifier: sequence(oid("1.3.101.112")), hash: null };
    case "ec": {
      const curve = key.asymmetricKeyDetails?.namedCurve;
      if (curve === "secp384r1") return ecdsa(3, "sha384");
      return curve === "secp521r1" ? ecdsa(4, "sha512") : ecdsa(2, "sha256");
    }
    default:
      return fail("x509: certificate private key does not implement crypto.Signer");
  }
}

function publicKeyDer(key: PrivateKey): Buffer {
  if (key.kind === "dsa") fail("x509: unsupported public key type: *dsa.PublicKey");
  if (key.kind === "x25519") fail("x509: unsupported public key type: *ecdh.PublicKey");
  return spkiOf(publicKeyOf(key));
}

/** The leftmost 160 bits of the key's SHA-256 (RFC 7093). */
function keyIdOf(spki: Buffer): Buffer {
  const info = new DerReader(spki).inside()!;
  info.element();
  return createHash("sha256")
    .update(bitsOf(info.content(tags.bitString))!)
    .digest()
    .subarray(0, 20);
}

const extension = (id: string, content: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [element(tags.boolean, Buffer.of(0xff))] : []), octets(content));

/** digitalSignature, keyEncipherment and, for a CA, keyCertSign. */
const usage = (isCa: boolean): Buffer =>
  element(tags.bitString, isCa ? Buffer.of(2, 0b1010_0100) : Buffer.of(5, 0b1010_0000));

/** serverAuth and clientAuth. */
const purposes = (): Buffer => sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"));

function extensionsOf(wanted: NewCertificate, spki: Buffer, authority: Buffer | undefined): Buffer {
  const { isCa, dns, ips, name } = wanted;
  const list = [
    extension("2.5.29.15", usage(isCa), true),
    extension("2.5.29.37", purposes()),
    extension("2.5.29.19", sequence(...(isCa ? [element(tags.boolean, Buffer.of(0xff))] : [])), true),
  ];
  if (isCa) list.push(extension("2.5.29.14", octets(keyIdOf(spki))));
  if (authority) list.push(extension("2.5.29.35", sequence(element(contextBytes(0), authority))));
  if (dns.length + ips.length > 0) list.push(extension("2.5.29.17", writeOtherNames(dns, ips), name === ""));
  return element(context(3), sequence(...list));
}

const signature = (tbs: Buffer, hash: Algorithm["hash"], key: KeyObject): Buffer => bits(sign(hash, tbs, key));

/** The certificate in DER, for the subject's key, signed with the issuer's. */
export function createCertificate(
  ctx: CallContext,
  wanted: NewCertificate,
  subjectKey: PrivateKey,
  signer: { readonly key: PrivateKey; readonly issuer?: Issuer },
): Buffer {
  const { key, issuer } = signer;
  const { identifier, hash } = algorithmOf(key);
  const spki = publicKeyDer(subjectKey);
  const subject = commonName(wanted.name);
  const issuerName = issuer?.rawSubject ?? subject;
  if (issuer && !issuer.publicKey.equals(spkiOf(publicKeyOf(key))))
    fail("x509: provided PrivateKey doesn't match parent's PublicKey");
  const authority = issuerName.equals(subject) ? undefined : issuer?.subjectKeyId;
  const tbs = sequence(
    element(context(0), integer(2)),
    unsigned(ctx.randomBytes(16)),
    identifier,
    issuerName,
    validity(ctx.nowMs(), wanted.days),
    subject,
    spki,
    extensionsOf(wanted, spki, authority),
  );
  return sequence(tbs, identifier, signature(tbs, hash, key.key));
}
