/**
 * From a remoteRef to what is fetched: an item, by its title or its id, and the part of it that is wanted.
 *
 * The address is the item as the manifest names it. That a title and an id are one item only Connect could tell, so a
 * policy that lists titles admits no ids, and the other way round.
 */
import { canonicalJson, compareUtf8 } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Address, FindWish, Located, Ref } from "../contract.ts";

/** Which part of an item. An empty name means the default: the password, or a document's first file. */
export interface Wanted {
  readonly name: string;
  /** Absent: files of a document, fields of anything else. */
  readonly of?: "field" | "file";
  /** All that have a label, or those of this name, as one JSON object. */
  readonly members?: true;
}

/** A file is no part of its item's answer and is fetched for itself. */
export interface WantedFile extends Wanted {
  readonly of: "file";
}

const longestKey = 1_000;
const prefix = /^(field|file)\//;

/** Throws Failure `ref_invalid`. */
export function locate(ref: Ref): Located {
  if (ref.metadataPolicy === "Fetch") throw refInvalid("metadataPolicy Fetch is not what 1Password has; remove it");
  if (ref.version) throw refInvalid("1Password Connect gives no versions; remove version");
  const problem = keyProblem(ref.key);
  if (problem) throw refInvalid(`the key ${problem}; give the title or the id of an item`);
  const wanted = wantedBy(ref);
  const item: Located = { address: ref.key as Address, method: "GET", arguments: "", version: "" };
  const part = { ...item, arguments: canonicalJson(wanted) };
  return wanted.of === "file" ? part : { ...part, whole: item };
}

export function locateFind({ path, name, tags }: FindWish): Located {
  const problem = path === undefined ? undefined : keyProblem(path);
  if (problem) throw refInvalid(`find.path ${problem}; give the title of an item`);
  const labels = name?.source;
  const wish = { labels, tags: tags && Object.keys(tags).sort(compareUtf8) };
  return {
    address: (path ?? "*") as Address,
    method: "GET",
    arguments: canonicalJson({ find: wish, title: path }),
    version: "",
  };
}

/** Undefined: the whole item. */
export function wantedOf(located: Located): Wanted | undefined {
  return located.arguments === "" ? undefined : (JSON.parse(located.arguments) as Wanted);
}

export function isWantedFile(wanted: Wanted | undefined): wanted is WantedFile {
  return wanted?.of === "file";
}

function wantedBy({ property = "", members }: Ref): Wanted {
  const given = prefix.exec(property);
  const name = given ? property.slice(given[0].length) : property;
  if (!name.isWellFormed()) throw refInvalid("the property is not valid Unicode");
  return { name, ...(given ? { of: given[1] as "field" | "file" } : {}), ...(members ? { members } : {}) };
}

function keyProblem(key: string): string | undefined {
  if (key.trim() === "") return "is empty";
  if (key.length > longestKey) return `is longer than ${longestKey} characters`;
  if (/\p{Cc}/u.test(key)) return "has a control character";
  return key.isWellFormed() ? undefined : "is not valid Unicode";
}

function refInvalid(message: string): Failure {
  return new Failure("ref_invalid", message);
}
