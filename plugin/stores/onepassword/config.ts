/** A `provider.onepassword` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface ConnectConfig {
  /** Without a trailing slash; may have a base path. */
  readonly host: string;
  /** Names or ids, in the order in which they are searched. */
  readonly vaults: readonly [string, ...string[]];
  readonly proof: ProofNeed;
}

/** Of vaults and items. */
export function isId(text: string): boolean {
  return /^[a-z0-9]{26}$/.test(text);
}
