/** What `standalone` and `node` build alike: the read path, the provider sockets, the pages for who watches it. */
import type { ServiceConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { createMount } from "../mount/mount.ts";
import type { MountView } from "../mount/ports.ts";
import { type Check, type HttpServer, startHttpServer } from "../observe/http-server.ts";
import { type ProviderServer, startProvider } from "../provider/server.ts";
import type { TokenKeys, TokenKeySource } from "../read/pod-tokens.ts";
import type { ClusterView } from "../read/ports.ts";
import { createReadPath, type ReadPath } from "../read/read-path.ts";
import { answersOn } from "./own-socket.ts";
import type { Reports } from "./reports.ts";
import { startStep } from "./start-problem.ts";
import type { Stores } from "./stores.ts";
import { openTemplates } from "./templates.ts";
import { version } from "./version.ts";

const sessionsMax = 1_000;

/** `digestKey`: of the digests in audit lines. */
export function openReadPath(
  config: ServiceConfig,
  { audit, metrics }: Reports,
  stores: Stores,
  cluster: ClusterView,
  digestKey: Buffer,
): ReadPath {
  const templates = openTemplates();
  const path = createReadPath({
    cluster,
    clock: systemClock,
    audit,
    metrics,
    kinds: stores.kinds,
    storeDeps: (kind, manifest) => stores.depsOf(kind, manifest),
    openLane: (manifest) => stores.openLane(manifest),
    loadRenderer: templates.load,
    tokenAudience: config.tokenAudience,
    controllerClass: config.controllerClass,
    controllerClassStrict: config.command === "node" && config.controllerClassStrict,
    digestKey,
    // Answers and last-good are bounded alike; the flag bounds both together.
    limits: { cacheEntries: config.cacheEntries, cacheBytes: Math.ceil(config.cacheBytes / 2), sessions: sessionsMax },
  });
  return {
    ...path,
    close() {
      path.close();
      templates.close();
    },
  };
}

export interface ProviderSockets {
  readonly view: MountView;
  /** Absent: claims of pod tokens are compared, not verified. */
  readonly tokenKeys?: TokenKeys | TokenKeySource;
  /** Of object versions; survives restarts. */
  readonly versionKey: Buffer;
  readonly folders: readonly string[];
  /** The flag that names the folders. */
  readonly flag: string;
}

/** One socket for each provider in each folder. */
export async function openSockets(
  config: ServiceConfig,
  { log, metrics }: Reports,
  readPath: ReadPath,
  { view, tokenKeys, versionKey, folders, flag }: ProviderSockets,
): Promise<readonly ProviderServer[]> {
  const clock = systemClock;
  const mount = createMount({
    reader: readPath.reader,
    view,
    clock,
    versionKey,
    limits: { mountMaxAgeMs: config.mountMaxAge, maxStaleMs: config.maxStale },
    ...(tokenKeys ? { tokenKeys } : {}),
    log,
    metrics,
  });
  const wanted = folders.flatMap((directory) => config.providers.map((name) => ({ name, directory })));
  return Promise.all(wanted.map((one) => startStep(flag, () => startProvider({ ...one, mount, version, log, clock }))));
}

export interface Pages {
  readonly stores: Stores;
  /** Paths of our own sockets, as far as they are open. */
  readonly sockets: () => readonly string[];
  /** Beside the sockets. */
  readonly ready: () => readonly Check[];
}

export function serveHttp(
  config: ServiceConfig,
  { metrics }: Reports,
  { stores, sockets, ready }: Pages,
): Promise<HttpServer> {
  const socketChecks = (): Promise<Check[]> =>
    Promise.all(sockets().map(async (path) => ({ name: path, ok: await answersOn(path), note: "provider socket" })));
  return startHttpServer({
    ...config.httpAddr,
    metrics: {
      render() {
        for (const [store, lane] of stores.lanes())
          metrics.storeQueue(store, lane.state().waiting, lane.state().inFlight);
        return metrics.render();
      },
    },
    livez: socketChecks,
    readyz: async () => [...ready(), ...(await socketChecks())],
  });
}
