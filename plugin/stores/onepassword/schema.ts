/** The fields of a `provider.onepassword` block in ESO's v1 schema. */
import * as v from "valibot";
import { block, secretKeySelector, text } from "../provider-block.ts";

export const connectBlock = block({
  connectHost: text,
  vaults: v.record(
    v.string(),
    v.pipe(v.number("must be a whole number"), v.integer("must be a whole number")),
    "is missing; map each vault's name or id to its place in the order, as in {prod: 1}",
  ),
  auth: block({ secretRef: block({ connectTokenSecretRef: secretKeySelector }) }),
});
