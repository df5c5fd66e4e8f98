/**
 * One answer for one access: kept, shared or fetched, and asked for again while the store is unavailable, the time lasts
 * and nothing can stand in.
 */
import type { Clock } from "../core/clock.ts";
import { pause } from "../core/deadline.ts";
import { toFailure } from "../core/failure.ts";
import type { Failure } from "../core/failure.ts";
import type { Access } from "./access.ts";
import type { Answer, AnswerCache } from "./cache.ts";
import type { Fetching } from "./fetching.ts";
import { heldBy } from "./in-lane.ts";
import type { LeaseTerms, Leases } from "./leases.ts";
import type { ReadTerms } from "./request.ts";

export interface ObtainDeps {
  readonly clock: Clock;
  readonly cache: AnswerCache;
  readonly fetching: Fetching;
  readonly leases: Pick<Leases, "kept" | "used">;
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

type ObtainTerms = LeaseTerms & Pick<ReadTerms, "acceptBegunFromMs" | "once">;

/** Rejects with the Failure of the last attempt. */
export async function obtain(
  access: Access,
  terms: ObtainTerms,
  patience: Patience,
  deps: ObtainDeps,
  signal: AbortSignal,
): Promise<Obtained> {
  const obtained = await obtainInTime(access, terms, patience, deps, signal);
  deps.leases.used(access);
  return obtained;
}

async function obtainInTime(
  access: Access,
  terms: ObtainTerms,
  patience: Patience,
  deps: ObtainDeps,
  signal: AbortSignal,
): Promise<Obtained> {
  const { clock, cache, leases } = deps;
  const { lane } = access.grant.store;
  const ask = deps.fetching(access, terms);
  const isLast = (): boolean => terms.once === true || patience.hasStandIn();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
    const kept = (await leases.kept(access, terms, signal)) ?? cache.kept(access, terms.acceptBegunFromMs);
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

/** A refused login is not tried again within a read: stores lock accounts for that. */
function isWorthAnother({ code, handling }: Failure): boolean {
  return handling.class === "unavailable" && code !== "store_login_denied";
}
