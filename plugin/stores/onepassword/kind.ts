/** 1Password through a Connect server, by the `provider.onepassword` block. */
import type { StoreKind } from "../contract.ts";
import { parseConnectBlock } from "./block.ts";
import { createConnectStore } from "./store.ts";

export const onepassword: StoreKind = {
  name: "onepassword",
  metricLabel: "1Password/Connect",
  propertySyntax: "own",
  // Nothing about the caller reaches Connect beside the token.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseConnectBlock(raw, context, deps.plainHttp);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createConnectStore(parsed.value, deps), config: parsed.value } };
  },
};
