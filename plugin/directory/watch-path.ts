/**
 * Watches a file or a folder tree with chokidar and calls back once things have settled.
 *
 * Events are hints to look again, never facts: editors, renames and swapped projected volumes all arrive as several of
 * them. Where watching fails (too many watches, a network mount) it looks again every few seconds instead.
 */
import { watch } from "chokidar";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../observe/log.ts";
import { errnoOf } from "./replace-file.ts";

export interface WatchDeps {
  readonly clock: Clock;
  readonly log: Log;
}

export interface WatchOptions {
  readonly ignored?: (path: string) => boolean;
  readonly followSymlinks?: boolean;
}

export interface PathWatch {
  /** From here on nothing is missed. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** From the first event on: long enough for a burst, short enough to be felt as at once. */
const settleMs = 50;
const lookAgainMs = 5_000;

/**
 * `onChange` gets the paths that events named since the last call, or undefined when it is unknown what changed.
 * `path` may be created later.
 */
export function watchPath(
  path: string,
  { clock, log }: WatchDeps,
  onChange: (changed: ReadonlySet<string> | undefined) => void,
  { ignored = () => false, followSymlinks = true }: WatchOptions = {},
): PathWatch {
  let changed = new Set<string>();
  let cancelSettle: (() => void) | undefined;
  let cancelLookAgain: (() => void) | undefined;
  const watcher = watch(path, {
    ignoreInitial: true,
    ignored,
    followSymlinks,
    atomic: false,
    ignorePermissionErrors: true,
  });
  const settle = (): void => {
    cancelSettle = undefined;
    const found = changed;
    changed = new Set();
    onChange(found);
  };
  const lookAgain = (): void => {
    cancelLookAgain = clock.after(lookAgainMs, lookAgain);
    onChange(undefined);
  };
  watcher.on("all", (_event, at) => {
    changed.add(at);
    cancelSettle ??= clock.after(settleMs, settle);
  });
  watcher.on("error", (thrown) => {
    log.warn("a path cannot be watched, it is looked at every few seconds", {
      file: path,
      code: errnoOf(thrown) ?? "unknown",
      inMs: lookAgainMs,
    });
    cancelLookAgain ??= clock.after(lookAgainMs, lookAgain);
  });
  return {
    ready: new Promise((resolve) => void watcher.once("ready", resolve)),
    async close() {
      cancelSettle?.();
      cancelLookAgain?.();
      await watcher.close();
    },
  };
}
