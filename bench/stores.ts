/**
 * stores: what each kind of store costs: memory for each idle identity, calls that the store gets for 100 refs of one
 * identity against the fewest that its API allows, and how long the first read takes in a fresh process, which loads
 * the HTTP client and what the kind has of an SDK. kubernetes has none: its cost is what the read path takes for all.
 *
 * keyferry's read path runs from a bundle, in processes of their own with the image's flags; the servers are those of
 * the tests (for AWS, answers of our own), in processes of their own too, and count what they get.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../tools/build.mjs";
import { imageFlags, readStages } from "../tools/dockerfile.ts";
import type { Measured } from "./numbers.ts";
import { quantile } from "./numbers.ts";
import { benchedKinds, loginCall } from "./store-kinds.ts";
import type { BenchedKind, BenchedName, ServerPlace } from "./store-kinds.ts";
import type { Order, Told } from "./store-reader.ts";
import { printTable } from "./store-table.ts";
import type { Calls, Cost } from "./store-table.ts";

/** Log in before the memory is looked at, so that what all share is there; and those that are weighed. */
const identities = { before: 100, weighed: 300 };
const startsOfRound = 3;
/** A kept session of each of the process's 1,000 costs 64 MiB at most. */
const limitIdleKiB = 64;
/** As for all reads: 1.00 to 1.05 times the limit. */
const limitCalls = 1.05;

export async function stores(again: () => boolean): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-bench-"));
  try {
    await bundle({ "store-reader": "bench/store-reader.ts" }, folder);
    const rounds: (readonly Cost[])[] = [];
    do rounds.push(await measureAll(folder));
    while (again());
    const costs = rounds[0]!.map((_, i) => merged(rounds.map((round) => round[i]!)));
    printTable(costs);
    return worst(costs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureAll(folder: string): Promise<readonly Cost[]> {
  const costs: Cost[] = [];
  for (const name of Object.keys(benchedKinds) as BenchedName[]) costs.push(await measure(name, folder));
  return costs;
}

/** Of one kind: medians of its weights, all its times, the calls of the last round. */
function merged(costs: readonly Cost[]): Cost {
  const median = (of: (cost: Cost) => number): number => quantile(costs.map(of), 0.5);
  return {
    ...costs.at(-1)!,
    heapKiB: median(({ heapKiB }) => heapKiB),
    rssKiB: median(({ rssKiB }) => rssKiB),
    coldMs: costs.flatMap(({ coldMs }) => coldMs),
    warmMs: costs.flatMap(({ warmMs }) => warmMs),
  };
}

function worst(costs: readonly Cost[]): Measured {
  const most = (of: (cost: Cost) => number): Cost => costs.reduce((a, b) => (of(b) > of(a) ? b : a));
  const excess = ({ first, refresh }: Cost): number =>
    Math.max(first.count / first.minimum, refresh.count / refresh.minimum);
  const [calls, heap, rss] = [most(excess), most(({ heapKiB }) => heapKiB), most(({ rssKiB }) => rssKiB)];
  const [cold, warm] = [most(({ coldMs }) => quantile(coldMs, 0.5)), most(({ warmMs }) => quantile(warmMs, 0.5))];
  return {
    kinds: costs.length,
    kinds_at_minimum: costs.filter((cost) => excess(cost) <= limitCalls).length,
    calls_over_minimum_max: excess(calls),
    calls_over_minimum_worst: calls.name,
    limit_calls_over_minimum: limitCalls,
    idle_identity_kib_max: heap.heapKiB,
    idle_identity_worst: heap.name,
    limit_idle_identity_kib: limitIdleKiB,
    idle_identity_rss_kib_max: rss.rssKiB,
    cold_ms_max: quantile(cold.coldMs, 0.5),
    cold_worst: cold.name,
    warm_ms_max: quantile(warm.warmMs, 0.5),
  };
}

async function measure(name: BenchedName, folder: string): Promise<Cost> {
  const numberOf = identities.before + identities.weighed;
  const server = forked("bench/store-server.ts", [name, String(numberOf)], []);
  try {
    const place = await answered<ServerPlace>(server);
    const open = (): Promise<Reader> => openReader(folder, name, place);
    const starts: (readonly [coldMs: number, warmMs: number])[] = [];
    while (starts.length < startsOfRound) starts.push(await timed(open));
    return {
      name,
      ...(await weighed(open)),
      ...(await counted(open, server, benchedKinds[name])),
      coldMs: starts.map(([coldMs]) => coldMs),
      warmMs: starts.map(([, warmMs]) => warmMs),
    };
  } catch (thrown) {
    throw new Error(`${name}: was not measured`, { cause: thrown });
  } finally {
    await ended(server);
  }
}

async function timed(open: () => Promise<Reader>): Promise<readonly [coldMs: number, warmMs: number]> {
  await using reader = await open();
  const cold = await reader.tell({ read: "one", store: "first", from: 0, count: 1 });
  const warm = await reader.tell({ read: "one", store: "second", from: 1, count: 1 });
  return [cold.tookMs, warm.tookMs];
}

async function weighed(open: () => Promise<Reader>): Promise<{ heapKiB: number; rssKiB: number }> {
  await using reader = await open();
  await reader.tell({ read: "one", store: "main", from: 0, count: identities.before });
  const before = await reader.tell({ read: "weight" });
  await reader.tell({ read: "one", store: "main", from: identities.before, count: identities.weighed });
  const after = await reader.tell({ read: "weight" });
  const each = (bytes: number): number => bytes / identities.weighed / 1024;
  return { heapKiB: each(after.heapBytes - before.heapBytes), rssKiB: each(after.rssBytes - before.rssBytes) };
}

async function counted(
  open: () => Promise<Reader>,
  server: ChildProcess,
  { minimum }: BenchedKind,
): Promise<Pick<Cost, "first" | "logins" | "refresh">> {
  await using reader = await open();
  await callsAt(server);
  await reader.tell({ read: "all", store: "main" });
  const first = await callsAt(server);
  await reader.tell({ read: "all", store: "main" });
  const refresh = await callsAt(server);
  return {
    logins: [...first, ...refresh].filter((call) => call === loginCall).length,
    first: toCalls(first, minimum.first),
    refresh: toCalls(refresh, minimum.refresh),
  };
}

/** What the server got since it was last asked. */
async function callsAt(server: ChildProcess): Promise<readonly string[]> {
  server.send("calls");
  return answered<readonly string[]>(server);
}

function toCalls(calls: readonly string[], minimum: number): Calls {
  const reads = calls.filter((call) => call !== loginCall);
  const byName = Object.entries(Object.groupBy(reads, (call) => call));
  return { count: reads.length, minimum, told: byName.map(([call, some]) => `${some!.length} ${call}`).join(" + ") };
}

interface Reader extends AsyncDisposable {
  tell(order: Order): Promise<Told>;
}

async function openReader(folder: string, name: BenchedName, place: ServerPlace): Promise<Reader> {
  const flags = [...imageFlags(readStages().at(-1)!), "--expose-gc"];
  const child = forked(join(folder, "store-reader.mjs"), [name], flags);
  child.send(place);
  await answered(child);
  return {
    async tell(order) {
      child.send(order);
      return answered<Told>(child);
    },
    [Symbol.asyncDispose]: () => ended(child),
  };
}

function forked(program: string, args: readonly string[], flags: readonly string[]): ChildProcess {
  const { env } = readStages().at(-1)!;
  const child = fork(program, args, {
    execArgv: [...flags],
    env: { ...process.env, ...env, NODE_COMPILE_CACHE: "" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return child;
}

/** Its next message. Rejects when it ends before. */
async function answered<T>(child: ChildProcess): Promise<T> {
  const over = new AbortController();
  const end = once(child, "exit", { signal: over.signal }).then(() => {
    throw new Error("the process ended before it answered");
  });
  try {
    const [message] = (await Promise.race([once(child, "message", { signal: over.signal }), end])) as [T];
    return message;
  } finally {
    end.catch(() => undefined);
    over.abort();
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
