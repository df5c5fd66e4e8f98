/** Lists the names of items, page by page until the end. */
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonValue } from "../../core/json.ts";
import type { FindWish } from "../contract.ts";
import { answerInvalid } from "../json-answer.ts";
import { folderOf } from "./address.ts";
import { akeylessApi } from "./api.ts";
import type { Body } from "./api.ts";

/** One page of a listing, as JSON. */
export type Page = (body: Body) => Promise<JsonValue>;

/** Akeyless' pages have up to 1,000 items. */
const mostPages = 1_000;
/** What ESO finds: everything with a value but certificates. */
const types = ["static-secret", "dynamic-secret", "rotated-secret"];

/** Rejects as `page` does, and with Failure `answer_invalid`. */
export async function listNames(wish: FindWish, page: Page): Promise<readonly string[]> {
  const folder = folderOf(wish);
  // A tag of Akeyless is one text: the values of the wish are what an item must have, each of them.
  const tags = Object.values(wish.tags ?? {});
  const listings: ReadonlySet<string>[] = [];
  for (const tag of tags.length === 0 ? [""] : tags) listings.push(await listAll(folder, tag, page));
  const [first, ...others] = listings;
  return [...first!].filter(
    (name) => name.startsWith(folder) && others.every((names) => names.has(name)) && (wish.name?.matches(name) ?? true),
  );
}

async function listAll(folder: string, tag: string, page: Page): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const asked: Body = {
    type: types,
    "minimal-view": tag === "",
    ...(folder === "" ? {} : { filter: folder }),
    ...(tag === "" ? {} : { tag }),
  };
  const tokens = new Set<string>();
  for (let token = ""; ;) {
    const document = await page(token === "" ? asked : { ...asked, "pagination-token": token });
    for (const name of namesIn(document)) names.add(name);
    token = nextOf(document);
    if (token === "") return names;
    if (tokens.has(token)) throw answerInvalid("the same page of a listing twice", akeylessApi);
    if (tokens.size === mostPages)
      throw new Failure("answer_too_large", `the listing has more than ${mostPages} pages; narrow the find by path`);
    tokens.add(token);
  }
}

function namesIn(document: JsonValue): string[] {
  const items = isJsonObject(document) ? (document["items"] ?? []) : undefined;
  if (!Array.isArray(items)) throw answerInvalid("a listing without items", akeylessApi);
  return items.map((item) => {
    const name = isJsonObject(item) ? item["item_name"] : undefined;
    if (typeof name !== "string" || name === "") throw answerInvalid("an item without a name", akeylessApi);
    return name.startsWith("/") ? name : `/${name}`;
  });
}

function nextOf(document: JsonValue): string {
  const next = isJsonObject(document) ? document["next_page"] : undefined;
  return typeof next === "string" ? next : "";
}
