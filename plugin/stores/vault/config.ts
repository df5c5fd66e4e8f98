/** A `provider.vault` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface VaultConfig {
  /** Without a trailing slash; may have a base path. */
  readonly server: string;
  /** Mount path of the KV engine, without slashes at the ends and without `/data`; empty when keys name their mount. */
  readonly path: string;
  readonly version: "v1" | "v2";
  /** For reads; empty = the root namespace. */
  readonly namespace: string;
  /** PEM; absent = the system's roots. */
  readonly ca?: string;
  readonly login: VaultLogin;
}

/** How a token is got. `namespace` is that of the login alone. */
export type VaultLogin =
  | { readonly method: "token"; readonly namespace: string; readonly proof: ProofNeed }
  | (LoginMount & { readonly method: "kubernetes" | "jwt"; readonly role: string })
  | (LoginMount & {
      readonly method: "appRole";
      /** Written in the store itself; absent = the proof's secret `roleId`. */
      readonly roleId?: string;
    });

interface LoginMount {
  readonly namespace: string;
  /** Path of the auth mount below `auth/`. */
  readonly mount: string;
  readonly proof: ProofNeed;
}
