/** Labels and end of the namespaces, followed by a watch. */
import { readMeta } from "../manifests/object-meta.ts";
import type { KubeClient, KubeObject, Mirror } from "./contract.ts";
import { namespaces } from "./resources.ts";

export interface NamespaceFacts {
  readonly labels: Readonly<Record<string, string>>;
  /** Nothing can be made in it any more. */
  readonly ending: boolean;
}

export function followNamespaces(client: KubeClient): Mirror<NamespaceFacts> {
  return client.mirror({ kind: namespaces, keep: readNamespace });
}

export function readNamespace(object: KubeObject): NamespaceFacts {
  return { labels: readMeta(object).labels, ending: object.metadata.deletionTimestamp !== undefined };
}

/** After a namespace came, went, or has other labels. */
export function onLabelChange(mirror: Mirror<NamespaceFacts>, listener: (namespace: string) => void): () => void {
  return mirror.onChange((change) => {
    const { key, value } = change.entry;
    if (change.type !== "changed" || labelText(change.before.value) !== labelText(value)) listener(key.name);
  });
}

function labelText({ labels }: NamespaceFacts): string {
  return JSON.stringify(Object.entries(labels).sort());
}
