/** Azure Key Vault, by the `provider.azurekv` block. */
import type { StoreKind } from "../contract.ts";
import { parseAzureBlock } from "./block.ts";
import { azureDialect } from "./dialect.ts";
import { createAzureStore } from "./store.ts";

export const azurekv: StoreKind = {
  name: "azurekv",
  metricLabel: "Azure/KeyVault",
  propertySyntax: "gjson-then-escaped",
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  dialects: [azureDialect],
  open(raw, context, deps) {
    const parsed = parseAzureBlock(raw, context, deps.plainHttp);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createAzureStore(parsed.value, deps), config: parsed.value } };
  },
};
