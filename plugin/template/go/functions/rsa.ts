/** Decryption with an RSA key. */
import { constants, privateDecrypt } from "node:crypto";
import { fail, GoError, secret } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { bytesOf, fromBytes } from "../text.ts";
import { stringType } from "../types.ts";
import { scan } from "./costs.ts";
import { parsePrivateKey } from "./keys-parse.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { pemBlockAt } from "./pem-blocks.ts";

/** Any other word means SHA-256. */
const hashes: ReadonlyMap<string, string> = new Map([
  ["SHA1", "sha1"],
  ["SHA512", "sha512"],
]);

function keyIn(ctx: CallContext, pem: GoString): PrivateKey {
  const found = pemBlockAt(ctx, pem) ?? fail("failed to decode PEM block");
  try {
    return parsePrivateKey(found.block.bytes);
  } catch (thrown) {
    if (thrown instanceof GoError) fail(`could not parse private key: ${thrown.message}`);
    throw thrown;
  }
}

/** About what a private operation costs beside the work of other functions. */
const slowSteps = 100;

function rsaDecrypt(ctx: CallContext, scheme: GoString, hash: GoString, encrypted: GoString, pem: GoString): GoString {
  scan(ctx, encrypted);
  if (scheme === "None") return encrypted;
  if (scheme !== "RSA-OAEP") fail(`decryption scheme ${secret(scheme)} is not supported`);
  const { kind, key } = keyIn(ctx, pem);
  if (kind !== "rsa") fail("could not parse RSA private key");
  ctx.charge(slowSteps);
  const oaepHash = hashes.get(hash) ?? "sha256";
  try {
    return fromBytes(privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytesOf(encrypted)));
  } catch {
    // What exactly is wrong would help whoever guesses at ciphertexts.
    return fail("error decrypting data with RSA: crypto/rsa: decryption error");
  }
}

export const rsaFunctions: FunctionTable = {
  rsaDecrypt: fn([stringType, stringType, stringType, stringType], ([scheme, hash, encrypted, pem], ctx) =>
    rsaDecrypt(ctx, scheme, hash, encrypted, pem),
  ),
};
