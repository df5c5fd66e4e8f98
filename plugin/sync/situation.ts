/** What a plan is made from: what an ExternalSecret wants, and what there is. */
import type { SecretValue } from "../core/secret-value.ts";
import type { ExternalSecret, ObjectMeta } from "../manifests/objects.ts";
import type { BundleMetadata } from "../read/request.ts";
import type { SyncOptions } from "./annotations.ts";
import type { ExistingSecret, OwnParts } from "./ports.ts";

/** What one read of an ExternalSecret asks of its target. */
export interface Want {
  readonly externalSecret: ExternalSecret;
  readonly options: SyncOptions;
  readonly values: ReadonlyMap<string, SecretValue>;
  /** Labels and annotations that the template made. Absent without one, or where it had nothing to work on. */
  readonly metadata?: BundleMetadata;
  /** Entries that their store does not have and that may be absent. */
  readonly missing: readonly { readonly field: string; readonly key: string }[];
}

/** There is no data at the source: not the same as a template that makes no key of what there is. */
export function isWithoutData({ values, metadata }: Want): boolean {
  return values.size === 0 && !metadata;
}

/** What is known of this object's last write to its target. */
export interface LastWrite {
  readonly own: OwnParts;
  /** The Secret's own parts still carry their digest. */
  readonly intact: boolean;
  /** So do its values, whatever was done to the rest. */
  readonly valuesIntact: boolean;
  /** The values that were written, while this process still knows them. */
  readonly values: ReadonlyMap<string, SecretValue> | undefined;
}

/** Another ExternalSecret that has written to the same target. */
export interface Rival {
  readonly name: string;
  readonly own: OwnParts;
}

export interface Seen {
  readonly secret: ExistingSecret | undefined;
  /** Absent when this object never wrote to this target. */
  readonly last: LastWrite | undefined;
  readonly rivals: readonly Rival[];
  /** Another ExternalSecret that is the Secret's controller. */
  readonly otherOwner: ObjectMeta | undefined;
  /** That one wants this very Secret: its reference is no planted one. */
  readonly otherOwnerClaims: boolean;
  /** The namespace is being deleted: nothing can be created in it. */
  readonly namespaceEnding: boolean;
  /** Secrets that this object owns under an earlier target name. */
  readonly orphans: readonly ExistingSecret[];
  /** The mass-deletion guard: this object's loss waits for a confirmation; how many more its store may lose now. */
  readonly deletion: { readonly held: boolean; readonly left: number };
  /** The wanted values were read for this run, not remembered from an earlier one. */
  readonly fresh: boolean;
}
