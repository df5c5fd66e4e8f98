/** How long a store that refuses for want of quota, or fails, wants to be left alone. */
import type { Clock } from "../core/clock.ts";
import type { FailureOptions } from "../core/failure.ts";
import { retryAfterMs } from "./http-retry-after.ts";

const longestWaitMs = 3_600_000;
/** Below this a reset counts seconds from now; from it on, it is seconds of the epoch. */
const epochFromSeconds = 1_000_000_000;

/** By Retry-After; where a refusal has none, by the header that says when its quota is full again. */
export function waitOptions(
  status: number,
  headers: Readonly<Record<string, string>>,
  clock: Clock,
): Pick<FailureOptions, "retryAfterMs"> {
  const wait = retryAfterMs(headers, clock) ?? (status === 429 ? untilResetMs(headers, clock) : undefined);
  return wait === undefined ? {} : { retryAfterMs: wait };
}

function untilResetMs(headers: Readonly<Record<string, string>>, clock: Clock): number | undefined {
  const text = (headers["ratelimit-reset"] ?? headers["x-ratelimit-reset"])?.trim() ?? "";
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const seconds = Number(text);
  const waitMs = seconds < epochFromSeconds ? seconds * 1_000 : seconds * 1_000 - clock.nowMs();
  return Math.min(Math.max(waitMs, 0), longestWaitMs);
}
