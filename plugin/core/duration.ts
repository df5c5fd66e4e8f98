/** Durations as Go writes them (`1h0m0s`, `300ms`, `-1.5h`), held as milliseconds. */

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5
  μs: 1e-3, // U+03BC, accepted by Go as well
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const component = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
/** Go's int64 of nanoseconds, in milliseconds. */
const longestMs = 2 ** 63 / 1e6;

/** Milliseconds, or undefined when `text` is not a Go duration. "0" needs no unit; every other number does. */
export function parseGoDuration(text: string): number | undefined {
  const negative = text.startsWith("-");
  const body = negative || text.startsWith("+") ? text.slice(1) : text;
  if (body === "0") return 0;
  if (body === "") return undefined;
  let totalMs = 0;
  let at = 0;
  while (at < body.length) {
    component.lastIndex = at;
    const match = component.exec(body);
    if (!match) return undefined;
    totalMs += Number(match[1]) * unitMs[match[2]!]!;
    at = component.lastIndex;
  }
  if (totalMs > longestMs) return undefined;
  return negative ? -totalMs : totalMs;
}

/** As Go prints a duration of whole milliseconds: `1h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatGoDuration(ms: number): string {
  if (ms < 0) return `-${formatGoDuration(-ms)}`;
  if (ms === 0) return "0s";
  if (ms < 1_000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1_000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
