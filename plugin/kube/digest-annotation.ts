/**
 * The record of the Secret last written, where the installed CRD has no field for it: an annotation on the
 * ExternalSecret. It is ours, so nobody else gets to see it: it is no wish of a user and no change of the object.
 */
import type { KubeObject } from "./contract.ts";

export const digestAnnotation = "keyferry.dev/digest";

export function withoutDigest(object: KubeObject): KubeObject {
  const { annotations } = object.metadata;
  if (annotations?.[digestAnnotation] === undefined) return object;
  const { [digestAnnotation]: _, ...others } = annotations;
  return { ...object, metadata: { ...object.metadata, annotations: others } };
}
