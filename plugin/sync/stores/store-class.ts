/** The controller class that a store names. */
import type { StoreKey } from "../ports.ts";
import type { StoreItem, StoreSource } from "./ports.ts";

/** Empty = none is named; undefined when there is no such store. */
export function classOf(stores: Pick<StoreSource, "get">): (key: StoreKey) => string | undefined {
  return (key) => {
    const item = stores.get(key);
    return item && controllerOf(item);
  };
}

export function controllerOf({ parsed, controller }: StoreItem): string {
  return (parsed.ok ? parsed.value.controller : controller) ?? "";
}
