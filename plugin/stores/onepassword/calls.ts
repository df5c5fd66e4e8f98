/**
 * Connect's API as one token sees it, one method for each call. Nothing of an answer reaches a path but ids whose shape
 * was checked: the paths that Connect offers for files are not followed.
 */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";
import { answerJson } from "../json-answer.ts";
import { requestIdOf } from "../request-id.ts";
import { connect, readItem, readListing, readVaults } from "./answer.ts";
import type { Item, ListedItem, Vault } from "./answer.ts";
import { loginRefusal, readRefusal, says } from "./refusal.ts";

/** Reject with Failure as a Store's `login` and `fetch` do. Holds the token in a closure: nothing prints it. */
export interface ConnectCalls {
  /** Those that the token may see. */
  vaults(signal: AbortSignal): Promise<readonly Vault[]>;
  /** Of one vault; with a title, those that Connect takes to have it. */
  items(vault: Vault, title: string | undefined, signal: AbortSignal): Promise<readonly ListedItem[]>;
  /** Undefined when the vault has no such item. */
  item(vault: Vault, id: string, signal: AbortSignal): Promise<ReadItem | undefined>;
  /** The bytes of a file; undefined when it is gone. */
  file(vault: Vault, item: string, file: string, signal: AbortSignal): Promise<SecretValue | undefined>;
}

export interface ReadItem {
  readonly item: Item;
  readonly request: { readonly requestId?: string };
}

export interface CallDeps {
  readonly send: HttpSend;
  readonly clock: Clock;
  readonly countCall: StoreDeps["countCall"];
}

/** `bearer`: the Authorization header. */
export function openCalls(host: string, bearer: SecretValue, { send, clock, countCall }: CallDeps): ConnectCalls {
  const ask = (path: string, accept: string, signal: AbortSignal): Promise<HttpAnswer> =>
    send({ method: "GET", url: new URL(`${host}/v1/${path}`), headers: { accept, authorization: bearer } }, signal);
  const askJson = (path: string, signal: AbortSignal): Promise<HttpAnswer> => ask(path, "application/json", signal);

  return {
    vaults: (signal) =>
      counted("GetVaults", countCall, async () => {
        const answer = await askJson("vaults", signal);
        if (answer.status !== 200) throw loginRefusal(answer, clock);
        return readVaults(listing(answer));
      }),
    items: (vault, title, signal) =>
      counted(title === undefined ? "GetItems" : "GetItemsByTitle", countCall, async () => {
        const answer = await askJson(`vaults/${vault.id}/items${filter(title)}`, signal);
        if (answer.status !== 200) throw readRefusal(answer, `the items of vault ${JSON.stringify(vault.name)}`, clock);
        return readListing(listing(answer));
      }),
    item: (vault, id, signal) =>
      counted("GetItem", countCall, async () => {
        const answer = await askJson(`vaults/${vault.id}/items/${id}`, signal);
        if (says(answer, "item")) return undefined;
        if (answer.status !== 200)
          throw readRefusal(answer, `the item ${id} of vault ${JSON.stringify(vault.name)}`, clock);
        return { item: readItem(answerJson(answer, connect), id), request: requestIdOf(answer.headers) };
      }),
    file: (vault, item, file, signal) =>
      counted("GetFileContent", countCall, async () => {
        const answer = await ask(`vaults/${vault.id}/items/${item}/files/${file}/content`, "*/*", signal);
        if (says(answer, "file") || says(answer, "item")) return undefined;
        if (answer.status !== 200)
          throw readRefusal(answer, `a file of the item ${item} of vault ${JSON.stringify(vault.name)}`, clock);
        return answer.body;
      }),
  };
}

/** An object in place of a list is an error of some gateway: only a list may say that there is nothing. */
function listing(answer: HttpAnswer) {
  const document = answerJson(answer, connect);
  if (Array.isArray(document) || document === null) return document;
  throw new Failure("answer_invalid", `1Password Connect answered with something that is no list; check connectHost`);
}

/** A title may hold anything, also what would end the text of the filter. */
function filter(title: string | undefined): string {
  return title === undefined ? "" : `?filter=${encodeURIComponent(`title eq ${JSON.stringify(title)}`)}`;
}
