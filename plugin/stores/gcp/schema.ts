/** The fields of a `provider.gcpsm` block in ESO's v1 schema: those honoured, and those that are not supported yet. */
import * as v from "valibot";
import { block, notYet, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";
import { clusterNamePattern, locationPattern, projectPattern } from "./names.ts";

const project = v.optional(v.pipe(text, v.regex(projectPattern, "is not an id that a Google Cloud project can have")));
// A part of the server's name: nothing but what a location looks like may stand there.
const location = v.optional(
  v.pipe(text, v.regex(locationPattern, "is not a name that a location can have; write europe-west3")),
);
/** ESO's ConfigMapReference: unlike other selectors it always has a key. */
const configMapKey = v.pipe(
  secretKeySelector,
  v.check(({ key }) => key !== undefined, "has no key; name a key of the ConfigMap"),
);

export const gcpBlock = block({
  projectID: project,
  location,
  secretVersionSelectionPolicy: v.optional(
    v.picklist(["LatestOrFail", "LatestOrFetch"], "must be LatestOrFail or LatestOrFetch"),
    "LatestOrFail",
  ),
  auth: v.optional(
    block({
      secretRef: v.optional(block({ secretAccessKeySecretRef: secretKeySelector })),
      workloadIdentity: v.optional(
        block({
          serviceAccountRef: serviceAccountSelector,
          clusterLocation: location,
          clusterName: v.optional(
            v.pipe(text, v.regex(clusterNamePattern, "is not a name that a GKE cluster can have")),
          ),
          clusterProjectID: project,
        }),
      ),
      workloadIdentityFederation: v.optional(
        block({
          credConfig: v.optional(configMapKey),
          serviceAccountRef: v.optional(serviceAccountSelector),
          awsSecurityCredentials: notYet,
          audience: optionalText,
          externalTokenEndpoint: optionalText,
          gcpServiceAccountEmail: optionalText,
        }),
      ),
    }),
  ),
});

export type GcpBlock = v.InferOutput<typeof gcpBlock>;
export type AuthBlock = NonNullable<GcpBlock["auth"]>;
