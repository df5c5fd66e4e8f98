/**
 * How long something that was given for a limited time may be used: tokens, sessions, leased answers.
 *
 * The end is a wall clock instant of the giver; from the moment of receipt it is measured on the monotonic clock, so a
 * step of the wall clock neither revives nor ends anything.
 */
import type { Clock } from "../core/clock.ts";

/** Part of a life after which a replacement is asked for at the next use, while the old one still works. */
const renewAfterShare = 0.8;

export interface Lifetime {
  /** Monotonic milliseconds; Infinity when it has no end. */
  readonly renewAtMs: number;
  /** Monotonic milliseconds; Infinity when it has no end. */
  readonly endsAtMs: number;
}

/** Of a lease: whoever reads it still has a third of it to get another one. */
const renewLeaseAfterShare = 2 / 3;

/** `expiresAtMs`: wall clock epoch milliseconds; absent = no end. Call it when the thing arrives. */
export function lifetimeFrom(clock: Clock, expiresAtMs: number | undefined): Lifetime {
  return lifetime(clock, expiresAtMs, renewAfterShare);
}

/** Likewise, of what a store made for somebody and takes back. */
export function leaseLifeFrom(clock: Clock, expiresAtMs: number | undefined): Lifetime {
  return lifetime(clock, expiresAtMs, renewLeaseAfterShare);
}

function lifetime(clock: Clock, expiresAtMs: number | undefined, renewShare: number): Lifetime {
  if (expiresAtMs === undefined) return { renewAtMs: Infinity, endsAtMs: Infinity };
  const startMs = clock.monotonicMs();
  const lifeMs = Math.max(0, expiresAtMs - clock.nowMs());
  return { renewAtMs: startMs + lifeMs * renewShare, endsAtMs: startMs + lifeMs };
}
