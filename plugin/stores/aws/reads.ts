/** What a session reads with: the calls of one service, and the pieces of their answers that services share. */
import { canonicalJson } from "../../core/canonical-json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, Session, StoreAnswer } from "../contract.ts";
import { tagsArgument } from "./address.ts";
import type { Narrowed } from "./find.ts";
import type { Refusal } from "./request-handler.ts";
import { answerInvalid } from "./sdk.ts";

/** A call to a service: its name in metrics, the right that it takes, and the call itself. */
export interface ServiceCall {
  readonly name: string;
  readonly action: string;
  readonly run: (located: Located, signal: AbortSignal) => Promise<StoreAnswer>;
}

/** One call of several, counted by its name; a refusal is told in the words for it. */
export type Ask = <T>(call: AskedCall, work: () => Promise<T>) => Promise<T>;

export interface AskedCall {
  readonly name: string;
  readonly action: string;
  /** Hears of a refusal before it is told. */
  readonly onRefused?: (refused: Refusal) => void;
}

/** Of several names in one call; one that the answer says nothing about is absent. */
export type Together = ReadonlyMap<string, StoreAnswer | Refusal>;

/** Holds the credentials in closures: nothing prints them. */
export interface ServiceReads {
  readonly value: ServiceCall;
  readonly tags?: ServiceCall;
  /** Full names, of which some may lie outside of what was asked for. */
  readonly list?: (narrowed: Narrowed, ask: Ask, signal: AbortSignal) => Promise<readonly string[]>;
  /** Current values by their names. */
  readonly together?: (names: readonly string[], ask: Ask, signal: AbortSignal) => Promise<Together>;
  /** Whether the answer with this validator is still the answer. */
  readonly unchanged?: ServiceQuestion;
}

export interface AwsSession extends Session {
  /** Reads as this session's identity, and holds its credentials. */
  readonly reads: ServiceReads;
}

interface ServiceQuestion {
  readonly name: string;
  readonly action: string;
  readonly run: (located: Located, validator: string, signal: AbortSignal) => Promise<boolean>;
}

export function callFor(located: Located, { value, tags }: ServiceReads): ServiceCall {
  return located.arguments === tagsArgument && tags ? tags : value;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** Far above what one find may list; bounds what a server that never ends can cost. */
const mostListed = 50_000;

/** Rejects as `page` does, and with Failure `answer_invalid` for pages without an end. */
export async function everyPage<T>(page: (token: string | undefined) => Promise<Page<T>>): Promise<readonly T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await page(token);
    if (next !== undefined && (next === token || all.length > mostListed)) throw answerInvalid("a list without an end");
    all.push(...items);
    token = next;
  } while (token !== undefined);
  return all;
}

/** Throws Failure `answer_invalid`. */
export function nameOf({ Name: name }: { readonly Name?: string | undefined }): string {
  if (typeof name !== "string" || name === "") throw answerInvalid("a list with something that has no name");
  return name;
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
