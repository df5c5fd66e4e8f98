/** A `provider.vault` or `provider.openBao` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface VaultConfig {
  /** Without a trailing slash; may have a base path. */
  readonly server: string;
  /** Mount path of the KV engine, without slashes at the ends and without `/data`; empty when keys name their mount. */
  readonly path: string;
  readonly version: "v1" | "v2";
  /**
   * As ESO reads OpenBao by its own block: values of a KV engine and nothing about them. A key lies below the mount also
   * when it begins like the mount's path.
   */
  readonly kvOnly?: true;
  /** For reads; empty = the root namespace. */
  readonly namespace: string;
  /** PEM; absent = that of the proof's secret `ca`, or the system's roots. */
  readonly ca?: string;
  /** Sent with every request; those with secret values are in the proof, by `headerSecret`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What a login wrote is seen by the reads after it, also at a standby that lags behind. */
  readonly readYourWrites?: true;
  /** A standby that lags behind asks the active node in place of refusing. */
  readonly forwardInconsistent?: true;
  readonly login: VaultLogin;
}

/** How a token is got. `namespace` is that of the login alone. */
export type VaultLogin =
  { readonly method: "token"; readonly namespace: string; readonly proof: ProofNeed } | MountLogin;

export type MountLogin = LoginMount & LoginChoice;

export type LoginChoice =
  | { readonly method: "kubernetes" | "jwt" | "gcp"; readonly role: string }
  | {
      readonly method: "appRole";
      /** Written in the store itself; absent = the proof's secret `roleId`. */
      readonly roleId?: string;
    }
  | { readonly method: "ldap" | "userPass"; readonly username: string }
  /** By the connection's own certificate. Role empty = the first of the mount's roles that takes it. */
  | { readonly method: "cert"; readonly role: string }
  | IamLogin;

/** A signed question to AWS about oneself, which Vault asks in our place. */
export interface IamLogin {
  readonly method: "iam";
  /** Vault's. */
  readonly role: string;
  readonly region: string;
  /** Value of the header by which a signature is for one Vault alone. */
  readonly serverId?: string;
  /** ARN of a role to take first. */
  readonly awsRole?: string;
  readonly externalId?: string;
}

export interface LoginMount {
  readonly namespace: string;
  /** Path of the auth mount below `auth/`. */
  readonly mount: string;
  readonly proof: ProofNeed;
}

/** Names of the proof's secrets that the connection is made with, whatever the login. */
export const connectionSecrets = { ca: "ca", certificate: "clientCertificate", key: "clientKey" } as const;

/** Name of the proof's secret for a header whose value is one. */
export function headerSecret(header: string): string {
  return `header ${header}`;
}
