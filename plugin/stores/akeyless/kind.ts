/** Akeyless, by its own address or through a gateway, by the `provider.akeyless` block. */
import type { StoreKind } from "../contract.ts";
import { parseAkeylessBlock } from "./block.ts";
import { akeylessDialect } from "./dialect.ts";
import { createAkeylessStore } from "./store.ts";

export const akeyless: StoreKind = {
  name: "akeyless",
  // Misspelt in ESO; dashboards go by it.
  metricLabel: "AKEYLESSLESS/SecretsManager",
  propertySyntax: "escaped-then-gjson",
  // Nothing about the caller reaches Akeyless beside its token.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  dialects: [akeylessDialect],
  open(raw, context, deps) {
    const parsed = parseAkeylessBlock(raw, context, deps.plainHttp);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createAkeylessStore(parsed.value, deps), config: parsed.value } };
  },
};
