/** The fields of an `auth` block: each login with what ESO's v1 schema gives it. */
import * as v from "valibot";
import { block, notYet, optionalText, secretKeySelector, serviceAccountSelector, text } from "../provider-block.ts";

const selector = v.optional(secretKeySelector);

const appRole = v.optional(
  block({ path: optionalText, roleId: optionalText, roleRef: selector, secretRef: secretKeySelector }),
);

const kubernetes = v.optional(
  block({
    mountPath: optionalText,
    role: text,
    serviceAccountRef: v.optional(serviceAccountSelector),
    secretRef: selector,
  }),
);

const byPassword = v.optional(block({ path: optionalText, username: text, secretRef: secretKeySelector }));

const jwt = v.optional(
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
);

const cert = v.optional(
  block({ path: optionalText, vaultRole: optionalText, clientCert: secretKeySelector, secretRef: secretKeySelector }),
);

const region = v.pipe(text, v.regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, "is not a name that a region can have"));
const roleArn = v.pipe(text, v.regex(/^arn:[\w-]+:iam::\d+:role\/[\x21-\x7e]+$/, "is not the ARN of a role"));
const empty = v.literal("");

const iam = v.optional(
  block({
    path: optionalText,
    region: v.optional(v.union([empty, region], "is not a name that a region can have")),
    role: v.optional(v.union([empty, roleArn], "is not the ARN of a role")),
    vaultRole: text,
    externalID: optionalText,
    vaultAwsIamServerID: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]*$/, "must be printable ASCII"))),
    jwt: v.optional(block({ serviceAccountRef: v.optional(serviceAccountSelector) })),
    secretRef: v.optional(
      block({
        accessKeyIDSecretRef: secretKeySelector,
        secretAccessKeySecretRef: secretKeySelector,
        sessionTokenSecretRef: selector,
      }),
    ),
  }),
);

const gcp = v.optional(
  block({
    path: optionalText,
    role: text,
    // A key's own statement is all that Vault asks for; these say nothing to it.
    projectID: optionalText,
    location: optionalText,
    secretRef: v.optional(block({ secretAccessKeySecretRef: selector })),
    workloadIdentity: notYet,
    serviceAccountRef: notYet,
  }),
);

export const authBlock = block({
  namespace: optionalText,
  tokenSecretRef: selector,
  appRole,
  kubernetes,
  ldap: byPassword,
  userPass: byPassword,
  jwt,
  cert,
  iam,
  gcp,
});

export const openBaoAuthBlock = block({
  namespace: optionalText,
  tokenSecretRef: selector,
  appRole,
  kubernetes,
  userPass: byPassword,
});

export type AuthBlock = v.InferOutput<typeof authBlock>;
