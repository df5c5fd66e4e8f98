/**
 * The Secrets and ConfigMaps that a store's block refers to, as values to show at a login.
 *
 * Such a reference never leaves the store's namespace, or for a ClusterSecretStore without one, the caller's. This is the
 * one place where that is decided.
 */
import { canonicalJson } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { SecretKeyRef } from "../stores/contract.ts";
import type { Grant } from "./authorize.ts";
import type { ClusterView, SecretData } from "./ports.ts";

export type ReferredObjects = Pick<ClusterView, "secretData" | "configMapValue">;

export interface Referred {
  readonly values: Readonly<Record<string, SecretValue>>;
  /** Names and values in one order, for a digest of them all. */
  readonly parts: readonly (string | SecretValue)[];
}

/** Rejects with Failure: `credential_missing`, `store_invalid`, `kube_unavailable`. */
export async function referredValues(
  grant: Grant,
  refs: Readonly<Record<string, SecretKeyRef>>,
  cluster: ReferredObjects,
  signal: AbortSignal,
): Promise<Referred> {
  const names = Object.keys(refs).sort();
  const values = await Promise.all(names.map((name) => valueOf(grant, refs[name]!, cluster, signal)));
  return {
    values: Object.fromEntries(names.map((name, i) => [name, values[i]!])),
    parts: names.flatMap((name, i) => [name, values[i]!]),
  };
}

export function referredNamespace({ store, caller }: Grant, field: string, named: string | undefined): string {
  if (store.ref.kind === "ClusterSecretStore") return named ?? caller.namespace;
  if (named === undefined || named === store.namespace) return store.namespace;
  throw new Failure(
    "store_invalid",
    `a SecretStore may use only its own namespace; remove it or use a ClusterSecretStore`,
    {
      field: `${field}.namespace`,
    },
  );
}

async function valueOf(
  grant: Grant,
  ref: SecretKeyRef,
  cluster: ReferredObjects,
  signal: AbortSignal,
): Promise<SecretValue> {
  const namespace = referredNamespace(grant, ref.field, ref.namespace);
  if (ref.kind === "ConfigMap") {
    if (ref.key === undefined)
      throw new Failure("store_invalid", "a ConfigMap is read by key; set key", { field: ref.field });
    const text = await cluster.configMapValue(namespace, ref.name, ref.key, signal);
    return text === undefined ? missing(namespace, ref) : SecretValue.fromText(text);
  }
  const secret = await cluster.secretData(namespace, ref.name, signal);
  if (!secret) return missing(namespace, ref);
  checkLabel(secret, namespace, ref);
  if (ref.key === undefined) return wholeOf(secret);
  return secret.values.get(ref.key) ?? missing(namespace, ref);
}

function missing(namespace: string, { kind: named, name, key, field }: SecretKeyRef): never {
  const kind = named ?? "Secret";
  const withKey = key === undefined ? "" : ` with key "${key}"`;
  throw new Failure(
    "credential_missing",
    `${kind} ${namespace}/${name}${withKey} does not exist; create it, or correct the reference`,
    { field },
  );
}

function checkLabel({ labels }: SecretData, namespace: string, { label, name, field }: SecretKeyRef): void {
  if (!label || labels[label.key] === label.value) return;
  throw new Failure(
    "credential_missing",
    `Secret ${namespace}/${name} is not meant for stores; set its label ${label.key}: ${label.value}`,
    { field },
  );
}

function wholeOf({ values }: SecretData): SecretValue {
  const members = [...values].map(([key, value]) => [key, value.reveal().toString("base64")] as const);
  return SecretValue.fromText(canonicalJson(Object.fromEntries(members)));
}
