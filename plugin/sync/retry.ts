/** How long to wait before trying the same thing again. Pure, without jitter: phases already spread the objects. */

const firstBackoffMs = 1_000;
const longestBackoffMs = 300_000;

/** 1 s doubling to 5 min. `failures` in a row, at least 1. */
export function backoffMs(failures: number): number {
  return Math.min(firstBackoffMs * 2 ** Math.min(failures - 1, 30), longestBackoffMs);
}

const repairSpacingMs = [0, 100, 1_000, 5_000, 30_000];

/** Without an edit for this long, the next one is repaired at once again. */
export const repairQuietMs = 300_000;

/** Least time between the last repair and the next one. `repairs` in a row so far. Never ends, never grows beyond 30 s. */
export function repairWaitMs(repairs: number): number {
  return repairSpacingMs[Math.min(repairs, repairSpacingMs.length - 1)]!;
}
