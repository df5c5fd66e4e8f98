/** Digests that cannot be guessed at without the key, over parts that cannot be shifted into one another. */
import { createHmac } from "node:crypto";
import type { SecretValue } from "../core/secret-value.ts";

/** Hex HMAC-SHA-256 of the parts in this order, each with its length in front. */
export function keyedDigest(key: Uint8Array, parts: readonly (string | SecretValue)[]): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : part.reveal();
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return hmac.digest("hex");
}
