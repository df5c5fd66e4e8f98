/** The fields of `dataFrom[].find`: many secrets of one store, by what they are called or how they are tagged. */
import * as v from "valibot";
import { described, fields } from "./fields.ts";
import type { RemoteFind } from "./objects.ts";
import { readingFields } from "./remote-ref.ts";

const { conversionStrategy, decodingStrategy, nullBytePolicy } = readingFields;

export const findSchema = fields({
  path: described("Where to look: a prefix or folder, as the store has them.", v.optional(v.string())),
  name: described(
    "Only secrets with names like this.",
    v.optional(
      fields({ regexp: described("Regular expression (RE2), unanchored, over the names.", v.optional(v.string())) }),
    ),
  ),
  tags: described("Only secrets that carry all of these tags.", v.optional(v.record(v.string(), v.string()))),
  conversionStrategy,
  decodingStrategy,
  nullBytePolicy,
});

/** What is empty narrows nothing, as in ESO. The expression itself is looked at when it is read, as those of a rewrite. */
export function remoteFindOf({ path, name, tags, ...reading }: v.InferOutput<typeof findSchema>): RemoteFind {
  return {
    ...reading,
    ...(path ? { path } : {}),
    ...(name?.regexp ? { regexp: name.regexp } : {}),
    ...(tags && Object.keys(tags).length > 0 ? { tags } : {}),
  };
}
