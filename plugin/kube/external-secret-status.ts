/** The status of an ExternalSecret as the API server has it, to the one that sync knows, and back. */
import * as v from "valibot";
import type { Condition, ExternalSecretStatus } from "../sync/ports.ts";
import type { KubeObject } from "./contract.ts";
import { digestAnnotation } from "./digest-annotation.ts";
import { mergedConditions, statusOf, type StatusDocument } from "./status-write.ts";

export type Holding = NonNullable<ExternalSecretStatus["keyferry"]>;

const text = v.string();
const texts = v.array(text);
const holdingSchema = v.object({
  digest: text,
  dataDigest: v.exactOptional(text),
  own: v.object({
    policy: v.picklist(["Owner", "Orphan", "Merge", "CreateOrMerge", "None"]),
    type: text,
    immutable: v.boolean(),
    keys: texts,
    labels: texts,
    annotations: texts,
  }),
  storeKind: v.exactOptional(text),
});
const conditionSchema = v.object({
  type: v.picklist(["Ready", "Paused"]),
  status: v.picklist(["True", "False"]),
  reason: v.optional(text, ""),
  message: v.optional(text, ""),
  lastTransitionTime: v.optional(text, ""),
});

/** Parts that cannot be understood are as if they were not there: whoever edited them so takes away what they said. */
export function readExternalSecretStatus(object: KubeObject): ExternalSecretStatus | undefined {
  const status = statusOf(object);
  const holding = readHolding(object);
  if (Object.keys(status).length === 0 && !holding) return undefined;
  const { refreshTime, syncedResourceVersion, binding, conditions } = status;
  const bound = parsedOrNothing(v.object({ name: text }), binding);
  return {
    ...(typeof refreshTime === "string" && { refreshTime }),
    ...(typeof syncedResourceVersion === "string" && { syncedResourceVersion }),
    conditions: readConditions(conditions),
    ...(bound && { binding: bound }),
    ...(holding && { keyferry: holding }),
  };
}

/** From the status, or from the annotation where the CRD has no field for it. */
export function readHolding(object: KubeObject): Holding | undefined {
  return parsedOrNothing(holdingSchema, statusOf(object)["keyferry"]) ?? annotatedHolding(object);
}

function annotatedHolding({ metadata }: KubeObject): Holding | undefined {
  try {
    return parsedOrNothing(holdingSchema, JSON.parse(metadata.annotations?.[digestAnnotation] ?? ""));
  } catch {
    return undefined;
  }
}

function readConditions(conditions: unknown): readonly Condition[] {
  return (Array.isArray(conditions) ? (conditions as unknown[]) : []).flatMap((one) => {
    const condition = parsedOrNothing(conditionSchema, one);
    return condition ? [condition] : [];
  });
}

function parsedOrNothing<const S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : undefined;
}

const ourTypes: readonly Condition["type"][] = ["Ready", "Paused"];

/** Replaces what `next` describes and nothing else. */
export function mergedStatus(present: StatusDocument, next: ExternalSecretStatus): StatusDocument {
  const { refreshTime: _, syncedResourceVersion: __, binding: ___, keyferry: ____, conditions, ...others } = present;
  return { ...others, ...next, conditions: mergedConditions(conditions, ourTypes, next.conditions) };
}
