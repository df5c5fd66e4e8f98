/**
 * Kubernetes events (core/v1) on ExternalSecrets and stores.
 *
 * Telling must never hold up or break what is told about: events wait in a bounded queue, are sent one by one, and are
 * dropped and counted when the queue is full, the object has had its share, or the API server does not take them. One
 * that happens again is counted on the event that is there already.
 */
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../observe/log.ts";
import { KubeFailure, type KubeApi, type KubeObject, type ObjectName } from "./contract.ts";
import { apiVersionOf, events, ownManager } from "./resources.ts";
import type { ResourceKind } from "./contract.ts";
import { createShares } from "./event-shares.ts";

export interface EventTarget extends ObjectName {
  readonly kind: ResourceKind;
  readonly uid: string;
}

export interface EventQueue {
  /** Never throws. */
  add(target: EventTarget, type: "Normal" | "Warning", reason: string, message: string): void;
  /** Sends what waits, for as long as the signal allows. */
  close(signal: AbortSignal): Promise<void>;
}

export interface EventDeps {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  /** E.g. the pod's name. */
  readonly instance: string;
  /** Ends every request. */
  readonly ended: AbortSignal;
}

interface Waiting {
  readonly target: EventTarget;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
  /** How often it happened since it began to wait. */
  count: number;
}

/** An event that was sent, and how often it happened so far. */
interface Sent {
  readonly name: string;
  readonly lastMs: number;
  readonly count: number;
}

const waitingMax = 1_000;
const sentMax = 2_000;
/** Events live an hour unless the API server is told otherwise: after half of it a new one is made. */
const repeatMs = 30 * 60_000;
/** A full queue or a silent API server is told once in a while. */
const complainMs = 60_000;
const messageBytes = 1_024;

export function createEvents(deps: EventDeps): EventQueue {
  const { clock, log } = deps;
  /** By what makes two events the same one; oldest first. */
  const waiting = new Map<string, Waiting>();
  const sent = new LRUCache<string, Sent>({ max: sentMax });
  const shares = createShares(clock);
  const dropped = { count: 0, toldAtMs: -Infinity };
  let running: Promise<void> | undefined;
  let closed = false;

  function drop(reason: string): void {
    dropped.count++;
    if (clock.monotonicMs() - dropped.toldAtMs < complainMs) return;
    log.warn("events were dropped", { count: dropped.count, reason });
    Object.assign(dropped, { count: 0, toldAtMs: clock.monotonicMs() });
  }

  async function sendAll(): Promise<void> {
    for (const [id, event] of waiting) {
      waiting.delete(id);
      try {
        sent.set(id, await send(deps, event, sent.get(id)));
      } catch (thrown) {
        drop(thrown instanceof KubeFailure ? thrown.message : "the process ends");
      }
    }
    running = undefined;
  }

  return {
    add(target, type, reason, message) {
      const id = JSON.stringify([target.uid, target.name, type, reason, message]);
      const same = waiting.get(id);
      if (same) same.count++;
      else if (closed || waiting.size >= waitingMax) drop("too many events wait");
      else if (!shares.take(`${target.kind.kind}/${target.namespace}/${target.name}`)) drop("an object has too many");
      else waiting.set(id, { target, type, reason, message, atMs: clock.nowMs(), count: 1 });
      // Later, so that what is told in one go is counted together.
      running ??= Promise.resolve().then(sendAll);
    },
    async close(signal) {
      closed = true;
      const stop = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => stop.resolve(), { once: true });
      if (signal.aborted) stop.resolve();
      await Promise.race([running, stop.promise]);
      waiting.clear();
    },
  };
}

/** Resolves with the event as it is now. */
async function send(deps: EventDeps, event: Waiting, before: Sent | undefined): Promise<Sent> {
  const { api, ended } = deps;
  const namespace = event.target.namespace || "default";
  const nowMs = event.atMs;
  if (before && nowMs - before.lastMs < repeatMs) {
    const count = before.count + event.count;
    const patch = { count, lastTimestamp: rfc3339(nowMs) };
    const options = { type: "merge", fieldManager: ownManager } as const;
    try {
      await api.patch(events, { namespace, name: before.name }, patch, ended, options);
      return { name: before.name, lastMs: nowMs, count };
    } catch (thrown) {
      // It has outlived its time: a new one says it again.
      if (!(thrown instanceof KubeFailure && thrown.status === 404)) throw thrown;
    }
  }
  const object = eventObject(event, namespace, deps.instance);
  await api.create(events, object, ended, { fieldManager: ownManager });
  return { name: object.metadata.name, lastMs: nowMs, count: event.count };
}

function eventObject(event: Waiting, namespace: string, instance: string): KubeObject {
  const { target, type, reason, message, atMs, count } = event;
  const time = rfc3339(atMs);
  return {
    apiVersion: "v1",
    kind: events.kind,
    metadata: { namespace, name: eventName(target.name) },
    involvedObject: {
      apiVersion: apiVersionOf(target.kind),
      kind: target.kind.kind,
      ...(target.namespace !== "" && { namespace: target.namespace }),
      name: target.name,
      uid: target.uid,
    },
    type,
    reason,
    message: cut(message),
    source: { component: ownManager, host: instance },
    reportingComponent: ownManager,
    reportingInstance: instance,
    firstTimestamp: time,
    lastTimestamp: time,
    count,
  };
}

/** Object names may be as long as event names, so one is cut to make room for what makes it unique. */
function eventName(objectName: string): string {
  return `${objectName.slice(0, 253 - 17).replace(/[^a-z0-9]+$/, "")}.${randomBytes(8).toString("hex")}`;
}

/** The API server refuses more bytes. */
function cut(message: string): string {
  const bytes = Buffer.from(message, "utf8");
  if (bytes.length <= messageBytes) return message;
  return `${bytes.toString("utf8", 0, messageBytes - 6).replace(/\uFFFD+$/, "")}…`;
}

function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
