/** The fields of a `provider.vault` block in ESO's v1 schema: those honoured, and those that are not supported yet. */
import * as v from "valibot";
import { block, notYet, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";

const selector = v.optional(secretKeySelector);

const auth = block({
  namespace: optionalText,
  tokenSecretRef: selector,
  appRole: v.optional(
    block({ path: optionalText, roleId: optionalText, roleRef: selector, secretRef: secretKeySelector }),
  ),
  kubernetes: v.optional(
    block({
      mountPath: optionalText,
      role: text,
      serviceAccountRef: v.optional(serviceAccountSelector),
      secretRef: selector,
    }),
  ),
  jwt: v.optional(
    block({
      path: optionalText,
      role: optionalText,
      secretRef: selector,
      kubernetesServiceAccountToken: v.optional(
        block({
          serviceAccountRef: serviceAccountSelector,
          audiences: v.optional(v.array(text, "must be a list")),
          // The token's life is set where it is made: kubelet's projection, or ours.
          expirationSeconds: v.optional(v.number("must be a number of seconds")),
        }),
      ),
    }),
  ),
  ldap: notYet,
  userPass: notYet,
  cert: notYet,
  iam: notYet,
  gcp: notYet,
});

export const vaultBlock = block({
  server: text,
  path: optionalText,
  version: v.optional(v.picklist(["v1", "v2"], "must be v1 or v2"), "v2"),
  namespace: optionalText,
  caBundle: optionalText,
  auth: v.optional(auth),
  caProvider: notYet,
  tls: notYet,
  headers: notYet,
  readYourWrites: notYet,
  forwardInconsistent: notYet,
  checkAndSet: notYet,
});

type VaultBlock = v.InferOutput<typeof vaultBlock>;
export type AuthBlock = NonNullable<VaultBlock["auth"]>;
