/**
 * What the validation of stores needs of the API server, or of the folder that stands in for one.
 * Implemented by kube/ and directory/.
 */
import type { ObjectMeta, Parsed, StoreManifest } from "../../manifests/objects.ts";
import type { ForeignStatusWriter, StoreKey } from "../ports.ts";

export type { StoreKey } from "../ports.ts";

export interface StoreItem {
  readonly key: StoreKey;
  readonly meta: ObjectMeta;
  readonly parsed: Parsed<StoreManifest>;
  /** `spec.controller`, also of an object that does not parse; absent or empty = none is named. */
  readonly controller?: string;
  /** Absent: nobody but keyferry has written its status. */
  readonly statusWriter?: ForeignStatusWriter;
}

export interface StoreSource {
  list(): readonly StoreItem[];
  get(key: StoreKey): StoreItem | undefined;
  /** After a store was added, changed (not: its status) or removed. Returns the stop function. */
  onChange(listener: (key: StoreKey) => void): () => void;
}

/** What a controller can do with a store. keyferry reads: `ReadOnly`. */
export type StoreCapabilities = "ReadOnly" | "WriteOnly" | "ReadWrite";

export interface StoreCondition {
  readonly type: "Ready";
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
}

export interface StoreObjectStatus {
  /** Absent before the first validation. Conditions of other types are none of sync's: they stay. */
  readonly ready?: StoreCondition;
  readonly capabilities?: StoreCapabilities;
}

/** The status subresource, field manager `keyferry`. Rejects with Failure `kube_unavailable`; it is tried again. */
export interface StoreStatuses {
  /** Undefined when there is no status yet. */
  read(key: StoreKey, signal: AbortSignal): Promise<StoreObjectStatus | undefined>;
  /** One write of both members. An object that is gone counts as written. */
  write(key: StoreKey, status: StoreObjectStatus, signal: AbortSignal): Promise<void>;
}

export interface StoreEventSink {
  /** Never rejects: an event that cannot be recorded is dropped and counted. `message` is safe to show. */
  emit(key: StoreKey, type: "Normal" | "Warning", reason: string, message: string): void;
}
