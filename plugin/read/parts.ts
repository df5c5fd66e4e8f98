/**
 * Parts of answers that a store gives only as a whole: one fetch serves them all, and each entry gets its own.
 *
 * What is taken out stands under its own address and version, with the age and the end of the whole. A part that the
 * whole does not have is an authoritative no to that part alone.
 */
import { Failure, toFailure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { Access } from "./access.ts";
import type { Answer } from "./cache.ts";
import type { Outcomes } from "./gather.ts";
import { tagOf } from "./last-good.ts";
import type { LastGood } from "./last-good.ts";
import type { Obtained } from "./obtain.ts";

export interface PartsDeps {
  /** Keyed digest of a value, hex. */
  readonly digest: (value: SecretValue) => string;
  readonly lastGood: Pick<LastGood, "refuse">;
}

/** `fetched`: by answer key. Resolves by part key; a whole that serves several counts as asked for once. */
export function takeParts(accesses: Iterable<Access>, fetched: Outcomes, deps: PartsDeps): Outcomes {
  const taken = new Map<string, Obtained | Failure>();
  const served = new Set<string>();
  for (const access of accesses) {
    const { answerKey, partKey } = access;
    if (taken.has(partKey)) continue;
    const outcome = fetched.get(answerKey)!;
    const isPart = access.grant.located.whole !== undefined && !(outcome instanceof Failure);
    const again = isPart && served.has(answerKey) ? { ...outcome, cache: "hit" as const } : outcome;
    taken.set(partKey, isPart ? partOf(access, again as Obtained, deps) : outcome);
    if (isPart) served.add(answerKey);
  }
  return taken;
}

function partOf(access: Access, { answer, cache }: Obtained, { digest, lastGood }: PartsDeps): Obtained | Failure {
  try {
    return { answer: cutOut(access, answer, digest), cache };
  } catch (thrown) {
    const failure = toFailure(thrown);
    if (failure.handling.class === "no") lastGood.refuse(tagOf.part(access.partKey));
    return failure;
  }
}

function cutOut({ grant: { store, located } }: Access, whole: Answer, digest: PartsDeps["digest"]): Answer {
  if (!store.store.part) throw new Error(`the kind ${store.kind.name} locates parts and takes none out`);
  const part = store.store.part(located, whole);
  return { ...whole, ...part, digest: digest(part.value) };
}
