/** The logins by which a cloud vouches for whoever asks: `auth.iam` and `auth.gcp`. */
import type { Parsed } from "../../manifests/objects.ts";
import type { ProofNeed } from "../contract.ts";
import type { Selector } from "../provider-block.ts";
import type { AuthBlock } from "./auth-schema.ts";
import type { LoginChoice } from "./config.ts";
import { fail, staticProof, tokenProof } from "./login-proof.ts";
import type { BlockPlace, Chosen } from "./login-proof.ts";

/** What a service account says about itself, as EKS reads it too. */
export const awsRoleAnnotation = "eks.amazonaws.com/role-arn";
const awsAudienceAnnotation = "eks.amazonaws.com/audience";
const awsAudience = "sts.amazonaws.com";
/** ESO's. */
const defaultRegion = "us-east-1";

export function chooseIam(given: NonNullable<AuthBlock["iam"]>, place: BlockPlace): Chosen | ReturnType<typeof fail> {
  const { path, region, role, vaultRole, externalID, vaultAwsIamServerID: serverId, jwt, secretRef } = given;
  if (jwt && secretRef)
    return fail("auth.iam", "has several logins to AWS (jwt, secretRef); keep one: ESO would use jwt");
  if (externalID && !role)
    return fail("auth.iam.externalID", "is for a role that is taken first; set role, or remove it");
  const choice: LoginChoice = {
    method: "iam",
    role: vaultRole.trim(),
    region: region ? region : defaultRegion,
    ...(serverId ? { serverId } : {}),
    ...(role ? { awsRole: role } : {}),
    ...(externalID ? { externalId: externalID } : {}),
  };
  const proof = secretRef ? accessKeys(secretRef, place) : webIdentity(jwt?.serviceAccountRef, place);
  return { path, defaultPath: "aws", choice, proof };
}

function accessKeys(
  { accessKeyIDSecretRef: id, secretAccessKeySecretRef: key, sessionTokenSecretRef: session }: AccessKeyRefs,
  place: BlockPlace,
): Parsed<ProofNeed> {
  const selectors = {
    accessKeyId: ["auth.iam.secretRef.accessKeyIDSecretRef", id] as const,
    secretAccessKey: ["auth.iam.secretRef.secretAccessKeySecretRef", key] as const,
    ...(session ? { sessionToken: ["auth.iam.secretRef.sessionTokenSecretRef", session] as const } : {}),
  };
  return staticProof("iam", selectors, place);
}

type AccessKeyRefs = NonNullable<NonNullable<AuthBlock["iam"]>["secretRef"]>;

/** Without an account a mounting pod shows its own token. */
function webIdentity(
  account: (Selector & { readonly audiences?: readonly string[] | undefined }) | undefined,
  place: BlockPlace,
): Parsed<ProofNeed> {
  const audience = account?.audiences?.[0];
  const wish = {
    field: "auth.iam.jwt.serviceAccountRef",
    account,
    audience: audience ?? awsAudience,
    annotations: {
      ...(audience === undefined ? { audience: awsAudienceAnnotation } : {}),
      shown: [awsRoleAnnotation],
      required: { [awsRoleAnnotation]: "annotate the account with the ARN of its role" },
    },
  };
  return { ok: true, value: tokenProof(wish, place) };
}

export function chooseGcp(
  { path, role, secretRef }: NonNullable<AuthBlock["gcp"]>,
  place: BlockPlace,
): Chosen | ReturnType<typeof fail> {
  const key = secretRef?.secretAccessKeySecretRef;
  if (!key)
    return fail(
      "auth.gcp",
      "names no key; give secretRef.secretAccessKeySecretRef: the node's own Google identity is not used for this login",
    );
  const proof = staticProof("gcp", { key: ["auth.gcp.secretRef.secretAccessKeySecretRef", key] }, place);
  return { path, defaultPath: "gcp", choice: { method: "gcp", role: role.trim() }, proof };
}
