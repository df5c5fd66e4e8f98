/** Tokens of service accounts that stores name, asked for when needed and kept for 80 % of their life. */
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import { startFlight } from "./flight.ts";
import type { Flight } from "./flight.ts";
import { lifetimeFrom } from "./lifetime.ts";
import type { Lifetime } from "./lifetime.ts";
import { createLru } from "./lru.ts";
import type { ClusterView, ServiceAccountToken } from "./ports.ts";

export interface Account {
  readonly namespace: string;
  readonly name: string;
  readonly audience: string;
}

export interface AccountTokens {
  /** Undefined when there is no such account. Rejects with `kube_unavailable`. */
  get(account: Account, signal: AbortSignal): Promise<ServiceAccountToken | undefined>;
  /** Asks anew at the next use: an account may have been deleted, or its token replaced. */
  forgetAll(): void;
}

const keptMax = 1_000;

export function createAccountTokens(deps: {
  readonly cluster: Pick<ClusterView, "serviceAccountToken">;
  readonly clock: Clock;
}): AccountTokens {
  const kept = createLru<{ readonly token: ServiceAccountToken; readonly life: Lifetime }>({ entries: keptMax });
  const asking = new Map<string, Flight<ServiceAccountToken | undefined>>();

  /** Once for all who ask at the same time. */
  function ask(key: string, { namespace, name, audience }: Account): Flight<ServiceAccountToken | undefined> {
    const running = asking.get(key);
    if (running?.joinable) return running;
    const flight: Flight<ServiceAccountToken | undefined> = startFlight(async (signal) => {
      try {
        const token = await deps.cluster.serviceAccountToken(namespace, name, audience, signal);
        // What was asked for before forgetAll is for those who wait, and for nobody after them.
        if (asking.get(key) === flight) keep(key, token);
        return token;
      } finally {
        if (asking.get(key) === flight) asking.delete(key);
      }
    });
    asking.set(key, flight);
    return flight;
  }

  /** Without an end there is no telling when to ask again, so such a token is asked for each time. */
  function keep(key: string, token: ServiceAccountToken | undefined): void {
    if (token?.expiresAtMs === undefined) kept.delete(key);
    else kept.set(key, { token, life: lifetimeFrom(deps.clock, token.expiresAtMs) });
  }

  return {
    async get(account, signal) {
      const key = JSON.stringify([account.namespace, account.name, account.audience]);
      const old = kept.get(key);
      if (old && deps.clock.monotonicMs() < old.life.renewAtMs) return old.token;
      try {
        return await ask(key, account).join(signal);
      } catch (thrown) {
        // The last fifth of a life is there to ride out an API server that does not answer.
        const outage = thrown instanceof Failure && thrown.code === "kube_unavailable";
        if (outage && old && kept.peek(key) === old && deps.clock.monotonicMs() < old.life.endsAtMs) return old.token;
        throw thrown;
      }
    },
    forgetAll() {
      asking.clear();
      kept.clear();
    },
  };
}
