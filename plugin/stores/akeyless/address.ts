/** From a remote key to the one name that an item has in Akeyless, and from a find to the folder that it lists. */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Address, FindWish, Located, Ref } from "../contract.ts";

/**
 * A dynamic item makes new credentials at each read, and a name does not say which kind of item it is: so no read is a
 * plain one, and none is shared between consumers.
 */
const method = "POST";
/** Akeyless counts versions in 32 bits, from 1. */
const mostVersions = 2 ** 31 - 1;

/** `payments/db` and `/payments/db` are one item. Throws Failure `ref_invalid`. */
export function locate(ref: Ref): Located {
  if (ref.metadataPolicy === "Fetch")
    throw refInvalid("metadataPolicy Fetch is not there for provider akeyless; remove it");
  const name = ref.key.startsWith("/") ? ref.key : `/${ref.key}`;
  const problem = name.slice(1).split("/").map(segmentProblem).find(Boolean);
  if (problem) throw refInvalid(`the key ${problem}; write it as in "/payments/db"`);
  return { address: name as Address, method, arguments: "", version: versionOf(ref.version ?? "") };
}

/** 0 is the current version, as ESO has it. */
function versionOf(version: string): string {
  if (version === "") return "";
  const number = /^\d{1,10}$/.test(version) ? Number(version) : Number.NaN;
  if (!(number <= mostVersions)) throw refInvalid("version must be a whole number, 1 or above");
  return number === 0 ? "" : String(number);
}

/** The folder of a find, closed by a slash at both ends; empty = everywhere. Throws Failure `ref_invalid`. */
export function folderOf({ path = "" }: FindWish): string {
  const trimmed = path.replace(/^\/|\/$/g, "");
  if (trimmed === "") return "";
  const problem = trimmed.split("/").map(segmentProblem).find(Boolean);
  if (problem) throw refInvalid(`the path ${problem}; write it as in "/payments"`);
  return `/${trimmed}/`;
}

export function locateFind(wish: FindWish): Located {
  const folder = folderOf(wish) || "/";
  const { name, tags } = wish;
  return {
    address: folder as Address,
    method: "GET",
    arguments: canonicalJson({ name: name?.source, tags }),
    version: "",
  };
}

function segmentProblem(segment: string): string | undefined {
  if (segment === "") return "is empty, or has an empty segment (a slash at its end, or two in a row)";
  if (segment === "." || segment === "..") return 'has a "." or ".." segment';
  if (/\p{Cc}/u.test(segment)) return "has a control character";
  return segment.isWellFormed() ? undefined : "is not valid Unicode";
}

function refInvalid(message: string): Failure {
  return new Failure("ref_invalid", message);
}
