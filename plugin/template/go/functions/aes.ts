/** sprig's AES-256 in CBC mode: the password's first 32 bytes are the key, the IV stands before the ciphertext. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { fail, secret } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn, volatile } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf, fromBytes } from "../text.ts";
import { stringType } from "../types.ts";
import { decodedBase64 } from "./base64.ts";
import { scan } from "./costs.ts";

const blockBytes = 16;

function keyOf(password: GoString): Buffer {
  const key = Buffer.alloc(32);
  bytesOf(password).copy(key);
  return key;
}

function encrypt(password: GoString, text: GoString, ctx: CallContext): GoString {
  if (text === "") return text;
  scan(ctx, text);
  ctx.produce(Math.ceil(((text.length + 2 * blockBytes) * 4) / 3));
  const iv = ctx.randomBytes(blockBytes);
  const cipher = createCipheriv("aes-256-cbc", keyOf(password), iv);
  return ascii(Buffer.concat([iv, cipher.update(bytesOf(text)), cipher.final()]).toString("base64"));
}

/** Go's index and slice panics are what tells of a text that is no such ciphertext. */
function decrypt(password: GoString, text: GoString, ctx: CallContext): GoString {
  if (text === "") return text;
  const crypt = decodedBase64(ctx, text);
  if (crypt.length < blockBytes) {
    const capacity = Math.floor(text.length / 4) * 3;
    const past = `runtime error: slice bounds out of range`;
    fail(capacity < blockBytes ? `${past} [:16] with capacity ${capacity}` : `${past} [16:${crypt.length}]`);
  }
  const blocks = crypt.subarray(blockBytes);
  if (blocks.length % blockBytes !== 0) fail("crypto/cipher: input not full blocks");
  if (blocks.length === 0) fail("runtime error: index out of range [-1]");
  const decipher = createDecipheriv("aes-256-cbc", keyOf(password), crypt.subarray(0, blockBytes)).setAutoPadding(
    false,
  );
  const plain = Buffer.concat([decipher.update(blocks), decipher.final()]);
  const length = plain.length - plain.at(-1)!;
  if (length < 0) fail(`runtime error: slice bounds out of range [:${secret(String(length))}]`);
  return fromBytes(plain.subarray(0, length));
}

export const aesFunctions: FunctionTable = {
  encryptAES: volatile(fn([stringType, stringType], ([password, text], ctx) => encrypt(password, text, ctx))),
  decryptAES: fn([stringType, stringType], ([password, text], ctx) => decrypt(password, text, ctx)),
};
