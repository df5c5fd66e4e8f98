/** What a session reads with: the calls of one service, and the pieces of their answers that both services share. */
import { canonicalJson } from "../../core/canonical-json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import { tagsArgument } from "./address.ts";
import { answerInvalid } from "./sdk.ts";

/** A call to a service: its name in metrics, the right that it takes, and the call itself. */
export interface ServiceCall {
  readonly name: string;
  readonly action: string;
  readonly run: (located: Located, signal: AbortSignal) => Promise<StoreAnswer>;
}

/** Holds the credentials in closures: nothing prints them. */
export interface ServiceReads {
  readonly value: ServiceCall;
  readonly tags: ServiceCall;
}

export function callFor(located: Located, reads: ServiceReads): ServiceCall {
  return located.arguments === tagsArgument ? reads.tags : reads.value;
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** The tags as one JSON object, sorted by key. */
export function tagsJson(tags: readonly Tag[] = []): SecretValue {
  const members = tags.map(({ Key: key, Value: value }) => {
    if (typeof key !== "string") throw answerInvalid("a tag without a key");
    return [key, value ?? ""] as const;
  });
  return SecretValue.fromText(canonicalJson(Object.fromEntries(members)));
}

/** AWS's id of the request, for audit; anything that does not look like one is left out. */
export function requestIdOf({ requestId: id }: { readonly requestId?: string | undefined }): { requestId?: string } {
  return typeof id === "string" && /^[A-Za-z0-9-]{1,64}$/.test(id) ? { requestId: id } : {};
}
