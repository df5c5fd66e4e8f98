/**
 * The reasons for which sync leaves a target alone, each with its way out. All pure.
 *
 * Every refusal ends by itself when its reason ends: the next run decides anew.
 */
import { Failure } from "../core/failure.ts";
import { isSecretKey } from "../core/names.ts";
import { annotationsTooLarge, metadataProblem } from "./metadata-rules.ts";
import { endingNamespace, immutableTarget } from "./refused-write.ts";
import { createdBy, createdByLabel, managedLabel, takesWhole } from "./secret-shape.ts";
import { typeProblem } from "./secret-types.ts";
import { holdsType, type Write } from "./wanted-secret.ts";
import type { ExistingSecret, ObjectKey } from "./ports.ts";
import { isWithoutData, type Rival, type Seen, type Want } from "./situation.ts";

/** Whoever may write such a Secret can mint tokens: ExternalSecrets must not become that right. */
const refusedTypes = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];

/** The API server's limit for all values of one Secret together. */
const largestDataBytes = 1024 * 1024;

/** The Secret is one that this ExternalSecret made as its owner. */
export function isOurs(secret: ExistingSecret, { namespace, name }: ObjectKey): boolean {
  if (secret.foreignController !== undefined) return false;
  if (secret.owner !== undefined) return secret.owner === `${namespace}/${name}`;
  return secret.labels[createdByLabel] === createdBy({ namespace, name });
}

/** Whether the target may be touched at all. */
export function targetRefusal(seen: Seen, want: Want): Failure | undefined {
  const { secret, last, rivals } = seen;
  const { meta, spec } = want.externalSecret;
  const policy = spec.target.creationPolicy;
  const name = spec.target.name;
  if (secret && refusedTypes.includes(secret.type))
    return new Failure(
      "target_refused",
      `Secret ${name} has type ${secret.type}, which is never written; choose another spec.target.name`,
    );
  const other = secret && takesWhole(policy) ? otherController(seen, secret, meta) : undefined;
  if (other !== undefined) return conflict(name, other, "choose another spec.target.name or creationPolicy Merge");
  if (secret && !last && want.options.adopt === "Refuse" && secret.labels[managedLabel] !== "true")
    return new Failure(
      "target_refused",
      `Secret ${name} was not made by an ExternalSecret and keyferry.dev/adopt is Refuse; delete it or set Replace or Merge`,
    );
  return rivalRefusal(rivals, last?.own.keys, want);
}

/**
 * Whose the Secret is instead. Once we have owned it, only another ExternalSecret that wants this very Secret counts:
 * whoever edits a Secret could write any reference into it, and that must not end its repair.
 */
function otherController(seen: Seen, secret: ExistingSecret, self: ObjectKey): string | undefined {
  const wasOwned = seen.last?.own.policy === "Owner";
  if (secret.owner !== undefined && secret.owner !== `${self.namespace}/${self.name}`)
    return wasOwned && !seen.otherOwnerClaims ? undefined : `ExternalSecret ${secret.owner}`;
  return wasOwned ? undefined : secret.foreignController;
}

/**
 * Two ExternalSecrets never take turns on one key: whoever holds it keeps it, and where both hold it (they started at
 * one instant) the one that takes the whole Secret, then the first by name.
 */
function rivalRefusal(
  rivals: readonly Rival[],
  heldKeys: readonly string[] | undefined,
  want: Want,
): Failure | undefined {
  const { meta, spec } = want.externalSecret;
  const whole = takesWhole(spec.target.creationPolicy);
  for (const rival of rivals) {
    const rivalWhole = takesWhole(rival.own.policy);
    const shared = rival.own.keys.filter((key) => want.values.has(key));
    if (shared.length === 0 && !(whole && rivalWhole)) continue;
    const bothHold = heldKeys !== undefined && (whole || shared.every((key) => heldKeys.includes(key)));
    const mine = whole === rivalWhole ? meta.name < rival.name : whole;
    if (bothHold && mine) continue;
    const what = whole && rivalWhole ? "" : `key ${shared[0]} of `;
    return conflict(
      spec.target.name,
      `ExternalSecret ${meta.namespace}/${rival.name}`,
      "give one of them another target",
      what,
    );
  }
  return undefined;
}

function conflict(target: string, other: string, wayOut: string, what = ""): Failure {
  return new Failure("target_conflict", `${what}Secret ${target} belongs to ${other}; ${wayOut}`);
}

/** Whether the API server would take this write. `present` is what it replaces; absent for a creation. */
export function writeRefusal({ secret }: Write, present: ExistingSecret | undefined): Failure | undefined {
  const badKey = [...secret.data.keys()].find((key) => !isSecretKey(key));
  if (badKey !== undefined)
    return new Failure(
      "answer_invalid",
      `${JSON.stringify(badKey.slice(0, 60))} cannot be a key of a Secret: 1–253 letters, digits, "-", "_" or "."; use conversionStrategy Unicode or name the keys in spec.data`,
    );
  const totalBytes = [...secret.data.values()].reduce((sum, value) => sum + value.byteLength, 0);
  if (totalBytes > largestDataBytes)
    return new Failure(
      "target_too_large",
      `Secret ${secret.name} would hold ${totalBytes} bytes, more than the API server takes (${largestDataBytes}); spread the entries over several ExternalSecrets`,
    );
  if (annotationsTooLarge(secret.annotations))
    return new Failure(
      "target_too_large",
      `the annotations of Secret ${secret.name} would be larger than the API server takes (256 KiB); shorten those of the ExternalSecret`,
    );
  const problem = metadataProblem(secret.labels, secret.annotations);
  if (problem !== undefined)
    return new Failure("target_refused", `${problem}, or Secret ${secret.name} cannot be written`);
  return present?.immutable && !sameData(present, secret) ? immutableTarget(secret.name) : undefined;
}

/** A Secret of another type would have to be deleted first, and that is for its owner. */
export function typeRefusal({ type }: ExistingSecret, { secret }: Write, want: Want): Failure | undefined {
  if (type === secret.type || holdsType(want)) return undefined;
  return new Failure(
    "target_immutable",
    `Secret ${secret.name} has type ${type}, which cannot be changed to ${secret.type} in place; delete it, or use creationPolicy Owner`,
  );
}

/** What stands in the way of a Secret that is not there yet, or must go to be made anew. */
export function creationRefusal(
  { namespaceEnding }: Seen,
  { secret }: Write,
  { externalSecret }: Want,
): Failure | undefined {
  if (namespaceEnding) return endingNamespace(secret.namespace, secret.name);
  // A type that was taken over is not the ExternalSecret's to fill.
  const problem = externalSecret.spec.target.template?.type === undefined ? undefined : typeProblem(secret);
  return problem === undefined
    ? undefined
    : new Failure("target_refused", `${problem}, or Secret ${secret.name} cannot be written`);
}

function sameData(a: Pick<ExistingSecret, "data">, b: Pick<ExistingSecret, "data">): boolean {
  return a.data.size === b.data.size && [...a.data].every(([key, value]) => b.data.get(key)?.equals(value) ?? false);
}

/** Whether deletionPolicy Delete may delete this Secret. */
export function removalRefusal(secret: ExistingSecret | undefined, { externalSecret }: Want): Failure | undefined {
  const { meta, spec } = externalSecret;
  if (spec.target.creationPolicy !== "Owner")
    return new Failure(
      "target_refused",
      `deletionPolicy Delete needs creationPolicy Owner, not ${spec.target.creationPolicy}; the Secret stays`,
    );
  if (!secret || isOurs(secret, meta)) return undefined;
  return new Failure(
    "target_conflict",
    `all entries are gone at the store, but Secret ${spec.target.name} was not made by this ExternalSecret; it stays`,
  );
}

/** Something that was written goes because its source is gone, not because anybody changed a manifest. */
export function losesData({ last }: Seen, want: Want): boolean {
  if (!isWithoutData(want) && want.missing.length === 0) return false;
  return last?.own.keys.some((key) => !want.values.has(key)) ?? false;
}

/** The mass-deletion guard: a store that suddenly knows nothing must not empty a cluster. */
export function guardRefusal({ deletion }: Seen, { options, missing }: Want): Failure | undefined {
  if (options.allowMassDelete || (!deletion.held && deletion.left > 0)) return undefined;
  const what = missing.length > 0 ? `${missing.length} entries are` : "all data is";
  return new Failure(
    "deletion_held",
    `${what} gone at the store, as for too many other Secrets of this store in one interval; if that is meant, set keyferry.dev/allow-mass-delete: "true"`,
  );
}
