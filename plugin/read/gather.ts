/** From answers to the one result of a read, or to every reason why there is none. */
import { Failure, toFailure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { KeyRewrite } from "../manifests/objects.ts";
import type { Access } from "./access.ts";
import type { Admitted } from "./admit.ts";
import { decodeEntry, openEntry } from "./decode/decode.ts";
import { convertKeys } from "./decode/keys.ts";
import { entryFailure } from "./entry-failure.ts";
import { ofFound } from "./find.ts";
import type { FoundReads } from "./find.ts";
import type { Result } from "./last-good.ts";
import type { Obtained } from "./obtain.ts";
import type { BundleValue, FindEntry, ReadEntry, RefEntry, SecretBundle, Source } from "./request.ts";
import type { RawValues } from "./rewrite.ts";

/** What became of each part key. */
export type Outcomes = ReadonlyMap<string, Obtained | Failure>;

/** What each find that was admitted comes to, or why its listing could not be had or used. */
export type Finds = ReadonlyMap<FindEntry, FoundReads | Failure>;

export interface Gathered {
  /** Complete only when `failures` is empty. */
  readonly result: Result;
  readonly failures: readonly EntryFailure[];
}

export interface EntryFailure {
  readonly entry: ReadEntry;
  /** Absent when the entry did not get as far. */
  readonly access: Access | undefined;
  readonly failure: Failure;
}

/** Gives the values of an entry other names; see rewrite.ts. */
export type Rewrite = (entry: ReadEntry, steps: readonly KeyRewrite[], opened: RawValues) => Promise<RawValues>;

interface Used {
  readonly access: Access;
  readonly obtained: Obtained;
  readonly withheld?: number;
}

/** What one entry comes to, and every answer that it is made of. */
interface Taken {
  readonly used: readonly Used[];
  readonly values: ReadonlyMap<string, SecretValue>;
  /** Which answer a value is from; undefined where that is none alone. */
  readonly from: (name: string) => Access | undefined;
}

/** Merges in the order of the request: later entries win. */
export async function gather(
  admitted: readonly Admitted[],
  outcomes: Outcomes,
  finds: Finds,
  rewrite: Rewrite,
): Promise<Gathered> {
  const values = new Map<string, BundleValue>();
  const missing: SecretBundle["missing"][number][] = [];
  const failures: EntryFailure[] = [];
  /** By part key: one source for each distinct thing that was read, in the order of first use. */
  const used = new Map<string, Used & { readonly index: number }>();

  for (const { entry, access, failure } of admitted) {
    const taken = failure ? [{ entry, access, failure }] : await take(entry, access, outcomes, finds, rewrite);
    if ("used" in taken) {
      for (const one of taken.used)
        used.set(one.access.partKey, { ...one, index: used.get(one.access.partKey)?.index ?? used.size });
      for (const [name, value] of taken.values) {
        const from = taken.from(name);
        values.set(name, { value, field: entry.field, ...(from && { source: used.get(from.partKey)!.index }) });
      }
    } else if (entry.optional && taken.every(({ failure: { code } }) => code === "ref_not_found"))
      missing.push({ field: entry.field, key: keyOf(entry) });
    else failures.push(...taken);
  }
  const sources = [...used.values()].map(({ access, obtained }) => sourceOf(access, obtained));
  const parts = [...used.values()].map(({ access, obtained, withheld }) => ({
    answer: obtained.answer,
    account: accountOf(access),
    ...(withheld === undefined ? {} : { withheld }),
  }));
  return { result: { bundle: { values, sources, missing }, parts }, failures };
}

function keyOf(entry: ReadEntry): string {
  return "ref" in entry ? entry.ref.key : (entry.find.path ?? "");
}

async function take(
  entry: ReadEntry,
  access: Access,
  outcomes: Outcomes,
  finds: Finds,
  rewrite: Rewrite,
): Promise<Taken | readonly EntryFailure[]> {
  const failed = (failure: Failure): readonly EntryFailure[] => [
    { entry, access, failure: entryFailure(entry, access.grant.store.id, failure) },
  ];
  const obtained = outcomes.get(access.partKey)!;
  if (obtained instanceof Failure) return failed(obtained);
  const own: Used = { access, obtained };
  try {
    if ("ref" in entry) return await takeRef(entry, own, rewrite);
    const found = finds.get(entry)!;
    return found instanceof Failure ? failed(found) : await takeFound(entry, own, found, outcomes, rewrite);
  } catch (thrown) {
    return failed(toFailure(thrown));
  }
}

/** Throws Failure. */
async function takeRef(entry: RefEntry, own: Used, rewrite: Rewrite): Promise<Taken> {
  const { access, obtained } = own;
  const opened = openEntry(entry, obtained.answer.value, access.grant.store.kind.propertySyntax);
  const steps = entry.take.as === "map" ? entry.take.rewrite : undefined;
  const values = decodeEntry(entry, steps ? await rewrite(entry, steps, opened) : opened);
  return { used: [own], values, from: () => access };
}

/** Throws Failure. What went between the listing and its own read is left out: the listing after this one lacks it. */
async function takeFound(
  entry: FindEntry,
  listing: Used,
  { reads, withheld }: FoundReads,
  outcomes: Outcomes,
  rewrite: Rewrite,
): Promise<Taken | readonly EntryFailure[]> {
  const used: Used[] = [{ ...listing, withheld }];
  const failures: EntryFailure[] = [];
  const opened = new Map<string, Buffer>();
  const readOf = new Map<string, Access>();
  for (const { entry: one, access, name } of reads) {
    const obtained = outcomes.get(access.partKey)!;
    const value = obtained instanceof Failure ? obtained : wholeOf(one, access, obtained);
    if (!(value instanceof Failure)) {
      opened.set(name, value);
      readOf.set(name, access);
      used.push({ access, obtained: obtained as Obtained });
    } else if (value.code !== "ref_not_found") {
      const failure = entryFailure(one, access.grant.store.id, ofFound(name, value));
      failures.push({ entry: one, access, failure });
    }
  }
  if (failures.length > 0) return failures;
  const { conversion, rewrite: steps } = entry.take;
  const values = decodeEntry(entry, steps ? await rewrite(entry, steps, opened) : opened);
  // A step may have made one value of many.
  const names = steps ? new Map<string, Access>() : convertKeys(conversion, readOf, entry.field);
  return { used, values, from: (name) => names.get(name) };
}

function wholeOf(one: RefEntry, { grant: { store } }: Access, { answer }: Obtained): Buffer | Failure {
  try {
    return [...openEntry(one, answer.value, store.kind.propertySyntax).values()][0]!;
  } catch (thrown) {
    return toFailure(thrown);
  }
}

function sourceOf({ grant: { store, located } }: Access, { answer, cache }: Obtained): Source {
  const { version, begunAtMs, fetchedAtMs, expiresAtMs, lease, requestId } = answer;
  return {
    store: store.ref,
    storeNamespace: store.namespace,
    storeKindName: store.kind.name,
    address: located.address,
    version,
    begunAtMs,
    fetchedAtMs,
    cache,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(lease ? { leased: true } : {}),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** The service account that was shown to the store, as namespace/name; empty when it was none. */
function accountOf({ subject }: Access): string {
  return subject.kind === "serviceAccount" ? `${subject.namespace}/${subject.name}` : "";
}
