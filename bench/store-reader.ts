/**
 * A process that reads one kind of store through keyferry's read path, as its parent says. Argument: the kind.
 * The first message says where its server is; each one after that is an order.
 *
 * Bundled and started with the image's flags, so that what loads with the first login is what the image loads.
 */
import { once } from "node:events";
import type { Clock } from "../plugin/core/clock.ts";
import { systemClock } from "../plugin/core/clock.ts";
import { SecretValue } from "../plugin/core/secret-value.ts";
import type { StoreManifest } from "../plugin/manifests/objects.ts";
import type { ClusterView } from "../plugin/read/ports.ts";
import { createReadPath } from "../plugin/read/read-path.ts";
import type { RefEntry } from "../plugin/read/request.ts";
import { openStores } from "../plugin/wire/stores.ts";
import { benchedKinds, credential, credentialOf, refs } from "./store-kinds.ts";
import type { BenchedKind, BenchedName, ServerPlace } from "./store-kinds.ts";

/** What the parent says; each is answered with one Told. */
export type Order =
  /** Each of these identities reads one secret, one after the other. */
  | { readonly read: "one"; readonly store: string; readonly from: number; readonly count: number }
  /** Identity 0 reads all. */
  | { readonly read: "all"; readonly store: string }
  | { readonly read: "weight" };

export interface Told {
  readonly tookMs: number;
  /** After what nobody holds is gone. */
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const kind: BenchedKind = benchedKinds[process.argv[2] as BenchedName];
const [place] = (await once(process, "message")) as [ServerPlace];
const clock: Clock = systemClock;
const namespaces = /^team-(\d+)$/;
const limitMs = 60_000;

const path = openPath();
process.on("message", (order: Order) => {
  obey(order).then(
    (told) => process.send!(told),
    (thrown: unknown) => {
      console.error(thrown);
      process.exit(1);
    },
  );
});
process.send!("ready");

async function obey(order: Order): Promise<Told> {
  const beganMs = clock.monotonicMs();
  if (order.read === "all") await readAs(0, order.store, refs);
  if (order.read === "one") for (let i = 0; i < order.count; i++) await readAs(order.from + i, order.store, 1);
  const tookMs = clock.monotonicMs() - beganMs;
  if (order.read !== "weight") return { tookMs, heapBytes: 0, rssBytes: 0 };
  for (let i = 0; i < 4; i++) await collected();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { tookMs, heapBytes: heapUsed + external, rssBytes: rss };
}

/** As an ExternalSecret of that identity's namespace, which demands new answers. */
async function readAs(identity: number, store: string, count: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, n): RefEntry => {
    const { key, property } = kind.wanted(n);
    return {
      field: `spec.data[${n}]`,
      store: { kind: "ClusterSecretStore", name: store },
      ref: { key, metadataPolicy: "None" },
      ...(property === undefined ? {} : { property }),
      take: { as: "value", name: `value-${n}` },
      decoding: "None",
      nullBytes: "Ignore",
      optional: false,
    };
  });
  const { signal } = new AbortController();
  const namespace = `team-${identity}`;
  const bundle = await path.reader.read(
    { entries },
    {
      caller: { kind: "ExternalSecret", namespace, name: "app", uid: namespace },
      delivery: "sync",
      identity: "Store",
      priority: "first_sync",
      acceptBegunFromMs: clock.monotonicMs(),
      maxStaleMs: 0,
      limitMs,
      once: true,
    },
    signal,
  );
  const values = [...bundle.values.values()].map(({ value }) => value.reveal().toString("utf8"));
  if (values.length !== count || values.some((text, n) => text !== `value-${n}`))
    throw new Error(`a read did not bring its ${count} values`);
}

function openPath() {
  const nothing = (): void => undefined;
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const config = {
    storeRate: 100_000,
    storeBurst: 100_000,
    endpoints: place.endpoints,
    httpsProxy: undefined,
    noProxy: [],
  };
  const reach = { allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [], plainHttp: true };
  const stores = openStores(config, reach, { log, metrics: { storeCall: nothing } });
  return createReadPath({
    cluster: openCluster(),
    clock,
    audit: { record: () => Promise.resolve() },
    metrics: { cacheAnswer: nothing, authFailure: nothing },
    kinds: stores.kinds,
    storeDeps: (of, manifest) => stores.depsOf(of, manifest),
    openLane: (manifest) => stores.openLane(manifest),
    loadRenderer: () => Promise.reject(new Error("nothing here has a template")),
    tokenAudience: "bench",
    controllerClass: "default",
    digestKey: Buffer.alloc(32, 7),
    limits: { cacheEntries: 10_000, cacheBytes: 16 * 1024 * 1024, sessions: 1_000 },
  });
}

/** Every name is a store of this kind; each namespace has an account and a Secret of its own, whatever their names. */
function openCluster(): ClusterView {
  const tokenOf = (namespace: string): string => {
    const identity = Number(namespaces.exec(namespace)![1]);
    return place.tokens?.[identity] ?? credentialOf(identity);
  };
  const credentialIn = (namespace: string): SecretValue => SecretValue.fromText(tokenOf(namespace));
  const manifestOf = (scope: StoreManifest["kind"], store: string): StoreManifest => ({
    kind: scope,
    meta: { namespace: "", name: store, uid: store, generation: 1, labels: {}, annotations: {} },
    provider: { kind: kind.provider, raw: kind.block(place) },
    conditions: [],
    refreshIntervalMs: 0,
  });
  return {
    findStore: (scope, _namespace, store) => Promise.resolve({ ok: true, value: manifestOf(scope, store) }),
    storePolicies: () => Promise.resolve([]),
    namespaceLabels: (namespace) => Promise.resolve({ "kubernetes.io/metadata.name": namespace }),
    secretData: (namespace) =>
      Promise.resolve({
        labels: { "external-secrets.io/type": "webhook" },
        values: new Map([[credential.key, credentialIn(namespace)]]),
      }),
    secretValue: (namespace) => Promise.resolve(credentialIn(namespace)),
    configMapValue: () => Promise.resolve(undefined),
    serviceAccountToken: (namespace) =>
      Promise.resolve({ token: credentialIn(namespace), serviceAccountUid: `uid-${namespace}` }),
    serviceAccountAnnotations: () => Promise.resolve(kind.annotations ?? {}),
  };
}

/** Lets what waits for the loop go first. */
async function collected(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  (globalThis as { gc?: () => void }).gc!();
}
