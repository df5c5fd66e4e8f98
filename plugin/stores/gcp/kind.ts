/** Google Cloud's Secret Manager, by the `provider.gcpsm` block. */
import type { StoreKind } from "../contract.ts";
import { parseGcpBlock } from "./block.ts";
import { gcpDialect } from "./dialect.ts";
import { createGcpStore } from "./store.ts";

export const gcpsm: StoreKind = {
  name: "gcpsm",
  metricLabel: "GCP/SecretManager",
  propertySyntax: "escaped-then-gjson",
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  dialects: [gcpDialect],
  open(raw, context, deps) {
    const parsed = parseGcpBlock(raw, context);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createGcpStore(parsed.value, deps), config: parsed.value } };
  },
};
