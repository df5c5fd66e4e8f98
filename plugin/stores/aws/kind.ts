/** AWS Secrets Manager, Systems Manager's Parameter Store and Certificate Manager, by the `provider.aws` block. */
import type { StoreKind } from "../contract.ts";
import { parseAwsBlock } from "./block.ts";
import { factsIn } from "./config.ts";
import { awsDialect } from "./dialect.ts";
import { createAwsStore } from "./store.ts";

export const aws: StoreKind = {
  name: "aws",
  metricLabel: "AWS/SecretsManager",
  propertySyntax: "escaped-then-gjson",
  // Session tags alone say who reads, and only those of a ClusterSecretStore say what is not in its configuration.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  dialects: [awsDialect],
  open(raw, context, deps) {
    const parsed = parseAwsBlock(raw, context, deps.ownIdentity);
    if (!parsed.ok) return parsed;
    const config = parsed.value;
    return { ok: true, value: { store: createAwsStore(config, deps), usedCallerFacts: factsIn(config.roles), config } };
  },
};
