/**
 * A valibot schema → a structural OpenAPI v3 schema, as custom resource definitions want it.
 *
 * Types, enums, lengths, required fields and descriptions come from valibot's own actions; what an API server cannot
 * learn from a check written as code comes from the keywords beside it (plugin/manifests/api-schema.ts). Fields that
 * are not supported yet are there too: an API server that does not know a field drops it without a word.
 */
import { toJsonSchema, type ConversionConfig, type JsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { NotYet } from "../../plugin/manifests/fields.ts";

/** As far as definitions of custom resources use it. */
export interface Structural {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Structural>>;
  readonly additionalProperties?: Structural;
  readonly items?: Structural;
  readonly anyOf?: readonly Structural[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
}

export function structuralSchema(schema: v.GenericSchema): Structural {
  return finished(toJsonSchema(schema, conversion) as Marked);
}

/** What a node carries between the conversion and `finished`. */
type Marked = Omit<Structural, "properties" | "items" | "additionalProperties"> & {
  readonly properties?: Readonly<Record<string, Marked>>;
  readonly items?: Marked;
  readonly additionalProperties?: Marked;
  readonly notYet?: NotYet;
  readonly filledIn?: boolean;
};

const conversion: ConversionConfig = {
  target: "openapi-3.0",
  // Code, which says nothing to an API server.
  ignoreActions: ["check", "transform"],
  overrideAction: ({ valibotAction, jsonSchema }) => {
    const { api } = (valibotAction.type === "metadata" ? (valibotAction as MetadataAction).metadata : {}) as {
      api?: object;
    };
    if (!api) return undefined;
    const { api: _, ...others } = jsonSchema as JsonSchema & { api?: object };
    return { ...others, ...api };
  },
};

type MetadataAction = v.MetadataAction<unknown, Record<string, unknown>>;

/** Without marks and empty lists; names in order, so that a field that begins to work changes nothing here. */
function finished({ notYet, filledIn, properties, items, additionalProperties, ...node }: Marked): Structural {
  const { description, type, default: fallback, required, anyOf: _, ...plain } = node;
  const members: Record<string, Structural> = {};
  for (const [name, member] of Object.entries(properties ?? {})) members[name] = finished(member);
  for (const [name, { schema }] of Object.entries(notYet ?? {})) members[name] = structuralSchema(schema);
  const names = Object.keys(members).sort();
  return {
    ...(description === undefined ? {} : { description }),
    ...(type === undefined ? {} : { type }),
    ...plain,
    ...(node["x-kubernetes-int-or-string"] ? { anyOf: [{ type: "integer" }, { type: "string" }] } : {}),
    ...(filledIn ? { default: fallback } : {}),
    ...(required && required.length > 0 ? { required: [...required].sort() } : {}),
    ...(names.length > 0 ? { properties: Object.fromEntries(names.map((name) => [name, members[name]!])) } : {}),
    ...(items ? { items: finished(items) } : {}),
    ...(additionalProperties ? { additionalProperties: finished(additionalProperties) } : {}),
  };
}
