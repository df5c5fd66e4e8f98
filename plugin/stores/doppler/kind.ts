/** Doppler, by the `provider.doppler` block. */
import type { StoreKind } from "../contract.ts";
import { parseDopplerBlock } from "./block.ts";
import { createDopplerStore } from "./store.ts";

const ownAddress = "https://api.doppler.com";

export const doppler: StoreKind = {
  name: "doppler",
  metricLabel: "Doppler",
  propertySyntax: "gjson",
  // The audience names the store and its namespace, and both are in its configuration.
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseDopplerBlock(raw, context, deps.endpoints?.["DOPPLER_BASE_URL"] ?? ownAddress);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createDopplerStore(parsed.value, deps), config: parsed.value } };
  },
};
