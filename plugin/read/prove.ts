/**
 * Collects what a store is shown when somebody logs in to it, and says for whom that speaks.
 *
 * A pod shows its own token, whatever account the store names. Sync, and a class with `identity: Store`, show the
 * account or the credential that the store names. What says nothing about who reads, such as a CA, everybody shows.
 */
import { canonicalJson } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { Proof, ProofNeed, Subject } from "../stores/contract.ts";
import type { AccountTokens } from "./account-tokens.ts";
import type { Grant } from "./authorize.ts";
import type { PodCaller } from "./caller.ts";
import { keyedDigest } from "./keyed-digest.ts";
import type { ClusterView } from "./ports.ts";
import { referredNamespace, referredValues } from "./referred.ts";

export interface Proven {
  readonly subject: Subject;
  readonly proof: Proof;
}

export interface ProverDeps {
  readonly cluster: Pick<ClusterView, "secretData" | "configMapValue" | "serviceAccountAnnotations">;
  readonly accountTokens: AccountTokens;
  /** For stores that ask for no audience of their own. */
  readonly tokenAudience: string;
  /** Of this process alone: a credential's digest says nothing outside of it. */
  readonly subjectKey: Uint8Array;
}

type TokenNeed = Extract<ProofNeed, { kind: "token" }>;
type StaticNeed = Extract<ProofNeed, { kind: "static" }>;

/**
 * Rejects with Failure: `credential_missing` naming exactly what is absent, `store_invalid` for a reference into a
 * foreign namespace, `kube_unavailable`.
 */
export async function prove(grant: Grant, deps: ProverDeps, signal: AbortSignal): Promise<Proven> {
  const need = grant.store.store.proofNeed;
  if (need.kind === "none") return { subject: { kind: "none" }, proof: { kind: "none" } };
  const { caller } = grant;
  if (caller.kind === "Pod" && grant.identity === "Pod") {
    if (need.kind === "token") return podToken(grant, caller, need, deps, signal);
    return need.anonymous ? credential(grant, need, deps, signal) : refuseStatic(grant, need);
  }
  return need.kind === "token" ? accountToken(grant, need, deps, signal) : credential(grant, need, deps, signal);
}

async function podToken(
  grant: Grant,
  pod: PodCaller,
  need: TokenNeed,
  deps: ProverDeps,
  signal: AbortSignal,
): Promise<Proven> {
  const { namespace, serviceAccountName: name } = pod;
  const annotated = await annotationsOf({ namespace, name }, need, deps, signal);
  const audience = annotated.audience ?? need.audience ?? deps.tokenAudience;
  const found = pod.tokens.find((token) => token.audience === audience);
  if (!found) throw noPodToken(grant, pod, audience);
  const beside = await besideToken(grant, need, deps, signal);
  return {
    subject: {
      kind: "serviceAccount",
      namespace,
      name,
      uid: found.serviceAccountUid,
      audience,
      ...annotated.ofSubject,
      ...beside.ofSubject,
    },
    proof: { kind: "token", token: found.token, ...annotated.ofProof, ...beside.ofProof },
  };
}

function noPodToken({ store }: Grant, pod: PodCaller, audience: string): Failure {
  const came = pod.tokens.map((token) => `"${token.audience}"`).join(", ");
  const what = came === "" ? "no service account token came with it" : `only tokens for ${came} came with it`;
  return new Failure(
    "credential_missing",
    `${store.id} asks for a token with audience "${audience}" of pod ${pod.namespace}/${pod.name}, and ${what}; add the audience to tokenRequests of the CSIDriver object`,
  );
}

function refuseStatic({ store }: Grant, need: StaticNeed): never {
  throw new Failure(
    "credential_missing",
    `${store.id} logs in with a credential of its own (${need.method}), which is not shown for a pod's identity; set identity: Store in the class, or give the store a login by service account`,
  );
}

async function accountToken(grant: Grant, need: TokenNeed, deps: ProverDeps, signal: AbortSignal): Promise<Proven> {
  const { serviceAccount: named, field } = need;
  if (!named)
    throw new Failure(
      "credential_missing",
      `${field} names no service account, so there is none to log in as; set serviceAccountRef`,
      { field },
    );
  const namespace = referredNamespace(grant, field, named.namespace);
  const annotated = await annotationsOf({ namespace, name: named.name }, need, deps, signal);
  const audience = annotated.audience ?? need.audience ?? deps.tokenAudience;
  const account = { namespace, name: named.name, audience };
  const found = await deps.accountTokens.get(account, signal);
  if (!found)
    throw new Failure(
      "credential_missing",
      `no token with audience "${audience}" for service account ${namespace}/${named.name}; create the account, or let one be made for it`,
      { field },
    );
  const beside = await besideToken(grant, need, deps, signal);
  const uid = found.serviceAccountUid;
  return {
    subject: { kind: "serviceAccount", ...account, uid, ...annotated.ofSubject, ...beside.ofSubject },
    proof: { kind: "token", token: found.token, ...annotated.ofProof, ...beside.ofProof },
  };
}

interface Annotated {
  readonly audience?: string;
  readonly ofSubject?: { readonly annotations: string };
  readonly ofProof?: { readonly annotations: Readonly<Record<string, string>> };
}

/** Asked for at each read, so that a changed annotation is another subject at once. */
async function annotationsOf(
  account: { readonly namespace: string; readonly name: string },
  { annotations: need, field }: TokenNeed,
  { cluster }: ProverDeps,
  signal: AbortSignal,
): Promise<Annotated> {
  if (!need) return {};
  const all = await cluster.serviceAccountAnnotations(account.namespace, account.name, signal);
  const shown = Object.fromEntries(need.shown.flatMap((key) => (all[key] ? [[key, all[key]]] : [])));
  for (const [key, wayOut] of Object.entries(need.required))
    if (shown[key] === undefined)
      throw new Failure(
        "credential_missing",
        `service account ${account.namespace}/${account.name} has no annotation ${key}; ${wayOut}`,
        { field },
      );
  const audience = need.audience === undefined ? undefined : all[need.audience];
  return {
    ...(audience ? { audience } : {}),
    ofSubject: { annotations: canonicalJson(shown) },
    ofProof: { annotations: shown },
  };
}

async function credential(grant: Grant, need: StaticNeed, deps: ProverDeps, signal: AbortSignal): Promise<Proven> {
  const { values, parts } = await referredValues(grant, need.secrets, deps.cluster, signal);
  return {
    subject: { kind: "credential", digest: keyedDigest(deps.subjectKey, [need.method, ...parts]) },
    proof: { kind: "static", secrets: values },
  };
}

interface Beside {
  readonly ofSubject?: { readonly digest: string };
  readonly ofProof?: { readonly secrets: Readonly<Record<string, SecretValue>> };
}

/** What a store needs beside a token, which is the same whoever reads, and part of who they are to it. */
async function besideToken(
  grant: Grant,
  { secrets }: TokenNeed,
  { cluster, subjectKey }: ProverDeps,
  signal: AbortSignal,
): Promise<Beside> {
  if (!secrets) return {};
  const { values, parts } = await referredValues(grant, secrets, cluster, signal);
  return { ofSubject: { digest: keyedDigest(subjectKey, parts) }, ofProof: { secrets: values } };
}
