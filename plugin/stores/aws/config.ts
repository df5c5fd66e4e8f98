/** A `provider.aws` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface AwsConfig {
  readonly service: "SecretsManager" | "ParameterStore";
  readonly region: string;
  /** In front of every key; empty when there is none. */
  readonly prefix: string;
  readonly login: AwsLogin;
  /** Assumed one after the other, each with the credentials of the one before. */
  readonly roles: readonly RoleStep[];
}

export type AwsLogin =
  | {
      /** A service account's token is traded for the role that the account is annotated with. */
      readonly method: "webIdentity";
      readonly proof: ProofNeed;
      /** For an account that names none: then this one is taken, and `roles` is left out. */
      readonly role?: string;
    }
  | { readonly method: "keys"; readonly proof: ProofNeed };

export interface RoleStep {
  readonly roleArn: string;
  readonly externalId?: string;
  readonly tags?: readonly SessionTag[];
  readonly transitiveTagKeys?: readonly string[];
}

export interface SessionTag {
  readonly key: string;
  readonly value: string;
}
