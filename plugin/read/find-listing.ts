/**
 * The first step of a find: which secrets there are, as an answer like any other.
 *
 * A listing has an address, a key and a lane turn of its own, so it is kept, shared, aged and made due as secrets are. It
 * names everything that the shown identity may list, whoever asked: rules are for the second step, in find.ts.
 */
import { canonicalJson } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { FindAbility, FindWish, Found, Located, Session, Store, StoreAnswer } from "../stores/contract.ts";
import type { ResolvedStore } from "./catalog.ts";
import type { FindEntry } from "./request.ts";

export interface Listing {
  /** The same store, whose one read is the listing: no other ability of it applies. */
  readonly store: ResolvedStore;
  readonly located: Located;
}

/** Names that one listing may hold. Each takes about 100 bytes of the cache. */
const mostListed = 20_000;

/** Rejects with Failure: `ref_invalid` for what this kind cannot find by, `manifest_invalid` for the expression. */
export async function openListing(entry: FindEntry, resolved: ResolvedStore): Promise<Listing> {
  const { store, kind } = resolved;
  const { find } = store;
  const field = `${entry.field}.find`;
  if (!find)
    throw new Failure("ref_invalid", `provider ${kind.name} cannot find; name each secret in extract or data`, {
      field,
    });
  const wishFor = await wishes(entry, find, kind.name);
  const { address, method, arguments: args, version } = find.locate(wishFor());
  return {
    // Not what is sent, but what makes two listings the same. A listing makes nothing, so it is shared as a plain read.
    located: { address, method: "GET", arguments: canonicalJson({ find: entry.find, method, args }), version },
    store: { ...resolved, store: listingOf(store, find, wishFor) },
  };
}

/** What the answer to a listing names, in the same order each time. */
export function foundIn({ value }: StoreAnswer): readonly Found[] {
  return JSON.parse(value.reveal().toString("utf8")) as readonly Found[];
}

/** What the store is asked, made anew for each listing. */
async function wishes(entry: FindEntry, find: FindAbility<Session>, kindName: string): Promise<() => FindWish> {
  const { path, regexp, tags } = entry.find;
  const asked = Object.entries({ path, name: regexp, tags }).filter(([, value]) => value !== undefined);
  for (const [by] of asked)
    if (!find.by.some((known) => known === by))
      throw new Failure("ref_invalid", `provider ${kindName} does not find by ${by}; use ${find.by.join(" or ")}`, {
        field: `${entry.field}.find.${by}`,
      });
  const common = { ...(path === undefined ? {} : { path }), ...(tags === undefined ? {} : { tags }) };
  if (regexp === undefined) return () => common;
  const { compileNames } = await import("./find-expression.ts");
  const matcher = compileNames(regexp, `${entry.field}.find.name.regexp`);
  return () => ({ ...common, name: { source: regexp, matches: matcher() } });
}

function listingOf(store: Store, find: FindAbility<Session>, wishFor: () => FindWish): Store {
  return {
    proofNeed: store.proofNeed,
    loginRealm: store.loginRealm,
    locate: (ref) => store.locate(ref),
    login: (proof, signal, facts) => store.login(proof, signal, facts),
    ...(store.renew && { renew: (session: Session, signal: AbortSignal) => store.renew!(session, signal) }),
    async fetch(_, session, signal) {
      const found = await find.list(wishFor(), session, signal);
      if (found.length <= mostListed) return answerOf(found);
      // Without its field: others whose entries ask for the same may be waiting for this answer.
      throw new Failure("answer_too_large", `find lists more than ${mostListed} secrets; narrow it`);
    },
  };
}

/** The same text for the same secrets, in whatever order they were listed. */
function answerOf(found: readonly Found[]): StoreAnswer {
  const texts = found.map(({ name, key, property }) => JSON.stringify({ name, key, property }));
  return { value: SecretValue.fromText(`[${texts.sort().join(",")}]`), version: "" };
}
