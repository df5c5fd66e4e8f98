/**
 * One answer for one access: kept, shared or fetched, and asked for again while the store is unavailable, the time lasts
 * and nothing can stand in.
 */
import type { Clock } from "../core/clock.ts";
import { pause, withDeadline } from "../core/deadline.ts";
import { toFailure } from "../core/failure.ts";
import type { Failure } from "../core/failure.ts";
import type { Access } from "./access.ts";
import type { Answer, AnswerCache, Fetch } from "./cache.ts";
import { heldBy, inLane } from "./in-lane.ts";
import type { ReadTerms } from "./request.ts";
import type { Sessions } from "./sessions.ts";

export interface ObtainDeps {
  readonly clock: Clock;
  readonly cache: AnswerCache;
  readonly sessions: Sessions;
}

export interface Patience {
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  /** Whether an earlier result can be served in place of this one: then one attempt is enough. */
  readonly hasStandIn: () => boolean;
}

export interface Obtained {
  readonly answer: Answer;
  readonly cache: "hit" | "miss";
}

const firstPauseMs = 250;
const longestPauseMs = 4_000;

/** Rejects with the Failure of the last attempt. */
export async function obtain(
  access: Access,
  terms: Pick<ReadTerms, "acceptBegunFromMs" | "priority" | "limitMs" | "once">,
  patience: Patience,
  deps: ObtainDeps,
  signal: AbortSignal,
): Promise<Obtained> {
  const { clock, cache } = deps;
  const { lane } = access.grant.store;
  const ask = fetchThrough(access, terms, deps);
  const isLast = (): boolean => terms.once === true || patience.hasStandIn();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
    const kept = cache.kept(access, terms.acceptBegunFromMs);
    if (kept) return { answer: kept, cache: "hit" };
    const leftMs = patience.deadlineMs - clock.monotonicMs();
    const held = heldBy(lane);
    if (held && (isLast() || held.retryAfterMs! >= leftMs)) throw held;
    try {
      const { answer, joined } = await cache.fetched(access, terms.acceptBegunFromMs, ask, signal);
      return { answer, cache: joined ? "hit" : "miss" };
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (signal.aborted || !isWorthAnother(failure) || isLast()) throw failure;
      const waitMs = Math.max(pauseMs, failure.retryAfterMs ?? 0);
      if (waitMs >= patience.deadlineMs - clock.monotonicMs()) throw failure;
      await pause(clock, waitMs, signal);
    }
  }
}

/** Its own deadline bounds a fetch that ever new callers join. */
function fetchThrough(
  access: Access,
  { priority, limitMs }: Pick<ReadTerms, "priority" | "limitMs">,
  { clock, sessions }: ObtainDeps,
): Fetch {
  const { store, located } = access.grant;
  return (signal, begin) =>
    withDeadline(signal, limitMs, clock, store.id, (bounded) => {
      const turn = { priority, signal: bounded };
      return sessions.use(access, turn, (session) =>
        inLane(store.lane, turn, (attempt) => {
          begin();
          return store.store.fetch(located, session, attempt);
        }),
      );
    });
}

/** A refused login is not tried again within a read: stores lock accounts for that. */
function isWorthAnother({ code, handling }: Failure): boolean {
  return handling.class === "unavailable" && code !== "store_login_denied";
}
