/** What a service can do beside reading one thing: list, read several at once, and say that nothing changed. */
import { Failure } from "../../core/failure.ts";
import type { BatchAbility, FindAbility, Located, Store, StoreAnswer } from "../contract.ts";
import type { Calling } from "./calling.ts";
import type { AwsConfig } from "./config.ts";
import { foundAmong, locateList, narrow } from "./find.ts";
import type { AwsSession } from "./reads.ts";
import type { Refusal } from "./request-handler.ts";

export function createFind(config: AwsConfig, calling: Calling): FindAbility<AwsSession> {
  return {
    by: ["path", "name", "tags"],
    locate: (wish) => locateList(config, wish),
    async list(wish, { reads }, signal) {
      const narrowed = narrow(config, wish);
      const ask = calling.forMany(`the list of "${narrowed.within}*"`, "find.path and find.tags", signal);
      return foundAmong((await reads.list?.(narrowed, ask, signal)) ?? [], config, wish);
    },
  };
}

type Outcome = StoreAnswer | Refusal | undefined;

/** `most`: names in one call. */
export function createBatch(most: number, calling: Calling): BatchAbility<AwsSession> {
  const outcomeOf = (located: Located, outcome: Outcome, action: string): StoreAnswer | Failure => {
    if (outcome === undefined)
      return new Failure("answer_invalid", `aws said nothing of "${located.address}" when asked for several at once`);
    return "says" in outcome ? calling.refusalAbout(located, action, outcome) : outcome;
  };
  return {
    most,
    // Such a call answers with current values alone, or does not tell a missing version from a missing name; and it
    // answers by name, which an ARN is not.
    takes: ({ address, arguments: args, version }) => args === "" && version === "" && !address.startsWith("arn:"),
    async fetch(located, { reads }, signal) {
      const names = [...new Set(located.map(({ address }) => address))];
      const ask = calling.forMany("a read of several at once", "their keys", signal);
      const outcomes = await reads.together?.(names, ask, signal);
      return located.map((one) => outcomeOf(one, outcomes?.get(one.address), reads.value.action));
    },
  };
}

export function createRefetch(
  read: Store<AwsSession>["fetch"],
  calling: Calling,
): NonNullable<Store<AwsSession>["refetch"]> {
  return async (located, validator, session, signal) => {
    const { unchanged } = session.reads;
    const isSame =
      unchanged && (await calling.about(located, unchanged, () => unchanged.run(located, validator, signal), signal));
    return isSame === true ? "unchanged" : read(located, session, signal);
  };
}
