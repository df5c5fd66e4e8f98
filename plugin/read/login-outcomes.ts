/**
 * Whether a refused login is the store's verdict on one identity, or a sign that its login is out of order for all.
 *
 * The rule: the refusal is a verdict when another identity logged in at the same realm (server and login mount) after
 * this identity's first refusal in a row, or within the minute before it. Its own success ends the row.
 */
import type { Clock } from "../core/clock.ts";
import { createLru } from "./lru.ts";

const witnessMs = 60_000;
const realmsMax = 1_000;
const refusedMax = 10_000;

interface Success {
  readonly identity: string;
  readonly atMs: number;
}

export interface LoginOutcomes {
  succeeded(realm: string, identity: string): void;
  /** Records a refusal; true when it is a verdict. */
  refused(realm: string, identity: string): boolean;
}

export function createLoginOutcomes(clock: Clock): LoginOutcomes {
  /** The latest success and the latest of any other identity: enough to find one that is not the refused one's. */
  const successes = createLru<readonly [Success, Success?]>({ entries: realmsMax });
  const refusedSinceMs = createLru<number>({ entries: refusedMax });
  const rowOf = (realm: string, identity: string): string => JSON.stringify([realm, identity]);

  return {
    succeeded(realm, identity) {
      const latest: Success = { identity, atMs: clock.monotonicMs() };
      const known = successes.get(realm)?.find((success) => success?.identity !== identity);
      successes.set(realm, known ? [latest, known] : [latest]);
      refusedSinceMs.delete(rowOf(realm, identity));
    },
    refused(realm, identity) {
      const row = rowOf(realm, identity);
      const sinceMs = refusedSinceMs.get(row) ?? clock.monotonicMs();
      refusedSinceMs.set(row, sinceMs);
      const witness = successes.get(realm)?.find((success) => success !== undefined && success.identity !== identity);
      return witness !== undefined && witness.atMs >= sinceMs - witnessMs;
    },
  };
}
