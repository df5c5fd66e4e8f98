/**
 * What the read path needs of the cluster, or of the folder that stands in for one.
 * Implemented by kube/ and directory/; every lookup names its namespace.
 */
import type { SecretValue } from "../core/secret-value.ts";
import type {
  Generator,
  GeneratorRef,
  Parsed,
  StoreManifest,
  StorePolicy,
  StoreRefKind,
} from "../manifests/objects.ts";

export interface ServiceAccountToken {
  readonly token: SecretValue;
  /** The uid of the account that the token is for. */
  readonly serviceAccountUid: string;
  /** Wall clock epoch milliseconds; absent when unknown. */
  readonly expiresAtMs?: number;
}

/** What a Secret holds, and the labels on it. */
export interface SecretData {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: ReadonlyMap<string, SecretValue>;
}

/**
 * A StorePolicy, or why it does not parse: then with its name and its storeRef, as far as kind and name of that are
 * valid. Without a storeRef it closes every store.
 */
export type StorePolicyItem = Parsed<StorePolicy> & {
  readonly name?: string;
  readonly storeRef?: StorePolicy["storeRef"];
};

/** All methods reject with Failure `kube_unavailable` when the answer cannot be had now. */
export interface ClusterView {
  /** Undefined when there is no such store. `namespace` is empty for a ClusterSecretStore. */
  findStore(
    kind: StoreRefKind,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Parsed<StoreManifest> | undefined>;
  /** Undefined when there is no such generator. Absent where nobody asks for one. */
  findGenerator?(
    kind: GeneratorRef["kind"],
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Parsed<Generator> | undefined>;
  /** All policies of the cluster. A policy that does not parse is a problem that closes its store: never skipped. */
  storePolicies(signal: AbortSignal): Promise<readonly StorePolicyItem[]>;
  /** Empty when the namespace is unknown, but for `kubernetes.io/metadata.name`. */
  namespaceLabels(namespace: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Undefined when the Secret is missing. */
  secretData(namespace: string, name: string, signal: AbortSignal): Promise<SecretData | undefined>;
  /** Undefined when the Secret or the key is missing. */
  secretValue(namespace: string, name: string, key: string, signal: AbortSignal): Promise<SecretValue | undefined>;
  /** Undefined when the ConfigMap or the key in its `data` is missing. */
  configMapValue(namespace: string, name: string, key: string, signal: AbortSignal): Promise<string | undefined>;
  /** Undefined when there is no such account, or nothing here can make a token for it. */
  serviceAccountToken(
    namespace: string,
    name: string,
    audience: string,
    signal: AbortSignal,
  ): Promise<ServiceAccountToken | undefined>;
  /** Empty when there is no such account. */
  serviceAccountAnnotations(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}
