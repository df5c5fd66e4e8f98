/** A `provider.gcpsm` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface GcpConfig {
  /** Where the secrets are: an id or a number. */
  readonly project: string;
  /** Absent = secrets that are not bound to a region. */
  readonly location?: string;
  /** When the latest version is disabled or destroyed: the newest one that is enabled is taken instead. */
  readonly orNewestEnabled: boolean;
  readonly login: GcpLogin;
}

export type GcpLogin =
  | {
      /** The JSON key of a Google service account signs the request for a token. */
      readonly method: "key";
      readonly proof: ProofNeed;
    }
  | {
      /** A Kubernetes service account's token is traded through the cluster's own identity pool. */
      readonly method: "workloadIdentity";
      readonly proof: ProofNeed;
      readonly cluster: Cluster;
    }
  | {
      /** A Kubernetes service account's token is traded through an identity pool of one's own. */
      readonly method: "federation";
      readonly proof: ProofNeed;
      readonly audience: string;
      /** Whom to speak for; before what the account's annotation says. */
      readonly email?: string;
    }
  | {
      /** The same with a token from elsewhere, as Google's configuration file for external accounts describes it. */
      readonly method: "externalAccount";
      readonly proof: ProofNeed;
      /** In place of the file's. */
      readonly audience?: string;
      readonly email?: string;
      /** Where the file may have the token from. */
      readonly tokenEndpoint?: string;
    }
  | {
      /** The identity of the node or of this process, from the metadata server. */
      readonly method: "metadata";
      readonly proof: ProofNeed;
    };

export interface Cluster {
  readonly project: string;
  /** Absent = the metadata server says it. */
  readonly location?: string;
  readonly name?: string;
}
