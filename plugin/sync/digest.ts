/**
 * The proof that a Secret is still what was last written: an HMAC under a key that only the sync role can read.
 *
 * It covers the Secret's place, its type, the list of what is ours, and the value of each of those parts; what others
 * put beside them (Merge targets) is theirs. The unkeyed data hash is left out, as it covers foreign keys too.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { dataHashAnnotation, takesWhole } from "./secret-shape.ts";
import type { OwnParts, SecretObject } from "./ports.ts";

/** Lower hex HMAC-SHA-256. */
export function digestOf(secret: SecretObject, own: OwnParts, digestKey: Buffer): string {
  const head = canonicalJson({
    namespace: secret.namespace,
    name: secret.name,
    own,
    type: takesWhole(own.policy) ? secret.type : undefined,
    immutable: own.immutable ? secret.immutable : undefined,
    labels: own.labels.map((name) => textOf(secret.labels, name)),
    annotations: own.annotations
      .filter((name) => name !== dataHashAnnotation)
      .map((name) => textOf(secret.annotations, name)),
  });
  const mac = createHmac("sha256", digestKey).update(`${Buffer.byteLength(head)}:${head}`);
  for (const key of own.keys) {
    const value = secret.data.get(key);
    // Lengths in front of the bytes: no two different Secrets feed the same stream.
    mac.update(value ? `${value.byteLength}:` : "-");
    if (value) mac.update(value.reveal());
  }
  return mac.digest("hex");
}

function textOf(texts: Readonly<Record<string, string>>, name: string): string | null {
  return Object.hasOwn(texts, name) ? texts[name]! : null;
}

/** True when every part that was ours is exactly as it was written. */
export function isAsWritten(
  secret: SecretObject,
  written: { readonly digest: string; readonly own: OwnParts },
  digestKey: Buffer,
): boolean {
  const expected = Buffer.from(digestOf(secret, written.own, digestKey));
  const recorded = Buffer.from(written.digest);
  return expected.length === recorded.length && timingSafeEqual(expected, recorded);
}
