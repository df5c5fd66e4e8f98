/** Private keys from DER, with Go's complaints about what is none. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { fail, GoError, secret } from "../errors.ts";
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { asn1Problem } from "./asn1-problems.ts";
import { bitsOf, context, DerReader, tags } from "./der-read.ts";
import { bits, element, integer, octets, oid, sequence } from "./der-write.ts";
import { pemBlockAt } from "./pem-blocks.ts";

export type KeyKind = "rsa" | "ec" | "ed25519" | "x25519" | "dsa";

export interface PrivateKey {
  readonly kind: KeyKind;
  readonly key: KeyObject;
}

const kinds: ReadonlyMap<string, KeyKind> = new Map([
  ["1.2.840.113549.1.1.1", "rsa"],
  ["1.2.840.10045.2.1", "ec"],
  ["1.3.101.112", "ed25519"],
  ["1.3.101.110", "x25519"],
]);

/** The curves that Go knows, by their OIDs. */
const curves: ReadonlySet<string> = new Set(["1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"]);

type Shape = "pkcs1" | "pkcs8" | "sec1";

/** Which of the three forms the DER has, judged by its first elements. */
function shapeOf(der: Buffer): Shape | undefined {
  const inside = new DerReader(der).inside();
  if (inside?.element(tags.integer) === undefined) return undefined;
  if (inside.element(tags.octetString)) return "sec1";
  if (inside.inside(tags.sequence)?.oid() !== undefined) return inside.element(tags.octetString) && "pkcs8";
  for (let count = 1; count < 6; count++) if (!inside.element(tags.integer)) return undefined;
  return "pkcs1";
}

const parserOf: Readonly<Record<Shape, string>> = {
  pkcs1: "ParsePKCS1PrivateKey",
  pkcs8: "ParsePKCS8PrivateKey",
  sec1: "ParseECPrivateKey",
};

const structOf: Readonly<Record<Shape, string>> = { pkcs1: "pkcs1PrivateKey", pkcs8: "pkcs8", sec1: "ecPrivateKey" };

/** Fails unless the DER has the shape. */
function checkShape(der: Buffer, shape: Shape): void {
  const found = shapeOf(der);
  if (found === shape) return;
  if (found) fail(`x509: failed to parse private key (use ${parserOf[found]} instead for this key format)`);
  const problem = asn1Problem(der, structOf[shape]);
  fail(shape === "sec1" ? `x509: failed to parse EC private key: ${problem}` : problem);
}

function opened(der: Buffer, type: Shape, kind: KeyKind, problem: string): PrivateKey {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: der, format: "der", type });
  } catch {
    return fail(problem);
  }
  return key.asymmetricKeyType === kind ? { kind, key } : fail(problem);
}

/** x509.ParsePKCS1PrivateKey */
export function parsePkcs1(der: Buffer): PrivateKey {
  checkShape(der, "pkcs1");
  if (new DerReader(der).element()!.whole.length < der.length) fail("asn1: syntax error: trailing data");
  return opened(der, "pkcs1", "rsa", "crypto/rsa: invalid key");
}

/** x509.ParseECPrivateKey; the curve of a PKCS#8 file around it wins over its own. */
export function parseSec1(der: Buffer, outerCurve?: string): PrivateKey {
  checkShape(der, "sec1");
  const reader = new DerReader(der).inside()!;
  const version = reader.integer();
  if (version !== 1) fail(`x509: unknown EC private key version ${secret(String(version))}`);
  const scalar = reader.content(tags.octetString)!;
  const curve = outerCurve ?? reader.inside(context(0))?.oid();
  if (curve === undefined || !curves.has(curve)) fail("x509: unknown elliptic curve");
  return ecKey(curve, scalar);
}

/** From its number alone: a public key that stood beside it might not belong to it. */
export function ecKey(curve: string, scalar: Buffer): PrivateKey {
  if (scalar.every((byte) => byte === 0)) fail("ecdsa: private key scalar is zero or negative");
  const open = (...rest: Buffer[]): PrivateKey => {
    const algorithm = sequence(oid("1.2.840.10045.2.1"), oid(curve));
    const info = sequence(integer(0), algorithm, octets(sequence(integer(1), octets(scalar), ...rest)));
    return opened(info, "pkcs8", "ec", "crypto/ecdsa: invalid private key");
  };
  const spki = new DerReader(createPublicKey(open().key).export({ format: "der", type: "spki" })).inside()!;
  spki.element();
  return open(element(context(1), bits(bitsOf(spki.content(tags.bitString))!)));
}

function wrapping<Result>(prefix: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof GoError) fail(prefix + thrown.message);
    throw thrown;
  }
}

/** x509.ParsePKCS8PrivateKey */
export function parsePkcs8(der: Buffer): PrivateKey {
  checkShape(der, "pkcs8");
  const reader = new DerReader(der).inside()!;
  reader.integer();
  const algorithm = reader.inside()!;
  const name = algorithm.oid()!;
  const inner = reader.content(tags.octetString)!;
  const kind = kinds.get(name);
  if (kind === "rsa")
    return wrapping("x509: failed to parse RSA private key embedded in PKCS#8: ", () => parsePkcs1(inner));
  if (kind === "ec") {
    const curve = algorithm.oid();
    return wrapping("x509: failed to parse EC private key embedded in PKCS#8: ", () => parseSec1(inner, curve));
  }
  if (!kind) fail(`x509: PKCS#8 wrapping contained private key with unknown algorithm: ${secret(name)}`);
  const title = kind === "ed25519" ? "Ed25519" : "X25519";
  if (!algorithm.done) fail(`x509: invalid ${title} private key parameters`);
  const seed = new DerReader(inner).content(tags.octetString);
  if (!seed) fail(`x509: invalid ${title} private key: ${asn1Problem(inner, "")}`);
  if (seed.length !== 32) fail(`x509: invalid ${title} private key length: ${secret(String(seed.length))}`);
  return opened(der, "pkcs8", kind, `x509: invalid ${title} private key`);
}

/** A private key in any of the three forms. */
export function parsePrivateKey(der: Buffer): PrivateKey {
  for (const parse of [parsePkcs1, parsePkcs8, parseSec1])
    try {
      return parse(der);
    } catch (thrown) {
      if (!(thrown instanceof GoError)) throw thrown;
    }
  return fail("unable to parse private key type");
}

function parseDsa(der: Buffer): PrivateKey {
  const pem = `-----BEGIN DSA PRIVATE KEY-----\n${der.toString("base64")}\n-----END DSA PRIVATE KEY-----\n`;
  try {
    return { kind: "dsa", key: createPrivateKey(pem) };
  } catch {
    return fail(asn1Problem(der, "DSAKeyFormat"));
  }
}

/** sprig's reading of a PEM private key: the block's type says the form. */
export function parsePrivateKeyPem(meter: Meter, text: GoString): PrivateKey {
  const found = pemBlockAt(meter, text);
  if (!found) return fail("no PEM data in input");
  const { type, bytes } = found.block;
  if (type === "PRIVATE KEY") return wrapping("decoding PEM as PKCS#8: ", () => parsePkcs8(bytes));
  if (!type.endsWith(" PRIVATE KEY")) fail(`no private key data in PEM block of type ${secret(type)}`);
  const form = type.slice(0, -" PRIVATE KEY".length);
  if (form === "RSA") return wrapping("parsing RSA private key from PEM: ", () => parsePkcs1(bytes));
  if (form === "EC") return wrapping("parsing EC private key from PEM: ", () => parseSec1(bytes));
  if (form === "DSA") return wrapping("parsing DSA private key from PEM: ", () => parseDsa(bytes));
  return fail(`invalid private key type ${secret(type)}`);
}
