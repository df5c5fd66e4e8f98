/**
 * The statuses of ExternalSecrets.
 *
 * A CRD that is not ours (ESO's) has no field for the record of the Secret last written: the API server drops it without
 * a word, which its answer shows. The record then goes into an annotation, and comes back out of it once the CRD can
 * hold it.
 */
import type { ExternalSecretStatus, ObjectKey, StatusStore } from "../sync/ports.ts";
import { KubeFailure, type KubeApi, type KubeObject, type Mirror } from "./contract.ts";
import { digestAnnotation } from "./digest-annotation.ts";
import { mergedStatus, readExternalSecretStatus } from "./external-secret-status.ts";
import type { KeptExternalSecret } from "./kept-spec.ts";
import { externalSecrets, ownManager } from "./resources.ts";
import { statusOf, writeStatus, type StatusDocument } from "./status-write.ts";

/** `mirror`: tells which objects have no status yet, so that the first one needs no read. */
export function createStatuses(api: KubeApi, mirror: Pick<Mirror<KeptExternalSecret>, "get">): StatusStore {
  return {
    async read(key, signal) {
      const object = await api.get(externalSecrets, key, signal);
      return object && readExternalSecretStatus(object);
    },
    async write(key, status, signal) {
      const merge = (present: StatusDocument): StatusDocument => mergedStatus(present, status);
      const written = await writeStatus(api, externalSecrets, key, merge, signal, blankObject(mirror, key));
      if (written) await annotate(api, key, written, status, signal);
    },
    // It went with the object.
    forget: () => Promise.resolve(),
  };
}

function blankObject(mirror: Pick<Mirror<KeptExternalSecret>, "get">, key: ObjectKey): KubeObject | undefined {
  const entry = mirror.get(key);
  if (!entry?.value.blank) return undefined;
  const { uid, resourceVersion } = entry;
  return { metadata: { namespace: key.namespace, name: key.name, uid, resourceVersion } };
}

async function annotate(
  api: KubeApi,
  key: ObjectKey,
  written: KubeObject,
  { keyferry }: ExternalSecretStatus,
  signal: AbortSignal,
): Promise<void> {
  const isPruned = keyferry !== undefined && statusOf(written)["keyferry"] === undefined;
  const wanted = isPruned ? JSON.stringify(keyferry) : undefined;
  if (written.metadata.annotations?.[digestAnnotation] === wanted) return;
  const patch = { metadata: { uid: written.metadata.uid, annotations: { [digestAnnotation]: wanted ?? null } } };
  try {
    await api.patch(externalSecrets, key, patch, signal, { type: "merge", fieldManager: ownManager });
  } catch (thrown) {
    // Gone, or another object under its name.
    if (!(thrown instanceof KubeFailure && (thrown.status === 404 || thrown.status === 409))) throw thrown;
  }
}
