/**
 * Reads of one session that fall due together, as one call where the store has such a call.
 *
 * Each read stays its own: it may leave, it has its own outcome, and goes out alone where the store cannot read it so or
 * refuses the call as a whole.
 * The call takes one turn in the lane, and ends when nobody waits for it any more.
 */
import type { Clock } from "../core/clock.ts";
import { joinUnderSignal } from "../core/deadline.ts";
import { Failure, toFailure } from "../core/failure.ts";
import type { BatchOutcome, Session, StoreAnswer } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import { startFlight } from "./flight.ts";
import type { Flight } from "./flight.ts";
import { inLane } from "./in-lane.ts";
import type { Turn } from "./in-lane.ts";
import { fetchedFor } from "./key.ts";
import type { Priority } from "./request.ts";

/** One read that is to be sent. */
export interface Sending {
  readonly access: Access;
  readonly session: Session;
  readonly turn: Turn;
  /** Called each time that it is sent. */
  readonly begin: () => void;
}

export interface Batches {
  /** As the store's `fetch`, in the lane. */
  fetch(sending: Sending): Promise<StoreAnswer>;
}

/** How long a read waits for others, milliseconds: well under the 5 that a lone one may lose, as timers come late. */
const windowMs = 3;
/** How long a session that may not make the call is not tried with it again. */
const refusedForMs = 600_000;

const order: readonly Priority[] = ["mount", "first_sync", "periodic"];

/** "alone": no call was made for any of them. */
type Outcomes = ReadonlyMap<Sending, BatchOutcome> | "alone";

interface Gathering {
  readonly first: Sending;
  readonly members: Sending[];
  readonly flight: Flight<Outcomes>;
  readonly depart: () => void;
}

export function createBatches(clock: Clock): Batches {
  const open = new Map<string, Gathering>();
  const refusedUntilMs = new WeakMap<Session, number>();

  function gather(key: string, first: Sending): Gathering {
    const { promise: departure, resolve: depart } = Promise.withResolvers<void>();
    const members: Sending[] = [];
    const flight = startFlight(async (signal): Promise<Outcomes> => {
      const cancel = clock.after(windowMs, depart);
      try {
        await joinUnderSignal(departure, signal);
      } finally {
        cancel();
        if (open.get(key) === gathering) open.delete(key);
      }
      const staying = members.filter(({ turn }) => !turn.signal.aborted);
      return staying.length < 2 ? "alone" : sendTogether(staying, signal);
    });
    const gathering: Gathering = { first, members, flight, depart };
    open.set(key, gathering);
    return gathering;
  }

  async function sendTogether(members: readonly Sending[], signal: AbortSignal): Promise<Outcomes> {
    const { access, session } = members[0]!;
    const { store, lane } = access.grant.store;
    const priority = order.find((one) => members.some(({ turn }) => turn.priority === one))!;
    let outcomes: ReadonlyMap<Sending, BatchOutcome> | undefined;
    try {
      return await inLane(lane, { priority, signal }, async (attempt) => {
        for (const { begin } of members) begin();
        const located = members.map((member) => fetchedFor(member.access.grant.located));
        const answers = await store.batch!.fetch(located, session, attempt);
        outcomes = new Map(members.map((member, i) => [member, answers[i] ?? leftOut()]));
        // The lane must hear of a store that answers nothing.
        const [failure] = answers;
        if (failure instanceof Failure && answers.every(isUnavailable)) throw failure;
        return outcomes;
      });
    } catch (thrown) {
      if (outcomes) return outcomes;
      const failure = toFailure(thrown);
      if (signal.aborted || isUnavailable(failure)) throw thrown;
      if (failure.code === "store_denied") refusedUntilMs.set(session, clock.monotonicMs() + refusedForMs);
      return "alone";
    }
  }

  function join(sending: Sending, most: number): Gathering {
    const { access, session } = sending;
    const { id, lane } = access.grant.store;
    const key = `${access.sessionKey} ${id}`;
    const known = open.get(key);
    const fits =
      known?.flight.joinable && known.first.session === session && known.first.access.grant.store.lane === lane;
    const gathering = fits ? known : gather(key, sending);
    if (gathering.members.push(sending) >= most) {
      open.delete(key);
      gathering.depart();
    }
    return gathering;
  }

  return {
    async fetch(sending) {
      const { access, session, turn } = sending;
      const { batch } = access.grant.store.store;
      const isRefused = clock.monotonicMs() < (refusedUntilMs.get(session) ?? -Infinity);
      if (!batch || isRefused || !batch.takes(fetchedFor(access.grant.located))) return sendAlone(sending);
      const outcomes = await join(sending, batch.most).flight.join(turn.signal);
      const outcome = outcomes === "alone" ? "alone" : outcomes.get(sending)!;
      if (outcome === "alone") return sendAlone(sending);
      if (outcome instanceof Failure) throw outcome;
      return outcome;
    },
  };
}

function sendAlone({ access, session, turn, begin }: Sending): Promise<StoreAnswer> {
  const { store, lane } = access.grant.store;
  return inLane(lane, turn, (attempt) => {
    begin();
    return store.fetch(fetchedFor(access.grant.located), session, attempt);
  });
}

function isUnavailable(outcome: BatchOutcome): boolean {
  return outcome instanceof Failure && outcome.handling.class === "unavailable";
}

function leftOut(): Failure {
  return new Failure("answer_invalid", "the store's answer to several reads says nothing about this one");
}
