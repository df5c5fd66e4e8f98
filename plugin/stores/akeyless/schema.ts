/** The fields of a `provider.akeyless` block in ESO's v1 schema. */
import * as v from "valibot";
import { caProvider } from "../ca-bundle.ts";
import { block, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";

const account = v.optional(serviceAccountSelector);
const oneLine = v.pipe(text, v.regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces"));

export const akeylessBlock = block({
  akeylessGWApiURL: optionalText,
  caBundle: optionalText,
  caProvider: v.optional(caProvider),
  ignoreCache: v.optional(v.boolean("must be true or false"), false),
  authSecretRef: block({
    secretRef: v.optional(
      block({
        accessID: secretKeySelector,
        accessType: secretKeySelector,
        accessTypeParam: v.optional(secretKeySelector),
      }),
    ),
    kubernetesAuth: v.optional(
      block({
        accessID: oneLine,
        k8sConfName: text,
        serviceAccountRef: account,
        secretRef: v.optional(secretKeySelector),
      }),
    ),
    serviceAccountRef: account,
    // Not ESO's: what is no secret need not be in a Secret.
    accessKey: v.optional(block({ accessID: oneLine, secretRef: secretKeySelector })),
  }),
});

export type AkeylessBlock = v.InferOutput<typeof akeylessBlock>;
export type AuthBlock = AkeylessBlock["authSecretRef"];
