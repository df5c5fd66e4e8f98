/** The fields of a reference to one secret, and what they are parsed into. */
import * as v from "valibot";
import { described, fields } from "./fields.ts";
import type { RemoteRef } from "./objects.ts";

/** How whatever is read gets its key and value; entries that read many secrets share them. */
export const readingFields = {
  conversionStrategy: described(
    "How characters that a Secret key cannot have are replaced: Default by an underscore, Unicode by their code point.",
    v.optional(v.picklist(["Default", "Unicode"]), "Default"),
  ),
  decodingStrategy: described(
    "How the value is decoded; Auto decodes what looks like base64 and keeps the rest.",
    v.optional(v.picklist(["None", "Auto", "Base64", "Base64URL"]), "None"),
  ),
  nullBytePolicy: described(
    "Fail refuses values that hold a null byte.",
    v.optional(v.picklist(["Ignore", "Fail"]), "Ignore"),
  ),
};

/** An API server lets an empty key pass, as ESO's does. */
const key = v.pipe(
  v.string(),
  v.check((text) => text !== "", "must not be empty"),
);

export const remoteRefSchema = fields({
  key: described("The secret's name or path in the store.", key),
  property: described("One property of the secret; the whole secret when absent.", v.optional(v.string())),
  version: described("A version, in the store's own syntax; the current one when absent.", v.optional(v.string())),
  metadataPolicy: described(
    "Fetch reads the secret's labels or tags in place of its value.",
    v.optional(v.picklist(["None", "Fetch"]), "None"),
  ),
  ...readingFields,
});

export function remoteRefOf({ property, version, ...raw }: v.InferOutput<typeof remoteRefSchema>): RemoteRef {
  return { ...raw, ...(property ? { property } : {}), ...(version ? { version } : {}) };
}
