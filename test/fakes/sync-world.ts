/**
 * The cluster as sync sees it, in memory: ExternalSecrets, Secrets with resource versions and owners, statuses, events.
 * It behaves: a write with an outdated version is refused, foreign edits are announced, own writes are not.
 */
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { ExternalSecret, ObjectMeta, Parsed } from "../../plugin/manifests/objects.ts";
import { createdBy, createdByLabel, managedLabel } from "../../plugin/sync/secret-shape.ts";
import type {
  DependencyChange,
  EventSink,
  ExistingSecret,
  ExternalSecretItem,
  ExternalSecretSource,
  ExternalSecretStatus,
  Finalizers,
  ObjectKey,
  SecretObject,
  StatusStore,
  StoreKey,
  TargetSecrets,
  WriteOutcome,
  WriteRefusal,
} from "../../plugin/sync/ports.ts";
import type { StoreItem, StoreSource } from "../../plugin/sync/stores/ports.ts";

export interface RecordedEvent {
  readonly object: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

const id = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`;
const storeId = ({ kind, namespace, name }: StoreKey): string => `${kind}/${namespace}/${name}`;

export class SyncWorld {
  readonly items = new Map<string, ExternalSecretItem>();
  readonly secrets = new Map<string, ExistingSecret>();
  readonly statusOf = new Map<string, ExternalSecretStatus>();
  readonly events: RecordedEvent[] = [];
  /** `create shop/db`, `replace shop/db`, `remove shop/db`, `status shop/db`: what sync wrote, in order. */
  readonly writes: string[] = [];
  /** `secret shop/db`: the Secrets that sync looked at, in order. */
  readonly reads: string[] = [];
  /** Asked before each write; a Failure is thrown, "conflict" is an edit that came in between, the rest is refused. */
  beforeWrite: (what: string) => Failure | "conflict" | WriteRefusal | undefined = () => undefined;
  namespacePhase: "active" | "ending" = "active";
  /** `finalize shop/db`, `release shop/db`: writes to finalizers, in order. */
  readonly finalizerWrites: string[] = [];
  readonly storeItems = new Map<string, StoreItem>();
  #version = 1;
  readonly #changeListeners = new Set<(key: ObjectKey) => void>();
  readonly #dependencyListeners = new Set<(change: DependencyChange) => void>();
  readonly #foreignListeners = new Set<(key: ObjectKey) => void>();

  /** Adds or replaces an ExternalSecret; a changed spec is a new generation. */
  apply(externalSecret: ExternalSecret): void {
    const { meta } = externalSecret;
    const before = this.items.get(id(meta));
    const isChanged =
      before?.parsed.ok && JSON.stringify(before.parsed.value.spec) !== JSON.stringify(externalSecret.spec);
    const generation = before ? before.meta.generation + (isChanged ? 1 : 0) : 1;
    const value = { ...externalSecret, meta: { ...meta, generation } };
    this.#put({ ...before, key: meta, meta: value.meta, parsed: { ok: true, value } });
  }

  /** The manifest no longer parses. */
  break(key: ObjectKey, path: string, problem: string): void {
    const parsed: Parsed<ExternalSecret> = { ok: false, problems: [{ path, problem }] };
    this.#put({ ...this.items.get(id(key))!, parsed });
  }

  annotate(key: ObjectKey, annotations: ObjectMeta["annotations"]): void {
    const item = this.items.get(id(key))!;
    if (!item.parsed.ok) throw new Error("only an object that parses can be annotated");
    const { value } = item.parsed;
    this.apply({ ...value, meta: { ...value.meta, annotations } });
  }

  delete(key: ObjectKey): void {
    this.items.delete(id(key));
    for (const tell of this.#changeListeners) tell(key);
  }

  changeDependency(change: DependencyChange = {}): void {
    for (const tell of this.#dependencyListeners) tell(change);
  }

  /** Facts of the API server about an object: who else writes its status, its finalizer, its deletion. */
  mark(
    key: ObjectKey,
    facts: Partial<Pick<ExternalSecretItem, "statusWriter" | "finalized" | "deleting" | "storeRefs">>,
  ): void {
    this.#put({ ...this.items.get(id(key))!, ...facts });
  }

  putStore(item: StoreItem): void {
    this.storeItems.set(storeId(item.key), item);
  }

  readonly stores: Pick<StoreSource, "get"> = { get: (key) => this.storeItems.get(storeId(key)) };

  readonly finalizers: Finalizers = {
    add: async (object) => {
      this.finalizerWrites.push(`finalize ${id(object)}`);
      this.mark(object, { finalized: true });
    },
    remove: async (object) => {
      const refusal = this.beforeWrite(`release ${id(object)}`);
      if (refusal instanceof Failure) throw refusal;
      this.finalizerWrites.push(`release ${id(object)}`);
      this.delete(object);
    },
  };

  /** Somebody else edits or creates a Secret. */
  edit(key: ObjectKey, change: Partial<ExistingSecret>): void {
    const before = this.secrets.get(id(key)) ?? { ...emptySecret, namespace: key.namespace, name: key.name };
    this.secrets.set(id(key), { ...before, lastWriter: "mallory", ...change, resourceVersion: this.#nextVersion() });
    for (const tell of this.#foreignListeners) tell(key);
  }

  /** Somebody else changes single values. */
  tamper(key: ObjectKey, values: Readonly<Record<string, string>>): void {
    this.edit(key, { data: new Map([...(this.secrets.get(id(key))?.data ?? []), ...dataOf(values)]) });
  }

  deleteSecret(key: ObjectKey): void {
    this.secrets.delete(id(key));
    for (const tell of this.#foreignListeners) tell(key);
  }

  /** Plain text of a Secret's data; undefined when there is no such Secret. */
  textOf(key: ObjectKey): Readonly<Record<string, string>> | undefined {
    const secret = this.secrets.get(id(key));
    return secret && Object.fromEntries([...secret.data].map(([name, value]) => [name, value.reveal().toString()]));
  }

  readonly source: ExternalSecretSource = {
    list: () => [...this.items.values()],
    get: (key) => this.items.get(id(key)),
    onChange: (listener) => subscribe(this.#changeListeners, listener),
    onDependencyChange: (listener) => subscribe(this.#dependencyListeners, listener),
  };

  readonly targets: TargetSecrets = {
    get: async (key) => {
      this.reads.push(`secret ${id(key)}`);
      return this.secrets.get(id(key));
    },
    watchedVersion: (key) => {
      const secret = this.secrets.get(id(key));
      return secret?.labels[managedLabel] === "true" ? secret.resourceVersion : undefined;
    },
    create: async ({ secret, owner, fieldManager }) => {
      const refusal = this.#refusal("create", secret);
      if (refusal) return refusal;
      if (this.secrets.has(id(secret))) return { done: false };
      return this.#write("create", secret, owner, fieldManager);
    },
    replace: async ({ secret, owner, fieldManager }, { resourceVersion }) => {
      const refusal = this.#refusal("replace", secret);
      if (refusal) return refusal;
      if (this.secrets.get(id(secret))?.resourceVersion !== resourceVersion) return { done: false };
      return this.#write("replace", secret, owner, fieldManager);
    },
    remove: async (present) => {
      const refusal = this.#refusal("remove", present);
      if (refusal) return refusal;
      if (this.secrets.get(id(present))?.resourceVersion !== present.resourceVersion) return { done: false };
      this.secrets.delete(id(present));
      this.writes.push(`remove ${id(present)}`);
      return { done: true, resourceVersion: "" };
    },
    namespacePhase: () => this.namespacePhase,
    ownedBy: async (owner) =>
      [...this.secrets.values()].filter(
        (secret) => secret.owner === id(owner) || secret.labels[createdByLabel] === createdBy(owner),
      ),
    onForeignChange: (listener) => subscribe(this.#foreignListeners, listener),
  };

  readonly statuses: StatusStore = {
    read: async (key) => this.statusOf.get(id(key)),
    write: async (key, status) => {
      const refusal = this.beforeWrite(`status ${id(key)}`);
      if (refusal instanceof Failure) throw refusal;
      this.statusOf.set(id(key), status);
      this.writes.push(`status ${id(key)}`);
    },
    forget: async (key) => void this.statusOf.delete(id(key)),
  };

  readonly eventSink: EventSink = {
    emit: (key, type, reason, message) => void this.events.push({ object: id(key), type, reason, message }),
  };

  #put(item: ExternalSecretItem): void {
    this.items.set(id(item.key), item);
    for (const tell of this.#changeListeners) tell(item.key);
  }

  #refusal(verb: string, key: ObjectKey): WriteOutcome | undefined {
    const refusal = this.beforeWrite(`${verb} ${id(key)}`);
    if (refusal instanceof Failure) throw refusal;
    if (refusal === "conflict") return { done: false };
    return refusal && { done: false, refused: refusal };
  }

  /** An object has one controller: an ExternalSecret that becomes it takes the place of another kind. */
  #write(verb: string, secret: SecretObject, owner: ObjectMeta | undefined, fieldManager: string): WriteOutcome {
    const { foreignController } = this.secrets.get(id(secret)) ?? {};
    const resourceVersion = this.#nextVersion();
    this.secrets.set(id(secret), {
      ...secret,
      resourceVersion,
      lastWriter: fieldManager,
      ...(owner && { owner: id(owner), ownerUid: owner.uid }),
      ...(!owner && foreignController !== undefined && { foreignController }),
    });
    this.writes.push(`${verb} ${id(secret)}`);
    return { done: true, resourceVersion };
  }

  #nextVersion(): string {
    return String(this.#version++);
  }
}

const emptySecret: Omit<ExistingSecret, "namespace" | "name" | "resourceVersion"> = {
  type: "Opaque",
  immutable: false,
  labels: {},
  annotations: {},
  data: new Map(),
  lastWriter: "mallory",
};

export function dataOf(values: Readonly<Record<string, string>>): ReadonlyMap<string, SecretValue> {
  return new Map(Object.entries(values).map(([name, text]) => [name, SecretValue.fromText(text)]));
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
