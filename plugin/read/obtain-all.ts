/**
 * Everything that one request reads, each thing once: what its entries name, and what its listings bring.
 *
 * Nothing waits for what it does not need: the secrets of a listing are asked for as soon as that listing is there.
 */
import { Failure, toFailure } from "../core/failure.ts";
import type { Access } from "./access.ts";
import type { Admitted } from "./admit.ts";
import type { ConsumerRegister } from "./consumers.ts";
import { readsOf } from "./find.ts";
import type { FoundReads } from "./find.ts";
import type { Finds, Outcomes } from "./gather.ts";
import type { AllowedEntry, FoundPart } from "./last-good.ts";
import { obtain } from "./obtain.ts";
import type { Obtained, ObtainDeps, Patience } from "./obtain.ts";
import { takeParts } from "./parts.ts";
import type { PartsDeps } from "./parts.ts";
import type { FindEntry, ReadTerms } from "./request.ts";

export interface ObtainAllDeps extends ObtainDeps, PartsDeps {
  readonly consumers: ConsumerRegister;
}

export interface ObtainedAll {
  /** Everything that was asked for. */
  readonly accesses: readonly Access[];
  readonly outcomes: Outcomes;
  readonly finds: Finds;
}

/** Never rejects. */
export async function obtainAll(
  admitted: readonly Admitted[],
  terms: ReadTerms,
  patience: Patience,
  deps: ObtainAllDeps,
  signal: AbortSignal,
): Promise<ObtainedAll> {
  const { consumers } = deps;
  const consumer = terms.caller.kind === "ExternalSecret" ? terms.caller : undefined;
  const accesses: Access[] = [];
  /** By answer key: what reads the same thing shares one answer. */
  const asked = new Map<string, Promise<Obtained | Failure>>();
  const finds = new Map<FindEntry, FoundReads | Failure>();

  async function ask(access: Access): Promise<Obtained | Failure> {
    const outcome = await obtain(access, terms, patience, deps, signal).catch(toFailure);
    if (!(outcome instanceof Failure)) consumers.answered(access, outcome.answer, [terms.caller]);
    return outcome;
  }

  function askAll(more: readonly Access[]): readonly Promise<Obtained | Failure>[] {
    accesses.push(...more);
    // Before the first read, so that no change after it is missed.
    if (consumer) consumers.registerMore(consumer, more);
    return more.map((access) => {
      const answer = asked.get(access.answerKey) ?? ask(access);
      asked.set(access.answerKey, answer);
      return answer;
    });
  }

  async function follow({ entry, reach }: AdmittedFind, listing: Promise<Obtained | Failure>): Promise<void> {
    const outcome = await listing;
    const found = outcome instanceof Failure ? outcome : attempt(() => readsOf(entry, outcome.answer, reach));
    finds.set(entry, found);
    if (!(found instanceof Failure)) await Promise.all(askAll(found.reads.map(({ access }) => access)));
  }

  const named = admitted.filter((one) => one.access !== undefined);
  const answers = askAll(named.map(({ access }) => access));
  await Promise.all(named.map((one, i) => (one.reach ? follow(one, answers[i]!) : answers[i]!)));
  // What a listing that failed would have brought is not known: then nothing is struck off.
  if (consumer && [...finds.values()].every((found) => !(found instanceof Failure)))
    consumers.register(consumer, accesses);
  return { accesses, outcomes: takeParts(accesses, await settled(asked), deps), finds };
}

type AdmittedFind = Extract<Admitted, { readonly reach: object }>;

function attempt<T>(work: () => T): T | Failure {
  try {
    return work();
  } catch (thrown) {
    return toFailure(thrown);
  }
}

async function settled<T>(promises: ReadonlyMap<string, Promise<T>>): Promise<ReadonlyMap<string, T>> {
  return new Map(await Promise.all([...promises].map(async ([key, promise]) => [key, await promise] as const)));
}

/** Whatever finds brought to the result of this request. */
export function foundParts(request: readonly AllowedEntry[], { outcomes, finds }: ObtainedAll): readonly FoundPart[] {
  return request.flatMap(({ entry }, at) => {
    const found = "find" in entry ? finds.get(entry) : undefined;
    if (!found || found instanceof Failure) return [];
    const brought = found.reads.filter(({ access }) => !(outcomes.get(access.partKey) instanceof Failure));
    return brought.map((read) => ({ at, read }));
  });
}
