/**
 * The first half of a read: which store, what address, allowed or not, proven by what.
 *
 * Looks up the store, the policies and the proof once for a request, however many of its entries share them. Of a find
 * the listing is admitted here, with the means to admit what it brings by the same rules and the same proof.
 */
import { Failure, toFailure } from "../core/failure.ts";
import { openAccess, openIdentity, refFor } from "./access.ts";
import type { Access, Identity } from "./access.ts";
import { authorize, isRuled } from "./authorize.ts";
import type { Question, Rules, ShownIdentity } from "./authorize.ts";
import type { Caller } from "./caller.ts";
import type { Catalog, ResolvedStore } from "./catalog.ts";
import { entryFailure } from "./entry-failure.ts";
import { openListing } from "./find-listing.ts";
import type { Reach } from "./find.ts";
import type { Located } from "../stores/contract.ts";
import type { KeyPart } from "./key.ts";
import { tagOf } from "./last-good.ts";
import type { ClusterView } from "./ports.ts";
import { prove } from "./prove.ts";
import type { ProverDeps } from "./prove.ts";
import type { FindEntry, ReadEntry, ReadRequest, ReadTerms, RefEntry } from "./request.ts";
import { storeId, storeNamespaceOf } from "./store-id.ts";

export interface AdmitDeps {
  readonly cluster: Pick<ClusterView, "storePolicies" | "namespaceLabels">;
  readonly catalog: Catalog;
  readonly prover: ProverDeps;
  readonly keyParts: readonly KeyPart[];
  /** A store or its credential is gone: nothing read through it may stand in later. */
  readonly refuse: (tag: string) => void;
}

/** One entry with its right to read, or the Failure that says why not. Of a find, `access` is that to its listing. */
export type Admitted =
  | { readonly entry: RefEntry; readonly access: Access; readonly reach?: never; readonly failure?: never }
  | { readonly entry: FindEntry; readonly access: Access; readonly reach: Reach; readonly failure?: never }
  | { readonly entry: ReadEntry; readonly access?: never; readonly reach?: never; readonly failure: Failure };

/** Never rejects. In the order of the request. */
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

  async function accessTo(question: Question): Promise<Access> {
    const grant = authorize(question, await rules);
    const identified = await once(identities, question.store.id, async () =>
      openIdentity(grant, await prove(grant, deps.prover, signal), deps.keyParts),
    );
    return openAccess(grant, identified, deps.keyParts);
  }

  async function admitEntry(entry: ReadEntry, id: string): Promise<Admitted> {
    const store = await once(stores, id, () => deps.catalog.resolve(entry.store, caller.namespace, signal));
    if ("ref" in entry) {
      const located = locatedFor(entry, store);
      return { entry, access: await accessTo({ caller, store, located, identity }) };
    }
    const listing = await openListing(entry, store);
    const access = await accessTo({ caller, ...listing, identity, listing: true });
    return { entry, access, reach: reachOf({ caller, store, identity }, access, await rules, deps.keyParts) };
  }

  async function admitOne(entry: ReadEntry): Promise<Admitted> {
    const id = storeId(entry.store.kind, storeNamespaceOf(entry.store.kind, caller.namespace), entry.store.name);
    try {
      return await admitEntry(entry, id);
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

/** A generator says itself what is read of it. */
function locatedFor(entry: RefEntry, { store, kind, call }: ResolvedStore): Located {
  return call && store.locateCall ? store.locateCall(call) : store.locate(refFor(entry, kind));
}

/** Everything that a listing brings is asked for as whoever listed it. */
function reachOf(
  who: { readonly caller: Caller; readonly store: ResolvedStore; readonly identity: ShownIdentity },
  { grant: _, ...identity }: Access,
  rules: Rules,
  keyParts: readonly KeyPart[],
): Reach {
  return {
    locate: (entry) => who.store.store.locate(refFor(entry, who.store.kind)),
    access(located) {
      try {
        return openAccess(authorize({ ...who, located }, rules), identity, keyParts);
      } catch (thrown) {
        if (thrown instanceof Failure && thrown.code === "not_allowed") return undefined;
        throw thrown;
      }
    },
    ruled: isRuled(who.store, rules),
  };
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
