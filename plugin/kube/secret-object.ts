/**
 * A Secret as the API server has it, to the one that sync sees, and back. Values are decoded at once; what is neither
 * sync's nor a value is carried along untouched from a read to the write that follows it.
 */
import { isMap } from "../manifests/fields.ts";
import { readMeta } from "../manifests/object-meta.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { ExistingSecret, SecretWrite } from "../sync/ports.ts";
import type { KubeManagedFields, KubeMeta, KubeObject, KubeOwnerReference } from "./contract.ts";
import { apiVersionOf, externalSecrets } from "./resources.ts";

/** Everything of a Secret but its data, labels and annotations. */
export interface SecretRest {
  readonly uid: string;
  readonly metadata: KubeMeta;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function readSecret(object: KubeObject): { readonly secret: ExistingSecret; readonly rest: SecretRest } {
  const { metadata, apiVersion: _, kind: __, type, immutable, data, ...fields } = object;
  const { namespace = "", name, resourceVersion = "", uid = "" } = metadata;
  const { labels, annotations } = readMeta(object);
  const secret: ExistingSecret = {
    namespace,
    name,
    type: typeof type === "string" && type !== "" ? type : "Opaque",
    immutable: immutable === true,
    labels,
    annotations,
    data: decodeData(data),
    resourceVersion,
    ...ownerOf(metadata),
    lastWriter: lastWriter(metadata.managedFields),
  };
  const { labels: ___, annotations: ____, managedFields: _____, ...others } = metadata;
  return { secret, rest: { uid, metadata: others, fields } };
}

/** What the API server wrote cannot be anything but base64; keys with anything else are left out. */
export function decodeData(data: unknown): ReadonlyMap<string, SecretValue> {
  const values = new Map<string, SecretValue>();
  for (const [key, text] of Object.entries(isMap(data) ? data : {}))
    if (typeof text === "string") values.set(key, new SecretValue(Buffer.from(text, "base64")));
  return values;
}

/** `rest`: of the Secret that is replaced, whose resourceVersion it carries. */
export function writtenSecret({ secret, owner, finalizers = [] }: SecretWrite, rest?: SecretRest): KubeObject {
  const { namespace, name, type, immutable, labels, annotations } = secret;
  // One controller is all that an object can have.
  const goes = (one: KubeOwnerReference): boolean =>
    owner ? one.controller === true || one.uid === owner.uid : isOwning(one);
  const others = (rest?.metadata.ownerReferences ?? []).filter((one) => !goes(one));
  const ownerReferences = owner ? [...others, ownerReference(owner.name, owner.uid)] : others;
  const data = Object.fromEntries([...secret.data].map(([key, value]) => [key, value.reveal().toString("base64")]));
  return {
    ...rest?.fields,
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      ...rest?.metadata,
      namespace,
      name,
      labels,
      annotations,
      ownerReferences,
      ...withFinalizers(rest?.metadata, finalizers),
    },
    type,
    ...(immutable && { immutable }),
    data,
  };
}

/** To an object that is being deleted the API server lets none be added. */
function withFinalizers(
  { finalizers: present = [], deletionTimestamp }: Pick<KubeMeta, "finalizers" | "deletionTimestamp"> = {},
  wanted: readonly string[],
): Pick<KubeMeta, "finalizers"> {
  if (wanted.length === 0 || deletionTimestamp !== undefined) return {};
  return { finalizers: [...new Set([...present, ...wanted])] };
}

function ownerReference(name: string, uid: string): KubeOwnerReference {
  const { kind } = externalSecrets;
  return { apiVersion: apiVersionOf(externalSecrets), kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The controller is an ExternalSecret, of whichever version it was written as. */
function isOwning({ apiVersion, kind, controller }: KubeOwnerReference): boolean {
  const [group] = apiVersion.split("/");
  return controller === true && kind === externalSecrets.kind && group === externalSecrets.group;
}

type Ownership = Pick<ExistingSecret, "owner" | "ownerUid" | "foreignController">;

export function ownerOf({ namespace = "", ownerReferences = [] }: KubeMeta): Ownership {
  const controller = ownerReferences.find((one) => one.controller === true);
  if (!controller) return {};
  const { kind, name, uid } = controller;
  if (isOwning(controller)) return { owner: `${namespace}/${name}`, ownerUid: uid };
  return { foreignController: `${kind}/${name}` };
}

const syncManagerPrefix = "externalsecrets.external-secrets.io/";

/** Entries say seconds: of several in one the foreign one is told, as nobody asks who did what sync itself did. */
function lastWriter(managedFields: readonly KubeManagedFields[] = []): string {
  let last = { manager: "an unknown writer", time: "", isOurs: true };
  for (const { manager = "", time = "" } of managedFields) {
    const isOurs = manager.startsWith(syncManagerPrefix);
    const isLater = time > last.time || (time === last.time && last.isOurs);
    if (manager !== "" && isLater) last = { manager, time, isOurs };
  }
  return last.manager;
}
