/** Which login a block asks for, and what that login wants to be shown. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { ProofNeed, SecretKeyRef, StoreContext } from "../contract.ts";
import { toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { AzureLogin } from "./config.ts";
import type { AzureBlock } from "./schema.ts";

const root = "spec.provider.azurekv";
/** What a service account says about itself, as Azure's own webhook reads it too. */
export const clientIdAnnotation = "azure.workload.identity/client-id";
export const tenantIdAnnotation = "azure.workload.identity/tenant-id";
const federationAudience = "api://AzureADTokenExchange";

type Given = Pick<
  AzureBlock,
  "authType" | "tenantId" | "identityId" | "clientId" | "authSecretRef" | "serviceAccountRef"
>;
type SecretName = "clientId" | "tenantId" | "clientSecret" | "clientCertificate";
type Selectors = { readonly [Name in SecretName]?: Selector | undefined };

export function chooseLogin(given: Given, context: StoreContext): Parsed<AzureLogin> {
  if (given.clientId !== undefined && given.authType !== "WorkloadIdentity")
    return fail("clientId", "is for WorkloadIdentity alone; name the client id where this authType has it");
  switch (given.authType) {
    case "WorkloadIdentity":
      return workloadIdentity(given, context);
    case "ServicePrincipal":
      return servicePrincipal(given, context);
    case "ManagedIdentity":
      return managedIdentity(given, context);
  }
}

/** Without `serviceAccountRef` a mounting pod shows its own token. */
function workloadIdentity(given: Given, context: StoreContext): Parsed<AzureLogin> {
  const { serviceAccountRef: account, authSecretRef, tenantId, clientId } = given;
  const read = readSecrets(authSecretRef, ["clientId", "tenantId"], context);
  if (!read.ok) return read;
  const secrets = read.value;
  const foreign = context.scope === "ClusterSecretStore" ? account?.namespace : undefined;
  const required: Record<string, string> = {};
  if (!secrets["clientId"] && clientId === undefined)
    required[clientIdAnnotation] = "annotate the account with the client id of its identity";
  if (!secrets["tenantId"] && tenantId === undefined)
    required[tenantIdAnnotation] = `annotate the account with its tenant's id, or set ${root}.tenantId`;
  // Ids that the block has itself are not asked of the account, which may be annotated for something else.
  const shown = [
    ...(clientId === undefined ? [clientIdAnnotation] : []),
    ...(clientId === undefined || tenantId === undefined ? [tenantIdAnnotation] : []),
  ];
  const proof: ProofNeed = {
    kind: "token",
    field: `${root}.serviceAccountRef`,
    ...(account ? { serviceAccount: { name: account.name, ...(foreign ? { namespace: foreign } : {}) } } : {}),
    audience: account?.audiences?.[0] ?? federationAudience,
    ...(shown.length > 0 ? { annotations: { shown, required } } : {}),
    ...(Object.keys(secrets).length > 0 ? { secrets } : {}),
  };
  const ids = { ...(tenantId === undefined ? {} : { tenantId }), ...(clientId === undefined ? {} : { clientId }) };
  return { ok: true, value: { method: "workloadIdentity", proof, ...ids } };
}

function servicePrincipal({ authSecretRef, tenantId }: Given, context: StoreContext): Parsed<AzureLogin> {
  if (!authSecretRef?.clientId)
    return fail(
      "authSecretRef.clientId",
      "is missing; a service principal has a client id and a secret or certificate",
    );
  if (tenantId === undefined && !authSecretRef.tenantId)
    return fail("tenantId", "is missing; name the principal's tenant");
  const { clientSecret, clientCertificate } = authSecretRef;
  if (!clientSecret === !clientCertificate)
    return fail(
      clientSecret ? "authSecretRef.clientCertificate" : "authSecretRef.clientSecret",
      clientSecret ? "stands beside clientSecret; keep one" : "is missing; name it, or clientCertificate",
    );
  const shown = clientSecret ? "clientSecret" : "clientCertificate";
  const read = readSecrets(authSecretRef, ["clientId", "tenantId", shown], context);
  if (!read.ok) return read;
  const method = clientSecret ? "client secret" : "client certificate";
  const proof: ProofNeed = { kind: "static", method, secrets: read.value };
  return { ok: true, value: { method: shown, proof, ...(tenantId === undefined ? {} : { tenantId }) } };
}

/** The machine's identity is no pod's, so a pod that shows its own does not get it, nor who may write a SecretStore. */
function managedIdentity({ identityId }: Given, { scope }: StoreContext): Parsed<AzureLogin> {
  if (scope === "SecretStore")
    return fail("authType", "ManagedIdentity is for a ClusterSecretStore alone; use WorkloadIdentity here");
  const proof: ProofNeed = { kind: "static", method: "the machine's own identity", secrets: {} };
  return { ok: true, value: { method: "managedIdentity", proof, ...(identityId === undefined ? {} : { identityId }) } };
}

function readSecrets(
  all: Selectors = {},
  names: readonly SecretName[],
  context: StoreContext,
): Parsed<Record<string, SecretKeyRef>> {
  const secrets: Record<string, SecretKeyRef> = {};
  for (const name of names) {
    const selector = all[name];
    if (!selector) continue;
    if ((selector.key ?? "") === "") return fail(`authSecretRef.${name}.key`, "is missing; name a key of the Secret");
    secrets[name] = toSecretKeyRef(`${root}.authSecretRef.${name}`, selector, context);
  }
  return { ok: true, value: secrets };
}

function fail(path: string, problem: string): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [{ path, problem }] };
}
