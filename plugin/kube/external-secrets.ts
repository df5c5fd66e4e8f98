/** The ExternalSecrets of the cluster, followed by a watch. Their statuses are not kept. */
import { parseExternalSecret } from "../manifests/external-secret.ts";
import { isMap } from "../manifests/fields.ts";
import type { ExternalSecret, Parsed, StoreRef } from "../manifests/objects.ts";
import type { ExternalSecretItem, ExternalSecretSource, ObjectKey } from "../sync/ports.ts";
import type { KubeClient, KubeObject, Mirror } from "./contract.ts";
import { withoutDigest } from "./digest-annotation.ts";
import { readExternalSecretStatus } from "./external-secret-status.ts";
import { cleanupFinalizer } from "./finalizers.ts";
import { foreignStatusWriter, keepSpec, sameWriter, type KeptExternalSecret } from "./kept-spec.ts";
import { externalSecrets } from "./resources.ts";

export function followExternalSecrets(client: KubeClient): Mirror<KeptExternalSecret> {
  const mirror: Mirror<KeptExternalSecret> = client.mirror({
    kind: externalSecrets,
    managedFields: true,
    keep: (object) => keepItem(object, mirror.get(keyOf(object))?.value),
  });
  return mirror;
}

/** For mount: one that is being deleted is none any more. */
export function readExternalSecret(object: KubeObject): Parsed<ExternalSecret> | undefined {
  if (object.metadata.deletionTimestamp !== undefined) return undefined;
  return parseExternalSecret(withoutDigest(withoutManagedFields(object)));
}

function keyOf({ metadata }: KubeObject): ObjectKey {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}

/** `before` itself when nothing that is kept has changed. */
function keepItem(object: KubeObject, before: KeptExternalSecret | undefined): KeptExternalSecret {
  const { managedFields, deletionTimestamp, finalizers = [] } = object.metadata;
  const spec = keepSpec(withoutDigest(withoutManagedFields(object)), before, parseExternalSecret);
  const statusWriter = foreignStatusWriter(managedFields);
  const deleting = deletionTimestamp !== undefined;
  const finalized = finalizers.includes(cleanupFinalizer);
  const otherFinalizers = finalizers.length > (finalized ? 1 : 0);
  const blank = readExternalSecretStatus(object) === undefined;
  const same =
    before?.parsed === spec.parsed &&
    (before.deleting ?? false) === deleting &&
    before.finalized === finalized &&
    (before.otherFinalizers ?? false) === otherFinalizers &&
    (before.blank ?? false) === blank &&
    sameWriter(before.statusWriter, statusWriter);
  if (same) return before;
  return {
    key: before?.key ?? keyOf(object),
    ...spec,
    ...(statusWriter && { statusWriter }),
    ...(deleting && { deleting }),
    ...(!spec.parsed.ok && { storeRefs: readStoreRefs(object["spec"]) }),
    finalized,
    ...(otherFinalizers && { otherFinalizers }),
    ...(blank && { blank }),
  };
}

/** Of an object that does not parse, as far as it can be read: who is to tell its author may depend on the store. */
function readStoreRefs(spec: unknown): readonly StoreRef[] {
  if (!isMap(spec)) return [];
  const entries = [spec["data"], spec["dataFrom"]].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  const own = entries.map((entry) => member(member(entry, "sourceRef"), "storeRef"));
  return [spec["secretStoreRef"], ...own].flatMap((ref): StoreRef[] => {
    const name = member(ref, "name");
    const kind = member(ref, "kind") === "ClusterSecretStore" ? "ClusterSecretStore" : "SecretStore";
    return typeof name === "string" && name !== "" ? [{ kind, name }] : [];
  });
}

function member(value: unknown, name: string): unknown {
  return isMap(value) ? value[name] : undefined;
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** `onDependencyChange` as in the port. */
export function externalSecretSource(
  mirror: Mirror<ExternalSecretItem>,
  onDependencyChange: ExternalSecretSource["onDependencyChange"],
): ExternalSecretSource {
  return {
    list: () => Array.from(mirror.entries(), ({ value }) => value),
    get: (key) => mirror.get(key)?.value,
    onChange: (listener) =>
      mirror.onChange((change) => {
        const { key, value } = change.entry;
        if (change.type !== "changed" || isNews(change.before.value, value)) listener(key);
      }),
    onDependencyChange,
  };
}

/** Who writes the status, and our own finalizer, are looked at when the object runs anyway. */
function isNews(before: ExternalSecretItem, after: ExternalSecretItem): boolean {
  return before.parsed !== after.parsed || before.deleting !== after.deleting;
}
