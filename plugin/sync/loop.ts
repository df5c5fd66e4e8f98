/**
 * Keeps Kubernetes Secrets equal to what ExternalSecrets ask for: listens to whatever may change them, and decides when
 * each object runs. What a run does is in run.ts.
 *
 * One object runs once at a time; the failure of one never reaches another; every due time of the process hangs on one
 * timer. Knows its surroundings through ports.ts alone.
 */
import type { Clock } from "../core/clock.ts";
import { toFailure } from "../core/failure.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { ConsumerDue, Consumers } from "../read/consumers.ts";
import type { Reader } from "../read/request.ts";
import { parseOptions } from "./annotations.ts";
import { Bystanders } from "./bystanders.ts";
import { createDeletionGuard } from "./deletion-guard.ts";
import { idOf, keyOf, Objects } from "./objects.ts";
import { askRead, newState, stampsOf, wakeAtMs, type ObjectState } from "./object-state.ts";
import { createQueue, type Queue, type Urgency } from "./queue.ts";
import { forgetObject, removeObject } from "./removal.ts";
import { repairWaitMs } from "./retry.ts";
import { runObject, type RunDeps } from "./run.ts";
import { isPeriodic, storeName } from "./schedule.ts";
import type { ClassRule } from "./stand-aside.ts";
import { classOf } from "./stores/store-class.ts";
import type { StoreSource } from "./stores/ports.ts";
import type {
  DependencyChange,
  EventSink,
  ExternalSecretItem,
  ExternalSecretSource,
  Finalizers,
  ObjectKey,
  StatusStore,
  TargetSecrets,
} from "./ports.ts";

export interface SyncDeps {
  readonly source: ExternalSecretSource;
  readonly targets: TargetSecrets;
  readonly statuses: StatusStore;
  readonly events: EventSink;
  /** Absent where objects have none: in a folder. */
  readonly finalizers?: Finalizers;
  /** Which stores are of another controller class. */
  readonly stores: Pick<StoreSource, "get">;
  readonly isOurClass: ClassRule;
  /** Objects that another controller syncs are synced all the same. */
  readonly takeOver: boolean;
  readonly reader: Reader;
  readonly consumers: Consumers;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  /** 32 bytes that only the sync role can read. */
  readonly digestKey: Buffer;
  /** How long last-good may stand in for a store, unless the object says otherwise. */
  readonly maxStaleMs: number;
  /** A status whose refreshTime alone moved is written at least every max(this, interval). */
  readonly statusHeartbeatMs: number;
  /** Runs at a time among the objects that read the same stores. */
  readonly concurrency: number;
}

export interface SettledObject {
  readonly key: ObjectKey;
  readonly ready: boolean;
  /** Message of the Ready condition. */
  readonly message: string;
}

export interface Sync {
  /** Takes up all objects and follows their changes until `stop`. */
  start(): void;
  /** Starts nothing more and ends what runs: reads are aborted, a write under way is let through for up to 3 s. */
  stop(): Promise<void>;
  /** Reads and writes every object once, those that fill foreign Secrets last; nothing is retried. For a run without a loop. */
  settleOnce(signal: AbortSignal): Promise<readonly SettledObject[]>;
  /** Nothing runs and nothing is due now. */
  idle(): boolean;
}

const writeGraceMs = 3_000;
const removalRetryMs = 5_000;
/** After a fault of our own: it must end neither the process nor the object. */
const brokenRetryMs = 60_000;
/** One key of a working store may fail for ever: this bounds how often its neighbours' success has it tried again. */
const leastRetryMs = 30_000;

export function createSync(deps: SyncDeps): Sync {
  return new SyncLoop(deps);
}

class SyncLoop implements Sync {
  readonly #deps: SyncDeps;
  readonly #runDeps: RunDeps;
  readonly #objects = new Objects();
  readonly #bystanders: Bystanders;
  readonly #queue: Queue;
  readonly #stopReads = new AbortController();
  readonly #stopWrites = new AbortController();
  /** Objects whose last read failed because a store was unavailable. */
  readonly #waiting = new Set<string>();
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: SyncDeps) {
    this.#deps = deps;
    this.#runDeps = {
      ...deps,
      objects: this.#objects,
      guard: createDeletionGuard(deps.clock),
      storesAnswered: (stores) => this.#wakeWaiting(stores),
      holdingChanged: (target, by) => this.#wake(this.#objects.sharing(target).filter((id) => id !== idOf(by))),
    };
    const rules = { takeOver: deps.takeOver, isOurs: deps.isOurClass, classOf: classOf(deps.stores) };
    this.#bystanders = new Bystanders({ ...deps, rules });
    this.#queue = createQueue({
      clock: deps.clock,
      concurrency: deps.concurrency,
      laneOf: (id) => this.#objects.storesOf(id).join(" "),
      work: (id) => this.#work(id),
    });
  }

  start(): void {
    const { source, targets, consumers } = this.#deps;
    this.#unsubscribe = [
      source.onChange((key) => this.#changed(key)),
      source.onDependencyChange((change) => this.#dependencyChanged(change)),
      targets.onForeignChange((key) => this.#targetChanged(key)),
      consumers.onDue((due) => this.#answerChanged(due)),
    ];
    for (const item of source.list()) this.#changed(item.key);
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
    this.#stopReads.abort(new Error("sync stops"));
    const cancel = this.#deps.clock.after(writeGraceMs, () => this.#stopWrites.abort(new Error("sync stops")));
    await this.#queue.stop();
    cancel();
  }

  async settleOnce(signal: AbortSignal): Promise<readonly SettledObject[]> {
    const items = this.#deps.source.list();
    const isFiller = ({ parsed }: ExternalSecretItem): boolean =>
      parsed.ok && ["Merge", "CreateOrMerge"].includes(parsed.value.spec.target.creationPolicy);
    const end = (): void => void this.stop();
    signal.addEventListener("abort", end, { once: true });
    for (const wave of [items.filter((item) => !isFiller(item)), items.filter(isFiller)])
      await Promise.all(wave.map((item) => this.#runOnce(item)));
    signal.removeEventListener("abort", end);
    const ours = items.filter(({ key }) => !this.#bystanders.has(idOf(key)));
    return ours.map(({ key }) => settledOf(key, this.#objects.get(idOf(key))));
  }

  idle(): boolean {
    return this.#queue.idle;
  }

  #runOnce(item: ExternalSecretItem): Promise<void> {
    const state = this.#track(item);
    // A value that an earlier process brought is no answer to somebody who asks for a sync now.
    if (item.parsed.ok && isPeriodic(item.parsed.value)) askRead(state, this.#nowMs);
    const ran = this.#queue.afterRun(idOf(item.key));
    this.#add(state, this.#nowMs, "first");
    return ran;
  }

  async #work(id: string): Promise<void> {
    const item = this.#deps.source.get(keyOf(id));
    const asideMs = item && this.#bystanders.waitMs(item);
    if (asideMs !== undefined) return this.#leaveAlone(id, asideMs);
    if (!item || item.deleting) return this.#remove(id, item);
    const state = this.#track(item);
    const signals = { read: this.#stopReads.signal, write: this.#stopWrites.signal };
    try {
      await runObject(this.#runDeps, state, item, signals);
    } catch (thrown) {
      this.#deps.log.error("run of an object broke off", { ...item.key, message: toFailure(thrown).message });
      return this.#add(state, this.#nowMs + brokenRetryMs, "periodic");
    }
    const isWaiting = state.readFailure?.handling.class === "unavailable";
    if (isWaiting) this.#waiting.add(id);
    else this.#waiting.delete(id);
    const now = { wallMs: this.#deps.clock.nowMs(), monotonicMs: this.#nowMs };
    this.#add(state, wakeAtMs(state, now), "periodic");
  }

  #leaveAlone(id: string, forMs: number): void {
    if (this.#objects.get(id)) forgetObject({ ...this.#deps, objects: this.#objects }, keyOf(id));
    this.#waiting.delete(id);
    this.#queue.add(id, this.#nowMs + forMs, "periodic");
  }

  async #remove(id: string, item: ExternalSecretItem | undefined): Promise<void> {
    const { clock, log } = this.#deps;
    const key = keyOf(id);
    const pauseLeftMs = pauseEndMs(item, this.#objects.get(id), clock.nowMs()) - clock.nowMs();
    if (pauseLeftMs > 0) return this.#queue.add(id, this.#nowMs + pauseLeftMs, "changed");
    try {
      const sharers = this.#objects.sharersOf(id);
      const gone = await removeObject({ ...this.#deps, objects: this.#objects }, key, item, this.#stopWrites.signal);
      this.#waiting.delete(id);
      this.#bystanders.forget(id);
      if (!this.#deps.source.get(key)) this.#queue.drop(id);
      log.info("external secret gone", { ...key, count: gone.length });
      this.#wake([...sharers, ...gone.flatMap((target) => this.#objects.sharing(target))]);
    } catch (thrown) {
      log.warn("secrets of a removed object not deleted", { ...key, code: toFailure(thrown).code });
      this.#queue.add(id, this.#nowMs + removalRetryMs, "changed");
    }
  }

  #changed(key: ObjectKey): void {
    const id = idOf(key);
    const item = this.#deps.source.get(key);
    if (!item || item.deleting) return this.#queue.add(id, this.#nowMs, "changed");
    const known = this.#objects.get(id);
    const state = this.#track(item);
    if (known !== state) return this.#add(state, this.#nowMs, "first");
    const { fetchStamp, anyStamp } = stampsOf(item);
    if (anyStamp === state.anyStamp) return;
    const isOtherFetch = fetchStamp !== state.fetchStamp;
    Object.assign(state, { fetchStamp, anyStamp, failures: 0, orphansPossible: true });
    const isOnceAndDone = item.parsed.ok && item.parsed.value.spec.refreshPolicy === "CreatedOnce" && state.want;
    if (isOtherFetch) state.leasedFromMs = this.#nowMs;
    if (!isOnceAndDone) askRead(state, this.#nowMs, isOtherFetch ? this.#nowMs : undefined);
    this.#add(state, this.#nowMs, "changed");
  }

  /** The object's state; a new one when another object came under the same name. */
  #track(item: ExternalSecretItem): ObjectState {
    const id = idOf(item.key);
    let state = this.#objects.get(id);
    this.#objects.place(item);
    const isAnother = item.parsed.ok && state !== undefined && state.uid !== item.meta.uid;
    if (!state || isAnother) {
      if (state) this.#deps.consumers.release({ kind: "ExternalSecret", ...item.key, uid: state.uid });
      const fresh = newState(item);
      // What is stored under the name speaks of the object that was there before.
      if (isAnother) fresh.statusLoaded = true;
      state = fresh;
      this.#objects.put(id, state);
    }
    return state;
  }

  /** Objects that another one was in the way of. */
  #wake(ids: readonly string[]): void {
    for (const id of ids) {
      const state = this.#objects.get(id);
      if (state) this.#add(state, this.#nowMs, "periodic");
    }
  }

  /** A changed store or policy: what failed may work now, and what is followed may have another answer. */
  #dependencyChanged({ namespace, store }: DependencyChange): void {
    const storeText = store && storeName(store, store.namespace);
    for (const item of this.#deps.source.list()) {
      const id = idOf(item.key);
      if (this.#bystanders.has(id)) this.#queue.add(id, this.#nowMs, "periodic");
      if (namespace !== undefined && item.key.namespace !== namespace) continue;
      if (storeText !== undefined && !this.#objects.storesOf(id).includes(storeText)) continue;
      const state = this.#objects.get(id);
      if (!state?.adopted || !item.parsed.ok) continue;
      if (!state.readFailure && !isPeriodic(item.parsed.value)) continue;
      askRead(state, this.#nowMs);
      this.#add(state, this.#nowMs, "periodic");
    }
  }

  #targetChanged(target: ObjectKey): void {
    const nowMs = this.#nowMs;
    for (const id of this.#objects.sharing(target)) {
      const state = this.#objects.get(id);
      if (!state) continue;
      const { count, lastAtMs } = state.repairs;
      this.#add(state, Math.max(nowMs, lastAtMs + repairWaitMs(count)), "changed");
    }
  }

  /** Something that this object reads has another version now, or may have: for who follows it, or waits for it. */
  #answerChanged({ consumer, acceptBegunFromMs }: ConsumerDue): void {
    const item = this.#deps.source.get(consumer);
    const state = this.#objects.get(idOf(consumer));
    if (!state || !item?.parsed.ok || state.uid !== consumer.uid) return;
    if (!state.readFailure && !isPeriodic(item.parsed.value)) return;
    askRead(state, this.#nowMs, acceptBegunFromMs);
    this.#add(state, this.#nowMs, "changed");
  }

  /** Stores answered: whoever waits for them need not sit out its backoff. */
  #wakeWaiting(stores: ReadonlySet<string>): void {
    for (const id of this.#waiting) {
      const state = this.#objects.get(id);
      if (!state || !this.#objects.storesOf(id).every((store) => stores.has(store))) continue;
      const atMs = Math.max(this.#nowMs, state.readEndedAtMs + leastRetryMs);
      if (atMs >= state.readAtMs) continue;
      askRead(state, atMs);
      this.#add(state, atMs, "periodic");
    }
  }

  get #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }

  #add(state: ObjectState, atMs: number, urgency: Urgency): void {
    const isNew = state.status?.refreshTime === undefined && urgency === "periodic";
    this.#queue.add(idOf(state.key), atMs, isNew ? "first" : urgency);
  }
}

/** A pause may be taken away while the object waits for its end. */
function pauseEndMs(item: ExternalSecretItem | undefined, state: ObjectState | undefined, nowMs: number): number {
  if (!item?.parsed.ok) return state?.pausedUntilMs ?? 0;
  const options = parseOptions(item.parsed.value, nowMs);
  return (options.ok ? options.value.pausedUntilMs : undefined) ?? 0;
}

function settledOf(key: ObjectKey, state: ObjectState | undefined): SettledObject {
  const ready = state?.status?.conditions.find((condition) => condition.type === "Ready");
  const paused = state?.status?.conditions.find((condition) => condition.type === "Paused");
  const message = paused?.message ?? ready?.message ?? "not synced: the run was ended before its turn";
  return { key, ready: ready?.status === "True", message };
}
