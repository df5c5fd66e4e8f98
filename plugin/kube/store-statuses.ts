/** The statuses of stores: the Ready condition and what they can do. */
import * as v from "valibot";
import type { StoreCondition, StoreObjectStatus, StoreStatuses } from "../sync/stores/ports.ts";
import type { KubeApi, KubeObject } from "./contract.ts";
import { mergedConditions, statusOf, writeStatus } from "./status-write.ts";
import { storeResources } from "./stores.ts";

const text = v.optional(v.string(), "");
const readySchema = v.object({
  type: v.literal("Ready"),
  status: v.picklist(["True", "False"]),
  reason: text,
  message: text,
  lastTransitionTime: text,
});
const capabilities = v.picklist(["ReadOnly", "WriteOnly", "ReadWrite"]);

export function createStoreStatuses(api: KubeApi): StoreStatuses {
  return {
    async read(key, signal) {
      const object = await api.get(storeResources[key.kind], key, signal);
      return object && readStoreStatus(object);
    },
    async write(key, { ready, capabilities: able }, signal) {
      await writeStatus(
        api,
        storeResources[key.kind],
        key,
        ({ conditions, capabilities: _, ...others }) => ({
          ...others,
          ...(able && { capabilities: able }),
          conditions: mergedConditions(conditions, ["Ready"], ready ? [ready] : []),
        }),
        signal,
      );
    },
  };
}

function readStoreStatus(object: KubeObject): StoreObjectStatus | undefined {
  const status = statusOf(object);
  if (Object.keys(status).length === 0) return undefined;
  const conditions = Array.isArray(status["conditions"]) ? (status["conditions"] as unknown[]) : [];
  const ready = conditions.map(readReady).find((one) => one !== undefined);
  const able = v.safeParse(capabilities, status["capabilities"]);
  return { ...(ready && { ready }), ...(able.success && { capabilities: able.output }) };
}

function readReady(condition: unknown): StoreCondition | undefined {
  const parsed = v.safeParse(readySchema, condition);
  return parsed.success ? parsed.output : undefined;
}
