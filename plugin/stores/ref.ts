/** What a manifest or a class asks of a store, before the store says where that is. */
import type { MetadataPolicy } from "../manifests/objects.ts";

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
  /** How the value is to be written, in a word that the kind's dialect and its `locate` share; absent = as ESO has it. */
  readonly form?: string;
}
