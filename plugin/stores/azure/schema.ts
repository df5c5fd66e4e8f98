/** The fields of a `provider.azurekv` block in ESO's v1 schema. */
import * as v from "valibot";
import { block, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";

const authTypes = ["ServicePrincipal", "ManagedIdentity", "WorkloadIdentity"] as const;
const environments = ["PublicCloud", "USGovernmentCloud", "ChinaCloud", "GermanCloud", "AzureStackCloud"] as const;

/** Says who asks, in a path and in a form: nothing but what an id or a domain looks like may stand there. */
const id = v.pipe(text, v.regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "is no id; write the UUID that Azure shows"));

export const azureBlock = block({
  vaultUrl: text,
  authType: v.optional(v.picklist(authTypes, `must be one of ${authTypes.join(", ")}`), "ServicePrincipal"),
  tenantId: v.optional(id),
  identityId: v.optional(id),
  // Not ESO's: the identity of a WorkloadIdentity, for accounts that are not annotated with it.
  clientId: v.optional(id),
  authSecretRef: v.optional(
    block({
      clientId: v.optional(secretKeySelector),
      tenantId: v.optional(secretKeySelector),
      clientSecret: v.optional(secretKeySelector),
      clientCertificate: v.optional(secretKeySelector),
    }),
  ),
  serviceAccountRef: v.optional(serviceAccountSelector),
  environmentType: v.optional(v.picklist(environments, `must be one of ${environments.join(", ")}`), "PublicCloud"),
  // Chooses between two libraries of ESO; there is one here.
  useAzureSDK: v.optional(v.boolean("must be true or false")),
  customCloudConfig: v.optional(
    block({
      activeDirectoryEndpoint: text,
      keyVaultEndpoint: optionalText,
      keyVaultDNSSuffix: optionalText,
      // Names a service that is never asked from here.
      resourceManagerEndpoint: optionalText,
    }),
  ),
});

export type AzureBlock = v.InferOutput<typeof azureBlock>;
