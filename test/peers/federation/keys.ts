/** Where the world finds the keys of this cluster's tokens, as an admin publishes them for others to verify by. */
import type { Cluster } from "../kube/cluster.ts";

export interface ServiceAccountKeys {
  readonly issuer: string;
  /** Text of the API server's own JWKS. */
  readonly jwks: string;
  /** Where it can be fetched without a login, and by which authority that place is known (PEM). */
  readonly url: string;
  readonly authority: string;
}

export async function publishKeys({ admin, url, authority, issuer }: Cluster): Promise<ServiceAccountKeys> {
  await admin.apply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "token-keys-for-everybody" },
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "system:service-account-issuer-discovery",
    },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:unauthenticated" }],
  });
  const accept = "application/jwk-set+json";
  const { status, text } = await admin.request("GET", "/openid/v1/jwks", undefined, { accept });
  if (status !== 200) throw new Error(`the API server shows no keys: ${text}`);
  return { issuer, jwks: text, url: `${url}/openid/v1/jwks`, authority };
}
