/** Pods as kubelet would have them: objects on the API server, and tokens bound to them. No pod runs here. */
import type { DriverMount } from "../../fakes/driver-client.ts";
import type { Cluster } from "../kube/cluster.ts";
import { objectPath } from "../kube/objects.ts";

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccountName: string;
}

/** What kubelet tells the driver of a pod, with a token for each audience. */
export type PodAttributes = Required<
  Pick<DriverMount, "namespace" | "podName" | "podUid" | "serviceAccountName" | "tokens">
>;

/** Makes the account and the pod where they are not there. */
export async function makePod(
  { admin }: Cluster,
  { namespace, name, serviceAccountName }: PodFacts,
  audiences: readonly string[] = ["vault"],
): Promise<PodAttributes> {
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: serviceAccountName, namespace } });
  const [pod] = await admin.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: { serviceAccountName, containers: [{ name: "app", image: "app" }] },
  });
  const uid = pod!.metadata.uid!;
  const tokens: Record<string, string> = {};
  for (const audience of audiences) {
    const answer = await admin.request(
      "POST",
      `${objectPath("v1", "serviceaccounts", namespace, serviceAccountName)}/token`,
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { audiences: [audience], boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid } },
      },
    );
    tokens[audience] = (JSON.parse(answer.text) as { status: { token: string } }).status.token;
  }
  return { namespace, podName: name, podUid: uid, serviceAccountName, tokens };
}
