/** A real OpenBao whose jwt method verifies by the API server's published keys: no TokenReview, no rights in the cluster. */
import { startOpenBao, until } from "../openbao/openbao.ts";
import type { Federation } from "./federation.ts";
import { subjectOf } from "./federation.ts";

const role = "shop";

export async function startFederatedOpenBao(): Promise<Federation> {
  const bao = await startOpenBao();
  return {
    name: "OpenBao, jwt",
    audience: "vault",
    env: {},
    async trust({ issuer, url, authority }, namespace) {
      await bao.call("POST", "sys/auth/jwt", { type: "jwt" });
      const config = { jwks_url: url, jwks_ca_pem: authority, bound_issuer: issuer };
      // The role binding to read the keys may take a moment to count.
      await until(() =>
        bao.call("POST", "auth/jwt/config", config).then(
          () => true,
          () => false,
        ),
      );
      const mounts = (await bao.call("GET", "sys/auth")).body["data"] as Record<string, { accessor: string }>;
      const own = `secret/data/{{identity.entity.aliases.${mounts["jwt/"]!.accessor}.name}}`;
      await bao.call("PUT", "sys/policies/acl/own", { policy: `path "${own}" { capabilities = ["read"] }` });
      await bao.call("POST", `auth/jwt/role/${role}`, {
        role_type: "jwt",
        user_claim: "sub",
        bound_audiences: ["vault"],
        bound_claims: { "/kubernetes.io/namespace": [namespace] },
        token_policies: ["own"],
      });
    },
    async admit(account) {
      await bao.put(`secret/data/${subjectOf(account)}`, { value: `for ${account.name}` });
      return {};
    },
    provider: (name, audience) => ({
      vault: {
        server: bao.url,
        path: "secret",
        auth: {
          jwt: {
            path: "jwt",
            role,
            kubernetesServiceAccountToken: {
              serviceAccountRef: { name },
              ...(audience === undefined ? {} : { audiences: [audience] }),
            },
          },
        },
      },
    }),
    reads: (account) => ({ key: subjectOf(account), value: JSON.stringify({ value: `for ${account.name}` }) }),
    knobs: { audience: /role "shop".*audience/, subject: /role "shop".*subject, audience, claims/ },
    stop: () => bao.stop(),
  };
}
