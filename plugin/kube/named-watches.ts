/**
 * One watch for each single object that somebody refers to, up to a number: tells when one of them changes. Nothing of
 * the object is kept but its version.
 */
import type { Clock } from "../core/clock.ts";
import { isDnsLabel, isDnsSubdomain } from "../core/names.ts";
import type { KubeClient, Mirror, MirrorChange, ObjectName, ResourceKind } from "./contract.ts";

export interface NamedWatches {
  /** Follows the object from now on, if there is room; not one whose name could not be one. */
  follow(kind: ResourceKind, name: ObjectName): void;
  /** Whether this version (empty: there is no object) is the newest; undefined where no living watch can tell. */
  confirms(kind: ResourceKind, name: ObjectName, resourceVersion: string): boolean | undefined;
  stop(): Promise<void>;
}

export interface NamedWatchDeps {
  readonly client: Pick<KubeClient, "mirror">;
  readonly clock: Clock;
  /** Also for each object of the first list. */
  readonly onChange: (kind: ResourceKind, change: MirrorChange<undefined>) => void;
  readonly most?: number;
}

interface Watch {
  readonly mirror: Mirror<undefined>;
  usedAtMs: number;
}

const mostWatches = 500;
/** A watch gives way to another only when nobody asked for its object for this long. */
const idleMs = 10 * 60_000;
/** Bookmarks come about once a minute. */
const silenceMs = 3 * 60_000;

export function createNamedWatches({ client, clock, onChange, most = mostWatches }: NamedWatchDeps): NamedWatches {
  /** Least recently used first. */
  const watches = new Map<string, Watch>();
  const ending = new Set<Promise<void>>();

  function makeRoom(): boolean {
    if (watches.size < most) return true;
    const [oldest] = watches;
    if (!oldest || clock.monotonicMs() - oldest[1].usedAtMs < idleMs) return false;
    watches.delete(oldest[0]);
    const end = oldest[1].mirror.stop().finally(() => ending.delete(end));
    ending.add(end);
    return true;
  }

  function open(kind: ResourceKind, { namespace, name }: ObjectName): Mirror<undefined> {
    const fieldSelector = `metadata.name=${name}`;
    const mirror = client.mirror({ kind, namespace, fieldSelector, keep: () => undefined });
    mirror.onChange((change) => onChange(kind, change));
    return mirror;
  }

  return {
    follow(kind, name) {
      const id = idOf(kind, name);
      const known = watches.get(id);
      if (!known && (!isDnsLabel(name.namespace) || !isDnsSubdomain(name.name) || !makeRoom())) return;
      watches.delete(id);
      watches.set(id, { mirror: known?.mirror ?? open(kind, name), usedAtMs: clock.monotonicMs() });
    },
    confirms(kind, name, resourceVersion) {
      const mirror = watches.get(idOf(kind, name))?.mirror;
      if (!mirror) return undefined;
      const { synced, freshAtMs, problem } = mirror.health();
      const isAlive = synced && !problem && clock.monotonicMs() - (freshAtMs ?? -Infinity) < silenceMs;
      return isAlive ? (mirror.get(name)?.resourceVersion ?? "") === resourceVersion : undefined;
    },
    async stop() {
      const mirrors = [...watches.values()].map(({ mirror }) => mirror.stop());
      watches.clear();
      await Promise.all([...mirrors, ...ending]);
    },
  };
}

function idOf({ plural }: ResourceKind, { namespace, name }: ObjectName): string {
  return `${plural}/${namespace}/${name}`;
}
