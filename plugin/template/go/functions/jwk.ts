/** JSON Web Keys as PEM: PKIX for public keys, PKCS#8 for private ones. */
import { createPublicKey } from "node:crypto";
import { fail, GoError, secret } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { stringType } from "../types.ts";
import { bits, integer, nothing, octets, oid, sequence, unsigned } from "./der-write.ts";
import { parseJwk } from "./jwk-parse.ts";
import type { Jwk } from "./jwk-parse.ts";
import { ecKey, parsePkcs1, parsePkcs8 } from "./keys-parse.ts";
import { pkcs8Of, publicKeyOf, spkiOf } from "./keys-write.ts";
import { pemText } from "./pem-blocks.ts";

interface Curve {
  /** As Go's errors call it. */
  readonly name: string;
  readonly oid: string;
  readonly bytes: number;
}

const curves: ReadonlyMap<string, Curve> = new Map([
  ["P-256", { name: "P256", oid: "1.2.840.10045.3.1.7", bytes: 32 }],
  ["P-384", { name: "P384", oid: "1.3.132.0.34", bytes: 48 }],
  ["P-521", { name: "P521", oid: "1.3.132.0.35", bytes: 66 }],
]);

const ecOid = "1.2.840.10045.2.1";
const rsaAlgorithm = (): Buffer => sequence(oid("1.2.840.113549.1.1.1"), nothing());
const ed25519Algorithm = (): Buffer => sequence(oid("1.3.101.112"));

const wrongCurve = (curve: GoString): never =>
  fail(`failed to build public key: invalid curve algorithm ${secret(curve)}`);

/** What Go calls the key when it cannot write it. */
function goType({ type, curve, isPrivate }: Jwk): string {
  if (type === "oct") return "[]uint8";
  const part = isPrivate ? "PrivateKey" : "PublicKey";
  if (type === "OKP") return `${curve.toLowerCase()}.${part}`;
  return `*${type === "RSA" ? "rsa" : "ecdsa"}.${part}`;
}

function curveOf({ type, curve }: Jwk): Curve | undefined {
  if (type === "EC") return curves.get(curve) ?? wrongCurve(curve);
  if (type === "OKP" && curve !== "Ed25519" && curve !== "X25519") wrongCurve(curve);
  return undefined;
}

/** A coordinate in as many bytes as its curve has. */
function padded(bytes: Buffer, { name, bytes: length }: Curve): Buffer {
  if (bytes.length > length) fail(`${name} point not on curve`);
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}

function ecPublic(jwk: Jwk, curve: Curve): Buffer {
  const point = Buffer.concat([Buffer.of(4), padded(jwk.bytes("x"), curve), padded(jwk.bytes("y"), curve)]);
  const spki = sequence(sequence(oid(ecOid), oid(curve.oid)), bits(point));
  try {
    createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch {
    fail(`${curve.name} point not on curve`);
  }
  return spki;
}

/** SubjectPublicKeyInfo */
function publicDer(jwk: Jwk): Buffer {
  const curve = curveOf(jwk);
  checkEd25519(jwk);
  if (jwk.isPrivate || jwk.type === "oct" || jwk.curve === "X25519")
    fail(`x509: unsupported public key type: ${goType(jwk)}`);
  if (curve) return ecPublic(jwk, curve);
  if (jwk.type === "RSA")
    return sequence(rsaAlgorithm(), bits(sequence(unsigned(jwk.bytes("n")), unsigned(jwk.bytes("e")))));
  return sequence(ed25519Algorithm(), bits(jwk.bytes("x")));
}

/** The seed must be the one of the public key that stands beside it. */
function checkEd25519(jwk: Jwk): void {
  if (jwk.curve !== "Ed25519" || !jwk.isPrivate) return;
  if (jwk.bytes("d").length !== 32) fail("failed to build public key: wrong private key size");
  const key = parsePkcs8(ed25519Private(jwk));
  const own = sequence(ed25519Algorithm(), bits(jwk.bytes("x")));
  if (!spkiOf(publicKeyOf(key)).equals(own)) fail("failed to build public key: invalid x value given d value");
}

const ed25519Private = (jwk: Jwk): Buffer => sequence(integer(0), ed25519Algorithm(), octets(octets(jwk.bytes("d"))));

const numberOf = (bytes: Buffer): bigint => BigInt(`0x0${bytes.toString("hex")}`);
const bytesOfNumber = (value: bigint): Buffer => {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
};

/** The number whose product with `value` leaves 1; 0 where there is none. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [before, now] = [modulus, value % modulus];
  let [old, factor] = [0n, 1n];
  while (now > 0n) {
    const times = before / now;
    [before, now] = [now, before - times * now];
    [old, factor] = [factor, old - times * factor];
  }
  return before === 1n ? ((old % modulus) + modulus) % modulus : 0n;
}

/** Larger moduli are only there to keep a processor busy; OpenSSL stops here too. */
const largestModulusBytes = 2_048;

function rsaPrivate(ctx: CallContext, jwk: Jwk): Buffer {
  if (!jwk.has("p") || !jwk.has("q")) fail("modulus must be > 1");
  const [n, e, d, p, q] = ["n", "e", "d", "p", "q"].map((name) => {
    const bytes = jwk.bytes(name);
    if (bytes.length > largestModulusBytes) fail("crypto/rsa: modulus is too large");
    return numberOf(bytes);
  }) as [bigint, bigint, bigint, bigint, bigint];
  ctx.charge(100);
  if (n <= 1n) fail("modulus must be > 1");
  if (p <= 1n || q <= 1n || p * q !== n) fail("crypto/rsa: invalid primes");
  if (e < 2n) fail("crypto/rsa: public exponent too small or negative");
  if ((d * e) % (p - 1n) !== 1n || (d * e) % (q - 1n) !== 1n) fail("crypto/rsa: invalid CRT exponent");
  const numbers = [n, e, d, p, q, d % (p - 1n), d % (q - 1n), inverse(q, p)];
  const key = parsePkcs1(sequence(integer(0), ...numbers.map((value) => unsigned(bytesOfNumber(value)))));
  return pkcs8Of(key);
}

/** PKCS#8 */
function privateDer(ctx: CallContext, jwk: Jwk): Buffer {
  const curve = curveOf(jwk);
  checkEd25519(jwk);
  if (!jwk.isPrivate || jwk.curve === "X25519") fail(`x509: unknown key type while marshaling PKCS#8: ${goType(jwk)}`);
  if (jwk.type === "RSA") return rsaPrivate(ctx, jwk);
  if (!curve) return ed25519Private(jwk);
  return ecPrivate(jwk, curve);
}

function ecPrivate(jwk: Jwk, curve: Curve): Buffer {
  try {
    ecPublic(jwk, curve);
    return pkcs8Of(ecKey(curve.oid, padded(jwk.bytes("d"), curve)));
  } catch (thrown) {
    if (thrown instanceof GoError)
      fail(`x509: failed to marshal EC private key while building PKCS#8: ${thrown.message}`);
    throw thrown;
  }
}

export const jwkFunctions: FunctionTable = {
  jwkPublicKeyPem: fn([stringType], ([text], ctx) => pemText(ctx, ascii("PUBLIC KEY"), publicDer(parseJwk(ctx, text)))),
  jwkPrivateKeyPem: fn([stringType], ([text], ctx) =>
    pemText(ctx, ascii("PRIVATE KEY"), privateDer(ctx, parseJwk(ctx, text))),
  ),
};
