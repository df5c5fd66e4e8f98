/**
 * The loop of a mirror: list, watch from there, and again from wherever it broke off.
 *
 * Whatever the API server does ends in a new attempt: resumed from the last resourceVersion where that misses nothing,
 * else with a new list, of which only the differences count. Only the signal ends it.
 */
import { pause } from "../../core/deadline.ts";
import type { KubeApi, MirrorEntry, MirrorOptions } from "../contract.ts";
import { KubeFailure } from "../contract.ts";
import { createBackoff } from "./backoff.ts";
import { lost } from "./exchange.ts";
import type { ExchangeDeps, KubeCall } from "./exchange.ts";
import { keyText, nameOf } from "./holding.ts";
import type { Holding } from "./holding.ts";
import { listWhole } from "./list.ts";
import type { MirrorState } from "./mirror-state.ts";
import { collectionPath, plainName, selectionQuery, withQuery } from "./path.ts";
import { BrokenStream, SilentWatch, watchOnce } from "./watch.ts";
import type { WatchEvent } from "./watch.ts";

export interface Following<T> {
  readonly deps: ExchangeDeps & { readonly api: Pick<KubeApi, "listPage"> };
  readonly options: MirrorOptions<T>;
  readonly holding: Holding<T>;
  readonly state: MirrorState;
  /** After the first whole list was taken in. */
  readonly onSynced: () => void;
}

const defaultPageSize = 500;
/** The server ends a watch after this and up to as long again, so that watches do not all begin anew together. */
const shortestWatchSeconds = 300;
/** A watch that the server ends sooner than this without an event counts as a failure: no hot loop. */
const shortWatchMs = 1_000;
/** A stream that breaks so often in the same place has something there that no resuming passes. */
const patience = 2;

/** Resolves when the signal has aborted; never rejects. */
export async function follow<T>(following: Following<T>, signal: AbortSignal): Promise<void> {
  const { deps, options, state } = following;
  const what = `watch ${plainName(options.kind)}`;
  const backoff = createBackoff(deps.random);
  let from: string | undefined;
  let breaks = 0;
  while (!signal.aborted) {
    try {
      from ??= await relist(following, signal);
      const openedAtMs = deps.clock.monotonicMs();
      let eventful = false;
      for await (const event of watchOnce(deps, watchCall(what, deps, options, from), signal)) {
        if (event.type === "opened") {
          state.well();
          continue;
        }
        from = takeIn(following.holding, event);
        state.confirmed();
        backoff.reset();
        breaks = 0;
        eventful = true;
      }
      if (!eventful && deps.clock.monotonicMs() - openedAtMs < shortWatchMs)
        throw new KubeFailure(`${what}: the API server ended it at once`, { status: 0 });
      backoff.reset();
    } catch (thrown) {
      if (signal.aborted) return;
      const failure = lost(what, thrown);
      state.failed(failure);
      if (failure instanceof BrokenStream) breaks++;
      if (failure instanceof SilentWatch) backoff.reset();
      if (breaks > patience || losesPlace(failure)) {
        from = undefined;
        breaks = 0;
      }
      await pause(deps.clock, backoff.next(failure.retryAfterMs), signal).catch(() => undefined);
    }
  }
}

/** They say nothing of the place. An API server that is still starting answers 403 before it knows the roles. */
const keepsPlace: readonly number[] = [401, 403, 429];

/** True when resuming from the last resourceVersion is refused, or might miss something. */
function losesPlace(failure: KubeFailure): boolean {
  if (failure instanceof SilentWatch) return true;
  return failure.status >= 400 && failure.status <= 499 && !keepsPlace.includes(failure.status);
}

/** The resourceVersion to watch from. */
async function relist<T>(following: Following<T>, signal: AbortSignal): Promise<string> {
  const { deps, options, holding, state } = following;
  const spared = new Set<string>();
  const { items, resourceVersion } = await listWhole(
    deps.api,
    {
      ...options,
      pageSize: options.pageSize ?? defaultPageSize,
      keep(object): MirrorEntry<T> | undefined {
        const entry = holding.entryOf(object);
        if (!entry) spared.add(keyText(nameOf(object)));
        return entry;
      },
    },
    signal,
  );
  signal.throwIfAborted();
  holding.replaceAll(
    items.filter((entry) => entry !== undefined),
    spared,
  );
  state.listed();
  following.onSynced();
  return resourceVersion;
}

function watchCall<T>(what: string, deps: ExchangeDeps, options: MirrorOptions<T>, from: string): KubeCall {
  const query = {
    ...selectionQuery(options),
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: from,
    timeoutSeconds: Math.floor(shortestWatchSeconds * (1 + deps.random())),
  };
  return { method: "GET", path: withQuery(collectionPath(options.kind, options.namespace), query), what };
}

/** The resourceVersion from which nothing is missed any more. */
function takeIn<T>(holding: Holding<T>, event: Exclude<WatchEvent, { type: "opened" }>): string {
  if (event.type === "bookmark") return event.resourceVersion;
  if (event.type === "gone") holding.drop(nameOf(event.object));
  else {
    const entry = holding.entryOf(event.object);
    if (entry) holding.put(entry);
  }
  return event.object.metadata.resourceVersion ?? "";
}
