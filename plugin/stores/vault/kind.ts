/** HashiCorp Vault and OpenBao, by the `provider.vault` block. */
import type { StoreKind } from "../contract.ts";
import { parseVaultBlock } from "./block.ts";
import { createVaultStore } from "./store.ts";

export const vault: StoreKind = {
  name: "vault",
  metricLabel: "HashiCorp/Vault",
  propertySyntax: "key-then-gjson",
  // Nothing about the caller reaches Vault beside its token.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseVaultBlock(raw, context, deps.plainHttp);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createVaultStore(parsed.value, deps), config: parsed.value } };
  },
};
