/**
 * What a mirror holds, and the differences that lists and events make to it. No I/O, no time.
 *
 * Objects are compared by uid and resourceVersion: a list that says what is held already changes nothing.
 */
import type { KubeObject, MirrorChange, MirrorEntry, ObjectName } from "../contract.ts";

export interface Holding<T> {
  readonly entries: ReadonlyMap<string, MirrorEntry<T>>;
  /** The held entry when the object is unchanged, else a new one that is not held yet. */
  entryOf(object: KubeObject): MirrorEntry<T> | undefined;
  /** Takes in one object. */
  put(entry: MirrorEntry<T>): void;
  /** Lets go of one object, if it is held. */
  drop(key: ObjectName): void;
  /** Takes in a whole list: what it does not name is gone. `spared` are named without an entry and stay as they are. */
  replaceAll(listed: readonly MirrorEntry<T>[], spared: ReadonlySet<string>): void;
}

export interface HoldingDeps<T> {
  readonly keep: (object: KubeObject) => T;
  readonly keepManagedFields: boolean;
  /** `keep` threw. */
  readonly onUnkept: (key: ObjectName, thrown: unknown) => void;
  /** After the change is held. */
  readonly onChange: (change: MirrorChange<T>) => void;
}

export function keyText({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}

export function nameOf({ metadata }: KubeObject): ObjectName {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}

export function createHolding<T>({ keep, keepManagedFields, onUnkept, onChange }: HoldingDeps<T>): Holding<T> {
  const entries = new Map<string, MirrorEntry<T>>();
  const drop = (key: ObjectName): void => {
    const entry = entries.get(keyText(key));
    if (!entry) return;
    entries.delete(keyText(key));
    onChange({ type: "removed", entry });
  };
  const put = (entry: MirrorEntry<T>): void => {
    const text = keyText(entry.key);
    let before = entries.get(text);
    if (before === entry) return;
    if (before && before.uid !== entry.uid) {
      drop(entry.key);
      before = undefined;
    }
    entries.set(text, entry);
    onChange(before ? { type: "changed", entry, before } : { type: "added", entry });
  };
  return {
    entries,
    drop,
    put,
    entryOf(object) {
      const key = nameOf(object);
      const { uid = "", resourceVersion = "" } = object.metadata;
      const held = entries.get(keyText(key));
      if (held && held.uid === uid && held.resourceVersion === resourceVersion) return held;
      try {
        const value = keep(keepManagedFields ? object : withoutManagedFields(object));
        return { key, uid, resourceVersion, value };
      } catch (thrown) {
        onUnkept(key, thrown);
        return undefined;
      }
    },
    replaceAll(listed, spared) {
      const named = new Set(listed.map(({ key }) => keyText(key)));
      for (const [text, { key }] of [...entries]) if (!named.has(text) && !spared.has(text)) drop(key);
      for (const entry of listed) put(entry);
    },
  };
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
