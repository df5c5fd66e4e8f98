/** The fields of a `provider.doppler` block in ESO's v1 schema. */
import * as v from "valibot";
import { block, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";
import { formats, nameTransformers } from "./config.ts";

const auth = block({
  secretRef: v.optional(block({ dopplerToken: secretKeySelector })),
  oidcConfig: v.optional(
    block({
      identity: text,
      serviceAccountRef: serviceAccountSelector,
      // The token's life is set where it is made: kubelet's projection, or ours.
      expirationSeconds: v.optional(v.number("must be a number of seconds")),
    }),
  ),
});

const oneOf = <const L extends readonly string[]>(list: L) =>
  v.optional(v.picklist(["", ...list], `must be one of ${list.join(", ")}`));

export const dopplerBlock = block({
  auth,
  project: optionalText,
  config: optionalText,
  format: oneOf(formats),
  nameTransformer: oneOf(nameTransformers),
});

export type AuthBlock = v.InferOutput<typeof auth>;
