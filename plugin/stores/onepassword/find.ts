/**
 * Lists the fields and files of items by title, tags and labels. Of one name in several items the first counts, in the
 * order of the vaults.
 */
import { Failure } from "../../core/failure.ts";
import type { FindAbility, FindWish, Found } from "../contract.ts";
import { locateFind } from "./address.ts";
import type { Item, ListedItem, Vault } from "./answer.ts";
import { isId } from "./config.ts";
import type { ConnectSession } from "./login.ts";

/** Items read at one time: a vault of hundreds would take longer than an attempt may, one after the other. */
const atOnce = 8;

interface Candidate {
  readonly vault: Vault;
  readonly item: ListedItem;
  readonly key: string;
}

export const find: FindAbility<ConnectSession> = {
  by: ["path", "name", "tags"],
  locate: locateFind,
  async list(wish, session, signal) {
    const candidates = await itemsOf(wish, session, signal);
    const found = new Map<string, Found>();
    for (let i = 0; i < candidates.length; i += atOnce) {
      const group = candidates.slice(i, i + atOnce);
      const items = await Promise.all(group.map(({ vault, item }) => session.calls.item(vault, item.id, signal)));
      items.forEach((read, at) => {
        // Deleted since it was listed.
        if (!read) return;
        for (const part of partsOf(read.item, group[at]!.key, wish))
          if (!found.has(part.name)) found.set(part.name, part);
      });
    }
    return [...found.values()];
  },
};

async function itemsOf(
  { path, tags }: FindWish,
  { calls, vaults }: ConnectSession,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const wantedTags = Object.keys(tags ?? {});
  const candidates: Candidate[] = [];
  const titlesBefore = new Set<string>();
  for (const vault of vaults) {
    const listed = await calls.items(vault, path, signal);
    const items = path === undefined ? listed : listed.filter(({ title }) => title === path);
    const times = new Map<string, number>();
    for (const { title } of items) times.set(title, (times.get(title) ?? 0) + 1);
    for (const item of items)
      if (wantedTags.every((tag) => item.tags.includes(tag))) {
        // By its title, as policies name it, where that leads to this very item.
        const isClear = times.get(item.title) === 1 && !titlesBefore.has(item.title) && isTitleKey(item.title);
        candidates.push({ vault, item, key: isClear ? item.title : item.id });
      }
    for (const { title } of items) titlesBefore.add(title);
  }
  return candidates;
}

/** What `locate` takes for a title. */
function isTitleKey(title: string): boolean {
  return title.trim() !== "" && title.length <= 1_000 && !isId(title) && !/\p{Cc}/u.test(title) && title.isWellFormed();
}

function partsOf({ files, fields }: Item, key: string, { name }: FindWish): readonly Found[] {
  const isWanted = (text: string): boolean => text !== "" && (name?.matches(text) ?? true);
  const ofFiles = files.filter((file) => isWanted(file.name));
  const ofFields = fields.filter(({ label }) => isWanted(label));
  if (new Set(ofFields.map(({ label }) => label)).size < ofFields.length)
    throw new Failure(
      "answer_invalid",
      `the item ${JSON.stringify(key)} has more than one field of one label among those that are wanted; rename them, or narrow find.name`,
    );
  return [
    ...ofFiles.map((file) => ({ name: file.name, key, property: `file/${file.name}` })),
    ...ofFields.map(({ label }) => ({ name: label, key, property: `field/${label}` })),
  ];
}
