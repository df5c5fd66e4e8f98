/**
 * B1: what a refresh cycle asks of the store and of the API server: 1,000 ExternalSecrets with two keys of one path each,
 * 250 paths, one ServiceAccount, nothing changes. The limit is one read for each path.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Measured } from "./numbers.ts";
import { countCycles, fill, openSyncCluster, servers, tell, untilQuiet } from "./sync-cluster.ts";

const load = { objects: 1_000, addresses: 250, intervalSeconds: 20 };
const cycles = { least: 3, most: 10 };
/** Goes on counting up to the most cycles while the run is younger than this: a busy machine takes long to fill. */
const enoughMs = 200_000;
/** Each path is read at its own instant after one interval; events about the first sync may take longer. */
const settlingMs = 30_000;

export async function b1(again: () => boolean): Promise<Measured> {
  const beganMs = performance.now();
  const world = await openSyncCluster();
  try {
    await fill(world, load);
    tell(await world.cluster.auditEvents({ user: world.node.user }), 1);
    await pause(load.intervalSeconds * 1000);
    await untilQuiet(world, settlingMs);
    const counted = await countCycles(world, {
      ...load,
      goOn: (done) => done < cycles.least || again() || (done < cycles.most && performance.now() - beganMs < enoughMs),
    });
    const perCycle = (count: number): number => count / counted.cycles;
    // Since the start: the token lives an hour.
    const logins = world.proxy.count("PUT", /\/login$/) + world.proxy.count("POST", /\/login$/);
    return {
      ...servers,
      cycles: counted.cycles,
      refreshes_per_cycle: perCycle(counted.refreshes),
      reads_per_cycle: perCycle(counted.storeReads),
      limit_reads_per_cycle: load.addresses,
      ratio: perCycle(counted.storeReads) / load.addresses,
      limit_ratio: 1.05,
      store_requests_per_cycle: perCycle(counted.storeRequests),
      logins,
      limit_logins: 1,
      api_reads_per_cycle: perCycle(counted.apiReads),
      api_writes_per_cycle: perCycle(counted.apiWrites),
      secret_writes: counted.secretWrites,
      limit_secret_writes: 0,
      status_writes: counted.statusWrites,
    };
  } finally {
    await world.stop();
  }
}
