/**
 * New PKCS#12 files, of go-pkcs12's "modern" kind: AES-256-CBC under PBKDF2 with SHA-256 (PBES2), a SHA-256 code, 2,048
 * rounds each. What OpenSSL 1.1.1, Java 12, Windows Server 2019 and later read.
 */
import { createHash } from "node:crypto";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { context, contextBytes, tags } from "./der-read.ts";
import { element, integer, octets, oid, sequence, setOf } from "./der-write.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { pkcs8Of } from "./keys-write.ts";
import { derive, encryptAes256, hmac, passwordOf, pbkdf2, purpose, wideText } from "./pkcs12-ciphers.ts";
import type { Password } from "./pkcs12-ciphers.ts";
import { oids } from "./pkcs12-oids.ts";
import { nameText } from "./x509-names.ts";
import type { Certificate } from "./x509-read.ts";

const rounds = 2_048;
const saltBytes = 16;

const contentInfo = (type: string, content: Buffer): Buffer => sequence(oid(type), element(context(0), content));

const attribute = (type: string, value: Buffer): Buffer => sequence(oid(type), setOf(value));

const bag = (type: string, value: Buffer, attributes: readonly Buffer[]): Buffer =>
  sequence(oid(type), element(context(0), value), setOf(...attributes));

const certificateBag = ({ raw }: Certificate, attributes: readonly Buffer[]): Buffer =>
  bag(oids.certBag, sequence(oid(oids.x509Certificate), element(context(0), octets(raw))), attributes);

interface Sealed {
  readonly algorithm: Buffer;
  readonly encrypted: Buffer;
}

function seal(ctx: CallContext, password: Password, plain: Buffer): Sealed {
  ctx.produce(plain.length);
  const salt = ctx.randomBytes(saltBytes);
  const iv = ctx.randomBytes(16);
  const derivation = sequence(octets(salt), integer(rounds), sequence(oid(oids.hmacSha256)));
  const scheme = sequence(oid(oids.aes256), octets(iv));
  const algorithm = sequence(oid(oids.pbes2), sequence(sequence(oid(oids.pbkdf2), derivation), scheme));
  const key = pbkdf2(ctx, { hash: "sha256", salt, rounds }, password.utf8, 32);
  return { algorithm, encrypted: encryptAes256(key, iv, plain) };
}

function encryptedContents(ctx: CallContext, password: Password, bags: readonly Buffer[]): Buffer {
  const { algorithm, encrypted } = seal(ctx, password, sequence(...bags));
  const info = sequence(oid(oids.data), algorithm, element(contextBytes(0), encrypted));
  return contentInfo(oids.encryptedData, sequence(integer(0), info));
}

function keyContents(ctx: CallContext, password: Password, key: PrivateKey, attributes: readonly Buffer[]): Buffer {
  const { algorithm, encrypted } = seal(ctx, password, pkcs8Of(key));
  const shrouded = bag(oids.shroudedKeyBag, sequence(algorithm, octets(encrypted)), attributes);
  return contentInfo(oids.data, octets(sequence(shrouded)));
}

/** The file around its parts, with the code over them. */
function fileOf(ctx: CallContext, password: Password, parts: readonly Buffer[]): Buffer {
  const authSafe = sequence(...parts);
  const salt = ctx.randomBytes(saltBytes);
  const what = { purpose: purpose.mac, bytes: 32 };
  const key = derive(ctx, { hash: "sha256", salt, rounds }, password.wide, what);
  const digest = sequence(sequence(oid(oids.sha256)), octets(hmac("sha256", key, authSafe)));
  const mac = sequence(digest, octets(salt), integer(rounds));
  return sequence(integer(3), contentInfo(oids.data, octets(authSafe)), mac);
}

/** A key with its certificate, and certificates of its issuers. */
export function writePkcs12(
  ctx: CallContext,
  key: PrivateKey,
  certificates: { readonly own: Certificate; readonly others: readonly Certificate[] },
  given: GoString,
): Buffer {
  const password = passwordOf(given);
  const { own, others } = certificates;
  const keyId = attribute(oids.localKeyId, octets(createHash("sha1").update(own.raw).digest()));
  const bags = [certificateBag(own, [keyId]), ...others.map((one) => certificateBag(one, []))];
  return fileOf(ctx, password, [encryptedContents(ctx, password, bags), keyContents(ctx, password, key, [keyId])]);
}

/** Certificates that Java trusts, each under its subject's name. */
export function writeTrustStore(ctx: CallContext, certificates: readonly Certificate[], given: GoString): Buffer {
  const password = passwordOf(given);
  const trusted = attribute(oids.javaTrustStore, oid(oids.anyExtendedKeyUsage));
  const bags = certificates.map((one) => {
    const name = element(tags.bmp, wideText(nameText(one.subject)));
    return certificateBag(one, [trusted, attribute(oids.friendlyName, name)]);
  });
  return fileOf(ctx, password, [encryptedContents(ctx, password, bags)]);
}
