/**
 * One status file an object: `OUT/status/<kind>/<namespace>/<name>.yaml`, cluster kinds without the namespace.
 *
 * Read from the disk once, then held here: an edit by hand says nothing and goes with the next write. Writes of one file
 * follow each other, and only a changed text is written.
 */
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { toFailure } from "../core/failure.ts";
import type { Log } from "../observe/log.ts";
import type { EventSink, ExternalSecretStatus, ObjectKey, StatusStore, StoreKey } from "../sync/ports.ts";
import type { StoreEventSink, StoreStatuses } from "../sync/stores/ports.ts";
import { objectId } from "./manifest-object.ts";
import { removeFile, replaceFile } from "./replace-file.ts";
import { listFolder, readText } from "./secret-shelf.ts";
import { parseStatus, statusYaml, withEvent, type StatusCondition, type StatusDocument } from "./status-document.ts";
import { Turns } from "./turns.ts";

export interface StatusDeps {
  /** The output folder, absolute. */
  readonly out: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A condition without its time: that is when its status last changed. */
export type ConditionNow = Omit<StatusCondition, "lastTransitionTime">;

const empty: StatusDocument = { conditions: [], events: [] };
const fileMode = 0o644;
const ending = ".yaml";

export class StatusFiles implements StatusStore, EventSink {
  readonly #deps: StatusDeps;
  readonly #documents = new Map<string, StatusDocument | undefined>();
  readonly #turns = new Turns();
  /** Objects that are gone: a late event must not bring their file back. */
  readonly #forgotten = new Set<string>();

  constructor(deps: StatusDeps) {
    this.#deps = deps;
  }

  async read(key: ObjectKey): Promise<ExternalSecretStatus | undefined> {
    this.#forgotten.delete(idOf(key));
    const document = await this.#turns.take(idOf(key), () => this.#load(idOf(key)));
    if (!document) return undefined;
    const { events: _, capabilities: _of, conditions, ...others } = document;
    return { ...others, conditions: conditions.filter(isExternalSecretCondition) };
  }

  write(key: ObjectKey, status: ExternalSecretStatus): Promise<void> {
    this.#forgotten.delete(idOf(key));
    return this.#update(idOf(key), (before) => ({ ...status, events: before.events }));
  }

  forget(key: ObjectKey): Promise<void> {
    return this.remove(idOf(key));
  }

  emit(key: ObjectKey, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#emitOn(idOf(key), type, reason, message);
  }

  /** The same for stores. */
  readonly stores: StoreStatuses & StoreEventSink = {
    read: async (key) => {
      const id = storeIdOf(key);
      this.#forgotten.delete(id);
      const document = await this.#turns.take(id, () => this.#load(id));
      const ready = document?.conditions.find(({ type }) => type === "Ready");
      return document && { ...(ready && { ready: { ...ready, type: "Ready" } }), ...capabilitiesOf(document) };
    },
    write: (key, { ready, capabilities }) => {
      const id = storeIdOf(key);
      // Its manifest went while it was validated.
      if (this.#forgotten.has(id)) return Promise.resolve();
      return this.#update(id, (before) => {
        const others = before.conditions.filter(({ type }) => type !== "Ready");
        const conditions = ready ? [ready, ...others] : others;
        return { ...(capabilities && { capabilities }), conditions, events: before.events };
      });
    },
    emit: (key, type, reason, message) => this.#emitOn(storeIdOf(key), type, reason, message),
  };

  #emitOn(id: string, type: "Normal" | "Warning", reason: string, message: string): void {
    if (this.#forgotten.has(id)) return;
    const event = { time: this.#now(), type, reason, message };
    this.#update(id, (before) => ({ ...before, events: withEvent(before.events, event) })).catch((thrown: unknown) =>
      this.#logFailure("an event was dropped", id, thrown),
    );
  }

  /** Sets one condition of a file or object; undefined takes it away, and the status file with it when it was all. */
  setCondition(id: string, type: string, now: ConditionNow | undefined): Promise<void> {
    return this.#update(id, (before) => {
      const old = before.conditions.find((one) => one.type === type);
      const others = before.conditions.filter((one) => one !== old);
      if (!now) return others.length + before.events.length === 0 ? undefined : { ...before, conditions: others };
      const lastTransitionTime = old?.status === now.status ? old.lastTransitionTime : this.#now();
      return { ...before, conditions: [...others, { ...now, lastTransitionTime }] };
    });
  }

  /** The object is gone, and its status goes with it. */
  remove(id: string): Promise<void> {
    this.#forgotten.add(id);
    return this.#update(id, () => undefined);
  }

  /** Ids below one kind that have a file: left by an earlier run, or written by this one. */
  async ids(kind: string): Promise<readonly string[]> {
    const found: string[] = [];
    const visit = async (id: string): Promise<void> => {
      for (const entry of await listFolder(join(this.#deps.out, "status", id)))
        if (entry.endsWith(ending)) found.push(`${id}/${entry.slice(0, -ending.length)}`);
        else await visit(`${id}/${entry}`);
    };
    await visit(kind);
    return found;
  }

  async close(): Promise<void> {
    await this.#turns.ended();
  }

  #update(id: string, change: (before: StatusDocument) => StatusDocument | undefined): Promise<void> {
    return this.#turns.take(id, async () => {
      const after = change((await this.#load(id)) ?? empty);
      const path = this.#pathOf(id);
      const text = await readText(path, `status/${id}${ending}`);
      if (after) {
        const next = statusYaml(after);
        if (next !== text) await replaceFile({ out: this.#deps.out, path }, next, fileMode);
      } else if (text !== undefined) await removeFile({ out: this.#deps.out, path });
      this.#documents.set(id, after);
    });
  }

  async #load(id: string): Promise<StatusDocument | undefined> {
    if (this.#documents.has(id)) return this.#documents.get(id);
    const text = await readText(this.#pathOf(id), `status/${id}${ending}`);
    const document = text === undefined ? undefined : parseStatus(text);
    this.#documents.set(id, document);
    return document;
  }

  #pathOf(id: string): string {
    return join(this.#deps.out, "status", id + ending);
  }

  #now(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, "Z");
  }

  #logFailure(sentence: string, id: string, thrown: unknown): void {
    const { code, message } = toFailure(thrown);
    this.#deps.log.warn(sentence, { file: `status/${id}${ending}`, code, message });
  }
}

/** Says that several files define an object whose status somebody else writes. */
export const duplicateType = "Duplicate";

function idOf({ namespace, name }: ObjectKey): string {
  return objectId("ExternalSecret", namespace, name);
}

function storeIdOf({ kind, namespace, name }: StoreKey): string {
  return objectId(kind, namespace, name);
}

function capabilitiesOf({ capabilities }: StatusDocument): Pick<StatusDocument, "capabilities"> {
  return capabilities ? { capabilities } : {};
}

function isExternalSecretCondition(
  condition: StatusCondition,
): condition is StatusCondition & { readonly type: "Ready" | "Paused" } {
  return condition.type === "Ready" || condition.type === "Paused";
}
