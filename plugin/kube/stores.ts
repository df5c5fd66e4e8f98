/** SecretStores and ClusterSecretStores of the cluster, followed by one watch each, as one source. */
import { isMap } from "../manifests/fields.ts";
import type { Parsed, StoreManifest, StoreRefKind } from "../manifests/objects.ts";
import { parseStore } from "../manifests/store.ts";
import type { StoreItem, StoreKey, StoreSource } from "../sync/stores/ports.ts";
import type { KubeClient, KubeObject, Mirror, ResourceKind } from "./contract.ts";
import { foreignStatusWriter, keepSpec, sameWriter } from "./kept-spec.ts";
import { clusterSecretStores, secretStores } from "./resources.ts";

export const storeResources: Readonly<Record<StoreRefKind, ResourceKind>> = {
  SecretStore: secretStores,
  ClusterSecretStore: clusterSecretStores,
};

export type StoreMirrors = Readonly<Record<StoreRefKind, Mirror<StoreItem>>>;

export function followStores(client: KubeClient): StoreMirrors {
  return { SecretStore: follow(client, "SecretStore"), ClusterSecretStore: follow(client, "ClusterSecretStore") };
}

function follow(client: KubeClient, kind: StoreRefKind): Mirror<StoreItem> {
  const mirror: Mirror<StoreItem> = client.mirror({
    kind: storeResources[kind],
    managedFields: true,
    keep: (object) => {
      const { namespace = "", name } = object.metadata;
      return keepItem(kind, object, mirror.get({ namespace, name })?.value);
    },
  });
  return mirror;
}

export function readStore(object: KubeObject): Parsed<StoreManifest> {
  return parseStore(object);
}

/** `before` itself when nothing that is kept has changed. */
function keepItem(kind: StoreRefKind, object: KubeObject, before: StoreItem | undefined): StoreItem {
  const { managedFields, namespace = "", name } = object.metadata;
  const spec = keepSpec(object, before, readStore);
  const statusWriter = foreignStatusWriter(managedFields);
  if (before?.parsed === spec.parsed && sameWriter(before.statusWriter, statusWriter)) return before;
  const controller = isMap(object["spec"]) ? object["spec"]["controller"] : undefined;
  return {
    key: before?.key ?? { kind, namespace: kind === "SecretStore" ? namespace : "", name },
    ...spec,
    ...(typeof controller === "string" && controller !== "" && { controller }),
    ...(statusWriter && { statusWriter }),
  };
}

export function storeSource(mirrors: StoreMirrors): StoreSource {
  const both = [mirrors.SecretStore, mirrors.ClusterSecretStore];
  return {
    list: () => both.flatMap((mirror) => Array.from(mirror.entries(), ({ value }) => value)),
    get: ({ kind, namespace, name }) => mirrors[kind].get({ namespace, name })?.value,
    onChange(listener) {
      const stops = both.map((mirror) => onStoreChange(mirror, listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** After a store was added, changed (not: its status) or removed. */
export function onStoreChange(mirror: Mirror<StoreItem>, listener: (key: StoreKey) => void): () => void {
  return mirror.onChange((change) => {
    const { value } = change.entry;
    if (change.type !== "changed" || change.before.value.parsed !== value.parsed) listener(value.key);
  });
}
