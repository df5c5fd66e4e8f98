/**
 * B6, short form: what 2,000 ExternalSecrets of which nothing changes write to the API server, and read from it. The limit
 * is no Secret write, and one status write for each object and hour.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Measured } from "./numbers.ts";
import { countCycles, fill, openSyncCluster, servers, untilQuiet } from "./sync-cluster.ts";

const load = { objects: 2_000, addresses: 500, intervalSeconds: 30 };
const cycles = { least: 2, most: 10 };
/** Goes on counting up to the most cycles while the run is younger than this: a busy machine takes long to fill. */
const enoughMs = 200_000;

/** For the events about the first sync. */
const settlingMs = 20_000;

export async function b6(again: () => boolean): Promise<Measured> {
  const beganMs = performance.now();
  const world = await openSyncCluster();
  try {
    await fill(world, load);
    // Each object looks once at the Secret that it wrote.
    await pause(load.intervalSeconds * 1000);
    await untilQuiet(world, settlingMs);
    const counted = await countCycles(world, {
      ...load,
      goOn: (done) => done < cycles.least || again() || (done < cycles.most && performance.now() - beganMs < enoughMs),
    });
    const perMinute = (count: number): number => count / counted.minutes;
    const statusPerHour = (60 * perMinute(counted.statusWrites)) / load.objects;
    return {
      ...servers,
      minutes: counted.minutes,
      refreshes_per_minute: perMinute(counted.refreshes),
      api_writes_per_minute: perMinute(counted.apiWrites),
      secret_writes: counted.secretWrites,
      limit_secret_writes: 0,
      status_writes_per_object_hour: statusPerHour,
      limit_status_writes_per_object_hour: 1,
      ratio: statusPerHour,
      api_reads_per_object_minute: perMinute(counted.apiReads) / load.objects,
      store_reads_per_minute: perMinute(counted.storeReads),
      limit_store_reads_per_minute: (60 / load.intervalSeconds) * load.addresses,
    };
  } finally {
    await world.stop();
  }
}
