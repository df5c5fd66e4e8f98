/** The inputs worth keeping: together they meet all that was met. */
import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import type { Input, Outcome } from "./attempt.ts";

const file = new URL("../corpus/templates.json", import.meta.url);

export const readCorpus = (): readonly Input[] => JSON.parse(readFileSync(file, "utf8")) as Input[];

export async function writeCorpus(corpus: readonly Input[]): Promise<void> {
  writeFileSync(file, await format(JSON.stringify(corpus), { parser: "json", printWidth: 120 }));
}

export interface Kept {
  readonly input: Input;
  readonly outcome: Outcome;
}

/** Slow inputs and long ones are kept last. */
const cost = ({ input, outcome }: Kept): number => input.template.length + 20 * outcome.tookMs;

/** Each feature with the cheapest input that meets it; an input that is kept brings all its features. */
export function smallest(all: readonly Kept[]): readonly Kept[] {
  const met = new Set<string>();
  const rarity = new Map<string, number>();
  for (const { outcome } of all) for (const name of outcome.features) rarity.set(name, (rarity.get(name) ?? 0) + 1);
  const rarest = ({ outcome }: Kept): number => Math.min(...outcome.features.map((name) => rarity.get(name)!));
  const inOrder = all
    .map((kept) => ({ kept, rank: rarest(kept) * 1_000 + cost(kept) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ kept }) => kept);
  return inOrder.filter(({ outcome }) => {
    const adds = outcome.features.some((name) => !met.has(name));
    if (adds) for (const name of outcome.features) met.add(name);
    return adds;
  });
}
