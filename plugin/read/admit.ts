/**
 * The first half of a read: which store, what address, allowed or not, proven by what.
 *
 * Looks up the store, the policies and the proof once for a request, however many of its entries share them.
 */
import { toFailure } from "../core/failure.ts";
import type { Failure } from "../core/failure.ts";
import { openAccess, openIdentity } from "./access.ts";
import type { Access, Identity } from "./access.ts";
import { authorize } from "./authorize.ts";
import type { Rules } from "./authorize.ts";
import type { Catalog, ResolvedStore } from "./catalog.ts";
import type { KeyPart } from "./key.ts";
import { tagOf } from "./last-good.ts";
import type { ClusterView } from "./ports.ts";
import { prove } from "./prove.ts";
import type { ProverDeps } from "./prove.ts";
import { entryFailure } from "./entry-failure.ts";
import type { ReadEntry, ReadRequest, ReadTerms } from "./request.ts";
import { storeId, storeNamespaceOf } from "./store-id.ts";

export interface AdmitDeps {
  readonly cluster: Pick<ClusterView, "storePolicies" | "namespaceLabels">;
  readonly catalog: Catalog;
  readonly prover: ProverDeps;
  readonly keyParts: readonly KeyPart[];
  /** A store or its credential is gone: nothing read through it may stand in later. */
  readonly refuse: (tag: string) => void;
}

export type Admitted = { readonly entry: ReadEntry } & (
  { readonly access: Access; readonly failure?: never } | { readonly access?: never; readonly failure: Failure }
);

/** Never rejects: each entry has its access, or the Failure that says why not. In the order of the request. */
export async function admit(
  request: ReadRequest,
  terms: ReadTerms,
  deps: AdmitDeps,
  signal: AbortSignal,
): Promise<readonly Admitted[]> {
  const { caller } = terms;
  const identity = caller.kind === "Pod" ? terms.identity : "Store";
  const stores = new Map<string, Promise<ResolvedStore>>();
  const identities = new Map<string, Promise<Identity>>();
  const rules = rulesFor(caller.namespace, deps, signal);
  // No entry may come as far as asking for them.
  rules.catch(() => undefined);

  async function accessTo(entry: ReadEntry, id: string): Promise<Access> {
    const store = await once(stores, id, () => deps.catalog.resolve(entry.store, caller.namespace, signal));
    const located = store.store.locate(entry.ref);
    const grant = authorize({ caller, store, located, identity }, await rules);
    const identified = await once(identities, id, async () =>
      openIdentity(grant, await prove(grant, deps.prover, signal), deps.keyParts),
    );
    return openAccess(grant, identified, deps.keyParts);
  }

  async function admitOne(entry: ReadEntry): Promise<Admitted> {
    const id = storeId(entry.store.kind, storeNamespaceOf(entry.store.kind, caller.namespace), entry.store.name);
    try {
      return { entry, access: await accessTo(entry, id) };
    } catch (thrown) {
      const failure = toFailure(signal.aborted ? signal.reason : thrown);
      if (failure.code === "store_not_found") deps.refuse(tagOf.store(id));
      if (failure.code === "credential_missing" && identity === "Store")
        deps.refuse(tagOf.credential(id, caller.namespace));
      return { entry, failure: entryFailure(entry, id, failure) };
    }
  }

  return Promise.all(request.entries.map(admitOne));
}

async function rulesFor(namespace: string, { cluster }: AdmitDeps, signal: AbortSignal): Promise<Rules> {
  const [policies, namespaceLabels] = await Promise.all([
    cluster.storePolicies(signal),
    cluster.namespaceLabels(namespace, signal),
  ]);
  return { policies, namespaceLabels };
}

/** The same promise for everybody who asks under one name. */
function once<T>(known: Map<string, Promise<T>>, name: string, ask: () => Promise<T>): Promise<T> {
  let answer = known.get(name);
  if (!answer) known.set(name, (answer = ask()));
  return answer;
}
