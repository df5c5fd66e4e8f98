/** Which login an `authSecretRef` block asks for, and what that login wants to be shown. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { CaSource } from "../ca-bundle.ts";
import type { ProofNeed, SecretKeyRef, StoreContext } from "../contract.ts";
import { toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import { root } from "./config.ts";
import type { AkeylessLogin } from "./config.ts";
import type { AuthBlock } from "./schema.ts";

type Account = Selector & { readonly audiences?: readonly string[] | undefined };
type Refs = Readonly<Record<string, SecretKeyRef>>;

/** A CA that is kept in an object is shown beside whatever else is. */
export function chooseLogin(auth: AuthBlock, ca: CaSource, context: StoreContext): Parsed<AkeylessLogin> {
  const { secretRef, kubernetesAuth, accessKey, serviceAccountRef } = auth;
  const caRef: Refs = ca.ref ? { ca: ca.ref } : {};
  if (secretRef && kubernetesAuth)
    return fail("", "has several logins (secretRef, kubernetesAuth); keep one: ESO would use kubernetesAuth");
  if (accessKey) {
    if (secretRef || kubernetesAuth || serviceAccountRef)
      return fail(".accessKey", "is a login of its own; remove it or what stands beside it");
    const { accessID, secretRef: selector } = accessKey;
    const refs = refsOf({ secretRef: selector }, "accessKey", context);
    if (!refs.ok) return refs;
    const secrets = { accessKey: refs.value["secretRef"]!, ...caRef };
    const proof: ProofNeed = { kind: "static", method: "accessKey", secrets };
    return { ok: true, value: { method: "accessKey", accessId: accessID, proof } };
  }
  if (kubernetesAuth) {
    if (serviceAccountRef) return fail(".serviceAccountRef", "belongs to secretRef; kubernetesAuth has its own");
    return byKubernetes(kubernetesAuth, caRef, context);
  }
  if (!secretRef) return fail("", "names no login; give secretRef, kubernetesAuth or accessKey");
  const { accessID: accessId, accessType, accessTypeParam } = secretRef;
  const refs = refsOf({ accessId, accessType, accessTypeParam }, "secretRef", context);
  if (!refs.ok) return refs;
  const secrets = { ...refs.value, ...caRef };
  const proof: ProofNeed = serviceAccountRef
    ? tokenNeed("serviceAccountRef", serviceAccountRef, secrets, context)
    : { kind: "static", method: "secretRef", secrets };
  return { ok: true, value: { method: "secretRef", proof } };
}

function byKubernetes(
  given: NonNullable<AuthBlock["kubernetesAuth"]>,
  caRef: Refs,
  context: StoreContext,
): Parsed<AkeylessLogin> {
  const { accessID: accessId, k8sConfName: confName, serviceAccountRef: account, secretRef } = given;
  const common = { method: "kubernetesAuth", accessId, confName } as const;
  if (account || !secretRef) {
    const field = account ? "kubernetesAuth.serviceAccountRef" : "kubernetesAuth";
    return { ok: true, value: { ...common, proof: tokenNeed(field, account, caRef, context) } };
  }
  const jwt = toSecretKeyRef(`${root}.authSecretRef.kubernetesAuth.secretRef`, secretRef, context, "token");
  return {
    ok: true,
    value: { ...common, proof: { kind: "static", method: "kubernetesAuth", secrets: { jwt, ...caRef } } },
  };
}

function tokenNeed(field: string, account: Account | undefined, secrets: Refs, context: StoreContext): ProofNeed {
  const foreign = context.scope === "ClusterSecretStore" ? account?.namespace : undefined;
  const audience = account?.audiences?.[0];
  return {
    kind: "token",
    field: `${root}.authSecretRef.${field}`,
    ...(account ? { serviceAccount: { name: account.name, ...(foreign ? { namespace: foreign } : {}) } } : {}),
    ...(audience === undefined ? {} : { audience }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
  };
}

const fieldNames: Readonly<Record<string, string>> = { accessId: "accessID" };

function refsOf(
  selectors: Readonly<Record<string, Selector | undefined>>,
  parent: string,
  context: StoreContext,
): Parsed<Refs> {
  const refs: Record<string, SecretKeyRef> = {};
  for (const [name, selector] of Object.entries(selectors)) {
    if (!selector) continue;
    const field = `${parent}.${fieldNames[name] ?? name}`;
    if ((selector.key ?? "") === "") return fail(`.${field}.key`, "is missing; name a key of the Secret");
    refs[name] = toSecretKeyRef(`${root}.authSecretRef.${field}`, selector, context);
  }
  return { ok: true, value: refs };
}

function fail(path: string, problem: string): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [{ path: `authSecretRef${path}`, problem }] };
}
