/**
 * Builds `keyferry render`: manifests in, the Secrets that they come to out; nothing is written, nothing watched.
 *
 * The same read path as everywhere else. With --values a file stands in for all stores; with --live the stores among
 * the manifests are read, as `standalone --once` reads them. What a person asks for with their own rights makes no
 * audit line here.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { RenderConfig } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import { type Failure, toFailure } from "../core/failure.ts";
import { clusterView } from "../directory/cluster-view.ts";
import { readManifestFile } from "../directory/manifest-file.ts";
import { buildIndex, type FileState, type ManifestIndex } from "../directory/manifest-index.ts";
import type { Generator, ObjectMeta, StoreManifest, StoreRefKind } from "../manifests/objects.ts";
import type { Log } from "../observe/log.ts";
import type { ClusterView } from "../read/ports.ts";
import { createReadPath, type ReadPath, type ReadPathDeps } from "../read/read-path.ts";
import { createLane } from "../read/lane/lane.ts";
import type { StoreDeps } from "../stores/contract.ts";
import { renderedSecret, type RenderedSecret } from "./rendered-secret.ts";
import { StartProblem } from "./start-problem.ts";
import { openStores } from "./stores.ts";
import { openTemplates } from "./templates.ts";
import { parseValues, valuesKind } from "./values-kind.ts";

export interface Rendered {
  readonly secrets: readonly RenderedSecret[];
  /** One line each: `<field>: <problem>`. */
  readonly problems: readonly string[];
}

const clock = systemClock;
const storeLimits = { storeRate: 50, storeBurst: 100 } as const;
const reach = { plainHttp: true, allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] } as const;
const limits = { cacheEntries: 5_000, cacheBytes: 16 * 1024 * 1024, sessions: 100 } as const;

type ReadSide = Pick<ReadPathDeps, "cluster" | "kinds" | "storeDeps" | "openLane"> & {
  readonly close: () => Promise<void>;
};

/** Throws StartProblem for what is wrong with the command itself. */
export async function renderFiles(config: RenderConfig): Promise<Rendered> {
  const { index, problems } = await readManifests(config.files);
  const items = [...index.values()].flatMap(({ object: { meta, content } }) =>
    content.kind === "ExternalSecret" ? [{ meta, parsed: content.parsed }] : [],
  );
  if (items.length === 0 && problems.length === 0)
    throw new StartProblem(`${config.files[0]!}: holds no ExternalSecret; name a manifest that does`);
  const view = clusterView(
    () => index,
    () => clock.nowMs(),
  );
  const side = config.values === undefined ? liveSide(view, config) : await valuesSide(view, config.values);
  const templates = openTemplates();
  const path = openPath(side, templates.load);
  try {
    const secrets: RenderedSecret[] = [];
    const failed = (meta: ObjectMeta, text: string): void => {
      const object = items.length === 1 ? "" : `ExternalSecret ${meta.namespace}/${meta.name}: `;
      problems.push(object + text.replaceAll(/\s*[\r\n]+\s*/g, " "));
    };
    for (const { meta, parsed } of items)
      if (!parsed.ok) for (const { path: field, problem } of parsed.problems) failed(meta, `${field}: ${problem}`);
      else
        try {
          secrets.push(await renderedSecret(parsed.value, path.reader, clock));
        } catch (thrown) {
          failed(meta, textOf(toFailure(thrown)));
        }
    return { secrets, problems };
  } finally {
    path.close();
    templates.close();
    await side.close();
  }
}

function textOf({ field, message }: Failure): string {
  return field === undefined ? message : `${field}: ${message}`;
}

async function readManifests(paths: readonly string[]): Promise<{ index: ManifestIndex; problems: string[] }> {
  const files = new Map<string, FileState>();
  const problems: string[] = [];
  for (const path of paths) {
    const read = await readManifestFile(path);
    if (!read) throw new StartProblem(`${path}: there is no such file; name a manifest`);
    problems.push(...read.problems.map((problem) => `${path}: ${problem}`));
    files.set(path, { signature: "", objects: read.objects, kept: new Map(), problems: [] });
  }
  const index = buildIndex(files, new Map());
  for (const [id, { claimedBy }] of index)
    if (claimedBy.length > 0) problems.push(`${claimedBy.join(", ")}: ${id} is defined twice; keep one of them`);
  return { index, problems };
}

/** Whatever store a manifest names, the file answers for it. */
async function valuesSide(view: ClusterView, file: string): Promise<ReadSide> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    throw new StartProblem(`--values: ${file} cannot be read; name a file of values`);
  }
  const kind = valuesKind(parseValues(text, file));
  return {
    cluster: {
      ...view,
      storePolicies: () => Promise.resolve([]),
      findStore: (scope, namespace, name) => Promise.resolve({ ok: true, value: anyStore(scope, namespace, name) }),
      findGenerator: (_, namespace, name) =>
        Promise.resolve({ ok: true, value: anyGenerator(anyStore("SecretStore", namespace, name)) }),
    },
    kinds: new Map([[kind.name, () => Promise.resolve(kind)]]),
    // The kind uses nothing of the world.
    storeDeps: () => ({}) as StoreDeps,
    openLane: () => createLane({ clock, ratePerSecond: 1e6, burst: 1e6, maxInFlight: 16, attemptMs: 5_000 }),
    close: () => Promise.resolve(),
  };
}

/** By whose name the file answers. */
function anyGenerator(store: StoreManifest): Generator {
  return { store, call: { path: "", method: "GET", body: {}, query: {}, take: "Data", mayBeEmpty: false } };
}

function anyStore(kind: StoreRefKind, namespace: string, name: string): StoreManifest {
  return {
    kind,
    meta: { namespace, name, uid: "", generation: 1, labels: {}, annotations: {} },
    provider: { kind: "values", raw: {} },
    conditions: [],
    refreshIntervalMs: 0,
  };
}

function liveSide(view: ClusterView, { files, endpoints, ownIdentity, httpsProxy, noProxy }: RenderConfig): ReadSide {
  const fileStore = { base: dirname(resolve(files[0]!)) };
  const config = {
    ...storeLimits,
    ...(endpoints && { endpoints }),
    ...(ownIdentity && { ownIdentity }),
    httpsProxy,
    noProxy,
  };
  const stores = openStores(config, { ...reach, fileStore }, { log: silent, metrics: { storeCall: () => {} } });
  return {
    cluster: view,
    kinds: stores.kinds,
    storeDeps: (kind, manifest) => stores.depsOf(kind, manifest),
    openLane: (manifest) => stores.openLane(manifest),
    close: () => stores.close(),
  };
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function openPath(side: ReadSide, loadRenderer: ReadPathDeps["loadRenderer"]): ReadPath {
  return createReadPath({
    ...side,
    loadRenderer,
    clock,
    audit: { record: () => Promise.resolve() },
    metrics: { cacheAnswer: () => {}, authFailure: () => {} },
    tokenAudience: "vault",
    controllerClass: "default",
    digestKey: randomBytes(32),
    limits,
  });
}
