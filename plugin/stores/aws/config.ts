/** A `provider.aws` block, parsed: plain data without a secret value, fit for a cache key. */
import type { CallerFact, ProofNeed } from "../contract.ts";

export interface AwsConfig {
  readonly service: "SecretsManager" | "ParameterStore" | "CertificateManager";
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
  | { readonly method: "keys"; readonly proof: ProofNeed }
  | {
      /** A mounting pod's token is shown to the node's Pod Identity agent, which answers with that pod's role. */
      readonly method: "podIdentity";
      readonly proof: ProofNeed;
      /** Of the agent, in the order in which they are tried. */
      readonly urls: readonly string[];
    }
  | { readonly method: "own"; readonly proof: ProofNeed; readonly identity: OwnIdentity };

/** Who the cloud says that this process is. `tokenFile`: absolute; what stands in it changes. */
export type OwnIdentity =
  | { readonly kind: "agent"; readonly url: string; readonly tokenFile: string }
  | { readonly kind: "role"; readonly roleArn: string; readonly tokenFile: string };

export interface RoleStep {
  readonly roleArn: string;
  readonly externalId?: string;
  readonly tags?: readonly SessionTag[];
  readonly transitiveTagKeys?: readonly string[];
}

/** `fact`: the value is not the store's but that of whoever reads. */
export type SessionTag =
  { readonly key: string; readonly value: string } | { readonly key: string; readonly fact: CallerFact };

/** Caller facts that sessions of these roles carry. */
export function factsIn(roles: readonly RoleStep[]): readonly CallerFact[] {
  return roles.flatMap(({ tags = [] }) => tags.flatMap((tag) => ("fact" in tag ? [tag.fact] : [])));
}
