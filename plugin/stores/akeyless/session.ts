/** What a login to Akeyless gives. */
import type { Session } from "../contract.ts";
import type { Call } from "./api.ts";
import type { KnownItems } from "./known-items.ts";

export interface AkeylessSession extends Session {
  /** Shows this session's token; nothing else has it. */
  readonly call: Call;
  readonly items: KnownItems;
}
