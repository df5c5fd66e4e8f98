/**
 * From a find to what a service is asked for, and from the names that it lists to keys.
 *
 * Names, paths and expressions are whole, as in ESO: the store's prefix is in them. It bounds what is listed as it
 * bounds what is read.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Address, FindWish, Found, Located } from "../contract.ts";
import { locate } from "./address.ts";
import type { AwsConfig } from "./config.ts";
import { answerInvalid } from "./sdk.ts";

/** What a listing is narrowed by, where the service itself can. */
export interface Narrowed {
  /** What every name begins with; empty = anything. */
  readonly within: string;
  readonly tags: Readonly<Record<string, string>>;
}

type Place = Pick<AwsConfig, "service" | "prefix">;

/** Throws Failure `ref_invalid`. */
export function narrow({ service, prefix }: Place, { path = "", tags = {} }: FindWish): Narrowed {
  const asked = service === "ParameterStore" ? folder(path) : path;
  if (/[\p{Cc}\s*]/u.test(asked) || asked.length > 1_000)
    throw new Failure("ref_invalid", "find.path is nothing that a name can begin with");
  if (service === "ParameterStore") checkTags(tags);
  if (asked.startsWith(prefix)) return { within: asked, tags };
  if (prefix.startsWith(asked)) return { within: prefix, tags };
  throw new Failure(
    "ref_invalid",
    `find.path "${path}" leads out of the store's prefix "${prefix}"; write it with the prefix, or leave it out`,
  );
}

/** Parameter Store has no question for these, where Secrets Manager's list shows the tags themselves. */
function checkTags(tags: Narrowed["tags"]): void {
  const odd = Object.entries(tags).find(([key, value]) => key === "" || key.length > 128 || value === "");
  if (odd) throw new Failure("ref_invalid", `find.tags: Parameter Store finds by no tag "${odd[0]}" without a value`);
}

/** Parameter Store's paths are folders: `/a` holds `/a/b`, not `/ab`. */
function folder(path: string): string {
  if (path === "") return "";
  if (!path.startsWith("/"))
    throw new Failure("ref_invalid", `find.path "${path}" is no folder of Parameter Store; begin it with /`);
  return `${path.replace(/\/+$/, "")}/`;
}

/** Throws Failure `ref_invalid`. */
export function locateList(place: Place, wish: FindWish): Located {
  const { within, tags } = narrow(place, wish);
  return {
    // No name has an asterisk, and a rule for everything below the path covers it.
    address: `${within}*` as Address,
    method: "LIST",
    arguments: canonicalJson({ name: wish.name?.source ?? "", tags }),
    version: "",
  };
}

/** Those of a listing's names that were asked for. Throws Failure `answer_invalid` for what no key could name. */
export function foundAmong(names: readonly string[], place: Place, wish: FindWish): readonly Found[] {
  const { within } = narrow(place, wish);
  return names
    .filter((name) => name.startsWith(within) && name.length > place.prefix.length)
    .filter((name) => wish.name?.matches(name) ?? true)
    .map((name) => ({ name, key: keyOf(name, place) }));
}

/** The key that is read as this name. */
function keyOf(name: string, place: Place): string {
  const key = name.slice(place.prefix.length);
  if (addressOf(key, place) !== name) throw answerInvalid("a name that nothing of it can have");
  return key;
}

function addressOf(key: string, place: Place): string | undefined {
  try {
    return locate(place, { key, metadataPolicy: "None" }).address;
  } catch {
    return undefined;
  }
}
