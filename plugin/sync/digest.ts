/**
 * The proof that a Secret is still what was last written: an HMAC under a key that only the sync role can read.
 *
 * It covers the Secret's place, its type, the list of what is ours, and the value of each of those parts; what others
 * put beside them (Merge targets) is theirs. The unkeyed data hash is left out, as it covers foreign keys too.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { dataHashAnnotation, takesWhole } from "./secret-shape.ts";
import type { ExternalSecretStatus, OwnParts, SecretObject } from "./ports.ts";

type Holding = NonNullable<ExternalSecretStatus["keyferry"]>;

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
  return macOf(head, secret, own, digestKey);
}

/** The same over the values alone: a Secret whose labels were edited can still stand in for its store. */
export function dataDigestOf(secret: SecretObject, own: OwnParts, digestKey: Buffer): string {
  const { namespace, name } = secret;
  return macOf(canonicalJson({ namespace, name, keys: own.keys }), secret, own, digestKey);
}

function macOf(head: string, secret: SecretObject, own: OwnParts, digestKey: Buffer): string {
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
  written: Pick<Holding, "digest" | "own">,
  digestKey: Buffer,
): boolean {
  return isSame(digestOf(secret, written.own, digestKey), written.digest);
}

/** True when every value that was ours is. */
export function hasWrittenValues(secret: SecretObject, written: Holding, digestKey: Buffer): boolean {
  if (isAsWritten(secret, written, digestKey)) return true;
  return written.dataDigest !== undefined && isSame(dataDigestOf(secret, written.own, digestKey), written.dataDigest);
}

function isSame(expected: string, recorded: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(recorded)];
  return a.length === b.length && timingSafeEqual(a, b);
}
