/** What Connect's JSON answers mean: vaults, listed items, one item whole. Only what a read needs is taken over. */
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { answerInvalid } from "../json-answer.ts";
import { isId } from "./config.ts";

export const connect = { name: "1Password Connect", addressField: "connectHost" } as const;

export interface Vault {
  readonly id: string;
  readonly name: string;
  /** How many items it has; 0 also when the answer does not tell. */
  readonly items: number;
}

/** An item as listings show it. */
export interface ListedItem {
  readonly id: string;
  readonly title: string;
  /** Empty when the answer has none. */
  readonly version: string;
  readonly tags: readonly string[];
}

export interface Item {
  readonly id: string;
  readonly version: string;
  readonly category: string;
  readonly sections: readonly Labelled[];
  readonly fields: readonly Field[];
  readonly files: readonly File[];
}

export interface Labelled {
  readonly id: string;
  /** Empty when it has none. */
  readonly label: string;
}

export interface Field extends Labelled {
  /** Id of the section; empty when it is in none. */
  readonly section: string;
  readonly value: string;
}

export interface File {
  readonly id: string;
  readonly name: string;
}

/** The functions here throw Failure `answer_invalid`. */
export function readVaults(document: JsonValue): readonly Vault[] {
  return objects(document, "vaults").map((vault) => ({
    id: idOf(vault),
    name: text(vault, "name"),
    items: Number(wholeNumber(vault, "items")),
  }));
}

export function readListing(document: JsonValue): readonly ListedItem[] {
  return objects(document, "items").map((item) => ({
    id: idOf(item),
    title: text(item, "title"),
    version: wholeNumber(item, "version"),
    tags: array(item["tags"], "tags").map((tag) => {
      if (typeof tag !== "string") throw invalid("a tag that is no text");
      return tag;
    }),
  }));
}

/** `id`: the one that was asked for. */
export function readItem(document: JsonValue, id: string): Item {
  if (!isJsonObject(document)) throw invalid("an item that is no object");
  if (idOf(document) !== id) throw invalid("another item than was asked for");
  return {
    id,
    version: wholeNumber(document, "version"),
    category: text(document, "category"),
    sections: objects(document["sections"] ?? [], "sections").map(labelled),
    fields: objects(document["fields"] ?? [], "fields").map((field) => ({
      ...labelled(field),
      section: isJsonObject(field["section"]) ? text(field["section"], "id") : "",
      value: text(field, "value"),
    })),
    files: objects(document["files"] ?? [], "files").map((file) => {
      const id = text(file, "id");
      if (!/^[A-Za-z0-9]{1,64}$/.test(id)) throw invalid("a file whose id is none");
      return { id, name: text(file, "name") };
    }),
  };
}

function labelled(document: JsonObject): Labelled {
  return { id: text(document, "id"), label: text(document, "label") };
}

/** Ids become parts of paths. */
function idOf(document: JsonObject): string {
  const id = text(document, "id");
  if (!isId(id)) throw invalid("an id that is none");
  return id;
}

/** Go leaves out what is empty, so an absent member means the empty text. */
function text(document: JsonObject, member: string): string {
  const value = document[member] ?? "";
  if (typeof value !== "string") throw invalid(`${member} that is no text`);
  return value;
}

/** Empty when it is none. */
function wholeNumber(document: JsonObject, member: string): string {
  const number = document[member];
  return number !== undefined && isRawNumber(number) && /^\d{1,15}$/.test(number.rawJSON) ? number.rawJSON : "";
}

function objects(document: JsonValue, what: string): readonly JsonObject[] {
  return array(document, what).map((member) => {
    if (!isJsonObject(member)) throw invalid(`${what} that are no objects`);
    return member;
  });
}

/** Null is how Go writes an empty list. */
function array(document: JsonValue | undefined, what: string): readonly JsonValue[] {
  const list = document ?? [];
  if (!Array.isArray(list)) throw invalid(`${what} that are no list`);
  return list;
}

export function invalid(what: string) {
  return answerInvalid(what, connect);
}
