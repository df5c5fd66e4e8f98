/**
 * Single objects that are read when somebody asks for them, and kept for a minute: for what must not be listed.
 *
 * While the API server does not answer, what was read last stays in use. Equal requests at one time are one request.
 */
import { LRUCache } from "lru-cache";
import type { Clock } from "../core/clock.ts";
import { joinUnderSignal, withDeadline } from "../core/deadline.ts";
import { Failure } from "../core/failure.ts";
import type { KubeApi, KubeObject, ObjectName, ResourceKind } from "./contract.ts";
import { resourceName } from "./resources.ts";

export interface FetchedDeps {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** How long an object may serve that could not be read again. */
  readonly maxStaleMs: number;
  /** Ends every request. */
  readonly ended: AbortSignal;
}

export interface FetchedOptions<T> {
  readonly kind: ResourceKind;
  /** Undefined: as if there were no such object. */
  readonly keep: (object: KubeObject) => T | undefined;
  /**
   * Whether this state (empty: there is no object) is the newest, from somebody who follows the object: then age does
   * not count. Undefined: nobody does.
   */
  readonly isCurrent?: (name: ObjectName, resourceVersion: string) => boolean | undefined;
}

export interface Fetched<T> {
  /** Undefined when there is none. Rejects with Failure `kube_unavailable`. */
  get(name: ObjectName, signal: AbortSignal): Promise<T | undefined>;
  /** Is read anew at the next use; what is on its way already does not count. */
  forget(name: ObjectName): void;
  /** Of the state that is kept; empty for an object that was not there, undefined when nothing is kept. */
  versionOf(name: ObjectName): string | undefined;
}

const freshMs = 60_000;
/** An object that is missing is most often about to be made. */
const absentMs = 5_000;
/** After a request that failed, those who have something to go on with are not held up by another. */
const quietMs = 5_000;
/** How long somebody waits for news who has something to go on with. */
const patienceMs = 3_000;
const limitMs = 15_000;
const keptMax = 2_000;

interface Kept<T> {
  readonly value: T | undefined;
  /** Empty when there was no object. */
  readonly resourceVersion: string;
  /** Monotonic. */
  readonly readAtMs: number;
  failedAtMs: number;
}

export function createFetched<T>(
  { api, clock, maxStaleMs, ended }: FetchedDeps,
  { kind, keep, isCurrent }: FetchedOptions<T>,
): Fetched<T> {
  const kept = new LRUCache<string, Kept<T>>({ max: keptMax });
  const underway = new Map<string, Promise<Kept<T>>>();

  async function read(name: ObjectName): Promise<Kept<T>> {
    const readAtMs = clock.monotonicMs();
    const object = await withDeadline(ended, limitMs, clock, "this object", (signal) => api.get(kind, name, signal));
    const value = object && keep(object);
    return { value, resourceVersion: object?.metadata.resourceVersion ?? "", readAtMs, failedAtMs: -Infinity };
  }

  /** Once for all who ask at the same time. */
  function ask(id: string, name: ObjectName): Promise<Kept<T>> {
    const running = underway.get(id);
    if (running) return running;
    const asking: Promise<Kept<T>> = read(name)
      .then((fresh) => {
        // What was asked for before forget is for those who wait, and for nobody after them.
        if (underway.get(id) === asking) kept.set(id, fresh);
        return fresh;
      })
      .finally(() => {
        if (underway.get(id) === asking) underway.delete(id);
      });
    underway.set(id, asking);
    // Everybody may have left before it fails.
    asking.catch(() => undefined);
    return asking;
  }

  function isFresh(name: ObjectName, { value, resourceVersion, readAtMs }: Kept<T>): boolean {
    const ageMs = clock.monotonicMs() - readAtMs;
    return isCurrent?.(name, resourceVersion) ?? ageMs < (value === undefined ? absentMs : freshMs);
  }

  async function again(id: string, name: ObjectName, old: Kept<T>, signal: AbortSignal): Promise<Kept<T>> {
    const nowMs = clock.monotonicMs();
    if (nowMs - old.failedAtMs < quietMs) return old;
    try {
      return await withDeadline(signal, patienceMs, clock, "this object", (bounded) =>
        joinUnderSignal(ask(id, name), bounded),
      );
    } catch {
      signal.throwIfAborted();
      old.failedAtMs = clock.monotonicMs();
      return old;
    }
  }

  return {
    async get(name, signal) {
      const id = idOf(name);
      const old = kept.get(id);
      if (old && isFresh(name, old)) return old.value;
      const mayServe = old?.value !== undefined && clock.monotonicMs() - old.readAtMs < maxStaleMs;
      const now = mayServe ? again(id, name, old, signal) : joinUnderSignal(ask(id, name), signal);
      try {
        return (await now).value;
      } catch (thrown) {
        signal.throwIfAborted();
        throw asOutage(thrown, `${resourceName(kind)} ${id}`);
      }
    },
    forget(name) {
      kept.delete(idOf(name));
      underway.delete(idOf(name));
    },
    versionOf: (name) => kept.peek(idOf(name))?.resourceVersion,
  };
}

function idOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

function asOutage(thrown: unknown, what: string): unknown {
  const isTimeout = thrown instanceof Failure && thrown.code === "store_timeout";
  return isTimeout ? new Failure("kube_unavailable", `get ${what}: the API server does not answer in time`) : thrown;
}
