/**
 * Builds `keyferry standalone`: the read path and both deliveries on a folder in place of a cluster.
 *
 * One read path serves mount and sync, so both share every login and every answer.
 */
import { mkdir, readFile, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { StandaloneConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { type Directory, openDirectory } from "../directory/directory.ts";
import { loadOrCreateKey } from "../files/key-file.ts";
import type { ProviderServer } from "../provider/server.ts";
import { loadTokenKeys, type TokenKeys } from "../read/pod-tokens.ts";
import type { ReadPath } from "../read/read-path.ts";
import { createSync, type Sync } from "../sync/loop.ts";
import { classRule } from "../sync/stand-aside.ts";
import { createStoreValidation, type StoreValidation } from "../sync/stores/validation.ts";
import { openReports, type Reports } from "./reports.ts";
import { openReadPath, openSockets, serveHttp } from "./service.ts";
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
/** Development machines run their stores on loopback, and without TLS. */
const reach = { plainHttp: true, allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] } as const;
const statusHeartbeatMs = 3_600_000;
const storeRequeueIntervalMs = 300_000;
const syncConcurrency = 32;

/** Everything that was opened, in order; closed in reverse when a later step of the start fails. */
interface House {
  readonly config: StandaloneConfig;
  readonly reports: Reports;
  readonly stores: Stores;
  readonly directory: Directory;
  readonly readPath: ReadPath;
  readonly sync: Sync;
  readonly validation: StoreValidation;
}

/** Throws StartProblem when it cannot start as configured. */
export async function startStandalone(config: StandaloneConfig): Promise<Standalone> {
  const tokenKeys = await readTokenKeys(config.tokenJwks);
  await checkManifests(config.manifests);
  // The audit file may lie below it. What stands in the way is told when the directory is opened.
  await mkdir(config.out, { recursive: true }).catch(() => undefined);
  const reports = await openReports(config, hostname());
  const closing: (() => Promise<unknown>)[] = [() => reports.close()];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const serving = { started: false, directory: undefined as Directory | undefined, sockets: [] as string[] };
    const stores = openStores(config, { ...reach, fileStore: { base: config.manifests } }, reports);
    closing.push(() => stores.close());
    if (!config.once) {
      const server = await startStep("--http-addr", () =>
        serveHttp(config, reports, {
          stores,
          sockets: () => serving.sockets,
          ready: () => [
            { name: "started", ok: serving.directory !== undefined, note: "manifests read, sockets open" },
            { name: "manifests", ok: serving.directory?.ready() ?? false, note: "the manifests folder can be read" },
          ],
        }),
      );
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
    closing.push(() => house.validation.stop());
    closing.push(() => Promise.all([house.sync.stop(), ...providers.map((provider) => provider.close())]));
    if (config.once) return { syncOnce: () => syncOnce(house), close };
    const sockets = {
      view: directory.mounts,
      ...(tokenKeys && { tokenKeys }),
      versionKey: await ownKey(config, "version-key"),
      folders: [config.socketDir],
      flag: "--socket-dir",
    };
    providers.push(...(await openSockets(config, reports, house.readPath, sockets)));
    house.sync.start();
    house.validation.start();
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
  const { log, metrics } = reports;
  const digestKey = await ownKey(config, "digest-key");
  const readPath = openReadPath(config, reports, stores, directory.cluster, digestKey);
  directory.externalSecrets.onDependencyChange(() => readPath.forgetAccountTokens());
  const isOurClass = classRule(config.controllerClass, false);
  const sync = createSync({
    source: directory.externalSecrets,
    stores: directory.stores,
    isOurClass,
    takeOver: false,
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
  const validation = createStoreValidation({
    stores: directory.stores,
    statuses: directory.storeStatuses,
    events: directory.storeStatuses,
    externalSecrets: directory.externalSecrets,
    readPath,
    clock,
    metrics,
    log,
    isOurClass,
    takeOver: false,
    intervalMs: storeRequeueIntervalMs,
  });
  return { config, reports, stores, directory, readPath, sync, validation };
}

async function syncOnce({ sync, validation, directory }: House): Promise<readonly string[]> {
  const [settled, settledStores] = await Promise.all([
    sync.settleOnce(new AbortController().signal),
    validation.settleOnce(),
  ]);
  const notReady = settled
    .filter((object) => !object.ready)
    .map(({ key, message }) => `ExternalSecret ${key.namespace}/${key.name}: ${message}`);
  const stores = settledStores
    .filter((store) => !store.ready)
    .map(({ key, message }) => `${key.kind} ${[key.namespace, key.name].filter(Boolean).join("/")}: ${message}`);
  return [...notReady, ...stores, ...directory.problems().map(({ file, problem }) => `${file}: ${problem}`)];
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
