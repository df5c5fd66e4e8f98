/** What the read path asks of a cluster, answered from the manifests. */
import type { SecretValue } from "../core/secret-value.ts";
import type { ClusterView, StorePolicyItem } from "../read/ports.ts";
import { objectId, type ManifestKind } from "./manifest-object.ts";
import type { IndexEntry, ManifestIndex } from "./manifest-index.ts";
import { chooseToken, type TokenSecret } from "./account-token.ts";

const accountTokenType = "kubernetes.io/service-account-token";
const accountNameAnnotation = "kubernetes.io/service-account.name";
const accountUidAnnotation = "kubernetes.io/service-account.uid";

/** `index` gives the manifests as they are now. */
export function clusterView(index: () => ManifestIndex, nowMs: () => number): ClusterView {
  const find = (kind: ManifestKind, namespace: string, name: string): IndexEntry | undefined =>
    index().get(objectId(kind, namespace, name));

  return {
    findStore: (kind, namespace, name) => {
      const content = find(kind, kind === "ClusterSecretStore" ? "" : namespace, name)?.object.content;
      return Promise.resolve(content?.kind === kind ? content.parsed : undefined);
    },
    findGenerator: (kind, namespace, name) => {
      const content = find(kind, namespace, name)?.object.content;
      return Promise.resolve(content?.kind === kind ? content.parsed : undefined);
    },
    storePolicies: () => Promise.resolve(policies(index())),
    namespaceLabels: (namespace) => {
      const labels = find("Namespace", "", namespace)?.object.meta.labels;
      return Promise.resolve({ ...labels, "kubernetes.io/metadata.name": namespace });
    },
    secretData: (namespace, name) => {
      const object = find("Secret", namespace, name)?.object;
      if (object?.content.kind !== "Secret") return Promise.resolve(undefined);
      return Promise.resolve({ labels: object.meta.labels, values: object.content.secret.data });
    },
    secretValue: (namespace, name, key) => {
      const content = find("Secret", namespace, name)?.object.content;
      return Promise.resolve(content?.kind === "Secret" ? content.secret.data.get(key) : undefined);
    },
    configMapValue: (namespace, name, key) => {
      const content = find("ConfigMap", namespace, name)?.object.content;
      return Promise.resolve(content?.kind === "ConfigMap" ? content.data.get(key) : undefined);
    },
    serviceAccountToken: (namespace, name, audience) =>
      Promise.resolve(chooseToken(tokenSecrets(index(), namespace, name), audience, nowMs())),
    serviceAccountAnnotations: (namespace, name) =>
      Promise.resolve(find("ServiceAccount", namespace, name)?.object.meta.annotations ?? {}),
  };
}

function policies(index: ManifestIndex): readonly StorePolicyItem[] {
  return [...index.values()].flatMap(({ object: { content } }) =>
    content.kind === "StorePolicy" ? [content.item] : [],
  );
}

function tokenSecrets(index: ManifestIndex, namespace: string, account: string): readonly TokenSecret[] {
  return [...index.values()].flatMap(({ object: { meta, content } }): readonly TokenSecret[] => {
    if (content.kind !== "Secret" || content.secret.type !== accountTokenType) return [];
    if (meta.namespace !== namespace || meta.annotations[accountNameAnnotation] !== account) return [];
    const token: SecretValue | undefined = content.secret.data.get("token");
    const uid = meta.annotations[accountUidAnnotation];
    return token ? [{ token, ...(uid === undefined ? {} : { annotatedUid: uid }) }] : [];
  });
}
