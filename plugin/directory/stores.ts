/** The SecretStores and ClusterSecretStores among the manifests, for their validation. */
import type { StoreItem, StoreSource } from "../sync/stores/ports.ts";
import type { StoreKey } from "../sync/ports.ts";
import type { Changes } from "./external-secrets.ts";
import type { IndexEntry, ManifestIndex } from "./manifest-index.ts";
import { objectId } from "./manifest-object.ts";

export function storeSource(manifests: Changes): StoreSource {
  return {
    list: () => [...manifests.index.values()].flatMap((entry) => itemOf(entry) ?? []),
    get: ({ kind, namespace, name }) => find(manifests.index, kind, namespace, name),
    onChange: (listener) =>
      manifests.onChange(({ before, after, ids }) => {
        for (const id of ids) {
          const item = itemOf(after.get(id)) ?? itemOf(before.get(id));
          if (item) listener(item.key);
        }
      }),
  };
}

function find(index: ManifestIndex, kind: StoreKey["kind"], namespace: string, name: string): StoreItem | undefined {
  return itemOf(index.get(objectId(kind, kind === "ClusterSecretStore" ? "" : namespace, name)));
}

function itemOf(entry: IndexEntry | undefined): StoreItem | undefined {
  const content = entry?.object.content;
  if (content?.kind !== "SecretStore" && content?.kind !== "ClusterSecretStore") return undefined;
  const { meta } = entry!.object;
  const namespace = content.kind === "ClusterSecretStore" ? "" : meta.namespace;
  return { key: { kind: content.kind, namespace, name: meta.name }, meta, parsed: content.parsed };
}
