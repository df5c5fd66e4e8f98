/** The fields of a `provider.kubernetes` block in ESO's v1 schema. */
import * as v from "valibot";
import { isDnsLabel } from "../../core/names.ts";
import { caProvider } from "../ca-bundle.ts";
import { block, optionalText, secretKeySelector, serviceAccountSelector } from "../provider-block.ts";

const auth = block({
  cert: v.optional(block({ clientCert: secretKeySelector, clientKey: secretKeySelector })),
  token: v.optional(block({ bearerToken: secretKeySelector })),
  serviceAccount: v.optional(serviceAccountSelector),
});

const server = block({ url: optionalText, caBundle: optionalText, caProvider: v.optional(caProvider) });

export const kubernetesBlock = block({
  server: v.optional(server),
  auth: v.optional(auth),
  authRef: v.optional(secretKeySelector),
  remoteNamespace: v.optional(
    v.pipe(
      v.string("must be a string"),
      v.check((text) => text === "" || isDnsLabel(text), "is not a name that a namespace can have"),
    ),
  ),
});

export type KubernetesBlock = v.InferOutput<typeof kubernetesBlock>;
export type AuthBlock = v.InferOutput<typeof auth>;
export type ServerBlock = v.InferOutput<typeof server>;
