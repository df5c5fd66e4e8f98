/**
 * What both deliveries ask of the read path, and what they get.
 *
 * The consumers differ in the caller, how old an answer may be, what to do while a store is down, and the shaping of
 * the result; everything else is the same code.
 */
import type { FailureCode } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type {
  ConversionStrategy,
  DecodingStrategy,
  KeyRewrite,
  NullBytePolicy,
  RemoteFind,
  SecretTemplate,
  SourceRef,
} from "../manifests/objects.ts";
import type { Address, Ref } from "../stores/contract.ts";
import type { Caller } from "./caller.ts";

interface EntryBase {
  /** Where it stands, for messages: `spec.data[2]`. */
  readonly field: string;
  readonly store: SourceRef;
  readonly decoding: DecodingStrategy;
  readonly nullBytes: NullBytePolicy;
  /** True: `ref_not_found` leaves the entry out instead of failing the read. */
  readonly optional: boolean;
}

/** Values under names that the store gives them. */
interface MapTake {
  readonly as: "map";
  readonly conversion: ConversionStrategy;
  /** In place of the conversion. */
  readonly rewrite?: readonly KeyRewrite[];
}

/**
 * One secret: of `data` as a value under a name, of `dataFrom` as a map of its properties. Of a generator, which says
 * itself what is read, `ref` has the generator's name.
 */
export interface RefEntry extends EntryBase {
  readonly ref: Ref;
  readonly property?: string;
  readonly take: { readonly as: "value"; readonly name: string } | MapTake;
}

/** What a find asks for; all of it narrows. */
export type FindPlan = Pick<RemoteFind, "path" | "regexp" | "tags">;

/** Many secrets, whatever their store lists: a map of their whole values. */
export interface FindEntry extends EntryBase {
  readonly find: FindPlan;
  readonly take: MapTake;
}

/** One entry of `data` or `dataFrom`. */
export type ReadEntry = RefEntry | FindEntry;

/** Entries in merge order: later ones win (dataFrom first, then data). */
export interface ReadRequest {
  readonly entries: readonly ReadEntry[];
  /** Absent: the result is what was read. */
  readonly template?: TemplatePlan;
}

/** What the result is made of. Its sources are looked up in the caller's namespace. */
export interface TemplatePlan {
  /** Where it stands, for messages: `spec.target.template`. */
  readonly field: string;
  readonly template: SecretTemplate;
}

/** Who waits first when a store's budget is short. */
export type Priority = "mount" | "first_sync" | "periodic";

export interface ReadTerms {
  readonly caller: Caller;
  readonly delivery: "mount" | "sync";
  /** Whose proof is shown to the stores: the pod's own, or the account or credential that the store names. */
  readonly identity: "Pod" | "Store";
  readonly priority: Priority;
  /** Monotonic milliseconds: an answer whose fetch began at or after this instant is young enough. */
  readonly acceptBegunFromMs: number;
  /** Leased answers asked for before are read anew, monotonic milliseconds; absent = they serve for as long as they live. */
  readonly leasedFromMs?: number;
  /** How long last-good may stand in for an unavailable store, milliseconds since its oldest answer was fetched. */
  readonly maxStaleMs: number;
  /** For all refs together, milliseconds. */
  readonly limitMs: number;
  /** One attempt at each ref: the caller tries again by itself. Else an unavailable store is asked until the limit. */
  readonly once?: boolean;
}

/** One store answer that a bundle was made from. */
export interface Source {
  readonly store: SourceRef;
  /** Empty for a ClusterSecretStore. */
  readonly storeNamespace: string;
  /** The registry name of its kind, e.g. `vault`. */
  readonly storeKindName: string;
  readonly address: Address;
  /** The store's own version id; empty when it has none. */
  readonly version: string;
  /** Monotonic milliseconds when the fetch began. */
  readonly begunAtMs: number;
  /** Wall clock epoch milliseconds when the answer was complete. */
  readonly fetchedAtMs: number;
  readonly expiresAtMs?: number;
  /** Made for this reader with a lease: it serves for as long as that lives. */
  readonly leased?: true;
  readonly requestId?: string;
  readonly cache: "hit" | "miss" | "stale";
}

export interface BundleValue {
  readonly value: SecretValue;
  /** Index into `sources`; absent for what a template made. */
  readonly source?: number;
  /** The entry or the template that it came from: `spec.data[2]`. */
  readonly field: string;
}

/** What a template made of labels and annotations. Their texts may hold secrets. */
export interface BundleMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The decoded, named values of one read: all of one moment's answers, never a mixture with older ones. */
export interface SecretBundle {
  readonly values: ReadonlyMap<string, BundleValue>;
  /** Absent without a template, and where nothing was read that it could be made of. */
  readonly metadata?: BundleMetadata;
  readonly sources: readonly Source[];
  /** Optional entries that their store does not have. */
  readonly missing: readonly { readonly field: string; readonly key: string }[];
  /** Set when this is last-good, served because a store is unavailable. */
  readonly stale?: {
    /** Wall clock epoch milliseconds of the oldest answer in it. */
    readonly sinceMs: number;
    readonly code: FailureCode;
    readonly message: string;
  };
}

export interface Reader {
  /** Rejects with ReadFailure naming every entry that failed. Audit lines are written before it resolves. */
  read(request: ReadRequest, terms: ReadTerms, signal: AbortSignal): Promise<SecretBundle>;
}
