/** From samples to the line that a benchmark ends with. */

/** The value below which `share` of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

/** `B3 warm_p99_ms=0.81 ratio=1.42`: plain decimals, the unit in the key. */
export function resultLine(id: string, values: Readonly<Record<string, number>>): string {
  return [id, ...Object.entries(values).map(([key, value]) => `${key}=${plain(value)}`)].join(" ");
}

function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
}
