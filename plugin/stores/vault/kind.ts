/** HashiCorp Vault and OpenBao: the `provider.vault` block, and ESO's own smaller block for OpenBao. */
import type { ClassDialect } from "../class-dialect.ts";
import type { StoreKind } from "../contract.ts";
import { parseOpenBaoBlock, parseVaultBlock } from "./block.ts";
import { openBaoDialect, vaultDialect } from "./dialect.ts";
import { createVaultStore } from "./store.ts";

function kindOf(
  name: string,
  metricLabel: string,
  parse: typeof parseVaultBlock,
  dialects?: readonly ClassDialect[],
): StoreKind {
  return {
    name,
    metricLabel,
    propertySyntax: "key-then-gjson",
    // Nothing about the caller reaches Vault beside its token.
    unusedCallerFacts: ["namespace", "storeName", "storeKind"],
    ...(dialects ? { dialects } : {}),
    open(raw, context, deps) {
      const parsed = parse(raw, context, deps.plainHttp);
      if (!parsed.ok) return parsed;
      return { ok: true, value: { store: createVaultStore(parsed.value, deps), config: parsed.value } };
    },
  };
}

export const vault = kindOf("vault", "HashiCorp/Vault", parseVaultBlock, [vaultDialect, openBaoDialect]);
export const openBao = kindOf("openBao", "OpenBao", parseOpenBaoBlock);
