/** Any HTTP API, by the `provider.webhook` block: the store says in templates what is asked and what is taken. */
import type { StoreKind } from "../contract.ts";
import { parseWebhookBlock } from "./block.ts";
import { createWebhookStore } from "./store.ts";

export const webhook: StoreKind = {
  name: "webhook",
  metricLabel: "Webhook",
  // Templates may put the property anywhere, so the answer is what remains.
  propertySyntax: "own",
  // Templates may name the namespace; nothing else of the caller is shown to them.
  unusedCallerFacts: ["storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseWebhookBlock(raw, context, deps.plainHttp);
    if (!parsed.ok) return parsed;
    return { ok: true, value: { store: createWebhookStore(parsed.value, deps), config: parsed.value } };
  },
};
