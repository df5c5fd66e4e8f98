/** What `kubectl apply -k daemonset/` installs, without the DaemonSets: the test starts their processes itself. */
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { run } from "../cache.ts";
import type { KubeObject } from "../kube/objects.ts";
import { obtainControlPlane } from "../kube/obtain.ts";

const root = join(import.meta.dirname, "../../../daemonset");

/** The rendered objects of `daemonset/` or one of its overlays, DaemonSets included. */
export async function rendered(overlay?: "hardened" | "single"): Promise<KubeObject[]> {
  const { kubectl } = await obtainControlPlane();
  const text = await run(kubectl, ["kustomize", overlay ? join(root, "overlays", overlay) : root]);
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}

export async function installed(overlay?: "hardened" | "single"): Promise<KubeObject[]> {
  return (await rendered(overlay)).filter(({ kind }) => kind !== "DaemonSet");
}
