/** When a store wants to be asked again. */
import type { Clock } from "../core/clock.ts";

/** A store that names a longer wait is asked again after this one. */
const longestWaitMs = 3_600_000;
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** Milliseconds from now by the Retry-After header (seconds or HTTP date), at most one hour; absent when it says nothing. */
export function retryAfterMs(headers: Readonly<Record<string, string>>, clock: Clock): number | undefined {
  const text = headers["retry-after"]?.trim() ?? "";
  const waitMs = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : httpDate.test(text)
      ? Date.parse(text) - clock.nowMs()
      : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), longestWaitMs);
}
