/** A `provider.azurekv` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface AzureConfig {
  /** Without a slash at its end. */
  readonly vaultUrl: string;
  /** Base of the token endpoint, without a slash at its end. */
  readonly authority: string;
  /** What access tokens are for, without a slash at its end. Absent: the vault itself is asked. */
  readonly resource?: string;
  readonly login: AzureLogin;
}

/** `tenantId`, `clientId`: the block's own; what is absent comes with the proof. */
export type AzureLogin =
  | {
      readonly method: "workloadIdentity";
      readonly proof: ProofNeed;
      readonly tenantId?: string;
      readonly clientId?: string;
    }
  | { readonly method: "clientSecret"; readonly proof: ProofNeed; readonly tenantId?: string }
  | { readonly method: "clientCertificate"; readonly proof: ProofNeed; readonly tenantId?: string }
  | {
      readonly method: "managedIdentity";
      readonly proof: ProofNeed;
      /** Client id of a user-assigned identity; absent = the machine's own. */
      readonly identityId?: string;
    };
