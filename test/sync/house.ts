/** One sync loop in its fake world, and ExternalSecrets in few words. */
import { settle, FakeClock } from "../fakes/clock.ts";
import { SyncWorld } from "../fakes/sync-world.ts";
import type {
  ExternalSecret,
  ObjectMeta,
  RemoteRef,
  SecretTemplate,
  StoreRef,
} from "../../plugin/manifests/objects.ts";
import type { Log } from "../../plugin/observe/log.ts";
import type { Metrics } from "../../plugin/observe/metrics.ts";
import { createSync, type Sync } from "../../plugin/sync/loop.ts";
import { classRule } from "../../plugin/sync/stand-aside.ts";
import type { ObjectKey } from "../../plugin/sync/ports.ts";
import { ScriptedReader } from "./scripted-reader.ts";

export const hourMs = 3_600_000;
export const digestKey = Buffer.alloc(32, 7);

const defaultStore: StoreRef = { kind: "SecretStore", name: "vault" };

export interface Wish {
  readonly name?: string;
  readonly meta?: Partial<ObjectMeta>;
  readonly spec?: Partial<Pick<ExternalSecret["spec"], "refreshPolicy" | "refreshIntervalMs">>;
  readonly target?: Partial<ExternalSecret["spec"]["target"]>;
  readonly template?: Partial<SecretTemplate>;
  /** secretKey → `remote key` or `remote key#property`. */
  readonly data?: Readonly<Record<string, string>>;
  /** Remote keys that are extracted. */
  readonly extract?: readonly string[];
  readonly store?: StoreRef;
}

const emptyTemplate: SecretTemplate = {
  engine: "go",
  mergePolicy: "Replace",
  labels: {},
  annotations: {},
  finalizers: [],
  data: {},
  templateFrom: [],
};

/** By default: Owner, Periodic, 1 h, key PASSWORD from property `password` of `db`. */
export function externalSecret(wish: Wish = {}): ExternalSecret {
  const { name = "db", store = defaultStore, extract = [] } = wish;
  const data = wish.data ?? (extract.length > 0 ? {} : { PASSWORD: "db#password" });
  return {
    meta: { namespace: "shop", name, uid: `uid-${name}`, generation: 1, labels: {}, annotations: {}, ...wish.meta },
    spec: {
      refreshPolicy: "Periodic",
      refreshIntervalMs: hourMs,
      ...wish.spec,
      target: {
        name,
        creationPolicy: "Owner",
        deletionPolicy: "Retain",
        immutable: false,
        immediate: false,
        ...(wish.template && { template: { ...emptyTemplate, ...wish.template } }),
        ...wish.target,
      },
      data: Object.entries(data).map(([secretKey, remote]) => ({
        secretKey,
        remoteRef: remoteRef(remote),
        storeRef: store,
      })),
      dataFrom: extract.map((key) => ({ extract: remoteRef(key), storeRef: store })),
    },
  };
}

function remoteRef(text: string): RemoteRef {
  const [key = "", property] = text.split("#");
  return {
    key,
    ...(property !== undefined && { property }),
    metadataPolicy: "None",
    conversionStrategy: "Default",
    decodingStrategy: "None",
    nullBytePolicy: "Ignore",
  };
}

export const at = (name: string): ObjectKey => ({ namespace: "shop", name });

/** Everything that was counted, as text: `drift shop/db`, `condition shop/db Ready=True`. */
function recordingMetrics(counted: string[]): Metrics {
  const nothing = (): void => undefined;
  return {
    syncCall: (object, outcome) => void counted.push(`sync ${object.namespace}/${object.name} ${outcome}`),
    condition: ({ namespace, name }, type, status) =>
      void counted.push(`condition ${namespace}/${name} ${type}=${status ?? "none"}`),
    forgetObject: ({ namespace, name }) => void counted.push(`forget ${namespace}/${name}`),
    secretsByProvider: (counts) => void counted.push(`secrets ${JSON.stringify([...counts])}`),
    drift: ({ namespace, name }, { writer, parts }) =>
      void counted.push(`drift ${namespace}/${name}`, `drift by ${writer}: ${parts.join(",")}`),
    leftAlone: (counts) => void counted.push(`left alone ${JSON.stringify(counts)}`),
    storeValidated: nothing,
    forgetStore: nothing,
    authFailure: nothing,
    storeCall: nothing,
    cacheAnswer: nothing,
    mount: nothing,
    storeQueue: nothing,
  };
}

export interface HouseOptions {
  /** Objects have finalizers. */
  readonly cluster?: boolean;
  readonly strict?: boolean;
  readonly takeOver?: boolean;
}

export interface House {
  readonly clock: FakeClock;
  readonly world: SyncWorld;
  reader: ScriptedReader;
  readonly counted: string[];
  readonly logged: string[];
  sync: Sync;
  /** Ends the process; another one stands ready in the same world. */
  replace(): Promise<void>;
  /** Ends the process and starts another one in the same world. */
  restart(): Promise<void>;
  /** Lets everything that is due now run to its end. */
  rest(): Promise<void>;
  advance(ms: number): Promise<void>;
  /** Ready of one object: `True SecretSynced secret synced`. */
  ready(name: string): string;
  reasons(): readonly string[];
}

export function openHouse(options: HouseOptions = {}): House {
  const clock = new FakeClock();
  const world = new SyncWorld();
  const counted: string[] = [];
  const logged: string[] = [];
  const say = (sentence: string): void => void logged.push(sentence);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  const build = (reader: ScriptedReader): Sync =>
    createSync({
      source: world.source,
      targets: world.targets,
      statuses: world.statuses,
      events: world.eventSink,
      ...(options.cluster && { finalizers: world.finalizers }),
      stores: world.stores,
      isOurClass: classRule("default", options.strict ?? false),
      takeOver: options.takeOver ?? false,
      reader,
      consumers: reader,
      clock,
      metrics: recordingMetrics(counted),
      log,
      digestKey,
      maxStaleMs: 24 * hourMs,
      statusHeartbeatMs: hourMs,
      concurrency: 32,
    });
  const reader = new ScriptedReader(clock);
  const house: House = {
    clock,
    world,
    reader,
    counted,
    logged,
    sync: build(reader),
    async replace() {
      await house.sync.stop();
      house.reader = house.reader.restarted();
      house.sync = build(house.reader);
    },
    async restart() {
      await house.replace();
      house.sync.start();
      await house.rest();
    },
    async rest() {
      for (let turn = 0; turn === 0 || !house.sync.idle(); turn++) {
        if (turn > 500) throw new Error("sync does not come to rest");
        await settle();
      }
    },
    async advance(ms) {
      await clock.advance(ms);
      await house.rest();
    },
    ready(name) {
      const ready = world.statusOf.get(`shop/${name}`)?.conditions.find((one) => one.type === "Ready");
      return ready ? `${ready.status} ${ready.reason} ${ready.message}` : "none";
    },
    reasons: () => world.events.map((event) => event.reason),
  };
  return house;
}

/** A started house whose store holds `db` with password `one`. */
export async function openStartedHouse(...wishes: readonly Wish[]): Promise<House> {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one", user: "app" });
  for (const wish of wishes) house.world.apply(externalSecret(wish));
  house.sync.start();
  await house.rest();
  return house;
}
