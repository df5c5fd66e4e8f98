/** ESO's finalizer on ExternalSecrets: without it nobody would be asked before one is gone. */
import type { ObjectMeta } from "../manifests/objects.ts";
import type { Finalizers } from "../sync/ports.ts";
import { KubeFailure, type KubeApi, type KubeObject, type Mirror } from "./contract.ts";
import type { KeptExternalSecret } from "./kept-spec.ts";
import { externalSecrets, ownManager } from "./resources.ts";

export const cleanupFinalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup";

/** Undefined: nothing is to be done. */
type Change = (present: readonly string[], object: KubeObject) => readonly string[] | undefined;

const attempts = 3;

/** `mirror`: tells which objects have no finalizer at all, so that the first one needs no read. */
export function createFinalizers(api: KubeApi, mirror: Pick<Mirror<KeptExternalSecret>, "get">): Finalizers {
  const bare = ({ namespace, name }: ObjectMeta): KubeObject | undefined => {
    const entry = mirror.get({ namespace, name });
    if (!entry || entry.value.finalized || entry.value.otherFinalizers || entry.value.deleting) return undefined;
    return { metadata: { namespace, name, uid: entry.uid, resourceVersion: entry.resourceVersion } };
  };
  return {
    // The API server takes no new finalizer on an object that is being deleted.
    add: (object, signal) =>
      change(
        api,
        object,
        signal,
        (present, { metadata }) =>
          present.includes(cleanupFinalizer) || metadata.deletionTimestamp !== undefined
            ? undefined
            : [...present, cleanupFinalizer],
        bare(object),
      ),
    remove: (object, signal) =>
      change(api, object, signal, (present) =>
        present.includes(cleanupFinalizer) ? present.filter((one) => one !== cleanupFinalizer) : undefined,
      ),
  };
}

/** The list is replaced as a whole, so the write carries the state that it was made from. */
async function change(
  api: KubeApi,
  { namespace, name, uid }: ObjectMeta,
  signal: AbortSignal,
  next: Change,
  known?: KubeObject,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const object = attempt === 1 && known ? known : await api.get(externalSecrets, { namespace, name }, signal);
    if (!object || object.metadata.uid !== uid) return;
    const finalizers = next(object.metadata.finalizers ?? [], object);
    if (!finalizers) return;
    const { resourceVersion } = object.metadata;
    const patch = { metadata: { uid, resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null } };
    const options = { type: "merge", fieldManager: ownManager } as const;
    try {
      await api.patch(externalSecrets, { namespace, name }, patch, signal, options);
      return;
    } catch (thrown) {
      if (!(thrown instanceof KubeFailure)) throw thrown;
      if (thrown.status === 404) return;
      if (thrown.status !== 409 || attempt === attempts) throw thrown;
    }
  }
}
