/** Leases of what Vault made for one reader: another life, or their end. */
import type { Clock } from "../../core/clock.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Lease, LeaseAbility, StoreAnswer } from "../contract.ts";
import { envelope, invalid, leaseOf } from "./answer.ts";
import { leaseRefusal } from "./refusal.ts";
import type { VaultSession } from "./session.ts";

export type LeaseCalls = Required<LeaseAbility<VaultSession>>;

export function leaseCalls(clock: Clock): LeaseCalls {
  return {
    async renew(lease, session, signal) {
      const answer = await session.client.write("sys/leases/renew", bodyOf(lease), signal);
      if (answer.status !== 200) throw leaseRefusal(answer, "renew", clock);
      const { expiresAtMs } = leaseOf(envelope(answer), clock);
      if (expiresAtMs === undefined) throw invalid("a renewed lease without lease_duration");
      return endWith(session, expiresAtMs);
    },
    async revoke(lease, session, signal) {
      const answer = await session.client.write("sys/leases/revoke", bodyOf(lease), signal);
      if (answer.status !== 200 && answer.status !== 204) throw leaseRefusal(answer, "revoke", clock);
    },
  };
}

/** Vault ends with a token what was made by it. */
export function endingWith(session: VaultSession, answer: StoreAnswer): StoreAnswer {
  const { lease, expiresAtMs } = answer;
  if (!lease || (expiresAtMs === undefined && session.expiresAtMs === undefined)) return answer;
  return { ...answer, expiresAtMs: endWith(session, expiresAtMs ?? Infinity) };
}

function endWith(session: VaultSession, expiresAtMs: number): number {
  return Math.min(expiresAtMs, session.expiresAtMs ?? Infinity);
}

function bodyOf({ id }: Lease): Readonly<Record<string, SecretValue>> {
  return { lease_id: SecretValue.fromText(id) };
}
