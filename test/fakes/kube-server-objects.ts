/**
 * The memory of the fake API server: objects of any resource, with uid, resourceVersion, generation, managedFields,
 * finalizers, garbage collection by owner, and the history that watches resume from. All versions of a group share
 * their objects.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { refused } from "./kube-server-answers.ts";
import { ownedAfter } from "./kube-server-fields.ts";
import type { Writer } from "./kube-server-fields.ts";
import { admitSecret } from "./kube-server-secrets.ts";
import type { Change, Preconditions, ResourceName, StoredMeta, StoredObject } from "./kube-server-types.ts";

export class KubeObjects {
  readonly history: Change[] = [];
  /** Called after each change. */
  readonly listeners = new Set<(change: Change) => void>();
  readonly #objects = new Map<string, Map<string, StoredObject>>();
  /** Far from 0, and digits change in length: nobody may count or compare texts. */
  #version = 995;

  get version(): string {
    return String(this.#version);
  }

  all(resource: ResourceName, namespace?: string): StoredObject[] {
    return [...this.#of(resource).values()]
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  find(resource: ResourceName, namespace: string, name: string): StoredObject | undefined {
    return this.#of(resource).get(`${namespace}/${name}`);
  }

  need(resource: ResourceName, namespace: string, name: string): StoredObject {
    const found = this.find(resource, namespace, name);
    if (!found) throw refused.missing(resource.plural, name);
    return found;
  }

  create(resource: ResourceName, wish: StoredObject, writer: Writer): StoredObject {
    const { generateName, ...meta } = wish.metadata;
    const name = meta.name ?? `${generateName ?? ""}${randomUUID().slice(0, 5)}`;
    const namespace = meta.namespace ?? "";
    if (this.find(resource, namespace, name)) throw refused.exists(resource.plural, name);
    const space = this.find({ group: "", plural: "namespaces" }, "", namespace);
    if (space?.metadata.deletionTimestamp) throw refused.terminating(resource.plural, name, namespace);
    const object: StoredObject = {
      ...structuredClone(wish),
      metadata: {
        ...structuredClone(meta),
        name,
        uid: randomUUID(),
        generation: 1,
        creationTimestamp: writer.time,
      },
    };
    delete object.metadata.deletionTimestamp;
    return this.#write("ADDED", resource, undefined, object, writer);
  }

  /** As PUT on the object or on one of its subresources: what is another endpoint's stays. */
  replace(resource: ResourceName, wish: StoredObject, writer: Writer): StoredObject {
    const { name, namespace = "", resourceVersion, uid } = wish.metadata;
    const before = this.need(resource, namespace, name);
    this.#check(resource, before, { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) });
    const now = structuredClone(writer.subresource === "status" ? { ...before, status: wish["status"] } : wish);
    if (writer.subresource === "" && (before["status"] ?? wish["status"]) !== undefined)
      now["status"] = structuredClone(before["status"]);
    if (now["status"] === undefined) delete now["status"];
    now.metadata = { ...now.metadata, ...kept(before.metadata) };
    if (!isDeepStrictEqual(before["spec"], now["spec"]))
      now.metadata.generation = (before.metadata.generation ?? 0) + 1;
    if (!isDeepStrictEqual(bare(before), bare(now))) return this.#change(resource, before, now, writer);
    return before;
  }

  remove(
    resource: ResourceName,
    namespace: string,
    name: string,
    writer: Writer,
    only: Preconditions = {},
  ): StoredObject {
    const before = this.need(resource, namespace, name);
    this.#check(resource, before, only);
    if ((before.metadata.finalizers ?? []).length === 0) return this.#drop(resource, before, writer);
    if (before.metadata.deletionTimestamp) return before;
    const now = structuredClone(before);
    now.metadata.deletionTimestamp = writer.time;
    return this.#write("MODIFIED", resource, before, now, writer);
  }

  #check({ plural }: ResourceName, { metadata }: StoredObject, only: Preconditions): void {
    const wrongUid = only.uid !== undefined && only.uid !== metadata.uid;
    const wrongVersion = only.resourceVersion !== undefined && only.resourceVersion !== metadata.resourceVersion;
    if (wrongUid || wrongVersion) throw refused.conflict(plural, metadata.name);
  }

  #change(resource: ResourceName, before: StoredObject, now: StoredObject, writer: Writer): StoredObject {
    const written = this.#write("MODIFIED", resource, before, now, writer);
    const freed = written.metadata.deletionTimestamp && (written.metadata.finalizers ?? []).length === 0;
    return freed ? this.#drop(resource, written, writer) : written;
  }

  #write(
    type: "ADDED" | "MODIFIED",
    resource: ResourceName,
    before: StoredObject | undefined,
    now: StoredObject,
    writer: Writer,
  ): StoredObject {
    if (resource.group === "" && resource.plural === "secrets") admitSecret(before, now);
    now.metadata.managedFields = ownedAfter(before, now, writer);
    now.metadata.resourceVersion = String(++this.#version);
    this.#of(resource).set(keyOf(now), now);
    this.#tell({ version: this.#version, type, resource, object: now, before });
    return now;
  }

  #drop(resource: ResourceName, before: StoredObject, writer: Writer): StoredObject {
    const object = structuredClone(before);
    object.metadata.resourceVersion = String(++this.#version);
    this.#of(resource).delete(keyOf(before));
    this.#tell({ version: this.#version, type: "DELETED", resource, object, before });
    this.#collect(before.metadata.uid!, writer);
    return object;
  }

  /** What the garbage collector does: objects whose last owner is gone go too. */
  #collect(uid: string, writer: Writer): void {
    for (const [text, objects] of this.#objects)
      for (const { metadata } of [...objects.values()]) {
        const owners = metadata.ownerReferences ?? [];
        if (owners.length === 0 || owners.some((owner) => owner.uid !== uid)) continue;
        const [group = "", plural = ""] = text.split("/");
        this.remove({ group, plural }, metadata.namespace ?? "", metadata.name, writer);
      }
  }

  #tell(change: Change): void {
    this.history.push(change);
    for (const listener of [...this.listeners]) listener(change);
  }

  #of({ group, plural }: ResourceName): Map<string, StoredObject> {
    const text = `${group}/${plural}`;
    const known = this.#objects.get(text) ?? new Map<string, StoredObject>();
    this.#objects.set(text, known);
    return known;
  }
}

function keyOf({ metadata }: StoredObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

/** What no writer changes. */
function kept({ uid, generation, creationTimestamp, deletionTimestamp }: StoredMeta): Partial<StoredMeta> {
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

function bare(object: StoredObject): object {
  const { resourceVersion: _version, managedFields: _fields, ...metadata } = object.metadata;
  return { ...object, metadata };
}
