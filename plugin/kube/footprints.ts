/**
 * Tells a change that this process made from one that somebody else made.
 *
 * The watch may report a write before its answer is here, so what it reports while a write is under way is judged when
 * the write has ended. In doubt a change counts as foreign.
 */
import { LRUCache } from "lru-cache";

/** What a write left behind. */
export type Footprint = { readonly resourceVersion: string } | { readonly goneUid: string };

export interface Footprints {
  /** Runs one write of an object. Writes of one object never overlap. */
  during<T>(id: string, write: () => Promise<T>, footprint: (result: T) => Footprint | undefined): Promise<T>;
  /** The watch reported this state of an object. */
  saw(id: string, state: Footprint): void;
}

/** Enough for every target of one process; a forgotten one costs a look at a Secret that is as it should be. */
const remembered = 20_000;

export function createFootprints(onForeign: (id: string) => void): Footprints {
  const versions = new LRUCache<string, string>({ max: remembered });
  const goneUids = new LRUCache<string, string>({ max: remembered });
  const underway = new Map<string, Footprint[]>();

  const isOwn = (id: string, state: Footprint): boolean =>
    "goneUid" in state ? goneUids.get(id) === state.goneUid : versions.get(id) === state.resourceVersion;
  const note = (id: string, left: Footprint): void => {
    if ("goneUid" in left) goneUids.set(id, left.goneUid);
    else versions.set(id, left.resourceVersion);
  };

  return {
    async during(id, write, footprint) {
      const seen: Footprint[] = [];
      underway.set(id, seen);
      try {
        const result = await write();
        const left = footprint(result);
        if (left) note(id, left);
        return result;
      } finally {
        if (underway.get(id) === seen) underway.delete(id);
        if (seen.some((state) => !isOwn(id, state))) onForeign(id);
      }
    },
    saw(id, state) {
      const waiting = underway.get(id);
      if (waiting) waiting.push(state);
      else if (!isOwn(id, state)) onForeign(id);
    },
  };
}
