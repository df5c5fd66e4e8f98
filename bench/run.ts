/**
 * `npm run bench -- ID [--minutes N]`: one benchmark by its ID. The last line printed is `ID key=value …`.
 *
 * Without --minutes a benchmark does its fixed amount of work and ends within four minutes, the build included; with it,
 * it goes on measuring until they are over.
 */
import { parseArgs } from "node:util";
import { b1 } from "./b1.ts";
import { b10 } from "./b10.ts";
import { b11 } from "./b11.ts";
import { b12 } from "./b12.ts";
import { b3 } from "./b3.ts";
import { b6 } from "./b6.ts";
import { b8 } from "./b8.ts";
import { resultLine } from "./numbers.ts";
import { stores } from "./stores.ts";
import { obtainServers } from "./sync-cluster.ts";

const benchmarks = { B1: b1, B3: b3, B6: b6, B8: b8, B10: b10, B11: b11, B12: b12, stores } as const;
/** They run beside real servers; the first time on a machine these are built, which is no part of the four minutes. */
const besideServers: readonly string[] = ["B1", "B6", "B8"];
const longestMinutes = 4;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { minutes: { type: "string" } },
    allowPositionals: true,
  });
  const known = Object.keys(benchmarks);
  const asked = positionals[0] ?? "";
  const id = known.find((one) => one.toUpperCase() === asked.toUpperCase());
  const minutes = Number(values.minutes ?? 0);
  if (id === undefined) return refuse(`${asked || "no ID"}: no such benchmark; there are ${known.join(", ")}`);
  if (!(minutes >= 0)) return refuse("--minutes: is not a number; write --minutes 2");
  if (besideServers.includes(id)) await obtainServers();
  const beganMs = performance.now();
  const limit = setTimeout(() => fail(`${id} did not end in time`), (longestMinutes + minutes) * 60_000);
  const measured = await benchmarks[id as keyof typeof benchmarks](
    () => performance.now() - beganMs < minutes * 60_000,
  );
  clearTimeout(limit);
  console.log(resultLine(id, measured));
  return 0;
}

function fail(problem: string): never {
  refuse(problem);
  process.exit(1);
}

function refuse(problem: string): 2 {
  process.stderr.write(`keyferry: ${problem}\n`);
  return 2;
}
