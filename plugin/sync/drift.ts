/** How a Secret differs from what it should be, and which of that is drift: an edit by somebody else. */
import type { SecretValue } from "../core/secret-value.ts";
import { dataHash, dataHashAnnotation } from "./secret-shape.ts";
import type { Write } from "./wanted-secret.ts";
import type { ExistingSecret, OwnParts } from "./ports.ts";
import type { LastWrite } from "./situation.ts";

export type Difference =
  | {
      readonly part: "key" | "label" | "annotation";
      readonly name: string;
      /** What happened to the Secret, seen from what it should be. */
      readonly how: "changed" | "missing" | "added";
    }
  /** `data_hash`: the annotation does not belong to the data. `secret`: it is gone as a whole. */
  | { readonly part: "data_hash" | "type" | "owner" | "immutable" | "secret" };

/** Everything in which `present` is not yet what `write` makes of it. */
export function differences(present: ExistingSecret, write: Write): readonly Difference[] {
  const { secret, owner } = write;
  const found: Difference[] = [
    ...memberDifferences("key", present.data, secret.data, (a, b) => a.equals(b)),
    ...textDifferences("label", present.labels, secret.labels),
    ...textDifferences("annotation", present.annotations, secret.annotations).map((one): Difference =>
      "name" in one && one.name === dataHashAnnotation ? { part: "data_hash" } : one,
    ),
  ];
  if (present.type !== secret.type) found.push({ part: "type" });
  if (present.immutable !== secret.immutable) found.push({ part: "immutable" });
  if (!isOwnedAs(present, owner)) found.push({ part: "owner" });
  return found;
}

/** An owner that was made anew has another uid: the garbage collector would take its Secret for an orphan. */
function isOwnedAs({ owner: found, ownerUid }: ExistingSecret, owner: Write["owner"]): boolean {
  if (found !== (owner && `${owner.namespace}/${owner.name}`)) return false;
  return !owner || ownerUid === undefined || ownerUid === owner.uid;
}

/**
 * The part of `found` that somebody else did; the rest is news from the source or from the ExternalSecret.
 * Foreign keys, and with them the data hash, are nobody's drift where they are kept.
 */
export function driftAmong(
  found: readonly Difference[],
  present: ExistingSecret,
  last: LastWrite,
  keepsForeign: boolean,
): readonly Difference[] {
  return found.filter((one) => {
    if (one.part === "data_hash" && keepsForeign) return false;
    return last.intact ? isBesideOwnParts(one, present, last.own) : isEdited(one, present, last.values);
  });
}

/** Drift that the digest cannot show: it covers what was ours, not what was put beside it. */
function isBesideOwnParts(one: Difference, present: ExistingSecret, own: OwnParts): boolean {
  if (one.part === "owner") return own.policy === "Owner";
  if (one.part === "data_hash") return present.annotations[dataHashAnnotation] !== dataHash(present.data);
  return one.part === "key" && one.how === "added" && !own.keys.includes(one.name);
}

/** Without the old values every difference counts as an edit. */
function isEdited(one: Difference, present: ExistingSecret, values: LastWrite["values"]): boolean {
  if (one.part !== "key" || !values) return true;
  return !sameValue(values.get(one.name), present.data.get(one.name));
}

function sameValue(a: SecretValue | undefined, b: SecretValue | undefined): boolean {
  return a && b ? a.equals(b) : a === b;
}

function textDifferences(
  part: "label" | "annotation",
  present: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): readonly Difference[] {
  const asMap = (texts: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
    new Map(Object.entries(texts));
  return memberDifferences(part, asMap(present), asMap(wanted), (a, b) => a === b);
}

function memberDifferences<T>(
  part: "key" | "label" | "annotation",
  present: ReadonlyMap<string, T>,
  wanted: ReadonlyMap<string, T>,
  equal: (a: T, b: T) => boolean,
): readonly Difference[] {
  const names = [...new Set([...wanted.keys(), ...present.keys()])].sort();
  return names.flatMap((name): readonly Difference[] => {
    const is = present.get(name);
    const should = wanted.get(name);
    if (is === undefined) return [{ part, name, how: "missing" }];
    if (should === undefined) return [{ part, name, how: "added" }];
    return equal(is, should) ? [] : [{ part, name, how: "changed" }];
  });
}

const shownDifferences = 10;

/** `key PASSWORD changed, label team missing and 3 more`: names, never values. */
export function describe(drift: readonly Difference[]): string {
  const texts = drift.slice(0, shownDifferences).map(sentenceOf);
  const hidden = drift.length - texts.length;
  return texts.join(", ") + (hidden > 0 ? ` and ${hidden} more` : "");
}

function sentenceOf(one: Difference): string {
  switch (one.part) {
    case "data_hash":
      return "data hash forged";
    case "secret":
      return "Secret deleted";
    case "type":
    case "owner":
      return `${one.part} changed`;
    case "immutable":
      return "immutable flag changed";
    default:
      return `${one.part} ${one.name} ${one.how}`;
  }
}
