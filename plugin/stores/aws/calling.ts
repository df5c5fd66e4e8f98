/** How one store's calls go out: each counted under its name, each refusal told in the words for what was asked. */
import type { Failure } from "../../core/failure.ts";
import type { Located, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { AwsConfig } from "./config.ts";
import type { Ask, ServiceCall } from "./reads.ts";
import { callRefusal, readRefusal } from "./refusal.ts";
import type { Refusal } from "./request-handler.ts";
import { called } from "./sdk.ts";
import { services } from "./services.ts";

type CallName = Pick<ServiceCall, "name" | "action">;

export interface Calling {
  /** A call about one thing. Rejects with Failure, or with the signal's reason. */
  about<T>(located: Located, call: CallName, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What a refusal of that thing means. */
  refusalAbout(located: Located, action: string, refused: Refusal): Failure;
  /** Calls about many things. `what` they ask for, and which `knob` of a manifest they are made of, for messages. */
  forMany(what: string, knob: string, signal: AbortSignal): Ask;
}

export function createCalling(
  { service }: Pick<AwsConfig, "service">,
  { clock, countCall }: Pick<StoreDeps, "clock" | "countCall">,
): Calling {
  const { label } = services[service];
  const count: StoreDeps["countCall"] = (call, outcome) => countCall(call, outcome, label);
  const refusalAbout = (located: Located, action: string, refused: Refusal): Failure =>
    readRefusal(refused, located, { action, service }, clock);
  return {
    refusalAbout,
    async about(located, { name, action }, work, signal) {
      signal.throwIfAborted();
      return counted(name, count, () => called(work, (refused) => refusalAbout(located, action, refused), signal));
    },
    forMany: (what, knob, signal) => async (call, work) => {
      signal.throwIfAborted();
      const refusal = (refused: Refusal): Failure => {
        call.onRefused?.(refused);
        return callRefusal(refused, what, knob, { action: call.action, service }, clock);
      };
      return counted(call.name, count, () => called(work, refusal, signal));
    },
  };
}
