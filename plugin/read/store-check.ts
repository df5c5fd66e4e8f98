/**
 * Whether a store can be used, as far as that can be told without reading a secret: its manifest and block, and a login
 * with the account or credential that it names.
 *
 * The login is the one that reads use: a kept session is only asked about, so checking leaves no trail of tokens behind.
 * Where whoever reads brings the proof, nothing is sent.
 */
import { toFailure } from "../core/failure.ts";
import type { Failure } from "../core/failure.ts";
import type { StoreRef } from "../manifests/objects.ts";
import type { ProofNeed, Session } from "../stores/contract.ts";
import { openAccess } from "./access.ts";
import type { Access } from "./access.ts";
import type { AdmitDeps } from "./admit.ts";
import { authorizeCheck } from "./authorize.ts";
import type { ResolvedStore } from "./catalog.ts";
import { heldBy, inLane } from "./in-lane.ts";
import type { Turn } from "./in-lane.ts";
import { prove } from "./prove.ts";
import type { Sessions } from "./sessions.ts";

export interface StoreStatus {
  /** The registry name of its kind; absent when it cannot be told. */
  readonly kindName?: string;
  /** Why reads through it fail; absent when nothing speaks against them. */
  readonly failure?: Failure;
  /** Why the login was not tried, in words; absent when it works, or none is needed. */
  readonly unchecked?: string;
}

export interface StoreCheckDeps {
  readonly admission: Pick<AdmitDeps, "catalog" | "prover" | "keyParts">;
  readonly sessions: Sessions;
}

/** `namespace`: that of a SecretStore; empty for a ClusterSecretStore. Rejects only when `signal` aborts. */
export async function checkStore(
  ref: StoreRef,
  namespace: string,
  { admission, sessions }: StoreCheckDeps,
  signal: AbortSignal,
): Promise<StoreStatus> {
  let kindName: string | undefined;
  try {
    const store = await admission.catalog.resolve(ref, namespace, signal);
    kindName = store.kind.name;
    const unchecked = whyUnchecked(store);
    if (unchecked !== undefined) return { kindName, unchecked };
    const grant = authorizeCheck(store);
    const access = openAccess(grant, await prove(grant, admission.prover, signal), admission.keyParts);
    await logIn(access, sessions, signal);
    return { kindName };
  } catch (thrown) {
    signal.throwIfAborted();
    return { ...(kindName === undefined ? {} : { kindName }), failure: toFailure(thrown) };
  }
}

async function logIn(access: Access, sessions: Sessions, signal: AbortSignal): Promise<void> {
  const { store, lane } = access.grant.store;
  const held = heldBy(lane);
  if (held) throw held;
  if (store.proofNeed.kind === "none") return;
  const turn: Turn = { priority: "periodic", signal };
  const ask = (session: Session): Promise<void> =>
    inLane(lane, turn, async (attempt) => store.check?.(session, attempt));
  await sessions.check(access, turn, store.check && ask);
}

function whyUnchecked({ ref, store: { proofNeed } }: ResolvedStore): string | undefined {
  if (proofNeed.kind === "token" && !proofNeed.serviceAccount)
    return "it names no service account, so only a pod that mounts can log in to it";
  const isReferent = ref.kind === "ClusterSecretStore" && namespacesIn(proofNeed).includes(undefined);
  return isReferent ? "it logs in with what lies in the namespace of whoever reads" : undefined;
}

/** Of everything that is referred to; undefined where it names none. */
function namespacesIn(need: ProofNeed): readonly (string | undefined)[] {
  if (need.kind === "none") return [];
  const ofSecrets = Object.values(need.secrets ?? {}).map((secret) => secret.namespace);
  return need.kind === "token" ? [need.serviceAccount?.namespace, ...ofSecrets] : ofSecrets;
}
