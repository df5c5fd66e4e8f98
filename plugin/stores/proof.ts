/** What a login is shown: what a store declares, where values of it are named, and who it speaks for. */
import type { SecretValue } from "../core/secret-value.ts";

/** Where a value of a Secret or a ConfigMap is named in a provider block. */
export interface SecretKeyRef {
  /** The field that holds this reference, for messages: `spec.provider.vault.auth.tokenSecretRef`. */
  readonly field: string;
  readonly name: string;
  /** Absent: the whole object, as JSON text of its keys and their values in base64. */
  readonly key?: string;
  /** Absent: the store's own namespace, or for a ClusterSecretStore that of whoever reads (referent). */
  readonly namespace?: string;
  /** Absent: a Secret. A ConfigMap is read by key only. */
  readonly kind?: "ConfigMap";
  /** A label without which the Secret is not for stores. */
  readonly label?: { readonly key: string; readonly value: string };
}

/** What a login wants to be shown. Declared by the store, collected by the read path under its proof rules. */
export type ProofNeed =
  | { readonly kind: "none" }
  | {
      /** A service account token: the pod's own, or one of the account that the store names. */
      readonly kind: "token";
      readonly field: string;
      readonly serviceAccount?: { readonly name: string; readonly namespace?: string };
      /** Absent = the process's --token-audience. */
      readonly audience?: string;
      /** What the login goes by beside the token: annotations of the account that the token is for. */
      readonly annotations?: AnnotationNeed;
      /** What else this store's requests need, by the name that `login` will look for: a CA, a client certificate. */
      readonly secrets?: Readonly<Record<string, SecretKeyRef>>;
    }
  | {
      /** Credentials kept in Secrets, by the name that `login` will look for. */
      readonly kind: "static";
      readonly method: string;
      readonly secrets: Readonly<Record<string, SecretKeyRef>>;
      /** True: nothing of it says who reads (a CA alone), so a pod's identity needs no more either. */
      readonly anonymous?: true;
    };

/** Annotations of the account whose token is shown, by their keys. */
export interface AnnotationNeed {
  /** Names the token's audience, in place of the need's own, where the account has it. */
  readonly audience?: string;
  /** What the login looks for. */
  readonly shown: readonly string[];
  /** Those of `shown` without which there is no login, each with what to do when the account lacks it. */
  readonly required: Readonly<Record<string, string>>;
}

/** Who a proof speaks for: part of every cache and session key. */
export type Subject =
  | { readonly kind: "none" }
  | {
      readonly kind: "serviceAccount";
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
      readonly audience: string;
      /** Canonical JSON of the annotations that the login goes by; absent when it goes by none. */
      readonly annotations?: string;
      /** Keyed digest of `ProofNeed.secrets`, hex; absent when there are none. */
      readonly digest?: string;
    }
  | {
      /** Keyed digest of the credential, hex: a changed credential is another subject. */
      readonly kind: "credential";
      readonly digest: string;
    };

export type Proof =
  | { readonly kind: "none" }
  | {
      readonly kind: "token";
      readonly token: SecretValue;
      /** Those of `AnnotationNeed.shown` that the account has. */
      readonly annotations?: Readonly<Record<string, string>>;
      readonly secrets?: Readonly<Record<string, SecretValue>>;
    }
  | { readonly kind: "static"; readonly secrets: Readonly<Record<string, SecretValue>> };
