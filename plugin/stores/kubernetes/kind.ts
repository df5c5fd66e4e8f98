/** Secrets of another cluster or namespace, by the `provider.kubernetes` block. */
import type { StoreKind } from "../contract.ts";
import { parseKubernetesBlock } from "./block.ts";
import { createKubernetesStore } from "./store.ts";

export const kubernetes: StoreKind = {
  name: "kubernetes",
  metricLabel: "Kubernetes",
  propertySyntax: "key-then-inside",
  // Nothing about the caller reaches the API server beside its credential.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseKubernetesBlock(raw, context, deps.plainHttp);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createKubernetesStore(parsed.value, deps), config: parsed.value } };
  },
};
