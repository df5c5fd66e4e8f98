/**
 * From a remoteRef to one secret of the config, and to the download that holds it: Doppler gives a whole config at a
 * time.
 *
 * A secret's address is Doppler's own name for it. Under a name transformer a secret has a second name, whose address
 * has the transformer in front of it (`camel/dbUrl`), so that no policy takes one for the other.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Address, FindWish, Located, Ref } from "../contract.ts";
import type { DopplerConfig } from "./config.ts";

type Naming = Pick<DopplerConfig, "format" | "nameTransformer">;

/** Which download: by Doppler's names, by the transformed ones, or as one file. */
export type Download = "own" | "renamed" | "file";

/** The one secret that a store with a format has beside its single ones: the whole config as text. ESO's name. */
const fileKey = "DOPPLER_SECRETS_FILE";
/** How Doppler spells names; no transformer leaves a lower-case letter out, but for names without letters. */
const ownName = /^[A-Z0-9_]+$/;
const longestKey = 1_000;

/** Throws Failure `ref_invalid`. */
export function locate(naming: Naming, ref: Ref): Located {
  if (ref.metadataPolicy === "Fetch") throw refInvalid("metadataPolicy Fetch is not what Doppler has; remove it");
  if (ref.version) throw refInvalid("Doppler gives no versions; remove version");
  const problem = keyProblem(ref.key);
  if (problem) throw refInvalid(`the key ${problem}; give the name of a secret, as in DB_URL`);
  if (naming.format && ref.key === fileKey) return located(fileKey, "file");
  const [address, download] = namedBy(naming, ref.key);
  return { ...located(address, download), whole: located("*", download) };
}

export function locateFind({ path = "", name }: FindWish): Located {
  return located(path || "*", canonicalJson({ name: name?.source, path }));
}

export function downloadOf({ arguments: download }: Located): Download {
  return download as Download;
}

/** The secret's name in its download. */
export function nameIn({ nameTransformer }: Naming, part: Located): string {
  return downloadOf(part) === "renamed" ? part.address.slice(`${nameTransformer}/`.length) : part.address;
}

/** What a find has, by the key that reads it: `names` are those of the download that `findDownload` names. */
export function keysOf({ format, nameTransformer }: Naming, names: readonly string[]) {
  if (format) return [{ name: fileKey, key: fileKey }];
  const before = nameTransformer ? `${nameTransformer}/` : "";
  return names.map((name) => ({ name, key: before + name }));
}

/** Undefined: nothing need be asked. */
export function findDownload({ format, nameTransformer }: Naming): Download | undefined {
  if (format) return undefined;
  return nameTransformer ? "renamed" : "own";
}

function namedBy({ nameTransformer }: Naming, key: string): readonly [string, Download] {
  if (!nameTransformer || ownName.test(key)) return [key, "own"];
  const before = `${nameTransformer}/`;
  return [key.startsWith(before) ? key : before + key, "renamed"];
}

function located(address: string, argument: string): Located {
  return { address: address as Address, method: "GET", arguments: argument, version: "" };
}

function keyProblem(key: string): string | undefined {
  if (key === "") return "is empty";
  if (key.length > longestKey) return `is longer than ${longestKey} characters`;
  if (/[\p{Cc}\s]/u.test(key)) return "has white space or a control character";
  return key.isWellFormed() ? undefined : "is not valid Unicode";
}

function refInvalid(message: string): Failure {
  return new Failure("ref_invalid", message);
}
