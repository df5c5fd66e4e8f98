/** OpenBao's kubernetes auth method against a test cluster: a login's token is judged by the API server (TokenReview). */
import type { OpenBao } from "../../openbao/openbao.ts";
import { requestToken } from "../account.ts";
import type { Cluster } from "../cluster.ts";

export interface KubernetesRole {
  /** Names or globs; "*" for any. */
  readonly accounts: readonly string[];
  readonly namespaces: readonly string[];
  /** The audience that a token must have. */
  readonly audience: string;
  readonly policies: readonly string[];
  /** Life of a login, e.g. "1h". Default "1h". */
  readonly ttl?: string;
}

export interface KubernetesAuthOptions {
  /** Where the method is mounted. Default "kubernetes". */
  readonly mount?: string;
  /** Where OpenBao finds the API server, e.g. a fault proxy's URL. Default the API server itself. */
  readonly server?: string;
  /** By role name. */
  readonly roles: Readonly<Record<string, KubernetesRole>>;
}

const reviewer = { namespace: "kube-system", name: "openbao-reviewer" };

/** Mounts the method with its roles; called again for the same mount it replaces configuration and roles. */
export async function configureKubernetesAuth(
  bao: OpenBao,
  cluster: Cluster,
  options: KubernetesAuthOptions,
): Promise<void> {
  const mount = options.mount ?? "kubernetes";
  const mounted = (await bao.call("GET", "sys/auth")).body["data"] as Record<string, unknown>;
  if (!(`${mount}/` in mounted)) await bao.call("POST", `sys/auth/${mount}`, { type: "kubernetes" });
  await bao.call("POST", `auth/${mount}/config`, {
    kubernetes_host: options.server ?? cluster.url,
    kubernetes_ca_cert: cluster.authority,
    token_reviewer_jwt: await reviewerToken(cluster),
    disable_local_ca_jwt: true,
  });
  for (const [name, role] of Object.entries(options.roles))
    await bao.call("POST", `auth/${mount}/role/${name}`, {
      bound_service_account_names: role.accounts,
      bound_service_account_namespaces: role.namespaces,
      audience: role.audience,
      token_policies: role.policies,
      token_ttl: role.ttl ?? "1h",
    });
}

/** The account that may ask for TokenReviews, and nothing else. */
async function reviewerToken(cluster: Cluster): Promise<string> {
  await cluster.admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: reviewer });
  await cluster.admin.apply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: reviewer.name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:auth-delegator" },
    subjects: [{ kind: "ServiceAccount", ...reviewer }],
  });
  return requestToken(cluster.admin, reviewer, { expirationSeconds: 86_400 });
}
