/** From samples to the line that a benchmark ends with. */

/** The value below which `share` of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

/** What a benchmark measured, by key. A word says what was measured, such as which servers took part. */
export type Measured = Readonly<Record<string, number | string>>;

/** `B3 warm_p99_ms=0.81 ratio=1.42`: plain decimals, the unit in the key. */
export function resultLine(id: string, values: Measured): string {
  return [
    id,
    ...Object.entries(values).map(([key, value]) => `${key}=${typeof value === "number" ? plain(value) : value}`),
  ].join(" ");
}

function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
}
