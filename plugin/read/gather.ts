/** From answers to the one result of a read, or to every reason why there is none. */
import { Failure, toFailure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { KeyRewrite } from "../manifests/objects.ts";
import type { Access } from "./access.ts";
import type { Admitted } from "./admit.ts";
import { decodeEntry, openEntry } from "./decode/decode.ts";
import { entryFailure } from "./entry-failure.ts";
import type { Result } from "./last-good.ts";
import type { Obtained } from "./obtain.ts";
import type { BundleValue, ReadEntry, SecretBundle, Source } from "./request.ts";
import type { RawValues } from "./rewrite.ts";

/** What became of each answer key. */
export type Outcomes = ReadonlyMap<string, Obtained | Failure>;

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

/** Merges in the order of the request: later entries win. */
export async function gather(admitted: readonly Admitted[], outcomes: Outcomes, rewrite: Rewrite): Promise<Gathered> {
  const values = new Map<string, BundleValue>();
  const missing: SecretBundle["missing"][number][] = [];
  const failures: EntryFailure[] = [];
  /** By answer key: one source for each distinct answer, in the order of first use. */
  const used = new Map<string, { readonly index: number; readonly access: Access; readonly obtained: Obtained }>();

  for (const { entry, access, failure } of admitted) {
    const taken = failure ?? (await take(entry, access, outcomes, rewrite));
    if (!(taken instanceof Failure)) {
      const { obtained } = taken;
      const key = access!.answerKey;
      const source = used.get(key)?.index ?? used.size;
      used.set(key, { index: source, access: access!, obtained });
      for (const [name, value] of taken.values) values.set(name, { value, source, field: entry.field });
    } else if (entry.optional && taken.code === "ref_not_found")
      missing.push({ field: entry.field, key: entry.ref.key });
    else failures.push({ entry, access, failure: taken });
  }
  const sources = [...used.values()].map(({ access, obtained }) => sourceOf(access, obtained));
  const parts = [...used.values()].map(({ access, obtained }) => ({
    answer: obtained.answer,
    account: accountOf(access),
  }));
  return { result: { bundle: { values, sources, missing }, parts }, failures };
}

async function take(
  entry: ReadEntry,
  access: Access,
  outcomes: Outcomes,
  rewrite: Rewrite,
): Promise<Failure | { readonly obtained: Obtained; readonly values: Map<string, SecretValue> }> {
  const obtained = outcomes.get(access.answerKey)!;
  const { store } = access.grant;
  if (obtained instanceof Failure) return entryFailure(entry, store.id, obtained);
  try {
    const opened = openEntry(entry, obtained.answer.value, store.kind.propertySyntax);
    const steps = entry.take.as === "map" ? entry.take.rewrite : undefined;
    return { obtained, values: decodeEntry(entry, steps ? await rewrite(entry, steps, opened) : opened) };
  } catch (thrown) {
    return entryFailure(entry, store.id, toFailure(thrown));
  }
}

function sourceOf({ grant: { store, located } }: Access, { answer, cache }: Obtained): Source {
  const { version, begunAtMs, fetchedAtMs, expiresAtMs, requestId } = answer;
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
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** The service account that was shown to the store, as namespace/name; empty when it was none. */
function accountOf({ subject }: Access): string {
  return subject.kind === "serviceAccount" ? `${subject.namespace}/${subject.name}` : "";
}
