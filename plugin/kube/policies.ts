/**
 * The StorePolicies of the cluster, followed by a watch in every role.
 *
 * A policy is found by what it says, not by its name, so none can be known without a list of all. They are few, hold
 * nothing secret, and one that opens or closes a store counts everywhere within moments. Until all of them are known
 * nothing is decided: a store that only seems to have no policy would be open to everybody.
 */
import type { Clock } from "../core/clock.ts";
import { isDnsSubdomain } from "../core/names.ts";
import { isMap } from "../manifests/fields.ts";
import { parseStorePolicy } from "../manifests/store-policy.ts";
import type { StorePolicyItem } from "../read/ports.ts";
import type { KubeClient, KubeObject, Mirror } from "./contract.ts";
import { firstList } from "./first-list.ts";
import { storePolicies } from "./resources.ts";

export function followPolicies(client: KubeClient): Mirror<StorePolicyItem> {
  return client.mirror({ kind: storePolicies, keep: policyItem });
}

const unknown = "the StorePolicies are not known yet, so no store is open";

/** All policies; the array stays the same until one changes. */
export function policyReader(
  mirror: Mirror<StorePolicyItem>,
  clock: Clock,
): (signal: AbortSignal) => Promise<readonly StorePolicyItem[]> {
  let known: readonly StorePolicyItem[] | undefined;
  mirror.onChange(() => (known = undefined));
  return async (signal) => {
    await firstList(mirror, unknown, clock, signal);
    return (known ??= Array.from(mirror.entries(), ({ value }) => value));
  };
}

/** One that does not parse closes the store that it names, as far as it says which. */
function policyItem(object: KubeObject): StorePolicyItem {
  const parsed = parseStorePolicy(object);
  const { name } = object.metadata;
  const { spec } = object;
  const storeRef = isMap(spec) && isMap(spec["storeRef"]) ? spec["storeRef"] : {};
  const { kind, name: storeName, namespace } = storeRef;
  const isNamed = typeof storeName === "string" && isDnsSubdomain(storeName);
  if (parsed.ok || !isNamed || (kind !== "SecretStore" && kind !== "ClusterSecretStore")) return { ...parsed, name };
  return { ...parsed, name, storeRef: { kind, name: storeName, ...(typeof namespace === "string" && { namespace }) } };
}
