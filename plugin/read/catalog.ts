/**
 * From a store's name to the opened store behind it.
 *
 * A store is opened once for each content of its manifest and kept, with its lane and, where its kind can watch, its
 * watch. Whether the caller may use it is not decided here.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import type { Generator, GeneratorCall, Parsed, Problem, SourceRef, StoreManifest } from "../manifests/objects.ts";
import type { CallerFact, LoadKind, Store, StoreDeps, StoreKind } from "../stores/contract.ts";
import type { Lane } from "./lane/lane.ts";
import { createLru } from "./lru.ts";
import type { ClusterView } from "./ports.ts";
import { isGenerator, storeId, storeNamespaceOf } from "./store-id.ts";

export interface ResolvedStore {
  readonly id: string;
  readonly ref: SourceRef;
  /** Empty for a ClusterSecretStore. */
  readonly namespace: string;
  readonly kind: StoreKind;
  readonly store: Store;
  /** See `OpenedStore`. */
  readonly usedCallerFacts?: readonly CallerFact[];
  /** Hash of kind, parsed configuration and proxy, hex: two stores that share it send the same requests to the same place. */
  readonly configHash: string;
  readonly lane: Lane;
  readonly manifest: StoreManifest;
  /** What is read, where a generator was named. */
  readonly call?: GeneratorCall;
}

export interface Catalog {
  /**
   * Rejects with Failure: `store_not_found`, `store_invalid` with the field's path, `store_not_ready` for a store of
   * another controller class, `kube_unavailable`.
   */
  resolve(ref: SourceRef, callerNamespace: string, signal: AbortSignal): Promise<ResolvedStore>;
  /** Stops every watch. */
  close(): void;
}

export interface CatalogDeps {
  readonly cluster: Pick<ClusterView, "findStore" | "findGenerator">;
  readonly kinds: ReadonlyMap<string, LoadKind>;
  /** `manifest`: for what is said beside the provider block of how the store is reached. */
  readonly storeDeps: (kind: StoreKind, manifest: StoreManifest) => StoreDeps;
  /** One lane for each opened store: an edited store starts with a fresh breaker. */
  readonly openLane: (manifest: StoreManifest) => Lane;
  readonly controllerClass: string;
  /** Stores that name no class are left alone too. */
  readonly controllerClassStrict?: boolean;
  /** Something that stores of this configuration read may have changed. */
  readonly onChange: (configHash: string) => void;
}

/** Far above what one process serves; the bound keeps a flood of stores from holding memory and watches. */
const openStoresMax = 2_000;

interface Opened {
  /** Kind, block and way, canonical: what `open` depends on. */
  readonly content: string;
  readonly fixed: Pick<ResolvedStore, "kind" | "store" | "usedCallerFacts" | "configHash" | "lane">;
  readonly stopWatch: (() => void) | undefined;
}

export function createCatalog(deps: CatalogDeps): Catalog {
  const loaded = new Map<string, StoreKind>();
  const opened = createLru<Opened>({ entries: openStoresMax, dispose: (store) => store.stopWatch?.() });

  function open(id: string, content: string, manifest: StoreManifest, kind: StoreKind | undefined): Opened {
    if (!kind) throw unknownKind(manifest, deps.kinds);
    const { field } = manifest.provider;
    const place = { scope: manifest.kind, name: manifest.meta.name, namespace: manifest.meta.namespace };
    const context = { ...place, ...(field === undefined ? {} : { field }) };
    const parsed = kind.open(manifest.provider.raw, context, deps.storeDeps(kind, manifest));
    if (!parsed.ok) throw blockInvalid(field ?? `spec.provider.${kind.name}`, parsed.problems);
    const { store, usedCallerFacts, config } = parsed.value;
    const configHash = createHash("sha256")
      .update(canonicalJson([kind.name, config, ...wayTo(manifest)]))
      .digest("hex");
    const stopWatch = store.watch?.(() => deps.onChange(configHash));
    const facts = usedCallerFacts && { usedCallerFacts };
    const fixed = { kind, store, ...facts, configHash, lane: deps.openLane(manifest) };
    const fresh: Opened = { content, fixed, stopWatch };
    opened.set(id, fresh);
    return fresh;
  }

  async function loadKind({ provider }: StoreManifest): Promise<StoreKind | undefined> {
    const kind = loaded.get(provider.kind) ?? (await deps.kinds.get(provider.kind)?.());
    if (kind) loaded.set(provider.kind, kind);
    return kind;
  }

  /** A store that is gone, broken or another's keeps nothing open. */
  function openOrClose(
    id: string,
    found: Parsed<StoreManifest> | undefined,
    kind: StoreKind | undefined,
  ): [Opened, StoreManifest] {
    try {
      const manifest = usable(id, found, deps);
      const content = contentOf(manifest);
      const kept = opened.get(id);
      return [kept?.content === content ? kept : open(id, content, manifest, kind), manifest];
    } catch (thrown) {
      opened.delete(id);
      throw thrown;
    }
  }

  return {
    async resolve(ref, callerNamespace, signal) {
      const namespace = storeNamespaceOf(ref.kind, callerNamespace);
      const id = storeId(ref.kind, namespace, ref.name);
      const found = await lookUp(deps.cluster, ref, namespace, signal);
      const store: Parsed<StoreManifest> | undefined = found?.ok ? { ok: true, value: found.value.store } : found;
      const [{ fixed }, manifest] = openOrClose(id, store, store?.ok ? await loadKind(store.value) : undefined);
      const call = found?.ok && found.value.call;
      return { id, ref, namespace, manifest, ...fixed, ...(call && { call }) };
    },
    close: () => opened.clear(),
  };
}

async function lookUp(
  cluster: CatalogDeps["cluster"],
  ref: SourceRef,
  namespace: string,
  signal: AbortSignal,
): Promise<Parsed<Pick<Generator, "store"> & Partial<Generator>> | undefined> {
  if (isGenerator(ref)) return cluster.findGenerator?.(ref.kind, namespace, ref.name, signal);
  const found = await cluster.findStore(ref.kind, namespace, ref.name, signal);
  return found?.ok ? { ok: true, value: { store: found.value } } : found;
}

function usable(
  id: string,
  found: Parsed<StoreManifest> | undefined,
  { controllerClass, controllerClassStrict = false }: CatalogDeps,
): StoreManifest {
  if (!found) throw new Failure("store_not_found", `${id} does not exist; create it, or correct the reference to it`);
  if (!found.ok) throw storeInvalid(found.problems);
  const { controller } = found.value;
  if (controller === undefined && controllerClassStrict)
    throw new Failure(
      "store_not_ready",
      `${id} names no controller class and this process serves only "${controllerClass}"; set spec.controller or leave out --controller-class-strict`,
    );
  if (controller !== undefined && controller !== controllerClass)
    throw new Failure(
      "store_not_ready",
      `${id} is of controller class "${controller}" and this process serves "${controllerClass}"; change spec.controller or --controller-class`,
    );
  return found.value;
}

/** Asked for on every read and long for some kinds, so worked out once for as long as the parsed manifest lives. */
const contents = new WeakMap<StoreManifest, string>();

function contentOf(manifest: StoreManifest): string {
  let content = contents.get(manifest);
  if (content === undefined) {
    content = canonicalJson([manifest.provider.kind, manifest.provider.raw, ...wayTo(manifest)]);
    contents.set(manifest, content);
  }
  return content;
}

/** What decides where requests go and is no part of the provider block. */
function wayTo({ proxyUrl }: StoreManifest): readonly string[] {
  return proxyUrl === undefined ? [] : [proxyUrl];
}

function unknownKind({ provider }: StoreManifest, kinds: CatalogDeps["kinds"]): Failure {
  const supported = [...kinds.keys()].sort().join(", ");
  // Names its field by itself.
  return new Failure("store_invalid", `provider "${provider.kind}" is not supported; supported: ${supported}`);
}

function blockInvalid(root: string, problems: readonly [Problem, ...Problem[]]): Failure {
  const [first, ...others] = problems.map(({ path, problem }) => ({ path: path ? `${root}.${path}` : root, problem }));
  return storeInvalid([first!, ...others]);
}

/** The first problem's path is the field; the others carry their own. */
function storeInvalid([first, ...others]: readonly [Problem, ...Problem[]]): Failure {
  const message = [first.problem, ...others.map(({ path, problem }) => `${path}: ${problem}`)].join("; ");
  return new Failure("store_invalid", message, { field: first.path });
}
