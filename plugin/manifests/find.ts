/** The fields of `dataFrom[].find`: many secrets of one store, by what they are called or how they are tagged. */
import * as v from "valibot";
import { described, fields } from "./fields.ts";
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
