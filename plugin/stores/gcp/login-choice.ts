/** Which login an `auth` block asks for, and what that login wants to be shown. */
import type { Parsed } from "../../manifests/objects.ts";
import type { ProofNeed, StoreContext } from "../contract.ts";
import { toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { Cluster, GcpLogin } from "./config.ts";
import { isEmail } from "./names.ts";
import type { AuthBlock } from "./schema.ts";

const root = "spec.provider.gcpsm.auth";
/** What a service account says about itself, as GKE reads it too: the Google service account that it speaks for. */
export const emailAnnotation = "iam.gke.io/gcp-service-account";
/** By this name `login` finds the JSON key, and the file for an external account. */
export const keySecret = "key";
export const fileSecret = "credConfig";

type Chosen = Parsed<GcpLogin>;
type Account = Selector & { readonly audiences?: readonly string[] | undefined };

export function chooseLogin(auth: AuthBlock, context: StoreContext): Chosen {
  const { secretRef, workloadIdentity, workloadIdentityFederation } = auth;
  const given = Object.keys(auth).filter((name) => auth[name as keyof AuthBlock] !== undefined);
  if (given.length > 1)
    return fail("auth", `has several logins (${given.join(", ")}); keep one: ESO would use ${given[0]}`);
  if (secretRef) return key(secretRef.secretAccessKeySecretRef, context);
  if (workloadIdentity) return clusterIdentity(workloadIdentity, context);
  if (workloadIdentityFederation) return federation(workloadIdentityFederation, context);
  if (context.scope === "ClusterSecretStore")
    return {
      ok: true,
      value: { method: "metadata", proof: { kind: "static", method: "the node's own identity", secrets: {} } },
    };
  return fail(
    "auth",
    "is missing, and the node's own identity is for a ClusterSecretStore alone; set workloadIdentity, workloadIdentityFederation or secretRef",
  );
}

function key(selector: Selector, context: StoreContext): Chosen {
  const path = "auth.secretRef.secretAccessKeySecretRef";
  if (selector.key === undefined) return fail(`${path}.key`, "is missing; name a key of the Secret");
  const secrets = { [keySecret]: toSecretKeyRef(`${root}.secretRef.secretAccessKeySecretRef`, selector, context) };
  return { ok: true, value: { method: "key", proof: { kind: "static", method: "JSON key", secrets } } };
}

function clusterIdentity(given: NonNullable<AuthBlock["workloadIdentity"]>, context: StoreContext): Chosen {
  const { serviceAccountRef, clusterProjectID: project, clusterLocation: location, clusterName: name } = given;
  if (project === undefined)
    return fail(
      "auth.workloadIdentity.clusterProjectID",
      "is missing; name the project of the cluster, which its identity pool is called after",
    );
  if (context.scope === "SecretStore")
    for (const [field, value] of Object.entries({ clusterLocation: location, clusterName: name }))
      if (value === undefined)
        return fail(
          `auth.workloadIdentity.${field}`,
          "is missing, and the metadata server is asked for a ClusterSecretStore alone; set it",
        );
  const cluster: Cluster = {
    project,
    ...(location === undefined ? {} : { location }),
    ...(name === undefined ? {} : { name }),
  };
  const proof = tokenOf("workloadIdentity", serviceAccountRef, `${project}.svc.id.goog`, context);
  return { ok: true, value: { method: "workloadIdentity", proof, cluster } };
}

function federation(given: NonNullable<AuthBlock["workloadIdentityFederation"]>, context: StoreContext): Chosen {
  const path = "auth.workloadIdentityFederation";
  const { credConfig, serviceAccountRef, audience = "", externalTokenEndpoint, gcpServiceAccountEmail: email } = given;
  if (email && !isEmail(email))
    return fail(`${path}.gcpServiceAccountEmail`, "is not the address of a Google service account");
  const speaksFor = email ? { email } : {};
  if ((credConfig === undefined) === (serviceAccountRef === undefined))
    return fail(path, "needs exactly one of credConfig and serviceAccountRef");
  if (serviceAccountRef) {
    if (audience === "") return fail(`${path}.audience`, "is missing; name the provider of the identity pool");
    const shown = serviceAccountRef.audiences?.[0] ?? tokenAudience(audience);
    if (shown === undefined)
      return fail(
        `${path}.serviceAccountRef.audiences`,
        "is missing; name what the pool's provider expects in a token",
      );
    const proof = tokenOf("workloadIdentityFederation", serviceAccountRef, shown, context);
    return { ok: true, value: { method: "federation", proof, audience, ...speaksFor } };
  }
  const reference = toSecretKeyRef(`${root}.workloadIdentityFederation.credConfig`, credConfig!, context);
  return {
    ok: true,
    value: {
      method: "externalAccount",
      proof: {
        kind: "static",
        method: "external account",
        secrets: { [fileSecret]: { ...reference, kind: "ConfigMap" } },
      },
      ...(audience ? { audience } : {}),
      ...speaksFor,
      ...(externalTokenEndpoint ? { tokenEndpoint: externalTokenEndpoint } : {}),
    },
  };
}

/** What a provider of an identity pool expects in a token where it is not told otherwise. */
function tokenAudience(audience: string): string | undefined {
  if (audience.startsWith("//iam.googleapis.com/")) return `https:${audience}`;
  return /^identitynamespace:([^:]+\.svc\.id\.goog):/.exec(audience)?.[1];
}

function tokenOf(method: string, account: Account, audience: string, context: StoreContext): ProofNeed {
  const foreign = context.scope === "ClusterSecretStore" ? account.namespace : undefined;
  return {
    kind: "token",
    field: `${root}.${method}.serviceAccountRef`,
    serviceAccount: { name: account.name, ...(foreign === undefined ? {} : { namespace: foreign }) },
    audience,
    annotations: { shown: [emailAnnotation], required: {} },
  };
}

function fail(path: string, problem: string): Chosen {
  return { ok: false, problems: [{ path, problem }] };
}
