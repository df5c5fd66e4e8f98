/**
 * The typed shapes that manifests are parsed into. Defaults are applied, every field is present or meaningfully absent.
 * A provider block stays opaque: its kind parses it.
 */

/** One thing wrong with an object. `path` is the field (`spec.data[2].remoteRef.key`), `problem` ends with the way out. */
export interface Problem {
  readonly path: string;
  readonly problem: string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly [Problem, ...Problem[]] };

export interface ObjectMeta {
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Changes exactly when the spec changes. */
  readonly generation: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export type StoreRefKind = "SecretStore" | "ClusterSecretStore";

/** A store as an ExternalSecret or class names it. A SecretStore lives in the namespace of whoever names it. */
export interface StoreRef {
  readonly kind: StoreRefKind;
  readonly name: string;
}

/** A generator as an ExternalSecret names it, in its own namespace. */
export interface GeneratorRef {
  readonly kind: "VaultDynamicSecret";
  readonly name: string;
}

/** What an entry reads from. */
export type SourceRef = StoreRef | GeneratorRef;

export type ConversionStrategy = "Default" | "Unicode";
export type DecodingStrategy = "None" | "Auto" | "Base64" | "Base64URL";
export type NullBytePolicy = "Ignore" | "Fail";
export type MetadataPolicy = "None" | "Fetch";

export interface RemoteRef {
  readonly key: string;
  readonly property?: string;
  readonly version?: string;
  readonly metadataPolicy: MetadataPolicy;
  readonly conversionStrategy: ConversionStrategy;
  readonly decodingStrategy: DecodingStrategy;
  readonly nullBytePolicy: NullBytePolicy;
}

/** `spec.data[i]`, with the store it really reads from (its own sourceRef, else the object's default). */
export interface DataEntry {
  readonly secretKey: string;
  readonly remoteRef: RemoteRef;
  readonly storeRef: StoreRef;
}

/** `spec.dataFrom[i]` of the form `extract`. */
export interface ExtractEntry {
  readonly extract: RemoteRef;
  readonly storeRef: StoreRef;
  /** In order. Absent: the keys are converted instead. */
  readonly rewrite?: readonly [KeyRewrite, ...KeyRewrite[]];
}

/** Many secrets of one store; what it holds narrows, and nothing of it means all that the store lists. */
export interface RemoteFind {
  /** A prefix or folder, as the store has them. */
  readonly path?: string;
  /** RE2, unanchored, over the names; checked when it is read. */
  readonly regexp?: string;
  /** At least one; a secret must carry all. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly conversionStrategy: ConversionStrategy;
  readonly decodingStrategy: DecodingStrategy;
  readonly nullBytePolicy: NullBytePolicy;
}

/** `spec.dataFrom[i]` of the form `find`. */
export interface FindEntry extends Omit<ExtractEntry, "extract"> {
  readonly find: RemoteFind;
}

/** All that a generator makes. */
export interface GeneratorEntry extends Pick<ExtractEntry, "rewrite"> {
  readonly generatorRef: GeneratorRef;
}

export type DataFromEntry = ExtractEntry | FindEntry | GeneratorEntry;

/** One step that gives keys other names, or makes one object of several values. */
export type KeyRewrite =
  | {
      readonly by: "regexp";
      /** RE2, unanchored. */
      readonly source: string;
      /** With $1 and ${name}, as Go expands them. */
      readonly target: string;
    }
  /** `.value` is the old key. */
  | { readonly by: "transform"; readonly template: string }
  | {
      readonly by: "merge";
      /** Not empty for the strategy JSON. */
      readonly into: string;
      readonly priority: readonly string[];
      readonly priorityPolicy: "IgnoreNotFound" | "Strict";
      readonly conflictPolicy: "Ignore" | "Error";
      readonly strategy: "Extract" | "JSON";
    };

/** Templates kept in an object of the same namespace. */
export interface TemplateSource {
  readonly name: string;
  readonly items: readonly { readonly key: string; readonly templateAs: "Values" | "KeysAndValues" }[];
}

/** One member of templateFrom; its parts are taken in this order. */
export interface TemplateFrom {
  readonly configMap?: TemplateSource;
  readonly secret?: TemplateSource;
  /** Its output is a YAML map of keys and values. */
  readonly literal?: string;
  readonly target: "Data" | "Labels" | "Annotations";
  readonly decoding: DecodingStrategy;
}

export type TemplateEngine = "go" | "handlebars";

/** What a Secret, or a volume, is made of when it is not simply the keys that were read. */
export interface SecretTemplate {
  /** The language of its texts. */
  readonly engine: TemplateEngine;
  /** Absent: that of an existing Secret is kept. */
  readonly type?: string;
  readonly mergePolicy: "Replace" | "Merge";
  /** Name → template of the value; the same for annotations and data. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly finalizers: readonly string[];
  readonly data: Readonly<Record<string, string>>;
  readonly templateFrom: readonly TemplateFrom[];
}

export type CreationPolicy = "Owner" | "Orphan" | "Merge" | "CreateOrMerge" | "None";
export type DeletionPolicy = "Retain" | "Delete" | "Merge";
export type RefreshPolicy = "Periodic" | "OnChange" | "CreatedOnce";

export interface ExternalSecret {
  readonly meta: ObjectMeta;
  readonly spec: {
    readonly refreshPolicy: RefreshPolicy;
    /** 0 = once (also for negative intervals). */
    readonly refreshIntervalMs: number;
    readonly target: {
      /** Name of the Secret; the object's own name unless set. */
      readonly name: string;
      readonly creationPolicy: CreationPolicy;
      readonly deletionPolicy: DeletionPolicy;
      readonly immutable: boolean;
      /** The seed's field: subscribe this object to events. */
      readonly immediate: boolean;
      /** Absent: the Secret holds what was read. */
      readonly template?: SecretTemplate;
    };
    readonly data: readonly DataEntry[];
    readonly dataFrom: readonly DataFromEntry[];
  };
}

/** A label selector as the API defines it. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values: readonly string[];
  }[];
}

/** One member of `spec.conditions`; its parts are ORed, as the members are. */
export interface StoreCondition {
  readonly namespaces: readonly string[];
  readonly namespaceSelector?: LabelSelector;
  /** RE2 sources, unanchored, checked to compile. */
  readonly namespaceRegexes: readonly string[];
}

/** A SecretStore or ClusterSecretStore. */
export interface StoreManifest {
  readonly kind: StoreRefKind;
  readonly meta: ObjectMeta;
  /** Controller class; absent = everybody's. */
  readonly controller?: string;
  readonly provider: {
    readonly kind: string;
    readonly raw: unknown;
    /** Where the block stands, for messages; absent: `spec.provider.<kind>`. */
    readonly field?: string;
  };
  readonly conditions: readonly StoreCondition[];
  /** How often the store is validated again; 0 = the process default. */
  readonly refreshIntervalMs: number;
  readonly retry?: { readonly maxRetries?: number; readonly retryIntervalMs?: number };
  /** The HTTP proxy to the store: scheme, host and port; empty = none, absent = that of the process. */
  readonly proxyUrl?: string;
}

/** A VaultDynamicSecret: where it asks, and what. */
export interface Generator {
  /** A SecretStore under the generator's own name. */
  readonly store: StoreManifest;
  readonly call: GeneratorCall;
}

export interface GeneratorCall {
  /** With its mount; as it was written. */
  readonly path: string;
  readonly method: "GET" | "LIST" | "POST" | "PUT";
  /** JSON; empty but for POST and PUT. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Empty but for GET. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** Which part of the answer is the result. */
  readonly take: "Data" | "Auth" | "Raw";
  /** An answer without that part is an empty result. */
  readonly mayBeEmpty: boolean;
}

/** keyferry.dev/v1alpha1 StorePolicy, cluster scope: which namespaces may read which addresses of a store. */
export interface StorePolicy {
  readonly meta: ObjectMeta;
  readonly storeRef: StoreRef & { /** Required for kind SecretStore. */ readonly namespace?: string };
  readonly rules: readonly {
    readonly namespaces: readonly string[];
    readonly namespaceSelector?: LabelSelector;
    /** Wire addresses: literal, or ending in `/*` (one segment) or `/**` (any depth). Absent = all. */
    readonly keys?: readonly string[];
  }[];
  /** Which identities may be shown to the store. Absent = Pod only. */
  readonly identity: readonly ("Pod" | "Store")[];
  /** Hosts that a webhook store may reach. */
  readonly hosts: readonly string[];
}

/** What one pod's SecretProviderClass (provider: keyferry) asks for. */
export interface MountClass {
  /** Files = the keys of this ExternalSecret's result; or the entries given in the class itself. */
  readonly source:
    | { readonly externalSecret: string }
    | {
        readonly data: readonly MountDataEntry[];
        readonly dataFrom: readonly DataFromEntry[];
        /** Of its keys each becomes a file. */
        readonly template?: SecretTemplate;
      };
  readonly identity: "Pod" | "Store";
  /** Absent = --mount-max-age. */
  readonly refreshIntervalMs?: number;
  /** Absent = --max-stale. */
  readonly maxStaleMs?: number;
  /** Absent = the permission of the mount request. */
  readonly filePermission?: number;
}

/** A data entry whose `secretKey` is a relative file path (`db/password`). */
export interface MountDataEntry extends DataEntry {
  readonly mode?: number;
}
