/** The ExternalSecrets among the manifests, for sync and mount; and what they depend on. */
import type { ExternalSecret, Parsed } from "../manifests/objects.ts";
import type { MountView } from "../mount/ports.ts";
import type { ExternalSecretItem, ExternalSecretSource, ObjectKey } from "../sync/ports.ts";
import { duplicateProblem, type IndexEntry, type ManifestIndex } from "./manifest-index.ts";
import { objectId } from "./manifest-object.ts";
import type { FolderChange } from "./manifests-folder.ts";

export interface Changes {
  readonly index: ManifestIndex;
  onChange(listener: (change: FolderChange) => void): () => void;
}

export function externalSecretSource(manifests: Changes): ExternalSecretSource {
  return {
    list: () => [...manifests.index.values()].flatMap((entry) => itemOf(entry) ?? []),
    get: (key) => find(manifests.index, key.namespace, key.name),
    onChange: (listener) =>
      manifests.onChange(({ before, after, ids }) => {
        for (const id of ids) {
          const item = itemOf(after.get(id)) ?? itemOf(before.get(id));
          if (item) listener(item.key);
        }
      }),
    onDependencyChange: (listener) =>
      manifests.onChange(({ before, after, ids }) => {
        const others = ids
          .map((id) => (after.get(id) ?? before.get(id))!.object)
          .filter(({ content }) => content.kind !== "ExternalSecret");
        // These are referred to in their own namespace alone.
        const near = others.filter(({ content: { kind } }) => kind === "ConfigMap" || kind === "VaultDynamicSecret");
        if (others.length > near.length) listener({});
        else for (const namespace of new Set(near.map(({ meta }) => meta.namespace))) listener({ namespace });
      }),
  };
}

export function mountView(manifests: Pick<Changes, "index">): MountView {
  return {
    findExternalSecret: (namespace, name) => Promise.resolve(find(manifests.index, namespace, name)?.parsed),
  };
}

function find(index: ManifestIndex, namespace: string, name: string): ExternalSecretItem | undefined {
  return itemOf(index.get(objectId("ExternalSecret", namespace, name)));
}

function itemOf(entry: IndexEntry | undefined): ExternalSecretItem | undefined {
  if (entry?.object.content.kind !== "ExternalSecret") return undefined;
  const { meta, content } = entry.object;
  const key: ObjectKey = { namespace: meta.namespace, name: meta.name };
  return { key, meta, parsed: duplicateOr(entry, content.parsed) };
}

/** Two definitions: neither silently wins. What was synced before stays, and the status names both files. */
function duplicateOr(entry: IndexEntry, parsed: Parsed<ExternalSecret>): Parsed<ExternalSecret> {
  const problem = duplicateProblem(entry);
  return problem ? { ok: false, problems: [{ path: "metadata.name", problem }] } : parsed;
}
