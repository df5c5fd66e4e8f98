/** Paths and queries of the API, safe against names that are none. */
import type { ObjectName, ResourceKind, Selection } from "../contract.ts";
import { KubeFailure } from "../contract.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Of one object, or of one of its subresources. */
export function objectPath(kind: ResourceKind, name: ObjectName, subresource = ""): string {
  const path = `${collectionPath(kind, kind.namespaced ? name.namespace : undefined)}/${segment(kind, name.name)}`;
  return subresource === "" ? path : `${path}/${segment(kind, subresource)}`;
}

/** Of all objects of a kind: in one namespace, or everywhere when it is absent. */
export function collectionPath(kind: ResourceKind, namespace: string | undefined): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const place = namespace === undefined ? "" : `/namespaces/${segment(kind, namespace)}`;
  return `${root}${place}/${kind.plural}`;
}

/** A name that is empty or dots would address another resource than the one meant. */
function segment(kind: ResourceKind, name: string): string {
  if (/^\.{0,2}$/.test(name)) throw new KubeFailure(`${plainName(kind)}: "${name}" is not a name`, { status: 0 });
  return encodeURIComponent(name);
}

export function withQuery(path: string, query: Query): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) set.append(name, String(value));
  return set.size === 0 ? path : `${path}?${set.toString()}`;
}

export function selectionQuery({ labelSelector, fieldSelector }: Selection): Query {
  return { labelSelector, fieldSelector };
}

/** For messages, as in RBAC rules: `externalsecrets.external-secrets.io`, `secrets`. */
export function plainName(kind: ResourceKind): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}
