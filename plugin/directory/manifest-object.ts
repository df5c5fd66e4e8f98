/**
 * One document of a manifest → one typed object, completed as the API server would: namespace, uid, generation.
 *
 * Knows which kinds matter here. The uid is derived from kind, namespace and name, so it is the same after a restart and
 * nobody can write another object's; the generation is derived from the spec.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { isDnsLabel, isDnsSubdomain } from "../core/names.ts";
import { parseExternalSecret } from "../manifests/external-secret.ts";
import { isMap } from "../manifests/fields.ts";
import { nameRule, namespaceRule, readMeta } from "../manifests/object-meta.ts";
import { parseGenerator } from "../manifests/generator.ts";
import type { ExternalSecret, Generator, ObjectMeta, Parsed, Problem, StoreManifest } from "../manifests/objects.ts";
import { parseStorePolicy } from "../manifests/store-policy.ts";
import { parseStore } from "../manifests/store.ts";
import type { StorePolicyItem } from "../read/ports.ts";
import { parseConfigMapData } from "./manifest-config-map.ts";
import { parseSecretContent, type SecretContent } from "./manifest-secret.ts";

export type ObjectContent =
  | { readonly kind: "ExternalSecret"; readonly parsed: Parsed<ExternalSecret> }
  | { readonly kind: "SecretStore" | "ClusterSecretStore"; readonly parsed: Parsed<StoreManifest> }
  | { readonly kind: "VaultDynamicSecret"; readonly parsed: Parsed<Generator> }
  | { readonly kind: "StorePolicy"; readonly item: StorePolicyItem }
  | { readonly kind: "Secret"; readonly secret: SecretContent }
  | { readonly kind: "ConfigMap"; readonly data: ReadonlyMap<string, string> }
  | { readonly kind: "Namespace" | "ServiceAccount" };

export type ManifestKind = ObjectContent["kind"];

export interface ManifestObject {
  readonly meta: ObjectMeta;
  readonly content: ObjectContent;
  /** Hash of everything but the status: equal when nothing changed. */
  readonly fingerprint: string;
}

export type ReadObject =
  | { readonly outcome: "object"; readonly object: ManifestObject }
  | { readonly outcome: "unknown"; readonly kind: string; readonly meta: ObjectMeta }
  | { readonly outcome: "broken"; readonly problem: string };

interface KindRow {
  readonly group: string;
  readonly scope: "namespace" | "cluster";
}

const kinds: Readonly<Record<ManifestKind, KindRow>> = {
  ExternalSecret: { group: "external-secrets.io", scope: "namespace" },
  SecretStore: { group: "external-secrets.io", scope: "namespace" },
  ClusterSecretStore: { group: "external-secrets.io", scope: "cluster" },
  VaultDynamicSecret: { group: "generators.external-secrets.io", scope: "namespace" },
  StorePolicy: { group: "keyferry.dev", scope: "cluster" },
  Secret: { group: "", scope: "namespace" },
  ConfigMap: { group: "", scope: "namespace" },
  ServiceAccount: { group: "", scope: "namespace" },
  Namespace: { group: "", scope: "cluster" },
};

/** `Kind/namespace/name`, without the namespace for cluster kinds: unique among the manifests. */
export function objectId(kind: ManifestKind, namespace: string, name: string): string {
  return namespace === "" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** The documents of a `kind: List` or a typed list, else the document itself. */
export function listItems(document: unknown): readonly unknown[] {
  if (!isMap(document) || typeof document.kind !== "string" || !document.kind.endsWith("List")) return [document];
  const { items, apiVersion, kind } = document;
  if (!Array.isArray(items)) return [document];
  // Items of a typed list leave out what the list already says.
  const defaults = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.flatMap((item: unknown) => listItems(isMap(item) ? { ...defaults, ...item } : item));
}

export function readObject(document: unknown): ReadObject {
  if (!isMap(document)) return broken("is not a map with apiVersion, kind and metadata");
  const { apiVersion, kind } = document;
  if (typeof kind !== "string" || kind === "") return broken("kind is missing; say what the document is");
  if (typeof apiVersion !== "string" || apiVersion === "") return broken("apiVersion is missing; add it");
  if (!isKnown(kind, apiVersion)) return { outcome: "unknown", kind, meta: readMeta(document) };
  const completed = complete(kind, document);
  const meta = readMeta(completed);
  if (!isDnsSubdomain(meta.name)) return broken(`${kind}: metadata.name ${nameRule}`);
  if (kinds[kind].scope === "namespace" && !isDnsLabel(meta.namespace))
    return broken(`${kind} ${meta.name}: metadata.namespace ${namespaceRule}`);
  const content = contentOf(kind, completed);
  if (typeof content === "string") return broken(`${objectId(kind, meta.namespace, meta.name)}: ${content}`);
  return { outcome: "object", object: { meta, content, fingerprint: hash({ ...completed, status: undefined }) } };
}

function broken(problem: string): ReadObject {
  return { outcome: "broken", problem };
}

function isKnown(kind: string, apiVersion: string): kind is ManifestKind {
  const slash = apiVersion.indexOf("/");
  return Object.hasOwn(kinds, kind) && kinds[kind as ManifestKind].group === apiVersion.slice(0, Math.max(0, slash));
}

function complete(kind: ManifestKind, document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = isMap(document.metadata) ? document.metadata : {};
  const { namespace: named, ...rest } = given;
  const namespace = kinds[kind].scope === "cluster" ? "" : (named ?? "") === "" ? "default" : named;
  const name = typeof given.name === "string" ? given.name : "";
  const uid = derivedUid(objectId(kind, typeof namespace === "string" ? namespace : "", name));
  const generation = Number.parseInt(hash(document.spec ?? null).slice(0, 12), 16);
  return { ...document, metadata: { ...rest, ...(namespace === "" ? {} : { namespace }), uid, generation } };
}

/** What the object holds, or why it cannot be read. Objects with a status of their own carry their problems in it. */
function contentOf(kind: ManifestKind, document: Readonly<Record<string, unknown>>): ObjectContent | string {
  switch (kind) {
    case "ExternalSecret":
      return { kind, parsed: parseExternalSecret(document) };
    case "SecretStore":
    case "ClusterSecretStore":
      return { kind, parsed: parseStore(document) };
    case "VaultDynamicSecret":
      return { kind, parsed: parseGenerator(document) };
    case "StorePolicy":
      return { kind, item: policyItem(document) };
    case "Secret": {
      const parsed = parseSecretContent(document);
      return parsed.ok ? { kind, secret: parsed.value } : textOf(parsed.problems);
    }
    case "ConfigMap": {
      const parsed = parseConfigMapData(document);
      return parsed.ok ? { kind, data: parsed.value } : textOf(parsed.problems);
    }
    case "Namespace":
    case "ServiceAccount":
      return { kind };
  }
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(({ path, problem }) => `${path}: ${problem}`).join("; ");
}

/** A policy that does not parse closes the store that it names, as far as it says which. */
function policyItem(document: Readonly<Record<string, unknown>>): StorePolicyItem {
  const parsed = parseStorePolicy(document);
  const { name } = readMeta(document);
  if (parsed.ok) return { ...parsed, name };
  const storeRef = isMap(document.spec) && isMap(document.spec.storeRef) ? document.spec.storeRef : {};
  const { kind, name: storeName, namespace } = storeRef;
  if (kind !== "SecretStore" && kind !== "ClusterSecretStore") return { ...parsed, name };
  if (typeof storeName !== "string" || !isDnsSubdomain(storeName)) return { ...parsed, name };
  const place = typeof namespace === "string" ? { namespace } : {};
  return { ...parsed, name, storeRef: { kind, name: storeName, ...place } };
}

function hash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

/** RFC 9562 version 8: a UUID whose bits are ours to choose. */
function derivedUid(id: string): string {
  const hex = createHash("sha256").update(id).digest("hex");
  const variant = (0x8 + (Number.parseInt(hex[16]!, 16) & 0x3)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
