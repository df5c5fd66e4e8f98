/**
 * Finds secrets below a folder: by name in every engine, by custom metadata in KV v2.
 *
 * Vault lists one folder a call and filters nothing, so the tree is walked level by level, and the metadata of each
 * secret is read when tags are asked for. Bounded: a tree that is too large is refused whole, never cut.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { FindAbility, FindWish, Found, Located, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import { envelope, invalid, readMetadata, readNames } from "./answer.ts";
import type { VaultClient } from "./client.ts";
import type { VaultConfig } from "./config.ts";
import {
  checkKey,
  dataAddress,
  listAddress,
  locate,
  located,
  metadataAddress,
  placeOf,
  segmentProblem,
  trimSlashes,
  wirePath,
} from "./path.ts";
import type { Place } from "./path.ts";
import { listRefusal, readRefusal } from "./refusal.ts";
import type { VaultSession } from "./session.ts";

const mostSecrets = 10_000;
const mostFolders = 2_000;
/** Calls under way at once. */
const width = 8;

type FindDeps = Pick<StoreDeps, "clock" | "countCall">;

export function createFind(config: VaultConfig, { clock, countCall }: FindDeps): FindAbility<VaultSession> {
  const list = (place: Place, client: VaultClient, signal: AbortSignal): Promise<readonly string[]> =>
    counted("ListSecrets", countCall, async () => {
      const at = located(listAddress(config, place));
      const answer = await client.read(`${wirePath(at.address)}?list=true`, signal);
      if (answer.status === 200) return readNames(envelope(answer)).map(checkedName);
      const refusal = listRefusal(answer, at, config, clock);
      if (refusal.code === "ref_not_found") return [];
      throw refusal;
    });

  const hasTags = async (place: Place, tags: Tags, client: VaultClient, signal: AbortSignal): Promise<boolean> => {
    const at = located(metadataAddress(config, place));
    const metadata = await counted("ReadSecretData", countCall, async () => {
      const answer = await client.read(wirePath(at.address), signal);
      if (answer.status === 200) return readMetadata(envelope(answer));
      const refusal = readRefusal(answer, at, config, clock);
      // Removed since it was listed.
      if (refusal.code === "ref_not_found") return undefined;
      throw refusal;
    });
    return Object.entries(tags).every(([name, value]) => metadata?.[name] === value);
  };

  return {
    by: config.version === "v2" && !config.kvOnly ? ["path", "name", "tags"] : ["path", "name"],
    locate: (wish) => locateFind(config, wish),
    async list({ path, name, tags = {} }, { client }, signal) {
      const start = startOf(config, path);
      const inside = await walk((folder) => list({ ...start, inside: folder }, client, signal), start.inside);
      const named = inside
        .map((one): Found & { place: Place } => {
          const place = { ...start, inside: one };
          return { name: nameOf(path, start, one), key: keyOf(config, place), place };
        })
        .filter((one) => name?.matches(one.name) ?? true);
      const wanted = Object.keys(tags).length > 0;
      const fit = wanted ? await together(named, ({ place }) => hasTags(place, tags, client, signal)) : [];
      return named.filter((_, i) => !wanted || fit[i]).map(({ name: found, key }) => ({ name: found, key }));
    },
  };
}

type Tags = Readonly<Record<string, string>>;

function locateFind(config: VaultConfig, { path, name, tags = {} }: FindWish): Located {
  const wanted = Object.keys(tags).length > 0;
  if (wanted && (config.version === "v1" || config.kvOnly))
    throw new Failure("ref_invalid", "tags are custom metadata, which this store does not have; find by name");
  const wish = { list: true, ...(name ? { name: name.source } : {}), ...(wanted ? { tags } : {}) };
  return located(listAddress(config, startOf(config, path)), canonicalJson({ ...wish, path: path ?? "" }));
}

/** Throws Failure `ref_invalid` for a folder that cannot be sent, or none where the store's path does not name one. */
function startOf(config: VaultConfig, path: string | undefined): Place {
  const folder = trimSlashes(path ?? "");
  if (folder !== "") checkKey(folder);
  if (config.path !== "")
    return folder === "" || folder === config.path ? { mount: config.path, inside: "" } : placeOf(config, folder);
  if (folder === "")
    throw new Failure("ref_invalid", "nothing says which engine to look in; set find.path, or the store's path");
  if (config.version === "v1") return { mount: "", inside: folder };
  const bare = folder.replace(/\/data$/, "");
  return bare !== folder || !folder.includes("/") ? { mount: bare, inside: "" } : placeOf(config, folder);
}

/** Every name below a folder, with that folder in front. */
async function walk(list: (folder: string) => Promise<readonly string[]>, start: string): Promise<string[]> {
  const names: string[] = [];
  let level = [start];
  for (let folders = 1; level.length > 0; folders += level.length) {
    if (folders > mostFolders || names.length > mostSecrets)
      throw new Failure(
        "answer_too_large",
        `there are more than ${mostSecrets} secrets or ${mostFolders} folders below it; narrow it with find.path`,
      );
    const listed = await together(level, list);
    const all = level.flatMap((folder, i) => listed[i]!.map((name) => (folder === "" ? name : `${folder}/${name}`)));
    names.push(...all.filter((name) => !name.endsWith("/")));
    level = all.filter((name) => name.endsWith("/")).map(trimSlashes);
  }
  return names;
}

/** As a manifest would have to write it: what is found is relative to the folder as it was given. */
function nameOf(path: string | undefined, start: Place, inside: string): string {
  const given = trimSlashes(path ?? "");
  const below = start.inside === "" ? inside : inside.slice(start.inside.length + 1);
  return given === "" ? below : `${given}/${below}`;
}

/** The short form, unless the path rules would take it for another secret. */
function keyOf(config: VaultConfig, place: Place): string {
  const address = dataAddress(config, place);
  if (config.path === "") return address;
  const short = locate(config, { key: place.inside, metadataPolicy: "None" }).address;
  return short === address ? place.inside : address;
}

/** The names come from outside and go into paths. */
function checkedName(name: string): string {
  const bare = name.replace(/\/$/, "");
  if (bare.includes("/") || segmentProblem(bare)) throw invalid("a name that no secret can have");
  return name;
}

/** All results in order, a few at a time; nothing is left running when one fails. */
async function together<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += width) {
    const settled = await Promise.allSettled(items.slice(i, i + width).map(work));
    for (const one of settled)
      if (one.status === "fulfilled") results.push(one.value);
      else throw one.reason;
  }
  return results;
}
