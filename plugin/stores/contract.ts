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
import type { GeneratorCall, Parsed, StoreRefKind } from "../manifests/objects.ts";
import type { ClassDialect } from "./class-dialect.ts";
import type { HttpSend, TlsOptions } from "./http.ts";
import type { Proof, ProofNeed } from "./proof.ts";
import type { Ref } from "./ref.ts";

export type { Ref } from "./ref.ts";
export type { AnnotationNeed, Proof, ProofNeed, SecretKeyRef, Subject } from "./proof.ts";

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

export type BatchOutcome = StoreAnswer | Failure | "alone";

export interface BatchAbility<S extends Session> {
  /** Reads that one call can hold. */
  readonly most: number;
  /** Whether this read can go out in such a call. */
  takes(located: Located): boolean;
  /**
   * One outcome for each, in their order; "alone": it turned out that this one cannot be read so, and `fetch` is to read
   * it. Rejects only when the call as a whole failed.
   */
  fetch(located: readonly Located[], session: S, signal: AbortSignal): Promise<readonly BatchOutcome[]>;
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
  /** Optional ability: what a generator asks, whose answer is one JSON object and nobody else's. Likewise. */
  locateCall?(call: GeneratorCall): Located;
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
  /** The block's own path, for messages; absent: `spec.provider.<kind>`. */
  readonly field?: string;
}

/** What every store may use of the world. */
export interface StoreDeps {
  readonly clock: Clock;
  /** One HTTP sender per TLS configuration; pooled behind it. */
  readonly http: (tls: TlsOptions) => HttpSend;
  /**
   * Reaches what the cloud runs on this machine for it (metadata services), which `http` refuses: for addresses that a
   * kind has as constants. This process's own identity is asked for on behalf of ClusterSecretStores alone. Absent = the same as `http`.
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

/** Loads a kind's code, once. */
export type LoadKind = () => Promise<StoreKind>;
