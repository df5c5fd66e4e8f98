/** The calls that reading items takes: what an item is, its value, the values of several static ones. */
import type { Clock } from "../../core/clock.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Located, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid, answerJson } from "../json-answer.ts";
import { requestIdOf } from "../request-id.ts";
import { akeylessApi } from "./api.ts";
import type { Body } from "./api.ts";
import { readDescription, readValue, staticKind } from "./items.ts";
import type { Description, ItemKind } from "./items.ts";
import { itemRefusal, togetherRefusal } from "./refusal.ts";
import type { AkeylessSession } from "./session.ts";

/** Reject with Failure as a Store's `fetch` does. */
export interface ItemCalls {
  /** The session learns it. */
  describe(located: Located, session: AkeylessSession, signal: AbortSignal): Promise<Description>;
  value(as: Description, located: Located, session: AkeylessSession, signal: AbortSignal): Promise<StoreAnswer>;
  /** The newest values of static items, in one object. Refused as a whole when one of them is. */
  values(names: readonly string[], session: AkeylessSession, signal: AbortSignal): Promise<Values>;
}

export interface Values {
  readonly document: JsonObject;
  readonly request: { readonly requestId?: string };
}

export interface ItemCallsDeps {
  readonly ignoreCache: boolean;
  readonly clock: Clock;
  readonly countCall: StoreDeps["countCall"];
}

export function createItemCalls({ ignoreCache, clock, countCall }: ItemCallsDeps): ItemCalls {
  const ask = (name: string, located: Located, send: () => Promise<HttpAnswer>): Promise<HttpAnswer> =>
    counted(name, countCall, async () => {
      const answer = await send();
      if (answer.status !== 200) throw itemRefusal(answer, located, clock);
      return answer;
    });
  const pastCache = ({ isCached }: ItemKind): Body => (ignoreCache && isCached ? { "ignore-cache": "true" } : {});

  return {
    async describe(located, { call, items }, signal) {
      const { address: name } = located;
      const answer = await ask("DescribeItem", located, () => call("describe-item", { name }, signal));
      const description = readDescription(answerJson(answer, akeylessApi), located);
      items.learn(name, description);
      return description;
    },
    async value(as, located, { call }, signal) {
      const { address, version } = located;
      const { kind } = as;
      const which: Body = version === "" ? {} : { version: Number(version) };
      const body = { ...kind.body(address), ...which, ...pastCache(kind) };
      const answer = await ask(kind.call, located, () => call(kind.operation, body, signal));
      const value = readValue(answerJson(answer, akeylessApi), located, as, clock.nowMs());
      return { ...value, ...requestIdOf(answer.headers) };
    },
    values: (names, { call }, signal) =>
      counted(staticKind.call, countCall, async () => {
        const body = { names, ...pastCache(staticKind) };
        const answer = await call(staticKind.operation, body, signal);
        if (answer.status !== 200) throw togetherRefusal(answer, clock);
        const document = answerJson(answer, akeylessApi);
        if (!isJsonObject(document)) throw answerInvalid("no values", akeylessApi);
        return { document, request: requestIdOf(answer.headers) };
      }),
  };
}
