/** Digests of a text, in hexadecimal (adler32 in decimal). */
import { createHash } from "node:crypto";
import type { FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf } from "../text.ts";
import { stringType } from "../types.ts";
import { scan } from "./costs.ts";

const digest = (algorithm: "sha1" | "sha256" | "sha512") =>
  fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return ascii(createHash(algorithm).update(bytesOf(text)).digest("hex"));
  });

const modulus = 65_521;
/** So many bytes can be summed before a sum must be reduced to stay exact in 32 bits. */
const stride = 5_552;

function adler32(text: GoString): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < text.length;) {
    for (const end = Math.min(at + stride, text.length); at < end; at++) {
      low += text.charCodeAt(at);
      high += low;
    }
    low %= modulus;
    high %= modulus;
  }
  return high * 0x1_0000 + low;
}

export const hashFunctions: FunctionTable = {
  sha1sum: digest("sha1"),
  sha256sum: digest("sha256"),
  sha512sum: digest("sha512"),
  adler32sum: fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return ascii(String(adler32(text)));
  }),
};
