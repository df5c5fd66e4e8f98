/**
 * One read as the store is asked for it: with a session, in its turn, under a deadline of its own; together with others
 * where the store can do that, and as the cheaper question whether anything changed where it can answer that.
 */
import type { Clock } from "../core/clock.ts";
import { withDeadline } from "../core/deadline.ts";
import { toFailure } from "../core/failure.ts";
import type { StoreAnswer } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import { createBatches } from "./batch.ts";
import type { Sending } from "./batch.ts";
import type { Answer, Fetch } from "./cache.ts";
import { inLane } from "./in-lane.ts";
import { fetchedFor } from "./key.ts";
import type { Leases } from "./leases.ts";
import type { ReadTerms } from "./request.ts";
import type { Sessions } from "./sessions.ts";

/** `limitMs` bounds a fetch that ever new callers join. */
export type Fetching = (access: Access, terms: Pick<ReadTerms, "priority" | "limitMs">) => Fetch;

export interface FetchingDeps {
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, "use">;
  readonly leases: Pick<Leases, "made">;
}

export function createFetching({ clock, sessions, leases }: FetchingDeps): Fetching {
  const batches = createBatches(clock);

  async function send(sending: Sending, known: Answer | undefined): Promise<StoreAnswer | "unchanged"> {
    return (known && (await askAgain(sending, known))) ?? batches.fetch(sending);
  }

  return (access, { priority, limitMs }) =>
    (signal, begin, known) =>
      withDeadline(signal, limitMs, clock, access.grant.store.id, (bounded) => {
        const turn = { priority, signal: bounded };
        return sessions.use(access, turn, async (session, line) => {
          const answer = await send({ access, session, turn, begin }, known);
          if (answer !== "unchanged") leases.made(access, answer, line);
          return answer;
        });
      });
}

/** Undefined where that cannot be asked, or the store says no: the word of a read counts, not that of a question about one. */
async function askAgain(
  { access, session, turn, begin }: Sending,
  { validator }: Answer,
): Promise<StoreAnswer | "unchanged" | undefined> {
  const { store, lane } = access.grant.store;
  if (validator === undefined || !store.refetch) return undefined;
  try {
    return await inLane(lane, turn, async (attempt) => {
      begin();
      return store.refetch?.(fetchedFor(access.grant.located), validator, session, attempt);
    });
  } catch (thrown) {
    if (turn.signal.aborted || toFailure(thrown).handling.class === "unavailable") throw thrown;
    return undefined;
  }
}
