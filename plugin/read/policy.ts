/** What a StorePolicy says about one namespace and one address. Pure. */
import type { StorePolicy } from "../manifests/objects.ts";
import { matchesSelector } from "../manifests/selector.ts";

/** Who asks, as rules see it. */
export interface NamespaceFacts {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether any rule of the policy lets this namespace read this address; without one, anything at all. */
export function policyAdmits(policy: StorePolicy, who: NamespaceFacts, address: string | undefined): boolean {
  return policy.rules.some(
    ({ namespaces, namespaceSelector, keys }) =>
      (namespaces.includes(who.namespace) ||
        (namespaceSelector !== undefined && matchesSelector(namespaceSelector, who.labels))) &&
      (keys === undefined || address === undefined || keys.some((pattern) => matchesAddress(pattern, address))),
  );
}

/** `a/b` means itself, `a/*` one more segment, `a/**` one or more. Nothing else in a pattern is special. */
export function matchesAddress(pattern: string, address: string): boolean {
  const wildcard = /\/(\*{1,2})$/.exec(pattern);
  if (!wildcard) return pattern === address;
  const folder = pattern.slice(0, wildcard.index + 1);
  if (!address.startsWith(folder)) return false;
  const below = address.slice(folder.length).split("/");
  // A wildcard never covers a path that could lead elsewhere, should an address ever hold one.
  if (below.some((segment) => segment === "" || segment === "." || segment === "..")) return false;
  return wildcard[1] === "**" || below.length === 1;
}
