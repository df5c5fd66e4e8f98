/**
 * What sync needs of the API server, or of the folder that stands in for one.
 * Implemented by kube/ and directory/.
 */
import type { SecretValue } from "../core/secret-value.ts";
import type { CreationPolicy, ExternalSecret, ObjectMeta, Parsed } from "../manifests/objects.ts";

export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

export interface ExternalSecretItem {
  readonly key: ObjectKey;
  /** Best effort when the object does not parse, so that its status can still be written. */
  readonly meta: ObjectMeta;
  readonly parsed: Parsed<ExternalSecret>;
}

export interface ExternalSecretSource {
  list(): readonly ExternalSecretItem[];
  get(key: ObjectKey): ExternalSecretItem | undefined;
  /** After an ExternalSecret was added, changed or removed. Returns the stop function. */
  onChange(listener: (key: ObjectKey) => void): () => void;
  /** After a store, policy, namespace, Secret or service account changed: whoever reads through it may now get another answer. */
  onDependencyChange(listener: () => void): () => void;
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
  /** `namespace/name` of the ExternalSecret that is its controller; absent when it has none. */
  readonly owner?: string;
  /** Kind/name of a controller owner that is no ExternalSecret. */
  readonly foreignController?: string;
  /** Who wrote it last, as far as is known: a field manager, or `file edit`. */
  readonly lastWriter: string;
}

export type WriteOutcome =
  | { readonly done: true; readonly resourceVersion: string }
  /** Somebody else wrote in between: read again and decide again. */
  | { readonly done: false };

/** Rejects with Failure `kube_unavailable`, or `target_refused` when the write itself is refused. */
export interface TargetSecrets {
  get(key: ObjectKey, signal: AbortSignal): Promise<ExistingSecret | undefined>;
  create(secret: SecretObject, owner: ObjectMeta | undefined, signal: AbortSignal): Promise<WriteOutcome>;
  replace(
    secret: SecretObject,
    owner: ObjectMeta | undefined,
    resourceVersion: string,
    signal: AbortSignal,
  ): Promise<WriteOutcome>;
  remove(key: ObjectKey, resourceVersion: string, signal: AbortSignal): Promise<WriteOutcome>;
  /** Managed Secrets whose controller (or created-by label) is this ExternalSecret. */
  ownedBy(owner: ObjectKey): Promise<readonly ObjectKey[]>;
  /** After a target was written by anybody but this process. Returns the stop function. */
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
    readonly own: OwnParts;
    /** Registry name of the store kind that the first value came from; absent when nothing was read yet. */
    readonly storeKind?: string;
  };
}

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
