/** AWS Secrets Manager and Systems Manager's Parameter Store, by the `provider.aws` block. */
import type { StoreKind } from "../contract.ts";
import { parseAwsBlock } from "./block.ts";
import { createAwsStore } from "./store.ts";

export const aws: StoreKind = {
  name: "aws",
  metricLabel: "AWS/SecretsManager",
  propertySyntax: "escaped-then-gjson",
  // Session tags name a SecretStore and its namespace, and both are in its configuration.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseAwsBlock(raw, context);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createAwsStore(parsed.value, deps), config: parsed.value } };
  },
};
