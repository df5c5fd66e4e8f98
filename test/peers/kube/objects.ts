/** Kubernetes objects as tests handle them, and where each lives on the API server. */

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
  readonly [member: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[];
  readonly finalizers?: readonly string[];
  readonly deletionTimestamp?: string;
  readonly managedFields?: readonly ManagedField[];
  readonly [member: string]: unknown;
}

export interface ManagedField {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/**
 * `objectPath("v1", "secrets", "shop", "db")`; without a name the collection; without a namespace cluster scope or, for
 * a collection, all namespaces.
 */
export function objectPath(apiVersion: string, resource: string, namespace?: string, name?: string): string {
  return [
    apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`,
    ...(namespace === undefined ? [] : ["namespaces", namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
  ].join("/");
}

/** The decoded `data` of a Secret. */
export function secretText(secret: KubeObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]),
  );
}
