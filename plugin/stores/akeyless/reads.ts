/**
 * Reads one item by the call of its kind.
 *
 * What an item is, its description tells, and a session asks for that once. It asks again when the value has changed, as
 * no call for a value tells its version, and when the call is refused, as the item may be of another kind by now.
 */
import { Failure } from "../../core/failure.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import type { ItemCalls } from "./item-calls.ts";
import type { Description } from "./items.ts";
import type { AkeylessSession } from "./session.ts";

type Fetch = (located: Located, session: AkeylessSession, signal: AbortSignal) => Promise<StoreAnswer>;

export function createFetch(calls: ItemCalls): Fetch {
  async function readAs(described: Description, ...[located, session, signal]: Parameters<Fetch>) {
    const answer = await calls.value(described, located, session, signal);
    if (located.version === "") session.items.learn(located.address, described, answer.value);
    return answer;
  }

  async function readKnown(known: Description, ...read: Parameters<Fetch>): Promise<StoreAnswer> {
    const [{ address, version }, { items }] = read;
    let answer: StoreAnswer;
    try {
      answer = await calls.value(known, ...read);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      const now = await calls.describe(...read);
      // Then it was not refused because of that.
      if (now.kind === known.kind) throw thrown;
      return readAs(now, ...read);
    }
    if (version !== "" || !known.kind.hasVersions || items.isNewest(address, answer.value)) return answer;
    const now = await calls.describe(...read);
    if (now.kind !== known.kind) return readAs(now, ...read);
    items.learn(address, now, answer.value);
    return { ...answer, version: now.lastVersion };
  }

  return async (...read) => {
    const [located, session] = read;
    const known = knownFor(located, session);
    try {
      return await (known ? readKnown(known, ...read) : readAs(await calls.describe(...read), ...read));
    } catch (thrown) {
      if (located.version === "" && isRefusal(thrown)) session.items.setApart(located.address);
      throw thrown;
    }
  };
}

/** Undefined also for a version that the item did not have when it was described. */
function knownFor({ address, version }: Located, { items }: AkeylessSession): Description | undefined {
  const known = items.of(address);
  return version === "" || (known && Number(version) <= Number(known.lastVersion)) ? known : undefined;
}

/** The store's word about this item, not an outage. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Failure && thrown.handling.class !== "unavailable";
}
