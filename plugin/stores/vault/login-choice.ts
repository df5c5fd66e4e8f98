/** Which login an `auth` block asks for, and what that login wants to be shown. */
import type { Parsed } from "../../manifests/objects.ts";
import type { ProofNeed } from "../contract.ts";
import type { AuthBlock } from "./auth-schema.ts";
import { chooseGcp, chooseIam } from "./cloud-choice.ts";
import type { LoginChoice, VaultLogin } from "./config.ts";
import { connectionSecrets } from "./config.ts";
import { fail, staticProof, tokenProof } from "./login-proof.ts";
import type { BlockPlace, Chosen } from "./login-proof.ts";
import { pathProblem, segmentProblem, trimSlashes } from "./path.ts";

type Method = Exclude<keyof AuthBlock, "namespace">;

/** The order in which ESO looks: where a block has several, the first of them is the one that it would use. */
const methods = [
  "tokenSecretRef",
  "appRole",
  "kubernetes",
  "ldap",
  "userPass",
  "jwt",
  "cert",
  "iam",
  "gcp",
] as const satisfies readonly Method[];
/** ESO's default audience of the jwt method. */
const jwtAudience = "vault";

/** `namespace` is the store's own; `auth.namespace` stands in for it at login. `known`: what this kind has. */
export function chooseLogin(
  auth: AuthBlock,
  namespace: string,
  place: BlockPlace,
  known: readonly string[] = methods,
): Parsed<VaultLogin> {
  const given = methods.filter((method) => auth[method] !== undefined);
  const [method, ...others] = given;
  if (method === undefined)
    return fail("auth", `names no login; give one of ${methods.filter((one) => known.includes(one)).join(", ")}`);
  if (others.length > 0)
    return fail("auth", `has several logins (${given.join(", ")}); keep one: ESO would use ${method}`);
  const loginNamespace = auth.namespace ? auth.namespace : namespace;
  if (method === "tokenSecretRef") {
    const proof = staticProof("token", { token: ["auth.tokenSecretRef", auth.tokenSecretRef!] }, place);
    return proof.ok ? { ok: true, value: { method: "token", namespace: loginNamespace, proof: proof.value } } : proof;
  }
  const chosen = choosers[method](auth, place);
  if ("ok" in chosen) return chosen;
  const { path, pathField = "path", defaultPath, choice, proof } = chosen;
  const problem = pathProblem(`auth.${method}.${pathField}`, path);
  if (problem) return { ok: false, problems: [problem] };
  if (!proof.ok) return proof;
  const mount = trimSlashes(path ?? "") || defaultPath;
  return { ok: true, value: { ...choice, namespace: loginNamespace, mount, proof: proof.value } };
}

type Chooser = (auth: AuthBlock, place: BlockPlace) => Chosen | ReturnType<typeof fail>;

const choosers: Readonly<Record<Exclude<(typeof methods)[number], "tokenSecretRef">, Chooser>> = {
  appRole({ appRole }, place) {
    const { path, secretRef, roleRef, roleId: literal = "" } = appRole!;
    const roleId = literal.trim();
    if (roleId === "" && !roleRef) return fail("auth.appRole", "give roleId or roleRef");
    const selectors = {
      ...(roleId === "" ? { roleId: ["auth.appRole.roleRef", roleRef!] as const } : {}),
      secretId: ["auth.appRole.secretRef", secretRef] as const,
    };
    const choice: LoginChoice = { method: "appRole", ...(roleId === "" ? {} : { roleId }) };
    return { path, defaultPath: "approle", choice, proof: staticProof("appRole", selectors, place) };
  },
  kubernetes({ kubernetes }, place) {
    const { mountPath, role, serviceAccountRef: account, secretRef } = kubernetes!;
    const field = account ? "auth.kubernetes.serviceAccountRef" : "auth.kubernetes";
    const proof: Parsed<ProofNeed> =
      !account && secretRef
        ? staticProof("kubernetes", { jwt: ["auth.kubernetes.secretRef", secretRef] }, place, "token")
        : { ok: true, value: tokenProof({ field, account, audience: account?.audiences?.[0] }, place) };
    const choice: LoginChoice = { method: "kubernetes", role: role.trim() };
    return { path: mountPath, pathField: "mountPath", defaultPath: "kubernetes", choice, proof };
  },
  ldap: ({ ldap }, place) => byPassword("ldap", ldap!, place),
  userPass: ({ userPass }, place) => byPassword("userPass", userPass!, place),
  jwt({ jwt }, place) {
    const { path, role = "", secretRef, kubernetesServiceAccountToken: wanted } = jwt!;
    if (!secretRef && !wanted) return fail("auth.jwt", "give secretRef or kubernetesServiceAccountToken");
    const account = wanted?.serviceAccountRef;
    const [audience] = [...(wanted?.audiences ?? [jwtAudience]), ...(account?.audiences ?? [])];
    const proof: Parsed<ProofNeed> = secretRef
      ? staticProof("jwt", { jwt: ["auth.jwt.secretRef", secretRef] }, place)
      : { ok: true, value: tokenProof({ field: "auth.jwt.kubernetesServiceAccountToken", account, audience }, place) };
    return { path, defaultPath: "jwt", choice: { method: "jwt", role: role.trim() }, proof };
  },
  cert({ cert }, place) {
    const { path, vaultRole = "", clientCert, secretRef } = cert!;
    const selectors = {
      [connectionSecrets.certificate]: ["auth.cert.clientCert", clientCert] as const,
      [connectionSecrets.key]: ["auth.cert.secretRef", secretRef] as const,
    };
    const proof = staticProof("cert", selectors, place);
    return { path, defaultPath: "cert", choice: { method: "cert", role: vaultRole.trim() }, proof };
  },
  iam: ({ iam }, place) => chooseIam(iam!, place),
  gcp: ({ gcp }, place) => chooseGcp(gcp!, place),
};

function byPassword(
  method: "ldap" | "userPass",
  { path, username, secretRef }: NonNullable<AuthBlock["ldap"]>,
  place: BlockPlace,
): Chosen | ReturnType<typeof fail> {
  const name = username.trim();
  const problem = name.split("/").map(segmentProblem).find(Boolean);
  // The name is a part of the path that the password is sent to.
  if (problem) return fail(`auth.${method}.username`, name === "" ? "must not be empty" : problem);
  const proof = staticProof(method, { password: [`auth.${method}.secretRef`, secretRef] }, place);
  return { path, defaultPath: method.toLowerCase(), choice: { method, username: name }, proof };
}
