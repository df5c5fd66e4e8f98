/**
 * What a store kind is to the rest of the house.
 *
 * A kind turns its provider block into a Store; a Store locates, logs in and fetches. It caches nothing, retries
 * nothing and checks no tenant: the read path does. It throws only Failure, and no message of it holds a value, a token
 * or a body of the store.
 */
import type { Clock } from "../core/clock.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { MetadataPolicy, Parsed, StoreRefKind } from "../manifests/objects.ts";
import type { HttpSend, TlsOptions } from "./http.ts";

/** One thing to read, as a manifest names it. */
export interface Ref {
  readonly key: string;
  /** The store's own version syntax; absent = the current one. */
  readonly version?: string;
  readonly metadataPolicy: MetadataPolicy;
}

declare const canonicalAddress: unique symbol;
/** The one spelling of a ref that goes on the wire, e.g. `secret/data/payments/db`. Only a Store's `locate` makes one. */
export type Address = string & { readonly [canonicalAddress]: true };

/** Everything that decides what a fetch sends, beside who asks. All of it is in the cache key. */
export interface Located {
  readonly address: Address;
  /** `GET`, or what the store's API needs. Anything but a plain read is never shared between consumers. */
  readonly method: string;
  /** Canonical JSON of further arguments; empty when there are none. */
  readonly arguments: string;
  /** Empty = the current version. */
  readonly version: string;
}

/** Where a Secret's value is named in a provider block. */
export interface SecretKeyRef {
  /** The field that holds this reference, for messages: `spec.provider.vault.auth.tokenSecretRef`. */
  readonly field: string;
  readonly name: string;
  readonly key: string;
  /** Absent: the store's own namespace, or for a ClusterSecretStore that of whoever reads (referent). */
  readonly namespace?: string;
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
    }
  | {
      /** Credentials kept in Secrets, by the name that `login` will look for. */
      readonly kind: "static";
      readonly method: string;
      readonly secrets: Readonly<Record<string, SecretKeyRef>>;
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
    }
  | { readonly kind: "static"; readonly secrets: Readonly<Record<string, SecretValue>> };

/** What a store gave back after login. Kinds extend it with their own state. */
export interface Session {
  /** End of life, wall clock epoch milliseconds. Absent = until refused. Source: the login answer. */
  readonly expiresAtMs?: number;
  /** Its login sent nothing: the credential itself is shown with each request, so only `check` or a read can tell. */
  readonly given?: true;
}

export interface StoreAnswer {
  /** The whole payload of the ref: JSON text for structured secrets, raw bytes otherwise. */
  readonly value: SecretValue;
  /** The store's own version id, e.g. "7"; empty when it has none. Never derived from the value. */
  readonly version: string;
  /** End of the lease, wall clock epoch milliseconds. Absent when the store sets none. */
  readonly expiresAtMs?: number;
  /** The store's id of this request, for audit. Source: response body or headers. */
  readonly requestId?: string;
}

export interface Store<S extends Session = Session> {
  readonly proofNeed: ProofNeed;
  /** Server and login mount in one text: identities that share it can be compared when one of them is refused. */
  readonly loginRealm: string;
  /** Absolute folders or files of this machine that the store reads. */
  readonly localPaths?: readonly string[];
  /** The canonical form of a ref. Pure. Throws Failure `ref_invalid`. */
  locate(ref: Ref): Located;
  /**
   * Trades proof for a session. Rejects with Failure: `store_login_denied` when the store refuses the proof,
   * `store_invalid` when the store's own configuration is wrong, an unavailable code otherwise.
   */
  login(proof: Proof, signal: AbortSignal): Promise<S>;
  /**
   * Reads one ref whole; never resolves with part of an answer. Rejects with Failure: `store_denied` when the session
   * may not read it, `ref_not_found` only for exactly the shape that this kind's API uses for "there is no such secret",
   * `version_not_found` for a version that is gone, an unavailable or `answer_*` code otherwise.
   */
  fetch(located: Located, session: S, signal: AbortSignal): Promise<StoreAnswer>;
  /**
   * Optional ability: asks the store whether the session still stands, and reads nothing. Rejects with Failure:
   * `store_denied` when it does not, an unavailable or `answer_*` code otherwise.
   */
  check?(session: S, signal: AbortSignal): Promise<void>;
  /** Optional ability: calls back after anything this store reads may have changed. Returns the stop function. */
  watch?(onChange: () => void): () => void;
}

/** How `property` is looked up in an answer (spec: the JSON paths of gjson). */
export type PropertySyntax = "key-then-gjson" | "escaped-then-gjson" | "gjson-then-escaped" | "gjson";

/** Facts about the caller that a kind may put on the wire (session tags, templates). */
export type CallerFact = "namespace" | "storeName" | "storeKind";

/** Where a provider block stands. */
export interface StoreContext {
  readonly scope: StoreRefKind;
  readonly name: string;
  /** Empty for a ClusterSecretStore. */
  readonly namespace: string;
}

/** What every store may use of the world. */
export interface StoreDeps {
  readonly clock: Clock;
  /** One HTTP sender per TLS configuration; pooled behind it. */
  readonly http: (tls: TlsOptions) => HttpSend;
  /** Watches a file or folder tree; calls back, debounced, after any change below it. Returns the stop function. */
  readonly watchPath: (path: string, onChange: () => void) => () => void;
  /** Base of relative paths of file stores, absolute; and the folder they may not leave. Root absent = any folder. */
  readonly fileStore?: { readonly base: string; readonly root?: string };
  /** Plain http:// store addresses are allowed (standalone only). */
  readonly plainHttp: boolean;
  /**
   * Addresses that this process is told to use in place of a kind's own, as full URLs, by the name of the environment
   * variable that gives them.
   */
  readonly endpoints?: Readonly<Record<string, string>>;
  /**
   * Counts one call to the store's API, e.g. ("ReadSecretData", "success"). `provider` is the label of a kind that has
   * several; absent = the kind's own.
   */
  readonly countCall: (call: string, outcome: "success" | "error", provider?: string) => void;
}

export interface OpenedStore {
  readonly store: Store;
  /** The parsed configuration as plain data: its canonical JSON is part of every cache key. Holds no secret value. */
  readonly config: unknown;
}

export interface StoreKind {
  /** The key under spec.provider. */
  readonly name: string;
  /** ESO's `provider` label of externalsecret_provider_api_calls_count. */
  readonly metricLabel: string;
  readonly propertySyntax: PropertySyntax;
  /** Caller facts that never reach the wire of this kind: they are left out of its cache keys. */
  readonly unusedCallerFacts: readonly CallerFact[];
  /** Paths in problems start at the block itself (`auth.kubernetes.role`). */
  open(raw: unknown, context: StoreContext, deps: StoreDeps): Parsed<OpenedStore>;
}
