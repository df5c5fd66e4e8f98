/**
 * Builds `keyferry standalone`: the read path and both deliveries on a folder in place of a cluster.
 *
 * One read path serves mount and sync, so both share every login and every answer.
 */
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StandaloneConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { type Directory, openDirectory } from "../directory/directory.ts";
import { loadOrCreateKey } from "../files/key-file.ts";
import { createMount } from "../mount/mount.ts";
import { type HttpServer, startHttpServer } from "../observe/http-server.ts";
import { type ProviderServer, startProvider } from "../provider/server.ts";
import { loadTokenKeys, type TokenKeys } from "../read/pod-tokens.ts";
import { createReadPath, type ReadPath } from "../read/read-path.ts";
import { createSync, type Sync } from "../sync/loop.ts";
import { answersOn } from "./own-socket.ts";
import { openReports, type Reports } from "./reports.ts";
import { StartProblem, startStep } from "./start-problem.ts";
import { openStores, type Stores } from "./stores.ts";
import { version } from "./version.ts";

export interface Standalone {
  /** Syncs every object once. Resolves with a line for each that is not Ready, and for each file that is broken. */
  syncOnce(): Promise<readonly string[]>;
  /** Ends within 5 s, sockets removed. */
  close(): Promise<void>;
}

const clock = systemClock;
const sessionsMax = 1_000;
const statusHeartbeatMs = 3_600_000;
const syncConcurrency = 32;

/** Everything that was opened, in order; closed in reverse when a later step of the start fails. */
interface House {
  readonly config: StandaloneConfig;
  readonly reports: Reports;
  readonly stores: Stores;
  readonly directory: Directory;
  readonly readPath: ReadPath;
  readonly sync: Sync;
}

/** Throws StartProblem when it cannot start as configured. */
export async function startStandalone(config: StandaloneConfig): Promise<Standalone> {
  const tokenKeys = await readTokenKeys(config.tokenJwks);
  await checkManifests(config.manifests);
  // The audit file may lie below it. What stands in the way is told when the directory is opened.
  await mkdir(config.out, { recursive: true }).catch(() => undefined);
  const reports = await openReports(config);
  const closing: (() => Promise<unknown>)[] = [() => reports.close()];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const serving = { started: false, directory: undefined as Directory | undefined, sockets: [] as string[] };
    const stores = openStores(config, reports.log, reports.metrics);
    closing.push(() => stores.close());
    if (!config.once) {
      const server = await startStep("--http-addr", () => serveHttp(config, reports, stores, serving));
      closing.push(() => server.close());
      reports.log.info("keyferry started", { address: server.address, version, mode: config.command });
    }
    const directory = await startStep("--out", () =>
      openDirectory({ ...config, clock, log: reports.log, localPathsOf: (store) => stores.localPathsOf(store) }),
    );
    closing.push(() => directory.close());
    const house = await furnish(config, reports, stores, directory);
    closing.push(() => Promise.resolve(house.readPath.close()));
    const providers: ProviderServer[] = [];
    // Both take some seconds at worst, so they end side by side.
    closing.push(() => Promise.all([house.sync.stop(), ...providers.map((provider) => provider.close())]));
    if (config.once) return { syncOnce: () => syncOnce(house), close };
    providers.push(...(await openSockets(house, tokenKeys)));
    house.sync.start();
    serving.directory = directory;
    serving.sockets = providers.map((provider) => provider.path);
    return { syncOnce: () => syncOnce(house), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function furnish(
  config: StandaloneConfig,
  reports: Reports,
  stores: Stores,
  directory: Directory,
): Promise<House> {
  const { audit, log, metrics } = reports;
  const digestKey = await ownKey(config, "digest-key");
  const readPath = createReadPath({
    cluster: directory.cluster,
    clock,
    audit,
    metrics,
    kinds: stores.kinds,
    storeDeps: (kind) => stores.depsOf(kind),
    openLane: (manifest) => stores.openLane(manifest),
    tokenAudience: config.tokenAudience,
    controllerClass: config.controllerClass,
    digestKey,
    // Answers and last-good are bounded alike; the flag bounds both together.
    limits: { cacheEntries: config.cacheEntries, cacheBytes: Math.ceil(config.cacheBytes / 2), sessions: sessionsMax },
  });
  directory.externalSecrets.onDependencyChange(() => readPath.forgetAccountTokens());
  const sync = createSync({
    source: directory.externalSecrets,
    targets: directory.targets,
    statuses: directory.statuses,
    events: directory.events,
    reader: readPath.reader,
    consumers: readPath.consumers,
    clock,
    metrics,
    log,
    digestKey,
    maxStaleMs: config.maxStale,
    statusHeartbeatMs,
    concurrency: syncConcurrency,
  });
  return { config, reports, stores, directory, readPath, sync };
}

async function openSockets(house: House, tokenKeys: TokenKeys | undefined): Promise<readonly ProviderServer[]> {
  const { config, directory, readPath, reports } = house;
  const { log, metrics } = reports;
  const mount = createMount({
    reader: readPath.reader,
    view: directory.mounts,
    clock,
    versionKey: await ownKey(config, "version-key"),
    limits: { mountMaxAgeMs: config.mountMaxAge, maxStaleMs: config.maxStale },
    ...(tokenKeys ? { tokenKeys } : {}),
    log,
    metrics,
  });
  return Promise.all(
    config.providers.map((name) =>
      startStep("--socket-dir", () => startProvider({ name, directory: config.socketDir, mount, version, log, clock })),
    ),
  );
}

function serveHttp(
  config: StandaloneConfig,
  { metrics }: Reports,
  stores: Stores,
  serving: { readonly directory: Directory | undefined; readonly sockets: readonly string[] },
): Promise<HttpServer> {
  const sockets = (): Promise<{ name: string; ok: boolean; note: string }[]> =>
    Promise.all(
      serving.sockets.map(async (path) => ({ name: path, ok: await answersOn(path), note: "provider socket" })),
    );
  return startHttpServer({
    ...config.httpAddr,
    metrics: {
      render() {
        for (const [store, lane] of stores.lanes())
          metrics.storeQueue(store, lane.state().waiting, lane.state().inFlight);
        return metrics.render();
      },
    },
    livez: sockets,
    readyz: async () => [
      { name: "started", ok: serving.directory !== undefined, note: "manifests read, sockets open" },
      { name: "manifests", ok: serving.directory?.ready() ?? false, note: "the manifests folder can be read" },
      ...(await sockets()),
    ],
  });
}

async function syncOnce({ sync, directory }: House): Promise<readonly string[]> {
  const settled = await sync.settleOnce(new AbortController().signal);
  const notReady = settled
    .filter((object) => !object.ready)
    .map(({ key, message }) => `ExternalSecret ${key.namespace}/${key.name}: ${message}`);
  return [...notReady, ...directory.problems().map(({ file, problem }) => `${file}: ${problem}`)];
}

/** Keys that survive restarts: of the node's object versions, and of the proof that a Secret is as it was written. */
async function ownKey(config: StandaloneConfig, name: "digest-key" | "version-key"): Promise<Buffer> {
  return startStep("--out", async () => {
    const folder = join(config.out, ".keyferry");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return loadOrCreateKey(join(folder, name));
  });
}

async function readTokenKeys(path: string | undefined): Promise<TokenKeys | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    throw new StartProblem(`--token-jwks: ${path} cannot be read; name a JWKS file`);
  }
  return startStep("--token-jwks", () => loadTokenKeys(text));
}

/** A folder that is not there is most often a typing error, so it is told at once. */
async function checkManifests(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory())
    throw new StartProblem(`--manifests: ${path} is no folder; create it, or correct the flag`);
}
