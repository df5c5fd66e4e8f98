/** IAM roles for service accounts: STS verifies the token, and Secrets Manager takes only requests that its credentials signed. */
import { startAwsServer } from "../../fakes/aws-server.ts";
import type { AccountName, Federation } from "./federation.ts";
import { subjectOf } from "./federation.ts";

const audience = "sts.amazonaws.com";
const roleOf = ({ namespace, name }: AccountName): string => `arn:aws:iam::123456789012:role/${namespace}-${name}`;

export async function startFederatedAws(): Promise<Federation> {
  const server = await startAwsServer();
  server.put("db", "for {role}");
  return {
    name: "AWS, AssumeRoleWithWebIdentity",
    audience,
    env: { AWS_STS_ENDPOINT: server.url, AWS_SECRETSMANAGER_ENDPOINT: server.url },
    trust: ({ issuer, jwks }) => server.trust({ issuer, jwks, audiences: [audience] }),
    admit(account) {
      server.role(roleOf(account), { subject: subjectOf(account), reads: ["db"] });
      return { "eks.amazonaws.com/role-arn": roleOf(account) };
    },
    provider: (name, other) => ({
      aws: {
        service: "SecretsManager",
        region: "eu-central-1",
        auth: { jwt: { serviceAccountRef: { name, ...(other === undefined ? {} : { audiences: [other] }) } } },
      },
    }),
    reads: (account) => ({ key: "db", value: `for ${roleOf(account)}` }),
    knobs: {
      audience: /identity provider is known to IAM, and that the token's audience is one of its own/,
      subject: /trust policy admits this service account \(sub\)/,
    },
    stop: () => server.close(),
  };
}
