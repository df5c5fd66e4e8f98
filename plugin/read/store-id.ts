import type { GeneratorRef, SourceRef } from "../manifests/objects.ts";

/** One text for one store object, in messages, audit and keys: `SecretStore/shop/vault`, `ClusterSecretStore/vault`. */
export function storeId(kind: SourceRef["kind"], namespace: string, name: string): string {
  return kind === "ClusterSecretStore" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** The namespace that a store of this kind lives in when somebody in `callerNamespace` names it; empty for none. */
export function storeNamespaceOf(kind: SourceRef["kind"], callerNamespace: string): string {
  return kind === "ClusterSecretStore" ? "" : callerNamespace;
}

/** A generator is opened as a store of its namespace, under a kind that no policy names. */
export function isGenerator(ref: SourceRef): ref is GeneratorRef {
  return ref.kind !== "SecretStore" && ref.kind !== "ClusterSecretStore";
}
