/** A `provider.doppler` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface DopplerConfig {
  /** Without a trailing slash. */
  readonly server: string;
  /** Empty: the token's own. */
  readonly project: string;
  /** Empty: the token's own. */
  readonly config: string;
  /** Absent: secrets are read one by one. */
  readonly format?: (typeof formats)[number];
  /** Absent: secrets found have Doppler's own names. */
  readonly nameTransformer?: (typeof nameTransformers)[number];
  readonly login: DopplerLogin;
}

export type DopplerLogin =
  | { readonly method: "token"; readonly proof: ProofNeed }
  /** A service account's token is traded for a short-lived one of this identity. */
  | { readonly method: "oidc"; readonly identity: string; readonly proof: ProofNeed };

export const formats = ["json", "dotnet-json", "env", "yaml", "docker"] as const;

export const nameTransformers = ["upper-camel", "camel", "lower-snake", "tf-var", "dotnet-env", "lower-kebab"] as const;
