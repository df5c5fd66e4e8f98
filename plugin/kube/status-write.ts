/** Writes the status subresource of one object, keeping what others have written there. */
import { canonicalJson } from "../core/canonical-json.ts";
import { isMap } from "../manifests/fields.ts";
import { KubeFailure, type KubeApi, type KubeObject, type ObjectName, type ResourceKind } from "./contract.ts";
import { apiVersionOf, ownManager } from "./resources.ts";

export type StatusDocument = Readonly<Record<string, unknown>>;

export function statusOf(object: KubeObject): StatusDocument {
  return isMap(object["status"]) ? object["status"] : {};
}

const attempts = 3;

/**
 * Reads, changes, writes; again when somebody else wrote in between. Resolves with the object as it is afterwards;
 * undefined when it is gone. Nothing is sent when nothing changes. `known`: the object as a watch has it, status included,
 * which spares the first read.
 */
export async function writeStatus(
  api: KubeApi,
  kind: ResourceKind,
  name: ObjectName,
  change: (status: StatusDocument) => StatusDocument,
  signal: AbortSignal,
  known?: KubeObject,
): Promise<KubeObject | undefined> {
  for (let attempt = 1; ; attempt++) {
    const object = attempt === 1 && known ? known : await api.get(kind, name, signal);
    if (!object) return undefined;
    const before = statusOf(object);
    const status = change(before);
    if (canonicalJson(before) === canonicalJson(status)) return object;
    const { namespace, uid, resourceVersion } = object.metadata;
    const metadata = { name: name.name, namespace, uid, resourceVersion } as KubeObject["metadata"];
    const body = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, status };
    try {
      return await api.replace(kind, body, signal, { subresource: "status", fieldManager: ownManager });
    } catch (thrown) {
      if (!(thrown instanceof KubeFailure)) throw thrown;
      if (thrown.status === 404) return undefined;
      if (thrown.status !== 409 || attempt === attempts) throw thrown;
    }
  }
}

/** Those of the given types become `ours`, in their place; the others stay as they are. */
export function mergedConditions(
  present: unknown,
  types: readonly string[],
  ours: readonly { readonly type: string }[],
): readonly unknown[] {
  const isOurs = (one: unknown): boolean => isMap(one) && types.includes(one["type"] as string);
  const others = (Array.isArray(present) ? present : []).filter((one) => !isOurs(one)) as unknown[];
  return [...ours, ...others];
}
