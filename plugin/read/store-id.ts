import type { StoreRefKind } from "../manifests/objects.ts";

/** One text for one store object, in messages, audit and keys: `SecretStore/shop/vault`, `ClusterSecretStore/vault`. */
export function storeId(kind: StoreRefKind, namespace: string, name: string): string {
  return kind === "SecretStore" ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
}

/** The namespace that a store of this kind lives in when somebody in `callerNamespace` names it; empty for none. */
export function storeNamespaceOf(kind: StoreRefKind, callerNamespace: string): string {
  return kind === "SecretStore" ? callerNamespace : "";
}
