/** A Secret ↔ the text of its file: a v1 Secret in block style, `data` in base64. */
import { compareUtf8 } from "../core/canonical-json.ts";
import { isMap } from "../manifests/fields.ts";
import { readMeta } from "../manifests/object-meta.ts";
import type { ObjectMeta } from "../manifests/objects.ts";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";
import type { ObjectKey, SecretObject } from "../sync/ports.ts";
import { blockYaml, type YamlMap } from "./block-yaml.ts";
import { parseSecretContent } from "./manifest-secret.ts";

/** What a Secret's file says. */
export interface WrittenSecret extends SecretObject {
  /** `namespace/name` of the ExternalSecret that is its controller. */
  readonly owner?: string;
  /** Kind/name of another controller. */
  readonly foreignController?: string;
}

export function secretYaml(secret: SecretObject, owner: ObjectMeta | undefined): string {
  const data = [...secret.data].map(([key, value]) => [key, value.reveal().toString("base64")] as const);
  return blockYaml({ ...head(secret, owner), data: sorted(Object.fromEntries(data)) ?? {} });
}

/** The same without `data`: what describes a Secret whose values are files. */
export function secretMetaYaml(secret: SecretObject, owner: ObjectMeta | undefined): string {
  return blockYaml(head(secret, owner));
}

function head(secret: SecretObject, owner: ObjectMeta | undefined): YamlMap {
  const { namespace, name, labels, annotations, type } = secret;
  const ownerReferences = owner && [ownerReference(owner)];
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: sorted(labels), annotations: sorted(annotations), ownerReferences },
    type,
    immutable: secret.immutable || undefined,
  };
}

function ownerReference({ name, uid }: ObjectMeta): YamlMap {
  const kind = "ExternalSecret";
  return { apiVersion: "external-secrets.io/v1", kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Undefined when there is nothing in it. */
function sorted(texts: Readonly<Record<string, string>>): YamlMap | undefined {
  const members = Object.entries(texts).sort(([a], [b]) => compareUtf8(a, b));
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

/** Undefined when the text is not exactly one Secret of that namespace and name: nothing in it can be trusted. */
export function parseSecretYaml(text: string, key: ObjectKey): WrittenSecret | undefined {
  const [document, ...others] = parseYamlDocuments(text);
  if (!document?.ok || others.length > 0 || !isMap(document.value)) return undefined;
  const { apiVersion, kind } = document.value;
  const { namespace, name, labels, annotations } = readMeta(document.value);
  if (apiVersion !== "v1" || kind !== "Secret" || namespace !== key.namespace || name !== key.name) return undefined;
  const content = parseSecretContent(document.value);
  if (!content.ok) return undefined;
  return { ...key, labels, annotations, ...content.value, ...controllerOf(document.value, namespace) };
}

function controllerOf(document: Readonly<Record<string, unknown>>, namespace: string): Partial<WrittenSecret> {
  const given = isMap(document.metadata) ? document.metadata.ownerReferences : undefined;
  const references: readonly unknown[] = Array.isArray(given) ? given : [];
  for (const reference of references) {
    if (!isMap(reference) || reference.controller !== true) continue;
    const { apiVersion, kind, name } = reference;
    if (typeof kind !== "string" || typeof name !== "string") continue;
    const isOurs = kind === "ExternalSecret" && String(apiVersion).startsWith("external-secrets.io/");
    return isOurs ? { owner: `${namespace}/${name}` } : { foreignController: `${kind}/${name}` };
  }
  return {};
}
