/** The fields of a `provider.aws` block in ESO's v1 schema. */
import * as v from "valibot";
import { block, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";

const textList = v.optional(v.array(text, "must be a list"));

export const awsBlock = block({
  service: v.picklist(
    ["SecretsManager", "ParameterStore", "CertificateManager"],
    "must be SecretsManager, ParameterStore or CertificateManager",
  ),
  // A part of the server's name: nothing but what a region looks like may stand there.
  region: v.pipe(
    text,
    v.regex(/^[a-z]{2,5}(-[a-z0-9]{1,16}){1,3}-\d{1,2}$/, "is not a name that a region can have; write eu-central-1"),
  ),
  role: optionalText,
  additionalRoles: textList,
  externalID: optionalText,
  prefix: optionalText,
  auth: v.optional(
    block({
      jwt: v.optional(block({ serviceAccountRef: v.optional(serviceAccountSelector) })),
      secretRef: v.optional(
        block({
          accessKeyIDSecretRef: secretKeySelector,
          secretAccessKeySecretRef: secretKeySelector,
          sessionTokenSecretRef: v.optional(secretKeySelector),
        }),
      ),
      // Not ESO's: for pods that mount, on nodes of EKS.
      podIdentity: v.optional(
        block({
          addressType: v.optional(v.picklist(["ipv4", "ipv6", "auto"], "must be ipv4, ipv6 or auto"), "auto"),
        }),
      ),
    }),
  ),
  sessionTags: v.optional(v.array(block({ key: text, value: v.string("must be a string") }), "must be a list")),
  transitiveTagKeys: textList,
  sessionTagsPolicy: v.optional(v.picklist(["None", "Simple", "Custom"], "must be None, Simple or Custom"), "None"),
  customSessionTags: v.optional(v.record(v.string(), v.string("must be a string"), "must be a map of strings")),
  // Says how secrets are deleted; nothing is ever deleted from here.
  secretsManager: v.optional(
    block({
      forceDeleteWithoutRecovery: v.optional(v.boolean("must be true or false")),
      recoveryWindowInDays: v.optional(v.number("must be a number")),
    }),
  ),
});

export type AwsBlock = v.InferOutput<typeof awsBlock>;
export type AuthBlock = NonNullable<AwsBlock["auth"]>;
