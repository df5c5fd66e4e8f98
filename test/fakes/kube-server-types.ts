/** What the fake API server stores and tells. */

export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly fieldsType: string;
  readonly fieldsV1: object;
  readonly subresource?: string;
}

export interface StoredMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  finalizers?: string[];
  managedFields?: ManagedFields[];
}

export interface StoredObject {
  apiVersion: string;
  kind: string;
  metadata: StoredMeta;
  [member: string]: unknown;
}

/** Which objects: `group` is empty for the core group. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

export interface Change {
  readonly version: number;
  readonly type: "ADDED" | "DELETED" | "MODIFIED";
  readonly resource: ResourceName;
  readonly object: StoredObject;
  readonly before: StoredObject | undefined;
}

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}
