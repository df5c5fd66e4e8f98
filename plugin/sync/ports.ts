/**
 * What sync needs of the API server, or of the folder that stands in for one: ExternalSecrets, their targets and
 * statuses. What the validation of stores needs is in stores/ports.ts. Implemented by kube/ and directory/.
 *
 * Every promise may reject with Failure `kube_unavailable` when the answer cannot be had now (5xx, 429 with its
 * `retryAfterMs`, a broken connection, a lease that is not confirmed): nothing was decided, it is tried again.
 */
import type { SecretValue } from "../core/secret-value.ts";
import type {
  CreationPolicy,
  ExternalSecret,
  ObjectMeta,
  Parsed,
  StoreRef,
  StoreRefKind,
} from "../manifests/objects.ts";

export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

export interface StoreKey {
  readonly kind: StoreRefKind;
  /** Empty for a ClusterSecretStore. */
  readonly namespace: string;
  readonly name: string;
}

/** Who else writes the status of an object, as its managedFields tell. */
export interface ForeignStatusWriter {
  /** Field manager of the newest entry with subresource `status` that is not `keyferry`'s. */
  readonly manager: string;
  /** Time of that entry, wall clock epoch milliseconds. Whole seconds in the API. */
  readonly atMs: number;
  /** It is not older than keyferry's own entry, or there is none of keyferry. */
  readonly newest: boolean;
}

export interface ExternalSecretItem {
  readonly key: ObjectKey;
  /** Best effort when the object does not parse, so that its status can still be written. */
  readonly meta: ObjectMeta;
  readonly parsed: Parsed<ExternalSecret>;
  /** Stores that an object names which does not parse, as far as they can be read. */
  readonly storeRefs?: readonly StoreRef[];
  /** Absent: nobody but keyferry has written its status. A new entry here alone need not be announced by `onChange`. */
  readonly statusWriter?: ForeignStatusWriter;
  /** It has a deletionTimestamp. */
  readonly deleting?: boolean;
  /** Whether it carries the finalizer of `Finalizers`; absent where objects have none. */
  readonly finalized?: boolean;
  /** It has no status, so that there is none to read. May lag behind a first status that another process wrote. */
  readonly blank?: true;
}

/** Who may get another answer: objects in this namespace, or objects that read through this store. Neither = all. */
export interface DependencyChange {
  readonly namespace?: string;
  readonly store?: StoreKey;
}

export interface ExternalSecretSource {
  list(): readonly ExternalSecretItem[];
  get(key: ObjectKey): ExternalSecretItem | undefined;
  /** After an ExternalSecret was added, changed (its deletion included) or removed. Returns the stop function. */
  onChange(listener: (key: ObjectKey) => void): () => void;
  /**
   * After a store, policy, namespace, or a Secret or service account that a store names changed: whoever reads through it
   * may now get another answer. Say for whom where that is known: each object that is meant reads its Secret once.
   */
  onDependencyChange(listener: (change: DependencyChange) => void): () => void;
}

/**
 * ESO's finalizer `externalsecrets.external-secrets.io/externalsecret-cleanup` on ExternalSecrets. A PATCH each, of
 * metadata.finalizers alone; resolves too when there is nothing to do, or when the object is gone or another one.
 */
export interface Finalizers {
  add(object: ObjectMeta, signal: AbortSignal): Promise<void>;
  remove(object: ObjectMeta, signal: AbortSignal): Promise<void>;
}

/** A Kubernetes Secret as sync sees and writes it. */
export interface SecretObject {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly immutable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: ReadonlyMap<string, SecretValue>;
}

export interface ExistingSecret extends SecretObject {
  /** Of the state that was read; a write that carries an older one is refused. */
  readonly resourceVersion: string;
  /** `namespace/name` of the ExternalSecret (group external-secrets.io) that is its controller; absent when it has none. */
  readonly owner?: string;
  /** The uid in that reference; absent where there are none. An owner that was made anew has another one. */
  readonly ownerUid?: string;
  /** Kind/name of a controller owner that is no ExternalSecret. */
  readonly foreignController?: string;
  /**
   * Who wrote it last, as far as is known: a field manager (managedFields entry with the newest `time`; of several in
   * one second the one that is not `SecretWrite.fieldManager` of an ExternalSecret), or `file edit`.
   */
  readonly lastWriter: string;
}

export interface SecretWrite {
  /** Labels, annotations and data as they must be after the write: what is not in them goes. */
  readonly secret: SecretObject;
  /**
   * The ExternalSecret that is its controller afterwards (`controller: true`, `blockOwnerDeletion: true`, its uid).
   * A controller reference of another kind then goes: an object has one controller. Undefined: no ExternalSecret is its
   * controller. All other references, finalizers and everything else stay as they are.
   */
  readonly owner: ObjectMeta | undefined;
  /** Added to those that the Secret has; none is ever removed. Of no effect where Secrets have none: in a folder. */
  readonly finalizers?: readonly string[];
  /** `fieldManager` of the request, ESO's name for this ExternalSecret. A plain create or update, no apply. */
  readonly fieldManager: string;
}

/** Why the API server will not take a write, whatever is tried. */
export type WriteRefusal =
  /** 403 with `exceeded quota` in its message. */
  | { readonly because: "quota" }
  /** 403 with the cause NamespaceTerminating. */
  | { readonly because: "namespace_ending" }
  /** 404 for a create. */
  | { readonly because: "namespace_missing" }
  /** Any other 403 that no admission webhook or policy signed: our own rights. */
  | { readonly because: "forbidden" }
  /** An admission webhook or ValidatingAdmissionPolicy said no. `by`: its name, absent when the answer does not say. */
  | { readonly because: "admission"; readonly by?: string }
  /** 422 that blames `data`, `immutable` or `type` because they cannot be changed in place. */
  | { readonly because: "immutable" }
  /** 413, or 422 with `Too long` on `data` or `metadata.annotations`. */
  | { readonly because: "too_large" }
  /** Any other 400 or 422. `fields`: of details.causes, such as `metadata.labels`; never their messages. */
  | { readonly because: "invalid"; readonly fields: readonly string[] };

export type WriteOutcome =
  | { readonly done: true; readonly resourceVersion: string }
  /**
   * Not written. Without `refused`, somebody else wrote in between (409 AlreadyExists or Conflict, 404 for an update or
   * a delete): read again and decide again.
   */
  | { readonly done: false; readonly refused?: WriteRefusal };

export interface TargetSecrets {
  get(key: ObjectKey, signal: AbortSignal): Promise<ExistingSecret | undefined>;
  /**
   * resourceVersion of a Secret with the managed label as the watch has it, without a request; undefined where that is
   * not known. It may lag: what has changed since is told through `onForeignChange`.
   */
  watchedVersion(key: ObjectKey): string | undefined;
  create(write: SecretWrite, signal: AbortSignal): Promise<WriteOutcome>;
  /** `present`: the very object that `get` resolved with, so that whatever else is in the Secret can be kept. */
  replace(write: SecretWrite, present: ExistingSecret, signal: AbortSignal): Promise<WriteOutcome>;
  /** With preconditions uid and resourceVersion. What is gone already counts as done. */
  remove(present: ExistingSecret, signal: AbortSignal): Promise<WriteOutcome>;
  /** Secrets in its namespace whose controller or created-by label is this ExternalSecret. */
  ownedBy(owner: ObjectKey): Promise<readonly ObjectKey[]>;
  /** `ending`: it has a deletionTimestamp, so that nothing can be created in it. Unknown counts as active. */
  namespacePhase(namespace: string): "active" | "ending";
  /**
   * After a Secret with the managed label was written, deleted or lost that label by anybody but this process; and, once
   * the watch was interrupted, for each Secret whose resourceVersion is not the one known. Once too often is harmless:
   * the run reads the Secret and finds nothing to do. Returns the stop function.
   */
  onForeignChange(listener: (key: ObjectKey) => void): () => void;
}

export interface Condition {
  readonly type: "Ready" | "Paused";
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
}

/** What of a target Secret was this ExternalSecret's when it was last written: names, never values. */
export interface OwnParts {
  readonly policy: CreationPolicy;
  /** Type of the Secret. */
  readonly type: string;
  readonly immutable: boolean;
  /** Names of the data keys, labels and annotations that were written, sorted. */
  readonly keys: readonly string[];
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

export interface ExternalSecretStatus {
  /** RFC 3339: start of the last successful sync. */
  readonly refreshTime?: string;
  readonly syncedResourceVersion?: string;
  readonly conditions: readonly Condition[];
  readonly binding?: { readonly name: string };
  readonly keyferry?: {
    /** HMAC (hex) of the Secret last written, under the process's digest key. */
    readonly digest: string;
    /** The same over the values alone: these are known again after a restart although a label was edited. */
    readonly dataDigest?: string;
    readonly own: OwnParts;
    /** Registry name of the store kind that the first value came from; absent when nothing was read yet. */
    readonly storeKind?: string;
  };
}

/**
 * The status subresource, field manager `keyferry`. `write` replaces what `ExternalSecretStatus` describes and nothing
 * else; on a conflict the adapter reads again and writes again, and an object that is gone counts as written.
 */
export interface StatusStore {
  read(key: ObjectKey, signal: AbortSignal): Promise<ExternalSecretStatus | undefined>;
  write(key: ObjectKey, status: ExternalSecretStatus, signal: AbortSignal): Promise<void>;
  /** The ExternalSecret is gone: its status goes too. */
  forget(key: ObjectKey): Promise<void>;
}

export interface EventSink {
  /** Never rejects: an event that cannot be recorded is dropped and counted. `message` is safe to show. */
  emit(key: ObjectKey, type: "Normal" | "Warning", reason: string, message: string): void;
}
