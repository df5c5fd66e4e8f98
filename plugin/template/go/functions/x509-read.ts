/** What templates need to know of an X.509 certificate, and Go's complaints about what is none. */
import { fail, secret } from "../errors.ts";
import { bitsOf, context, contextBytes, DerReader, tags } from "./der-read.ts";
import type { Attribute } from "./x509-names.ts";
import { parseName } from "./x509-names.ts";
import type { OtherNames } from "./x509-sans.ts";
import { noNames, readOtherNames } from "./x509-sans.ts";

export interface Certificate {
  readonly raw: Buffer;
  readonly subject: readonly Attribute[];
  /** The subject in DER. */
  readonly rawSubject: Buffer;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer;
  readonly subjectKeyId?: Buffer;
  readonly authorityKeyId?: Buffer;
  readonly otherNames: OtherNames;
}

const malformed = (what: string): never => fail(`x509: malformed ${what}`);

interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

function readExtension(reader: DerReader): Extension {
  const id = reader.oid() ?? malformed("extension OID field");
  const critical = reader.content(tags.boolean)?.[0] === 0xff;
  const value = reader.content(tags.octetString) ?? malformed("extension value field");
  return { id, critical, value };
}

function readExtensions(tbs: DerReader): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  tbs.element(contextBytes(1));
  tbs.element(contextBytes(2));
  const wrapped = tbs.inside(context(3));
  if (!wrapped) return found;
  const list = wrapped.inside() ?? malformed("extensions");
  while (!list.done) {
    const extension = readExtension(list.inside() ?? malformed("extension"));
    if (found.has(extension.id))
      fail(`x509: certificate contains duplicate extension with OID "${secret(extension.id)}"`);
    found.set(extension.id, extension);
  }
  return found;
}

function subjectKeyId({ critical, value }: Extension): Buffer {
  if (critical) fail("x509: subject key identifier incorrectly marked critical");
  return new DerReader(value).content(tags.octetString) ?? fail("x509: invalid subject key identifier");
}

function authorityKeyId({ critical, value }: Extension): Buffer | undefined {
  if (critical) fail("x509: authority key identifier incorrectly marked critical");
  const inside = new DerReader(value).inside() ?? fail("x509: invalid authority key identifier");
  return inside.content(contextBytes(0));
}

/** What the extensions say. */
function identity(extensions: ReadonlyMap<string, Extension>): Partial<Certificate> & { otherNames: OtherNames } {
  const own = extensions.get("2.5.29.14");
  const issuer = extensions.get("2.5.29.35");
  const names = extensions.get("2.5.29.17");
  const issuerId = issuer && authorityKeyId(issuer);
  return {
    otherNames: names ? readOtherNames(names.value) : noNames(),
    ...(own && { subjectKeyId: subjectKeyId(own) }),
    ...(issuerId && { authorityKeyId: issuerId }),
  };
}

/** One of the first fields: 1 to 3. */
function readVersion(tbs: DerReader): number {
  const wrapped = tbs.inside(context(0));
  if (!wrapped) return 1;
  const version = (wrapped.integer() ?? malformed("version")) + 1;
  if (version < 1) malformed("version");
  if (version > 3) fail("x509: invalid version");
  return version;
}

function checkAlgorithms(inner: Buffer, outer: Buffer): void {
  if (!inner.equals(outer)) fail("x509: inner and outer signature algorithm identifiers don't match");
  if (new DerReader(inner).oid() === undefined) malformed("algorithm identifier");
}

function checkTimes(validity: DerReader): void {
  for (let count = 0; count < 2; count++)
    if (!validity.element(tags.utcTime) && !validity.element(tags.generalizedTime))
      fail("x509: unsupported time format");
}

/** x509.ParseCertificate */
export function parseCertificate(der: Buffer): Certificate {
  const raw = new DerReader(der).element(tags.sequence)?.whole ?? malformed("certificate");
  if (raw.length < der.length) fail("x509: trailing data");
  const outer = new DerReader(raw).inside()!;
  const tbs = outer.inside() ?? malformed("tbs certificate");
  const version = readVersion(tbs);
  const serial = tbs.content(tags.integer) ?? malformed("serial number");
  if (serial.length === 0) malformed("serial number");
  if (serial[0]! >= 0x80) fail("x509: negative serial number");
  const inner = tbs.content(tags.sequence) ?? malformed("signature algorithm identifier");
  checkAlgorithms(inner, outer.content(tags.sequence) ?? malformed("algorithm identifier"));
  parseName(tbs.element(tags.sequence)?.whole ?? malformed("issuer"));
  checkTimes(tbs.inside() ?? malformed("validity"));
  const rawSubject = tbs.element(tags.sequence)?.whole ?? malformed("issuer");
  const subject = parseName(rawSubject);
  const publicKey = tbs.element(tags.sequence)?.whole ?? malformed("spki");
  const keyInfo = new DerReader(publicKey).inside()!;
  if (keyInfo.inside()?.oid() === undefined) malformed("public key algorithm identifier");
  if (!bitsOf(keyInfo.content(tags.bitString))) malformed("subjectPublicKey");
  const extensions = version === 3 ? readExtensions(tbs) : new Map<string, Extension>();
  const known = identity(extensions);
  if (!outer.element(tags.bitString)) malformed("signature");
  return { raw, subject, rawSubject, publicKey, ...known };
}
