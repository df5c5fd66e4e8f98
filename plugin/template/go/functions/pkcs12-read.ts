/**
 * PKCS#12 files, read as go-pkcs12 reads them: DER, one key, at least one certificate of which the first is the key's.
 *
 * Fails with that library's texts.
 */
import { fail, GoError, secret } from "../errors.ts";
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { bytesOf } from "../text.ts";
import { asn1Problem } from "./asn1-problems.ts";
import { context, contextBytes, DerReader, tags } from "./der-read.ts";
import { parsePkcs8 } from "./keys-parse.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { algorithmOf, decrypt, passwordOf } from "./pkcs12-ciphers.ts";
import type { Password } from "./pkcs12-ciphers.ts";
import { checkedPassword, readMac } from "./pkcs12-mac.ts";
import { oids } from "./pkcs12-oids.ts";
import { parseCertificate } from "./x509-read.ts";
import type { Certificate } from "./x509-read.ts";

export interface Chain {
  readonly key: PrivateKey;
  /** The key's certificate first; then the others as the file has them. */
  readonly certificates: readonly Certificate[];
}

interface Content {
  readonly type: string;
  readonly reader: DerReader;
}

const broken = (): never => fail("asn1: structure error");

function wrapping<Result>(prefix: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof GoError) fail(prefix + thrown.message);
    throw thrown;
  }
}

/** ContentInfo: a type and what is in its [0]. */
function contentOf(reader: DerReader): Content {
  const info = reader.inside() ?? broken();
  const type = info.oid() ?? broken();
  return { type, reader: info.inside(context(0)) ?? broken() };
}

function openFile(der: Buffer): { readonly authSafe: Buffer; readonly mac: ReturnType<typeof readMac> | undefined } {
  const whole = new DerReader(der);
  const reader = whole.inside() ?? fail(`pkcs12: error reading P12 data: ${asn1Problem(der, "pfxPdu")}`);
  if (!whole.done) fail("pkcs12: error reading P12 data: pkcs12: trailing data found");
  const inside = wrapping("pkcs12: error reading P12 data: ", () => {
    const version = reader.integer() ?? broken();
    return { version, content: contentOf(reader), mac: reader.done ? undefined : readMac(reader.inside() ?? broken()) };
  });
  if (inside.version !== 3) fail("pkcs12: can only decode v3 PFX PDU's");
  if (inside.content.type !== oids.data) fail("pkcs12: only password-protected PFX is implemented");
  return { authSafe: inside.content.reader.content(tags.octetString) ?? broken(), mac: inside.mac };
}

/** The safe contents of one of the file's parts, decrypted where it is encrypted. */
function safeContents(meter: Meter, { type, reader }: Content, password: Password): Buffer {
  if (type === oids.data) return reader.content(tags.octetString) ?? broken();
  if (type !== oids.encryptedData)
    fail("pkcs12: only data and encryptedData content types are supported in authenticated safe");
  const encrypted = reader.inside() ?? broken();
  if (encrypted.integer() !== 0) fail("pkcs12: only version 0 of EncryptedData is supported");
  const info = encrypted.inside() ?? broken();
  info.oid();
  const algorithm = algorithmOf(info.inside());
  return decrypt(meter, algorithm, password, info.content(contextBytes(0)) ?? Buffer.alloc(0));
}

interface Bag {
  readonly type: string;
  readonly value: Buffer;
}

function bagsIn(meter: Meter, contents: Buffer): Bag[] {
  const reader = new DerReader(contents).inside() ?? fail(asn1Problem(contents, ""));
  const bags: Bag[] = [];
  while (!reader.done) {
    meter.charge(1);
    const bag = reader.inside() ?? broken();
    bags.push({ type: bag.oid() ?? broken(), value: bag.content(context(0)) ?? broken() });
  }
  return bags;
}

function certificateIn(value: Buffer): Certificate {
  const reader =
    new DerReader(value).inside() ?? fail(`pkcs12: error decoding cert bag: ${asn1Problem(value, "certBag")}`);
  if (reader.oid() !== oids.x509Certificate) fail("pkcs12: only X509 certificates are supported in cert bags");
  const data = reader.inside(context(0))?.content(tags.octetString);
  return parseCertificate(data ?? fail("pkcs12: error decoding cert bag: asn1: structure error"));
}

function shroudedKeyIn(meter: Meter, value: Buffer, password: Password): PrivateKey {
  const reader =
    new DerReader(value).inside() ??
    fail(`pkcs12: error decoding PKCS#8 shrouded key bag: ${asn1Problem(value, "encryptedPrivateKeyInfo")}`);
  const plain = wrapping("pkcs12: error decrypting PKCS#8 shrouded key bag: ", () => {
    const algorithm = algorithmOf(reader.inside());
    return decrypt(meter, algorithm, password, reader.content(tags.octetString) ?? Buffer.alloc(0));
  });
  return wrapping("pkcs12: error parsing PKCS#8 private key: ", () => parsePkcs8(plain));
}

function allBags(meter: Meter, file: GoString, given: GoString): { readonly bags: Bag[]; readonly password: Password } {
  const unchecked = passwordOf(given);
  const { authSafe, mac } = openFile(bytesOf(file));
  const password = checkedPassword(meter, mac, authSafe, unchecked);
  const list = new DerReader(authSafe).inside() ?? fail(asn1Problem(authSafe, ""));
  const contents: Content[] = [];
  while (!list.done) contents.push(contentOf(list));
  if (contents.length < 1 || contents.length > 2)
    fail(
      `pkcs12: expected between 1 and 2 items in the authenticated safe, but this file has ${secret(String(contents.length))}`,
    );
  return { password, bags: contents.flatMap((content) => bagsIn(meter, safeContents(meter, content, password))) };
}

/** pkcs12.DecodeChain */
export function readPkcs12(meter: Meter, file: GoString, given: GoString): Chain {
  const { bags, password } = allBags(meter, file, given);
  const certificates: Certificate[] = [];
  let key: PrivateKey | undefined;
  for (const { type, value } of bags) {
    if (type === oids.certBag) certificates.push(certificateIn(value));
    if (type !== oids.keyBag && type !== oids.shroudedKeyBag) continue;
    if (key) fail("pkcs12: expected exactly one key bag");
    key = type === oids.keyBag ? parsePkcs8(value) : shroudedKeyIn(meter, value, password);
  }
  if (certificates.length === 0) fail("pkcs12: certificate missing");
  return { key: key ?? fail("pkcs12: private key missing"), certificates };
}
