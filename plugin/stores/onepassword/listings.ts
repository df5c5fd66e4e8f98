/**
 * The listings that find items by their titles: one of the whole vault where several are asked for in one turn of the
 * event loop, as the refs of one manifest are, else one filtered by the title.
 *
 * A listing is sent after all who share it have asked, so it is never older than their question; nobody joins one that
 * is under way, and none is kept.
 */
import { joinUnderSignal } from "../../core/deadline.ts";
import { Failure } from "../../core/failure.ts";
import type { ListedItem, Vault } from "./answer.ts";
import type { ConnectCalls } from "./calls.ts";

export interface Listings {
  /** Items of the vault: among them all that have this title. Rejects as ConnectCalls' `items` does. */
  withTitle(vault: Vault, title: string, signal: AbortSignal): Promise<readonly ListedItem[]>;
}

interface Gathering {
  /** One for each that waits. */
  readonly wishes: Set<{ readonly title: string }>;
  /** Undefined: each title is to be asked for by itself. */
  readonly listed: Promise<readonly ListedItem[] | undefined>;
  readonly control: AbortController;
}

/** So many items of a listing cost about as much as another call. */
const itemsPerCall = 50;

export function createListings(calls: Pick<ConnectCalls, "items">): Listings {
  /** By the vault's id. */
  const open = new Map<string, Gathering>();
  /** Items that the vault had when it was last listed, likewise. Infinity: its listing is not to be had. */
  const sizes = new Map<string, number>();

  function gather(vault: Vault): Gathering {
    const wishes: Gathering["wishes"] = new Set();
    const control = new AbortController();
    const listed = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      if (open.get(vault.id) === gathering) open.delete(vault.id);
      control.signal.throwIfAborted();
      return list(vault, [...new Set([...wishes].map(({ title }) => title))], control.signal);
    });
    // Everybody may have left before it fails.
    listed.catch(() => undefined);
    const gathering: Gathering = { wishes, listed, control };
    open.set(vault.id, gathering);
    return gathering;
  }

  async function list(
    vault: Vault,
    titles: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ListedItem[] | undefined> {
    if (titles.length === 1) return calls.items(vault, titles[0], signal);
    if ((sizes.get(vault.id) ?? vault.items) > titles.length * itemsPerCall) return undefined;
    try {
      const items = await calls.items(vault, undefined, signal);
      sizes.set(vault.id, items.length);
      return items;
    } catch (thrown) {
      // Too large, or spoilt by an item that nobody asks for.
      if (!(thrown instanceof Failure && thrown.handling.class === "invalid")) throw thrown;
      sizes.set(vault.id, Infinity);
      return undefined;
    }
  }

  return {
    async withTitle(vault, title, signal) {
      const known = open.get(vault.id);
      const gathering = known && !known.control.signal.aborted ? known : gather(vault);
      const wish = { title };
      gathering.wishes.add(wish);
      try {
        return (await joinUnderSignal(gathering.listed, signal)) ?? (await calls.items(vault, title, signal));
      } finally {
        gathering.wishes.delete(wish);
        if (gathering.wishes.size === 0) gathering.control.abort();
      }
    },
  };
}
