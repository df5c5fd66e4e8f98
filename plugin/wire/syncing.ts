/**
 * Role sync of a node: stands by until the lease is won, syncs until it is lost, and gives it back at the end.
 *
 * Each turn starts afresh from what the cluster says, as a restart would: another process may have written since.
 */
import type { NodeConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { pause } from "../core/deadline.ts";
import { toFailure } from "../core/failure.ts";
import type { Cluster, SyncCluster } from "../kube/cluster.ts";
import type { ReadPath } from "../read/read-path.ts";
import { guardStatuses, guardStoreStatuses, guardTargets, writeGuard } from "../sync/lease/guarded.ts";
import { type HeldLease, holdLease } from "../sync/lease/lease.ts";
import { createSync } from "../sync/loop.ts";
import { classRule } from "../sync/stand-aside.ts";
import { createStoreValidation } from "../sync/stores/validation.ts";
import type { Reports } from "./reports.ts";

export interface SyncingDeps {
  readonly config: NodeConfig;
  readonly reports: Reports;
  readonly readPath: ReadPath;
  readonly cluster: Pick<Cluster, "synced">;
  readonly sync: SyncCluster;
  /** Unique to this process. */
  readonly holder: string;
}

export interface Syncing {
  /** Lets writes under way end, then gives the lease back. */
  stop(): Promise<void>;
}

interface Turn {
  stop(): Promise<void>;
}

const leaseName = "keyferry-sync-0";
const concurrency = 32;
const keyRetryMs = 2_000;
const clock = systemClock;

export function keepSyncing(deps: SyncingDeps): Syncing {
  const { log } = deps.reports;
  const end = new AbortController();
  let lease: HeldLease | undefined;
  let turn: Promise<Turn | undefined> = Promise.resolve(undefined);
  const next = (mine: boolean): void => {
    // One after the other: a turn begins when the one before has ended.
    turn = turn.then(async (before) => {
      await before?.stop();
      return mine ? begin(deps, () => lease?.mayWrite() ?? false, end.signal) : undefined;
    });
  };
  void deps.cluster.synced.then(() => {
    if (end.signal.aborted) return;
    const { leases: store } = deps.sync;
    const { holder } = deps;
    lease = holdLease({ store, clock, log, name: leaseName, holder, random: Math.random, onTurn: next });
  });
  return {
    async stop() {
      end.abort(new Error("keyferry ends"));
      await (await turn)?.stop();
      await lease?.stop();
    },
  };
}

/** Undefined when the process ends first. */
async function begin(deps: SyncingDeps, mayWrite: () => boolean, signal: AbortSignal): Promise<Turn | undefined> {
  const digestKey = await keyWhenReachable(deps, signal);
  if (!digestKey) return undefined;
  const { config, reports, readPath, sync: cluster } = deps;
  const { metrics, log } = reports;
  const guard = writeGuard(mayWrite);
  const { reader, consumers } = readPath;
  const shared = {
    clock,
    metrics,
    log,
    isOurClass: classRule(config.controllerClass, config.controllerClassStrict),
    takeOver: config.syncTakeOver,
  };
  const sync = createSync({
    ...shared,
    source: cluster.externalSecrets,
    targets: guardTargets(cluster.targets, guard),
    statuses: guardStatuses(cluster.statuses, guard),
    finalizers: cluster.finalizers,
    events: cluster.events,
    stores: cluster.stores.source,
    reader,
    consumers,
    digestKey,
    maxStaleMs: config.maxStale,
    statusHeartbeatMs: config.statusHeartbeat,
    concurrency,
  });
  const validation = createStoreValidation({
    ...shared,
    stores: cluster.stores.source,
    statuses: guardStoreStatuses(cluster.stores.statuses, guard),
    events: cluster.stores.events,
    externalSecrets: cluster.externalSecrets,
    readPath,
    intervalMs: config.storeRequeueInterval,
  });
  validation.start();
  sync.start();
  return {
    async stop() {
      await Promise.all([sync.stop(), validation.stop()]);
    },
  };
}

async function keyWhenReachable({ sync, reports }: SyncingDeps, signal: AbortSignal): Promise<Buffer | undefined> {
  while (!signal.aborted) {
    try {
      return await sync.digestKey(signal);
    } catch (thrown) {
      if (signal.aborted) break;
      const { code, message } = toFailure(thrown);
      reports.log.warn("digest key not read", { code, message });
      await pause(clock, keyRetryMs, signal).catch(() => undefined);
    }
  }
  return undefined;
}
