/** A mirror of objects: what is held, who is told, how it is doing, and the loop that keeps it so. */
import type { Log } from "../../observe/log.ts";
import type { Mirror, MirrorChange, MirrorOptions } from "../contract.ts";
import { follow } from "./follow.ts";
import type { Following } from "./follow.ts";
import { createHolding, keyText } from "./holding.ts";
import { createMirrorState } from "./mirror-state.ts";
import { plainName } from "./path.ts";

export type MirrorDeps = Following<unknown>["deps"] & { readonly log: Log };

export function createMirror<T>(deps: MirrorDeps, options: MirrorOptions<T>): Mirror<T> {
  const { clock, log } = deps;
  const kind = plainName(options.kind);
  const listeners = new Set<(change: MirrorChange<T>) => void>();
  const tell = (change: MirrorChange<T>): void => {
    for (const listener of [...listeners]) {
      try {
        listener(change);
      } catch (thrown) {
        const reason = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
        log.error("a listener of watched objects failed", { kind, ...change.entry.key, reason });
      }
    }
  };
  const holding = createHolding<T>({
    keep: options.keep,
    keepManagedFields: options.managedFields ?? false,
    onUnkept(key, thrown) {
      const reason = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
      log.error("a watched object could not be taken in", { kind, ...key, reason });
    },
    onChange: tell,
  });
  const synced = Promise.withResolvers<void>();
  const state = createMirrorState(log, kind, () => clock.monotonicMs());
  const ended = new AbortController();
  const running = follow({ deps, options, holding, state, onSynced: () => synced.resolve() }, ended.signal);
  return {
    get: (key) => holding.entries.get(keyText(key)),
    entries: () => holding.entries.values(),
    get size() {
      return holding.entries.size;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    synced: synced.promise,
    health: state.health,
    async stop() {
      ended.abort(new Error("the mirror was stopped"));
      await running;
    },
  };
}
