/**
 * Keeps the status of every store true: validates each when it changes and once per interval, and sooner while its store
 * does not answer.
 *
 * Writes a status only when something changed, so an unchanged store costs the API server nothing. Whether a store may be
 * read from is decided by the read path alone: Ready is an output and nothing here reads it back for that. Stores of
 * another controller class, and those whose status another controller keeps, are left alone.
 */
import type { Clock } from "../../core/clock.ts";
import { withDeadline } from "../../core/deadline.ts";
import { toFailure, type Failure } from "../../core/failure.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { ReadPath } from "../../read/read-path.ts";
import type { StoreStatus } from "../../read/store-check.ts";
import { createQueue, type Queue, type Urgency } from "../queue.ts";
import { backoffMs } from "../retry.ts";
import { storeName, untilInstantMs } from "../schedule.ts";
import { anotherSyncs, type ClassRule } from "../stand-aside.ts";
import type { ExternalSecretSource } from "../ports.ts";
import { controllerOf } from "./store-class.ts";
import { isSameStatus, saysSame, storeStatusAfter, verdictOf } from "./store-status.ts";
import type { StoreEventSink, StoreItem, StoreKey, StoreObjectStatus, StoreSource, StoreStatuses } from "./ports.ts";

export interface StoreValidationDeps {
  readonly stores: StoreSource;
  readonly statuses: StoreStatuses;
  readonly events: StoreEventSink;
  /** Tells of Secrets and service accounts that stores name, and whether another controller is at work. */
  readonly externalSecrets: Pick<ExternalSecretSource, "list" | "onDependencyChange">;
  readonly readPath: Pick<ReadPath, "storeStatus">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "storeValidated" | "forgetStore">;
  readonly log: Log;
  readonly isOurClass: ClassRule;
  /** Statuses that another controller keeps are written all the same. */
  readonly takeOver: boolean;
  /** Between two validations of a store that names no `refreshInterval`. */
  readonly intervalMs: number;
}

export interface SettledStore {
  readonly key: StoreKey;
  readonly ready: boolean;
  readonly message: string;
}

export interface StoreValidation {
  start(): void;
  /** Starts nothing more and ends what runs. */
  stop(): Promise<void>;
  /** Validates every store once. For a run without a loop. */
  settleOnce(): Promise<readonly SettledStore[]>;
  idle(): boolean;
}

/** One store's check, login and all. */
const limitMs = 20_000;
const concurrency = 16;
const shortestIntervalMs = 10_000;

export function createStoreValidation(deps: StoreValidationDeps): StoreValidation {
  return new ValidationLoop(deps);
}

/** What is known of a store between two validations. */
interface Known {
  readonly key: StoreKey;
  failures: number;
  ready: boolean;
  message: string;
}

class ValidationLoop implements StoreValidation {
  readonly #deps: StoreValidationDeps;
  readonly #known = new Map<string, Known>();
  readonly #queue: Queue;
  readonly #end = new AbortController();
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: StoreValidationDeps) {
    this.#deps = deps;
    this.#queue = createQueue({ clock: deps.clock, concurrency, laneOf: () => "", work: (id) => this.#work(id) });
  }

  start(): void {
    const { stores, externalSecrets } = this.#deps;
    this.#unsubscribe = [
      stores.onChange((key) => this.#add(key, 0, "changed")),
      // A store that changed itself is told by `stores`, and no policy matters here.
      externalSecrets.onDependencyChange(({ store }) => void (store ?? this.#tryFailedAgain())),
    ];
    for (const { key } of stores.list()) this.#add(key, 0, "first");
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
    this.#end.abort(new Error("validation stops"));
    await this.#queue.stop();
  }

  async settleOnce(): Promise<readonly SettledStore[]> {
    const items = this.#deps.stores.list().filter((item) => this.#isOurs(item));
    await Promise.all(
      items.map(({ key }) => {
        const ran = this.#queue.afterRun(idOf(key));
        this.#add(key, 0, "first");
        return ran;
      }),
    );
    return items.map(({ key }) => {
      const { ready = false, message = "not validated: the run was ended before its turn" } =
        this.#known.get(idOf(key)) ?? {};
      return { key, ready, message };
    });
  }

  idle(): boolean {
    return this.#queue.idle;
  }

  async #work(id: string): Promise<void> {
    const known = this.#known.get(id);
    const item = known && this.#deps.stores.get(known.key);
    if (!known) return;
    if (!item || !this.#isOurs(item)) return this.#forget(known);
    try {
      await this.#validate(known, item);
    } catch (thrown) {
      if (this.#end.signal.aborted) return;
      const { code } = toFailure(thrown);
      this.#deps.log.warn("store not validated", { store: id, code });
      this.#add(item.key, this.#retryMs(known, item), "periodic");
    }
  }

  async #validate(known: Known, item: StoreItem): Promise<void> {
    const { clock, metrics, statuses } = this.#deps;
    const begunAtMs = clock.monotonicMs();
    const status = await this.#check(item);
    // Nothing was learnt about the store.
    if (status.failure?.code === "kube_unavailable") throw status.failure;
    const before = await statuses.read(item.key, this.#end.signal);
    const next = storeStatusAfter(before, verdictOf(item, status), clock.nowMs());
    const { status: ready, message } = next.ready!;
    Object.assign(known, { ready: ready === "True", message });
    metrics.storeValidated(item.key, ready, (clock.monotonicMs() - begunAtMs) / 1_000);
    // It went, or became another's, in the meantime.
    const current = this.#deps.stores.get(item.key);
    if (!current || !this.#isOurs(current)) return this.#forget(known);
    await this.#put(item, before, next);
    this.#add(item.key, this.#waitMs(known, item, status.failure), "periodic");
  }

  #check({ key }: StoreItem): Promise<StoreStatus> {
    const { clock, readPath } = this.#deps;
    return withDeadline(this.#end.signal, limitMs, clock, idOf(key), (signal) =>
      readPath.storeStatus(key, key.namespace, signal),
    );
  }

  async #put(item: StoreItem, before: StoreObjectStatus | undefined, next: StoreObjectStatus): Promise<void> {
    const { statuses, events, log } = this.#deps;
    if (isSameStatus(before, next) || this.#isKeptByAnother(item)) return;
    await statuses.write(item.key, next, this.#end.signal);
    const { status, reason, message } = next.ready!;
    if (before?.ready && saysSame(before.ready, next.ready!)) return;
    events.emit(item.key, reason === "Valid" ? "Normal" : "Warning", reason, message);
    const fields = { store: idOf(item.key), reason, message };
    if (status === "True") log.info("store validated", fields);
    else log.warn("store is not ready", fields);
  }

  /** Another controller wrote the status last, and lives: two that keep one condition would write in turn for ever. */
  #isKeptByAnother({ statusWriter, ...item }: StoreItem): boolean {
    const { takeOver, clock, externalSecrets } = this.#deps;
    if (takeOver || !statusWriter?.newest) return false;
    const nowMs = clock.nowMs();
    return statusWriter.atMs + 2 * this.#intervalMs(item) > nowMs || anotherSyncs(externalSecrets.list(), nowMs);
  }

  #isOurs(item: StoreItem): boolean {
    return this.#deps.isOurClass(controllerOf(item));
  }

  #intervalMs({ parsed }: Pick<StoreItem, "parsed">): number {
    const ownMs = parsed.ok ? parsed.value.refreshIntervalMs : 0;
    return ownMs > 0 ? Math.max(ownMs, shortestIntervalMs) : this.#deps.intervalMs;
  }

  #waitMs(known: Known, item: StoreItem, failure: Failure | undefined): number {
    // A refused login is not hurried: stores lock accounts for that.
    const isOutage = failure?.handling.class === "unavailable" && failure.code !== "store_login_denied";
    // What is missing in the cluster is often applied a moment later, and asking for it does not reach the store.
    if (isOutage || failure?.code === "credential_missing") return this.#retryMs(known, item, failure.retryAfterMs);
    known.failures = 0;
    // Stores that were validated together at the start are spread from then on.
    return untilInstantMs(idOf(item.key), this.#intervalMs(item), this.#deps.clock.nowMs());
  }

  #retryMs(known: Known, item: StoreItem, retryAfterMs = 0): number {
    return Math.min(Math.max(backoffMs(++known.failures), retryAfterMs), this.#intervalMs(item));
  }

  #tryFailedAgain(): void {
    for (const { key, ready } of this.#known.values()) if (!ready) this.#add(key, 0, "periodic");
  }

  #forget({ key }: Known): void {
    this.#known.delete(idOf(key));
    this.#queue.drop(idOf(key));
    this.#deps.metrics.forgetStore(key);
  }

  #add(key: StoreKey, inMs: number, urgency: Urgency): void {
    const id = idOf(key);
    if (!this.#known.has(id)) this.#known.set(id, { key, failures: 0, ready: true, message: "" });
    this.#queue.add(id, this.#deps.clock.monotonicMs() + inMs, urgency);
  }
}

function idOf(key: StoreKey): string {
  return storeName(key, key.namespace);
}
