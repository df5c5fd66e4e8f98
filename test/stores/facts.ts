/** Who asks, in tests where it makes no difference. */
import type { CallerFacts } from "../../plugin/stores/contract.ts";

export const facts: CallerFacts = { namespace: "shop", storeName: "store", storeKind: "SecretStore" };
