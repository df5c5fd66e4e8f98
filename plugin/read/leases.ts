/**
 * What stores made for somebody and take back: kept alive for as long as it is read, given back when nobody reads it.
 *
 * A lease is renewed by a read of its consumer and by nothing else, so never for nobody and never without a right and a
 * proof of that moment. At two thirds of its life those who follow it become due for that read. What cannot be renewed is
 * read anew while it still lives, and then left to run out: its old readers need it until they have the new one.
 */
import type { Clock } from "../core/clock.ts";
import { withDeadline } from "../core/deadline.ts";
import { toFailure } from "../core/failure.ts";
import type { StoreAnswer } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import type { Answer, AnswerCache } from "./cache.ts";
import type { ExternalSecretCaller } from "./caller.ts";
import { startFlight } from "./flight.ts";
import type { Flight } from "./flight.ts";
import { inLane } from "./in-lane.ts";
import type { Turn } from "./in-lane.ts";
import { createLeaseBook } from "./lease-book.ts";
import type { Held } from "./lease-book.ts";
import type { ReadTerms } from "./request.ts";
import type { SessionLine, Sessions } from "./sessions.ts";

export interface Leases {
  /** A read brought this answer, with a session of this line. */
  made(access: Access, answer: StoreAnswer, line: SessionLine): void;
  /**
   * The leased answer that is kept, renewed where it is time; undefined when there is none or it must be read anew.
   * Rejects only when `signal` aborts.
   */
  kept(access: Access, terms: LeaseTerms, signal: AbortSignal): Promise<Answer | undefined>;
  /** Somebody was given the answer. */
  used(access: Access): void;
  /** All that this consumer reads now, and has: what else was leased for it is given back a little later. */
  settle(consumer: ExternalSecretCaller, accesses: readonly Access[]): void;
  /** The consumer is gone: what nobody else reads is given back. */
  release(consumer: ExternalSecretCaller): void;
  /** Ends every timer and call. Leases are left to run out: those who read them may be running. */
  close(): void;
}

export type LeaseTerms = Pick<ReadTerms, "priority" | "limitMs" | "leasedFromMs">;

export interface LeasesDeps {
  readonly clock: Clock;
  readonly cache: Pick<AnswerCache, "leased" | "renewed" | "drop">;
  readonly sessions: Pick<Sessions, "use" | "kept">;
  /** A lease is at two thirds of its life. */
  readonly onDue: (answerKey: string) => void;
  /** A lease was given back: what was read with it must not be served any more. */
  readonly onRevoked: (answerKey: string) => void;
}

/** What is left of a life after a renewal, at least: less means that its longest life is near. */
const leastShare = 0.1;
/** What was read in place of it is being written just now. */
const graceMs = 60_000;
const revokeLimitMs = 30_000;

export function createLeases(deps: LeasesDeps): Leases {
  const { clock, cache, sessions } = deps;
  const book = createLeaseBook(clock, deps.onDue);
  const renewals = new Map<string, Flight<Answer | "spent">>();
  const ended = new AbortController();

  /** Rejects with Failure when that cannot be told. */
  async function renew(access: Access, answer: Answer, held: Held, turn: Turn): Promise<Answer | "spent"> {
    const { store, lane } = access.grant.store;
    const { leases } = store;
    if (!held.lease.renewable || !leases) return "spent";
    const endsAtMs = await sessions.use(access, turn, async (session, line) =>
      // What one session made ends with it, whoever renews it.
      line === held.line ? inLane(lane, turn, (attempt) => leases.renew(held.lease, session, attempt)) : undefined,
    );
    if (endsAtMs === undefined || endsAtMs - clock.nowMs() < held.firstLifeMs * leastShare) return "spent";
    const renewed = cache.renewed(access, answer, endsAtMs);
    book.lives(held, renewed.life);
    return renewed;
  }

  function joinRenewal(access: Access, answer: Answer, held: Held, terms: LeaseTerms): Flight<Answer | "spent"> {
    const { answerKey, grant } = access;
    const running = renewals.get(answerKey);
    if (running?.joinable) return running;
    const flight = startFlight((signal) =>
      withDeadline(signal, terms.limitMs, clock, grant.store.id, (bounded) =>
        renew(access, answer, held, { priority: terms.priority, signal: bounded }),
      ).finally(() => {
        if (renewals.get(answerKey) === flight) renewals.delete(answerKey);
      }),
    );
    renewals.set(answerKey, flight);
    return flight;
  }

  /** As long as it lives, an outage of its renewal is nobody's. */
  async function renewedOrSpent(
    access: Access,
    answer: Answer,
    terms: LeaseTerms,
    signal: AbortSignal,
  ): Promise<Answer | "spent"> {
    const held = book.find(access.answerKey, answer.lease);
    if (!held) return "spent";
    try {
      return await joinRenewal(access, answer, held, terms).join(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (toFailure(thrown).handling.class !== "unavailable") return "spent";
      book.later(held);
      return clock.monotonicMs() < answer.life.endsAtMs ? answer : "spent";
    }
  }

  function giveBack(held: Held): void {
    book.remove(held);
    deps.onRevoked(held.answerKey);
    const session = sessions.kept(held.sessionKey, held.line);
    const { store, lane } = held.store;
    const { leases } = store;
    // Without its session it ends by itself: nobody's proof is kept for this.
    if (!session || !leases) return;
    withDeadline(ended.signal, revokeLimitMs, clock, held.store.id, (signal) =>
      inLane(lane, { priority: "periodic", signal }, (attempt) => leases.revoke(held.lease, session, attempt)),
    ).catch(() => undefined);
  }

  function leave(held: Held, consumer: ExternalSecretCaller): void {
    if (book.leave(held, consumer)) giveBack(held);
  }

  return {
    made: (access, answer, line) => book.add(access, answer, line),
    async kept(access, terms, signal) {
      const answer = cache.leased(access);
      if (!answer || answer.begunAtMs < (terms.leasedFromMs ?? -Infinity)) return undefined;
      if (clock.monotonicMs() < answer.life.renewAtMs) return answer;
      const outcome = await renewedOrSpent(access, answer, terms, signal);
      if (outcome !== "spent") return outcome;
      cache.drop(access.answerKey, answer);
      return undefined;
    },
    used: ({ answerKey, grant }) => book.use(answerKey, grant.caller),
    settle(consumer, accesses) {
      const keys = new Set(accesses.map((access) => access.answerKey));
      for (const held of book.of(consumer))
        if (!keys.has(held.answerKey)) book.leaveLater(held, consumer, graceMs, () => leave(held, consumer));
    },
    release(consumer) {
      for (const held of book.of(consumer)) leave(held, consumer);
    },
    close() {
      ended.abort(new Error("the process ends"));
      book.clear();
    },
  };
}
