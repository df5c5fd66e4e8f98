/** What the benchmark of the stores measures of one kind, and the table of it. */
import { quantile } from "./numbers.ts";
import { benchedKinds } from "./store-kinds.ts";
import type { BenchedName } from "./store-kinds.ts";

export interface Cost {
  readonly name: BenchedName;
  readonly heapKiB: number;
  readonly rssKiB: number;
  readonly logins: number;
  readonly first: Calls;
  readonly refresh: Calls;
  /** Open, log in and read for the first time in a process; the same for another store and identity after that. */
  readonly coldMs: readonly number[];
  readonly warmMs: readonly number[];
}

export interface Calls {
  readonly count: number;
  readonly minimum: number;
  /** `5 BatchGetSecretValue`. */
  readonly told: string;
}

const heads = ["kind", "KiB/identity", "RSS KiB", "logins", "first", "refresh", "cold ms", "warm ms"];

/** Medians of times; calls with the fewest that the API allows. */
export function printTable(costs: readonly Cost[]): void {
  const rows = costs.map(({ name, heapKiB, rssKiB, logins, first, refresh, coldMs, warmMs }) => [
    name,
    heapKiB.toFixed(1),
    rssKiB.toFixed(1),
    String(logins),
    calls(first),
    calls(refresh),
    spread(coldMs),
    spread(warmMs),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  for (const row of [heads, ...rows])
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    );
  console.log("\nThe fewest calls, with the right to read these secrets and no more:");
  for (const { name } of costs) {
    const { first, refresh, reason } = benchedKinds[name].minimum;
    console.log(`${name}: ${first === refresh ? first : `${first}, then ${refresh}`}: ${reason}`);
  }
}

function calls({ count, minimum, told }: Calls): string {
  return `${count}/${minimum}${count === minimum ? "" : ` (${told})`}`;
}

function spread(samples: readonly number[]): string {
  const at = (share: number): string => quantile(samples, share).toFixed(0);
  return `${at(0.5)} (${at(0)}-${at(1)})`;
}
