/**
 * What a target Secret looks like: the labels, annotations and hashes that ESO writes, to the letter, so that a Secret
 * of an existing installation needs no rewrite.
 *
 * The data hash is unkeyed and anyone who can edit the Secret can forge it; digest.ts holds the proof that counts.
 */
import { createHash } from "node:crypto";
import { compareUtf8 } from "../core/canonical-json.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { CreationPolicy, ObjectMeta } from "../manifests/objects.ts";
import { ownPrefix } from "./annotations.ts";
import type { ObjectKey } from "./ports.ts";

export const managedLabel = "reconcile.external-secrets.io/managed";
export const createdByLabel = "reconcile.external-secrets.io/created-by";
export const dataHashAnnotation = "reconcile.external-secrets.io/data-hash";

/** Policies whose Secret holds the result and nothing else; the others fill keys of a Secret that is not theirs alone. */
export function takesWhole(policy: CreationPolicy): boolean {
  return policy === "Owner" || policy === "Orphan";
}

type Texts = Readonly<Record<string, string>>;

/** SHA3-224 of `namespace/name`, lower hex: a label cannot hold the name itself. */
export function createdBy({ namespace, name }: ObjectKey): string {
  return sha3(`${namespace}/${name}`);
}

const managerPrefix = "externalsecrets.external-secrets.io/";

/** Under which name an ExternalSecret's writes stand in managedFields. */
export function fieldManager(name: string): string {
  const plain = managerPrefix + name;
  return Buffer.byteLength(plain) <= 63 ? plain : `${managerPrefix}sha3/${sha3(name)}`;
}

/** SHA3-224 over `map[key:[decimal bytes] …]` with the keys in byte order: Go's %+v of the whole data map. */
export function dataHash(data: ReadonlyMap<string, SecretValue>): string {
  const members = [...data]
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([key, value]) => `${key}:[${value.reveal().join(" ")}]`);
  return sha3(`map[${members.join(" ")}]`);
}

/** `<generation>-<hash of labels and annotations>`: differs after every change that a person can make. */
export function syncedResourceVersion(meta: ObjectMeta): string {
  return `${meta.generation}-${sha3(`{annotations:${goMap(meta.annotations)} labels:${goMap(meta.labels)}}`)}`;
}

/** The labels of the ExternalSecret, or those that its template makes, and our marks, which nobody else can set. */
export function wantedLabels(meta: ObjectMeta, owned: boolean, texts: Texts = meta.labels): Texts {
  const { [createdByLabel]: _, ...others } = texts;
  return { ...others, [managedLabel]: "true", ...(owned && { [createdByLabel]: createdBy(meta) }) };
}

/** The annotations of the ExternalSecret but those that speak to keyferry. The data hash comes on top. */
export function wantedAnnotations(meta: ObjectMeta): Texts {
  return Object.fromEntries(Object.entries(meta.annotations).filter(([name]) => !name.startsWith(ownPrefix)));
}

function goMap(texts: Texts): string {
  const members = Object.entries(texts).sort(([a], [b]) => compareUtf8(a, b));
  return `map[${members.map(([name, text]) => `${name}:${text}`).join(" ")}]`;
}

function sha3(text: string): string {
  return createHash("sha3-224").update(text).digest("hex");
}
