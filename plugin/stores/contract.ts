/**
 * What a store kind is to the rest of the house.
 *
 * A kind turns its provider block into a Store; a Store locates, logs in and fetches. It caches nothing, retries
 * nothing and checks no tenant: the read path does. It throws only Failure, and no message of it holds a value, a token
 * or a body of the store.
 */
import type { Clock } from "../core/clock.ts";
import type { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { MetadataPolicy, Parsed, StoreRefKind } from "../manifests/objects.ts";
import type { HttpSend, TlsOptions } from "./http.ts";

/** One thing to read, as a manifest names it. */
export interface Ref {
  readonly key: string;
  /** The store's own version syntax; absent = the current one. */
  readonly version?: string;
  readonly metadataPolicy: MetadataPolicy;
  /** Only for kinds whose `propertySyntax` is "own": they take it out themselves. */
  readonly property?: string;
  /** Only for these kinds too. True: an object is wanted whose members are taken (`extract`), not one value. */
  readonly members?: true;
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
  /**
   * What is fetched and kept in its place, where the store's API gives this only inside a larger answer: one fetch then
   * serves all parts of it, and the store's `part` takes each out. Policies and audit go by the part's own address.
   */
  readonly whole?: Located;
}

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
  /** By which `refetch` asks whether this is still the answer: an ETag. */
  readonly validator?: string;
  /** Set where the store made the value for this read and takes it back: `expiresAtMs` is then this lease's end. */
  readonly lease?: Lease;
}

export interface Lease {
  readonly id: string;
  readonly renewable: boolean;
}

/** What a find asks for; all of it narrows. */
export interface FindWish {
  /** A prefix or folder, as the store has them. */
  readonly path?: string;
  /** Whether a name is wanted; absent = every name. The source is RE2 text, for stores that filter by it themselves. */
  readonly name?: { readonly source: string; readonly matches: (name: string) => boolean };
  readonly tags?: Readonly<Record<string, string>>;
}

export interface Found {
  /** What it is called in the result, before conversion and rewrite. */
  readonly name: string;
  /** By which it is read, as a manifest would name it (without the store's own prefix where `locate` adds that). */
  readonly key: string;
  readonly property?: string;
}

export interface FindAbility<S extends Session> {
  /** Which of the narrowings the store has: another one is `ref_invalid`. */
  readonly by: readonly ("path" | "name" | "tags")[];
  /**
   * Where it lists: part of its identity in caches, and its name in audit. Policies do not decide on it, but on each secret
   * that is listed. Throws `ref_invalid`.
   */
  locate(wish: FindWish): Located;
  /**
   * All that match, in any order, page by page until the end; never a part. Rejects as `fetch` does; an empty folder is
   * an empty list.
   */
  list(wish: FindWish, session: S, signal: AbortSignal): Promise<readonly Found[]>;
}

export interface BatchAbility<S extends Session> {
  /** Reads that one call can hold. */
  readonly most: number;
  /** Whether this read can go out in such a call. */
  takes(located: Located): boolean;
  /** One outcome for each, in their order. Rejects only when the call as a whole failed. */
  fetch(located: readonly Located[], session: S, signal: AbortSignal): Promise<readonly (StoreAnswer | Failure)[]>;
}

export interface LeaseAbility<S extends Session> {
  /** Resolves with its new end, wall clock epoch milliseconds. Rejects with Failure. */
  renew(lease: Lease, session: S, signal: AbortSignal): Promise<number>;
  /** Ends it now. Rejects with Failure. */
  revoke(lease: Lease, session: S, signal: AbortSignal): Promise<void>;
}

/** What a login may put on the wire about who asks; see `StoreKind.unusedCallerFacts`. */
export type CallerFacts = Readonly<Record<CallerFact, string>>;

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
  login(proof: Proof, signal: AbortSignal, facts: CallerFacts): Promise<S>;
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
  /** Optional ability: another life for the session. Rejects with Failure; then a new login follows. */
  renew?(session: S, signal: AbortSignal): Promise<S>;
  /** For Located with `whole`: takes the part out of the whole's answer. Throws Failure `ref_not_found`, `answer_invalid`. */
  part?(located: Located, whole: StoreAnswer): StoreAnswer;
  /** Optional ability: as `fetch`, or "unchanged" when the answer with this validator still is the answer. */
  refetch?(located: Located, validator: string, session: S, signal: AbortSignal): Promise<StoreAnswer | "unchanged">;
  readonly find?: FindAbility<S>;
  readonly batch?: BatchAbility<S>;
  readonly leases?: LeaseAbility<S>;
  /** Optional ability: calls back after anything this store reads may have changed. Returns the stop function. */
  watch?(onChange: () => void): () => void;
}

/**
 * How `property` is looked up in an answer, by the paths of gjson; "key-then-inside": up to the first dot it is a key, and
 * the rest is looked up in that key's value; "own": `locate` gets it, and the answer is final.
 */
export type PropertySyntax =
  "key-then-gjson" | "key-then-inside" | "escaped-then-gjson" | "gjson-then-escaped" | "gjson" | "own";

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
  /**
   * Reaches what the cloud runs on this machine for it (metadata services), which `http` refuses: for addresses that a
   * kind has as constants, and for ClusterSecretStores alone. Absent = the same as `http`.
   */
  readonly machineHttp?: HttpSend;
  /**
   * Reaches this process's own API server too, which `http` refuses: for a kind that shows it nothing but a credential that
   * its block names. Absent = the same as `http`.
   */
  readonly apiServerHttp?: (tls: TlsOptions) => HttpSend;
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
   * By which the cloud tells this process who it is, by the name of the environment variable: for ClusterSecretStores
   * alone. A pair of variables is there whole or not at all; files are absolute.
   */
  readonly ownIdentity?: Readonly<Record<string, string>>;
  /**
   * Counts one call to the store's API, e.g. ("ReadSecretData", "success"). `provider` is the label of a kind that has
   * several; absent = the kind's own.
   */
  readonly countCall: (call: string, outcome: "success" | "error", provider?: string) => void;
}

/**
 * The parameters of a SecretProviderClass as a store's own CSI provider takes them. Pure: what they mean, as a block of
 * this kind and the files to make; the read path then treats it as any other store.
 */
export interface ClassDialect {
  /** What stands in the class as `provider`, and what the provider's socket is called. */
  readonly provider: string;
  /** Paths in problems are parameter names, and places in them: `objects[2].secretPath`. */
  parse(parameters: Readonly<Record<string, string>>, surroundings: DialectSurroundings): Parsed<ClassRequest>;
}

/** What a dialect may know beside the parameters. */
export interface DialectSurroundings {
  /** The pod's, from kubelet: annotations of it are asked for by the store that the block opens. */
  readonly namespace: string;
  readonly serviceAccountName: string;
  /** Keys of nodePublishSecretRef; their values are handed to the login under the same names. */
  readonly secretKeys: readonly string[];
  /** Octal mode that the driver asks for where a file has none of its own. */
  readonly filePermission: number;
}

export interface ClassRequest {
  /** As `StoreKind.open` takes it, with paths of its own for what a block of ESO cannot say. */
  readonly block: unknown;
  readonly files: readonly DialectFile[];
}

export interface DialectFile {
  /** Relative to the volume. */
  readonly path: string;
  readonly mode: number;
  readonly ref: Ref;
  /** What of the answer the file holds. */
  readonly part: DialectPart;
  /** How the stored text is written; the file gets what it stands for. */
  readonly encoding: "utf-8" | "base64" | "hex";
  /** The id of its object version, and where that comes from: the store's version or a keyed digest of the file. */
  readonly object: { readonly id: string; readonly version: "store" | "digest" };
}

export type DialectPart =
  | { readonly kind: "whole" }
  | { readonly kind: "property"; readonly property: string }
  /** A top-level key of a JSON or YAML document. */
  | { readonly kind: "key"; readonly of: "json" | "yaml"; readonly key: string }
  | { readonly kind: "jmesPath"; readonly path: string };

export interface OpenedStore {
  readonly store: Store;
  /** Caller facts that this configuration puts on the wire although its kind rarely does: they are in its cache keys. */
  readonly usedCallerFacts?: readonly CallerFact[];
  /** The parsed configuration as plain data: its canonical JSON is part of every cache key. Holds no secret value. */
  readonly config: unknown;
}

export interface StoreKind {
  /** The key under spec.provider. */
  readonly name: string;
  /** ESO's `provider` label of externalsecret_provider_api_calls_count. */
  readonly metricLabel: string;
  readonly propertySyntax: PropertySyntax;
  /**
   * Caller facts that do not reach the wire of this kind: they are left out of its cache keys, save those that
   * `OpenedStore.usedCallerFacts` names.
   */
  readonly unusedCallerFacts: readonly CallerFact[];
  /** Classes written for CSI providers of this store. */
  readonly dialects?: readonly ClassDialect[];
  /** Paths in problems start at the block itself (`auth.kubernetes.role`). */
  open(raw: unknown, context: StoreContext, deps: StoreDeps): Parsed<OpenedStore>;
}
