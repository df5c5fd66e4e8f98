/** Which login a block asks for, and what that login wants to be shown. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { ProofNeed, SecretKeyRef, StoreContext } from "../contract.ts";
import { namespaceProblem, toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import { fieldNames, root } from "./config.ts";
import type { KubernetesLogin } from "./config.ts";
import type { AuthBlock, KubernetesBlock } from "./schema.ts";

type Method = KubernetesLogin["method"];
type Secrets = Readonly<Record<string, SecretKeyRef>>;

/** `ca`: where the proof will have the server's CA, if it has it. */
export function chooseLogin(
  { auth = {}, authRef }: KubernetesBlock,
  ca: SecretKeyRef | undefined,
  context: StoreContext,
): Parsed<KubernetesLogin> {
  const named = Object.keys(auth).filter((name) => auth[name as keyof AuthBlock]);
  const beside: Secrets = ca ? { ca } : {};
  if (authRef && named.length > 0) return fail("auth", `stands beside authRef (${named.join(", ")}); keep one login`);
  if (named.length > 1) return fail("auth", `has several logins (${named.join(", ")}); keep one`);
  if (authRef) return byKubeconfig(authRef, context);
  const { serviceAccount, token, cert } = auth;
  if (serviceAccount) return byAccount(serviceAccount, beside, context);
  if (token) return bySecrets("token", { token: [fieldNames.token, token.bearerToken, "token"] }, beside, context);
  if (!cert) return fail("auth", "names no login; give one of serviceAccount, token, cert, or a kubeconfig in authRef");
  const pair: Selectors = {
    certificate: [fieldNames.certificate, cert.clientCert, "tls.crt"],
    key: [fieldNames.key, cert.clientKey, "tls.key"],
  };
  return bySecrets("cert", pair, beside, context);
}

function byAccount(
  account: NonNullable<AuthBlock["serviceAccount"]>,
  beside: Secrets,
  context: StoreContext,
): Parsed<KubernetesLogin> {
  const foreign = namespaceProblem(fieldNames.account, account, context);
  if (foreign) return { ok: false, problems: [foreign] };
  const namespace = context.scope === "ClusterSecretStore" ? account.namespace : undefined;
  const proof: ProofNeed = {
    kind: "token",
    field: `${root}.${fieldNames.account}`,
    serviceAccount: { name: account.name, ...(namespace ? { namespace } : {}) },
    // Empty: the API server's own, whatever its name, as in a TokenRequest without audiences.
    audience: account.audiences?.[0] ?? "",
    ...(Object.keys(beside).length > 0 ? { secrets: beside } : {}),
  };
  return { ok: true, value: { method: "serviceAccount", proof } };
}

function byKubeconfig(authRef: Selector, context: StoreContext): Parsed<KubernetesLogin> {
  if (authRef.key === undefined) return fail(`${fieldNames.kubeconfig}.key`, "is missing; name a key of the Secret");
  return bySecrets("kubeconfig", { kubeconfig: [fieldNames.kubeconfig, authRef, ""] }, {}, context);
}

/** By the name that the login looks for: the field below the block, its reference, and the key that it has by default. */
type Selectors = Readonly<Record<string, readonly [field: string, selector: Selector, defaultKey: string]>>;

function bySecrets(
  method: Exclude<Method, "serviceAccount">,
  selectors: Selectors,
  beside: Secrets,
  context: StoreContext,
): Parsed<KubernetesLogin> {
  const [first, ...others] = Object.values(selectors)
    .map(([field, selector]) => namespaceProblem(field, selector, context))
    .filter((problem) => problem !== undefined);
  if (first) return { ok: false, problems: [first, ...others] };
  const shown = Object.entries(selectors).map(
    ([name, [field, selector, key]]) => [name, toSecretKeyRef(`${root}.${field}`, selector, context, key)] as const,
  );
  const secrets = { ...Object.fromEntries(shown), ...beside };
  return { ok: true, value: { method, proof: { kind: "static", method: `kubernetes ${method}`, secrets } } };
}

function fail(path: string, problem: string): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [{ path, problem }] };
}
