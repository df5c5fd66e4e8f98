/**
 * What an API server is told of a field beyond its type, written where the field is.
 *
 * The schemas of this room are the one source of the custom resource definitions: types, enums, lengths, required
 * fields and descriptions come from valibot's own actions. A check written as code says nothing to an API server, so
 * the same rule stands beside it as a keyword. Parsing ignores all of this.
 */
import * as v from "valibot";

export interface ApiRule {
  /** CEL; true when the object is fine. */
  readonly rule: string;
  readonly message: string;
}

/** Keywords of structural schemas, as the API server knows them. */
export interface ApiKeywords {
  readonly type?: "object" | "integer";
  readonly format?: "date-time" | "int32";
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly additionalProperties?: ApiKeywords;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-map-type"?: "atomic";
  readonly "x-kubernetes-validations"?: readonly ApiRule[];
}

/** For the end of a `v.pipe`. */
export function forApi<T>(keywords: ApiKeywords): v.MetadataAction<T, { readonly api: ApiKeywords }> {
  return v.metadata({ api: keywords });
}

/**
 * An optional field whose default the API server writes into the stored object, as ESO's does. The defaults of all
 * other fields are filled in by the parser alone, so that a stored object stays equal to its manifest in git.
 */
export function filledIn<const S extends v.GenericSchema, const D extends v.InferInput<S>>(schema: S, value: D) {
  return v.pipe(v.optional(schema, value), v.metadata({ filledIn: true }));
}

/** Exactly one of the fields; for objects with optional fields only. */
export const exactlyOne = { minProperties: 1, maxProperties: 1 } as const;
