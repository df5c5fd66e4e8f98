/**
 * Logins, kept and shared.
 *
 * A session is renewed at 80 % of its life by the next use, which waits for it; by a login where the store cannot renew
 * it, or not for much longer. A refusal on a kept session drops it and
 * logs in once, however many wait; what the store says to the new session is its word.
 */
import type { Clock } from "../core/clock.ts";
import { Failure, toFailure } from "../core/failure.ts";
import type { CallerFacts, Session } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import type { Grant } from "./authorize.ts";
import { startFlight } from "./flight.ts";
import type { Flight } from "./flight.ts";
import { inLane } from "./in-lane.ts";
import type { Turn } from "./in-lane.ts";
import { lifetimeFrom } from "./lifetime.ts";
import type { Lifetime } from "./lifetime.ts";
import { createLoginOutcomes } from "./login-outcomes.ts";
import { createLru } from "./lru.ts";

export interface Sessions {
  /**
   * Runs `work` with a session, and once more with a new one when a kept one is refused (`store_denied`).
   * Rejects as `work` and the store's `login` do; a refused login that is a verdict is `store_denied`.
   */
  use<T>(access: Access, turn: Turn, work: (session: Session, line: SessionLine) => Promise<T>): Promise<T>;
  /** The kept session of this line, if it still lives: for what is done when nobody is there to show a proof. */
  kept(sessionKey: string, line: SessionLine): Session | undefined;
  /**
   * Resolves when a login works: a new one, or a kept session that the store still knows. `ask` is the store's own
   * question for that, where its kind has one. Rejects as the login or `ask` does.
   */
  check(access: Access, turn: Turn, ask?: (session: Session) => Promise<void>): Promise<void>;
}

/** One login and all renewals of what it gave. */
export type SessionLine = symbol;

export interface SessionsDeps {
  readonly clock: Clock;
  readonly sessionsMax: number;
  /** The store refused a login; `store` is its name. */
  readonly onLoginRefused: (store: string) => void;
  /** What was read with these sessions is this identity's no longer. */
  readonly onVerdict: (sessionKey: string) => void;
}

interface Kept {
  readonly session: Session;
  readonly life: Lifetime;
  readonly line: SessionLine;
  /** From the login to its first end, milliseconds. */
  readonly firstLifeMs: number;
}

interface Held {
  readonly kept: Kept;
  /** Of a login that ended while this use waited for it. */
  readonly fresh: boolean;
}

/** Of a first life, at least: a renewal that gives less has come near the end of all lives. */
const leastRenewedShare = 0.5;

export function createSessions({ clock, sessionsMax, onLoginRefused, onVerdict }: SessionsDeps): Sessions {
  const sessions = createLru<Kept>({ entries: sessionsMax });
  const logins = new Map<string, Flight<Held>>();
  const outcomes = createLoginOutcomes(clock);

  async function hold(access: Access, turn: Turn): Promise<Held> {
    const old = sessions.get(access.sessionKey);
    if (old && clock.monotonicMs() < old.life.renewAtMs) return { kept: old, fresh: false };
    try {
      return await joinLogin(access, turn, old);
    } catch (thrown) {
      // The last fifth of a life is there to ride out a login that does not work just now.
      const usable = old && sessions.peek(access.sessionKey) === old && clock.monotonicMs() < old.life.endsAtMs;
      if (usable && !turn.signal.aborted && toFailure(thrown).handling.class === "unavailable")
        return { kept: old, fresh: false };
      throw thrown;
    }
  }

  function joinLogin(access: Access, turn: Turn, old: Kept | undefined): Promise<Held> {
    const { sessionKey } = access;
    const running = logins.get(sessionKey);
    if (running?.joinable) return running.join(turn.signal);
    const flight: Flight<Held> = startFlight((signal) =>
      next(access, { ...turn, signal }, old).finally(() => {
        if (logins.get(sessionKey) === flight) logins.delete(sessionKey);
      }),
    );
    logins.set(sessionKey, flight);
    return flight.join(turn.signal);
  }

  async function next(access: Access, turn: Turn, old: Kept | undefined): Promise<Held> {
    const renewed = old && (await renew(access, turn, old));
    return renewed ? { kept: renewed, fresh: false } : { kept: await login(access, turn), fresh: true };
  }

  /** Undefined when it takes a login. */
  async function renew({ sessionKey, grant }: Access, turn: Turn, old: Kept): Promise<Kept | undefined> {
    const { store, lane } = grant.store;
    if (!store.renew || clock.monotonicMs() >= old.life.endsAtMs) return undefined;
    try {
      const session = await inLane(lane, turn, async (signal) => store.renew!(old.session, signal));
      const life = lifetimeFrom(clock, session.expiresAtMs);
      if (life.endsAtMs - clock.monotonicMs() < old.firstLifeMs * leastRenewedShare) return undefined;
      const kept = { ...old, session, life };
      if (sessions.peek(sessionKey) === old) sessions.set(sessionKey, kept);
      return kept;
    } catch {
      turn.signal.throwIfAborted();
      return undefined;
    }
  }

  async function login(access: Access, turn: Turn): Promise<Kept> {
    const { store, lane, ref, configHash } = access.grant.store;
    const identity = JSON.stringify([configHash, access.subject]);
    try {
      const session = await inLane(lane, turn, (signal) =>
        store.login(access.proof, signal, callerFacts(access.grant)),
      );
      const life = lifetimeFrom(clock, session.expiresAtMs);
      const kept: Kept = { session, life, line: Symbol("login"), firstLifeMs: life.endsAtMs - clock.monotonicMs() };
      sessions.set(access.sessionKey, kept);
      outcomes.succeeded(store.loginRealm, identity);
      return kept;
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "store_login_denied")) throw thrown;
      onLoginRefused(ref.name);
      if (!outcomes.refused(store.loginRealm, identity)) throw thrown;
      sessions.delete(access.sessionKey);
      onVerdict(access.sessionKey);
      throw new Failure("store_denied", `${thrown.message}; others can log in there`, { cause: thrown });
    }
  }

  return {
    async check(access, turn, ask) {
      const { kept, fresh } = await hold(access, turn);
      if (!ask || (fresh && !kept.session.given)) return;
      try {
        await ask(kept.session);
      } catch (thrown) {
        if (!(thrown instanceof Failure && thrown.code === "store_denied")) throw thrown;
        if (sessions.peek(access.sessionKey) === kept) sessions.delete(access.sessionKey);
        if (kept.session.given) throw thrown;
        await hold(access, turn);
      }
    },
    async use(access, turn, work) {
      const first = await hold(access, turn);
      try {
        return await work(first.kept.session, first.kept.line);
      } catch (thrown) {
        if (first.fresh || !(thrown instanceof Failure && thrown.code === "store_denied")) throw thrown;
        if (sessions.peek(access.sessionKey) === first.kept) sessions.delete(access.sessionKey);
        const second = await hold(access, turn);
        return work(second.kept.session, second.kept.line);
      }
    },
    kept(sessionKey, line) {
      const kept = sessions.peek(sessionKey);
      return kept?.line === line && clock.monotonicMs() < kept.life.endsAtMs ? kept.session : undefined;
    },
  };
}

function callerFacts({ caller, store }: Grant): CallerFacts {
  return { namespace: caller.namespace, storeName: store.ref.name, storeKind: store.ref.kind };
}
