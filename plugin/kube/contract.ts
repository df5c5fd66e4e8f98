/**
 * The API server as the rest of kube/ uses it: requests on objects, and mirrors that follow a watch.
 *
 * Knows resources by their description alone, no schema. Implemented in client/; adapters take these interfaces as
 * arguments. Every rejection is a KubeFailure (code `kube_unavailable`) or the reason of the caller's own signal.
 */
import { Failure } from "../core/failure.ts";

/** What is needed to write a resource's path. */
export interface ResourceKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** As in the path, e.g. `externalsecrets`. */
  readonly plural: string;
  /** As in the object, e.g. `ExternalSecret`; for messages and for objects that are written. */
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ObjectName {
  /** Empty for an object of cluster scope. */
  readonly namespace: string;
  readonly name: string;
}

export interface KubeOwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface KubeManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  /** RFC 3339. */
  readonly time?: string;
  /** `status` for a write of the status. */
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

/** As the API server sends it. Of an object that is written, what the API server fills in may be absent. */
export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  /** Set while finalizers hold the object. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly KubeOwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly KubeManagedFields[];
}

/** Parsed JSON, unchecked but for `metadata`. A Secret's holds plaintext: decode it at once, never keep or print it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMeta;
  readonly [field: string]: unknown;
}

export interface Selection {
  /** Absent = all namespaces. */
  readonly namespace?: string;
  /** As kubectl's -l, e.g. `reconcile.external-secrets.io/managed=true`. */
  readonly labelSelector?: string;
  /** As kubectl's --field-selector, e.g. `metadata.name=payments-db`. */
  readonly fieldSelector?: string;
}

export interface ListPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
}

export interface WriteOptions {
  /** E.g. `status`; `token` with the account's name for a TokenRequest. */
  readonly subresource?: string;
  /** Shown in the object's managedFields. */
  readonly fieldManager?: string;
}

export interface PatchOptions extends WriteOptions {
  /** `apply` is server-side apply: needs a fieldManager. */
  readonly type: "merge" | "json" | "apply";
  /** For `apply`: take over fields that another manager owns. */
  readonly force?: boolean;
}

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/**
 * One request each, with its own deadline; token renewed once on 401; 429 and announced outages waited for as long as
 * the deadline allows. Reads are repeated after a lost connection; writes only when they cannot have arrived.
 */
export interface KubeApi {
  /** Undefined when there is no such object (404). */
  get(kind: ResourceKind, name: ObjectName, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** An unstructured document such as `/version` or `/openid/v1/jwks`. Undefined on 404. */
  getPath(path: string, signal: AbortSignal): Promise<unknown>;
  listPage(
    kind: ResourceKind,
    query: Selection & { readonly limit?: number; readonly continue?: string },
    signal: AbortSignal,
  ): Promise<ListPage>;
  /**
   * POST. The path takes its namespace from `object.metadata`, and its name too when there is a subresource.
   * Answers of virtual resources (TokenRequest, TokenReview) come back as they are.
   */
  create(kind: ResourceKind, object: KubeObject, signal: AbortSignal, options?: WriteOptions): Promise<KubeObject>;
  /** PUT. `metadata.resourceVersion` makes it refuse to overwrite another's write (status 409). */
  replace(kind: ResourceKind, object: KubeObject, signal: AbortSignal, options?: WriteOptions): Promise<KubeObject>;
  patch(
    kind: ResourceKind,
    name: ObjectName,
    body: unknown,
    signal: AbortSignal,
    options: PatchOptions,
  ): Promise<KubeObject>;
  /** False when there was no such object (404). A failed precondition is status 409. */
  remove(kind: ResourceKind, name: ObjectName, signal: AbortSignal, only?: Preconditions): Promise<boolean>;
}

/** Kubernetes' own reasons that are repeated; any other is the empty string. */
export type KubeReason =
  | "AlreadyExists"
  | "BadRequest"
  | "Conflict"
  | "Expired"
  | "Forbidden"
  | "Gone"
  | "InternalError"
  | "Invalid"
  | "MethodNotAllowed"
  | "NotFound"
  | "RequestEntityTooLarge"
  | "ServerTimeout"
  | "ServiceUnavailable"
  | "Timeout"
  | "TooManyRequests"
  | "Unauthorized"
  | "UnsupportedMediaType"
  | "";

/**
 * Well-known causes of a refusal, found in the Status; its text is not repeated.
 * `rights` = RBAC; `admission` = a webhook or policy said no, its name is in the message.
 */
export type RefusalCause =
  "admission" | "immutable" | "namespace_missing" | "namespace_terminating" | "quota" | "rights" | "too_large";

export interface KubeFailureFacts {
  /** HTTP status; 0 when there was no whole answer. */
  readonly status: number;
  readonly reason?: KubeReason;
  readonly refusal?: RefusalCause | undefined;
  /** Names of the fields that a 422 complains about, e.g. `data[tls.crt]`. At most 5. */
  readonly fields?: readonly string[];
  /** Name of the webhook or policy that refused; as the API server tells it, letters, digits, "-" and "." alone. */
  readonly admission?: string | undefined;
  /** The API server's wish. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The API server did not do it. The message says what was asked, of which object, and the way out, in words of ours.
 * The code is always `kube_unavailable`, so that a missing right of ours never becomes a consumer's authoritative no;
 * an adapter that knows better (a refused Secret write) decides by `status` and `refusal`.
 */
export class KubeFailure extends Failure {
  /** HTTP status: 403, 404, 409, 410, 422, 429, 5xx …; 0 for network, TLS and timeout. */
  readonly status: number;
  readonly reason: KubeReason;
  readonly refusal: RefusalCause | undefined;
  readonly fields: readonly string[];
  readonly admission: string | undefined;

  constructor(message: string, facts: KubeFailureFacts) {
    super("kube_unavailable", message, facts.retryAfterMs === undefined ? {} : { retryAfterMs: facts.retryAfterMs });
    this.status = facts.status;
    this.reason = facts.reason ?? "";
    this.refusal = facts.refusal;
    this.fields = facts.fields ?? [];
    this.admission = facts.admission;
  }
}

/** One object of a mirror. */
export interface MirrorEntry<T> {
  readonly key: ObjectName;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
}

/** An object that was deleted and made anew under its name comes as `removed`, then `added`. */
export type MirrorChange<T> =
  | { readonly type: "added"; readonly entry: MirrorEntry<T> }
  | { readonly type: "changed"; readonly entry: MirrorEntry<T>; readonly before: MirrorEntry<T> }
  | { readonly type: "removed"; readonly entry: MirrorEntry<T> };

export interface MirrorHealth {
  /** One complete list has been taken in. */
  readonly synced: boolean;
  /** Last moment at which the API server confirmed what is held (list, event, bookmark), monotonic ms of the Clock. */
  readonly freshAtMs: number | undefined;
  /** Why the last list or watch failed; absent while all is well. status 404 = the resource is not installed. */
  readonly problem?: KubeFailure;
}

/**
 * Follows one selection of one resource for as long as it runs; nothing but stop() ends it. What is held is whole at
 * any time: a list that breaks off half-way changes nothing.
 */
export interface Mirror<T> {
  get(key: ObjectName): MirrorEntry<T> | undefined;
  entries(): IterableIterator<MirrorEntry<T>>;
  readonly size: number;
  /**
   * Called after the mirror holds the change, one at a time, the first list included (each object as `added`).
   * Register before the first await after createMirror to miss none. Returns the stop function.
   */
  onChange(listener: (change: MirrorChange<T>) => void): () => void;
  /** Resolves after the first complete list, its changes delivered; never rejects, and stays pending when stopped before. */
  readonly synced: Promise<void>;
  health(): MirrorHealth;
  /** Ends watch and timers; resolves when nothing of it runs any more. What is held stays readable. */
  stop(): Promise<void>;
}

export interface MirrorOptions<T> extends Selection {
  readonly kind: ResourceKind;
  /**
   * What is kept of an object: the only thing of it that stays in memory. Must not throw; when it does, the object is
   * logged and what was kept of it before stays.
   */
  readonly keep: (object: KubeObject) => T;
  /** metadata.managedFields is dropped before `keep` sees the object, unless true. */
  readonly managedFields?: boolean;
  /** Objects in a page of the list; 500 unless given. Small where objects are large. */
  readonly pageSize?: number;
}

/** What adapters get: see client/client.ts. One per process. */
export interface KubeClient extends KubeApi {
  /** Starts following at once. A single object: `fieldSelector: "metadata.name=NAME"`. */
  mirror<T>(options: MirrorOptions<T>): Mirror<T>;
  /** All pages, `keep` applied to each object at once. An expired continue token starts the list anew. */
  listAll<T>(
    kind: ResourceKind,
    selection: Selection,
    keep: (object: KubeObject) => T,
    signal: AbortSignal,
  ): Promise<readonly T[]>;
  /** The namespace of this process: the Pod's, or that of the kubeconfig's context. */
  readonly namespace: string;
}
