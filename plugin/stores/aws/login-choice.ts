/** Which login an `auth` block asks for, and what that login wants to be shown. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { ProofNeed, SecretKeyRef, StoreContext } from "../contract.ts";
import { toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { AwsLogin, OwnIdentity, RoleStep } from "./config.ts";
import type { AuthBlock } from "./schema.ts";

const root = "spec.provider.aws.auth";
/** What a service account says about itself, as EKS reads it too. */
export const roleAnnotation = "eks.amazonaws.com/role-arn";
const audienceAnnotation = "eks.amazonaws.com/audience";
const defaultAudience = "sts.amazonaws.com";
const agentAudience = "pods.eks.amazonaws.com";
/** On each node of EKS, and nowhere else. */
const agentUrls = { ipv4: "http://169.254.170.23/v1/credentials", ipv6: "http://[fd00:ec2::23]/v1/credentials" };

/** What a login is chosen by, beside its block. */
export interface LoginPlace {
  readonly context: StoreContext;
  /** Those assumed after the login. */
  readonly roles: readonly RoleStep[];
  /** Who the cloud says that this process is, if it says so. */
  readonly own: OwnIdentity | undefined;
}

/**
 * Without a login in the block a ClusterSecretStore reads as this process, where it is somebody to AWS. Else a mounting
 * pod shows its own token.
 */
export function chooseLogin(auth: AuthBlock, { context, roles, own }: LoginPlace): Parsed<AwsLogin> {
  const { jwt, secretRef, podIdentity } = auth;
  if (!jwt && !secretRef && !podIdentity && own && context.scope === "ClusterSecretStore")
    return { ok: true, value: { method: "own", proof: ownProof, identity: own } };
  if (jwt && secretRef)
    return fail({ path: "auth", problem: "has several logins (jwt, secretRef); keep one: ESO would use secretRef" });
  if (podIdentity && (jwt || secretRef))
    return fail({ path: "auth", problem: `has several logins (podIdentity, ${jwt ? "jwt" : "secretRef"}); keep one` });
  if (podIdentity) return { ok: true, value: atAgent(podIdentity.addressType) };
  return secretRef ? keys(secretRef, context) : webIdentity(jwt?.serviceAccountRef, roles, context);
}

/** Not shown for a pod's identity: the process is no pod that mounts. */
const ownProof: ProofNeed = { kind: "static", method: "this process's own identity", secrets: {} };

function atAgent(family: "ipv4" | "ipv6" | "auto"): AwsLogin {
  const proof: ProofNeed = { kind: "token", field: `${root}.podIdentity`, audience: agentAudience };
  return { method: "podIdentity", proof, urls: family === "auto" ? Object.values(agentUrls) : [agentUrls[family]] };
}

function webIdentity(
  account: (Selector & { readonly audiences?: readonly string[] | undefined }) | undefined,
  roles: readonly RoleStep[],
  context: StoreContext,
): Parsed<AwsLogin> {
  const role = plainRole(roles);
  const audience = account?.audiences?.[0];
  const foreign = context.scope === "ClusterSecretStore" ? account?.namespace : undefined;
  const wayOut = `annotate the account with the ARN of its role${roles.length === 0 ? ", or set spec.provider.aws.role" : ""}`;
  const proof: ProofNeed = {
    kind: "token",
    field: `${root}.jwt.serviceAccountRef`,
    ...(account ? { serviceAccount: { name: account.name, ...(foreign ? { namespace: foreign } : {}) } } : {}),
    audience: audience ?? defaultAudience,
    annotations: {
      ...(audience === undefined ? { audience: audienceAnnotation } : {}),
      shown: [roleAnnotation],
      required: role === undefined ? { [roleAnnotation]: wayOut } : {},
    },
  };
  return { ok: true, value: { method: "webIdentity", proof, ...(role === undefined ? {} : { role }) } };
}

/** The one role that a token can be traded for directly: what it carries beside its name needs a login before it. */
function plainRole(roles: readonly RoleStep[]): string | undefined {
  const [only, ...others] = roles;
  if (!only || others.length > 0 || Object.keys(only).length > 1) return undefined;
  return only.roleArn;
}

function keys(given: NonNullable<AuthBlock["secretRef"]>, context: StoreContext): Parsed<AwsLogin> {
  const selectors: Readonly<Record<string, readonly [string, Selector | undefined]>> = {
    accessKeyId: ["accessKeyIDSecretRef", given.accessKeyIDSecretRef],
    secretAccessKey: ["secretAccessKeySecretRef", given.secretAccessKeySecretRef],
    sessionToken: ["sessionTokenSecretRef", given.sessionTokenSecretRef],
  };
  const secrets: Record<string, SecretKeyRef> = {};
  for (const [name, [field, selector]] of Object.entries(selectors)) {
    if (!selector) continue;
    if ((selector.key ?? "") === "")
      return fail({ path: `auth.secretRef.${field}.key`, problem: "is missing; name a key of the Secret" });
    secrets[name] = toSecretKeyRef(`${root}.secretRef.${field}`, selector, context);
  }
  return { ok: true, value: { method: "keys", proof: { kind: "static", method: "access keys", secrets } } };
}

function fail(problem: Problem): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [problem] };
}
