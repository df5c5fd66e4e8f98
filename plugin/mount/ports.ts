/** What mount needs of the cluster, or of the folder that stands in for one. Implemented by kube/ and directory/. */
import type { ExternalSecret, Parsed } from "../manifests/objects.ts";

export interface MountView {
  /** For the class parameter `externalSecret`. Undefined when there is none; rejects with `kube_unavailable`. */
  findExternalSecret(namespace: string, name: string, signal: AbortSignal): Promise<Parsed<ExternalSecret> | undefined>;
}
