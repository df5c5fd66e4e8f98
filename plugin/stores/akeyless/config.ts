/** A `provider.akeyless` block, parsed: plain data without a secret value, fit for a cache key. */
import type { CaSource } from "../ca-bundle.ts";
import type { ProofNeed } from "../contract.ts";

export interface AkeylessConfig {
  /** Base of the API, without a trailing slash; may have a path. */
  readonly server: string;
  /** The gateway's own cache is passed by. */
  readonly ignoreCache: boolean;
  readonly ca: CaSource;
  readonly login: AkeylessLogin;
}

export type AkeylessLogin =
  /** The proof's secrets `accessId`, `accessType` and perhaps `accessTypeParam` say how; perhaps with a token. */
  | { readonly method: "secretRef"; readonly proof: ProofNeed }
  /** The proof's secret `accessKey`. */
  | { readonly method: "accessKey"; readonly accessId: string; readonly proof: ProofNeed }
  /** The proof has a token, or the secret `jwt`. */
  | {
      readonly method: "kubernetesAuth";
      readonly accessId: string;
      readonly confName: string;
      readonly proof: ProofNeed;
    };

/** The block's place in a store, for fields in messages. */
export const root = "spec.provider.akeyless";
