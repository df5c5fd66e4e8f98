/** Workload identity federation: the pool verifies the token, and its principal may speak for one Google service account. */
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { startGcpRest } from "../../fakes/gcp-rest.ts";
import { createGcpSecrets } from "../../fakes/gcp-secrets.ts";
import type { AccountName, Federation } from "./federation.ts";
import { subjectOf } from "./federation.ts";

const pool = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/cluster/providers/main";
/** What a provider expects where it is not told otherwise. */
const audience = `https:${pool}`;
const emailOf = ({ namespace, name }: AccountName): string => `${namespace}-${name}@shop.iam.gserviceaccount.com`;
const principalOf = (subject: string): string => `principal:${subject}`;

export async function startFederatedGcp(): Promise<Federation> {
  const identities = createGcpIdentities();
  const secrets = createGcpSecrets();
  secrets.set("db", { versions: [(principal) => `for ${principal}`] });
  const server = await startGcpRest(secrets, identities);
  return {
    name: "GCP, workload identity federation",
    audience,
    env: {
      CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: server.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: server.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STS: server.url,
    },
    trust: ({ issuer, jwks }) =>
      identities.trust({ audience: pool, jwks, issuer, tokenAudiences: [audience], principal: principalOf }),
    admit(account) {
      identities.letIn(emailOf(account), [principalOf(subjectOf(account))]);
      return { "iam.gke.io/gcp-service-account": emailOf(account) };
    },
    provider: (name, other) => ({
      gcpsm: {
        projectID: "shop",
        auth: {
          workloadIdentityFederation: {
            audience: pool,
            serviceAccountRef: { name, ...(other === undefined ? {} : { audiences: [other] }) },
          },
        },
      },
    }),
    reads: (account) => ({ key: "db", value: `for serviceAccount:${emailOf(account)}` }),
    knobs: {
      audience: /trusts the token's issuer and expects its audience/,
      subject: /roles\/iam\.workloadIdentityUser/,
    },
    stop: () => server.close(),
  };
}
