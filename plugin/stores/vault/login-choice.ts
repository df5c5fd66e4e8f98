/** Which login an `auth` block asks for, and what that login wants to be shown. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { ProofNeed, SecretKeyRef, StoreContext } from "../contract.ts";
import { toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { VaultLogin } from "./config.ts";
import { pathProblem, trimSlashes } from "./path.ts";
import type { AuthBlock } from "./schema.ts";

/** The order in which ESO looks: where a block has several, the first of them is the one that it would use. */
const methods = ["tokenSecretRef", "appRole", "kubernetes", "jwt"] as const;
/** ESO's default audience of the jwt method. */
const jwtAudience = "vault";
const root = "spec.provider.vault.auth";

/** `namespace` is the store's own; `auth.namespace` stands in for it at login. */
export function chooseLogin(auth: AuthBlock, namespace: string, context: StoreContext): Parsed<VaultLogin> {
  const given = methods.filter((method) => auth[method] !== undefined);
  const [method, ...others] = given;
  if (method === undefined) return fail("auth", `names no login; give one of ${methods.join(", ")}`);
  if (others.length > 0)
    return fail("auth", `has several logins (${given.join(", ")}); keep one: ESO would use ${method}`);
  const loginNamespace = auth.namespace ? auth.namespace : namespace;
  if (auth.tokenSecretRef) {
    const proof = staticProof("token", { token: ["tokenSecretRef", auth.tokenSecretRef] }, context);
    return "problem" in proof ? failWith(proof.problem) : ok({ method: "token", namespace: loginNamespace, proof });
  }
  if (auth.appRole) return appRole(auth.appRole, loginNamespace, context);
  if (auth.kubernetes) return kubernetes(auth.kubernetes, loginNamespace, context);
  return jwt(auth.jwt!, loginNamespace, context);
}

function appRole(
  given: NonNullable<AuthBlock["appRole"]>,
  namespace: string,
  context: StoreContext,
): Parsed<VaultLogin> {
  const roleId = given.roleId?.trim() ?? "";
  if (roleId === "" && !given.roleRef) return fail("auth.appRole", "give roleId or roleRef");
  const proof = staticProof(
    "appRole",
    {
      ...(roleId === "" && given.roleRef ? { roleId: ["appRole.roleRef", given.roleRef] as const } : {}),
      secretId: ["appRole.secretRef", given.secretRef],
    },
    context,
  );
  const mount = mountOf("auth.appRole.path", given.path, "approle");
  if ("problem" in proof) return failWith(proof.problem);
  if (!mount.ok) return mount;
  return ok({ method: "appRole", namespace, mount: mount.value, proof, ...(roleId === "" ? {} : { roleId }) });
}

function kubernetes(
  given: NonNullable<AuthBlock["kubernetes"]>,
  namespace: string,
  context: StoreContext,
): Parsed<VaultLogin> {
  const mount = mountOf("auth.kubernetes.mountPath", given.mountPath, "kubernetes");
  if (!mount.ok) return mount;
  const { serviceAccountRef: account, secretRef } = given;
  const proof =
    !account && secretRef
      ? staticProof("kubernetes", { jwt: ["kubernetes.secretRef", secretRef] }, context, "token")
      : tokenProof(account ? "kubernetes.serviceAccountRef" : "kubernetes", account, account?.audiences?.[0], context);
  if ("problem" in proof) return failWith(proof.problem);
  return ok({ method: "kubernetes", namespace, mount: mount.value, role: given.role.trim(), proof });
}

function jwt(given: NonNullable<AuthBlock["jwt"]>, namespace: string, context: StoreContext): Parsed<VaultLogin> {
  const mount = mountOf("auth.jwt.path", given.path, "jwt");
  if (!mount.ok) return mount;
  const { secretRef, kubernetesServiceAccountToken: wanted } = given;
  if (!secretRef && !wanted) return fail("auth.jwt", "give secretRef or kubernetesServiceAccountToken");
  const audiences = [...(wanted?.audiences ?? [jwtAudience]), ...(wanted?.serviceAccountRef.audiences ?? [])];
  const proof = secretRef
    ? staticProof("jwt", { jwt: ["jwt.secretRef", secretRef] }, context)
    : tokenProof("jwt.kubernetesServiceAccountToken", wanted!.serviceAccountRef, audiences[0], context);
  if ("problem" in proof) return failWith(proof.problem);
  return ok({ method: "jwt", namespace, mount: mount.value, role: given.role?.trim() ?? "", proof });
}

function staticProof(
  method: string,
  selectors: Readonly<Record<string, readonly [string, Selector]>>,
  context: StoreContext,
  defaultKey = "",
): ProofNeed | { readonly problem: Problem } {
  const entries = Object.entries(selectors);
  const keyless = entries.find(([, [, selector]]) => (selector.key ?? defaultKey) === "");
  if (keyless)
    return { problem: { path: `auth.${keyless[1][0]}.key`, problem: "is missing; name a key of the Secret" } };
  const secrets: Record<string, SecretKeyRef> = {};
  for (const [secret, [field, selector]] of entries)
    secrets[secret] = toSecretKeyRef(`${root}.${field}`, selector, context, defaultKey);
  return { kind: "static", method, secrets };
}

function tokenProof(
  field: string,
  account: Selector | undefined,
  audience: string | undefined,
  context: StoreContext,
): ProofNeed {
  const foreign = context.scope === "ClusterSecretStore" ? account?.namespace : undefined;
  return {
    kind: "token",
    field: `${root}.${field}`,
    ...(account ? { serviceAccount: { name: account.name, ...(foreign ? { namespace: foreign } : {}) } } : {}),
    ...(audience === undefined ? {} : { audience }),
  };
}

function mountOf(path: string, value: string | undefined, byDefault: string): Parsed<string> {
  const problem = pathProblem(path, value);
  return problem ? failWith(problem) : { ok: true, value: trimSlashes(value ?? "") || byDefault };
}

function ok(value: VaultLogin): Parsed<VaultLogin> {
  return { ok: true, value };
}

function fail(path: string, problem: string): { ok: false; problems: [Problem] } {
  return failWith({ path, problem });
}

function failWith(problem: Problem): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [problem] };
}
