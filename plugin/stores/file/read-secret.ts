/**
 * From a key to bytes: which file holds it, whether that file may be read, and what is in it.
 *
 * "Not found" is said only when the store's own folder or file is there and is not empty: a folder that is not mounted
 * looks empty or absent, and must never look like deletion.
 */
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject, isRawNumber, JsonProblem, parseJson, type JsonObject } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { StoreAnswer } from "../contract.ts";
import { diskFailure, errnoOf, isAbsent } from "./disk-failure.ts";
import { readWholeFile, type WholeFile } from "./whole-file.ts";
import { parseYamlValues, ValuesProblem } from "./yaml-values.ts";

export interface Place {
  /** Absolute. */
  readonly path: string;
  /** As the manifest spells it, for messages. */
  readonly shown: string;
  /** The folder that may not be left, whatever symlinks say. Absent = any folder. */
  readonly root?: string;
}

const structuredEndings = [".yaml", ".yml", ".json"];
/** A projected volume may be swapped between finding a file and opening it. */
const attempts = 3;

/** Rejects with Failure; its messages name the key and the store's path as the manifest has it. */
export async function readSecret(place: Place, key: string): Promise<StoreAnswer> {
  const root = await realRoot(place);
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    (thrown: unknown) => Promise.reject(rootFailure(place, thrown)),
  );
  return isFolder ? readFromFolder(place, root, key) : readMember(place, root, key);
}

async function realRoot(place: Place): Promise<string> {
  try {
    const path = await realpath(place.path);
    if (place.root !== undefined && !isBelowOrSame(await realpath(place.root), path))
      throw new Failure("not_allowed", `path ${place.shown} leaves the folder of --file-store-root through a symlink`);
    return path;
  } catch (thrown) {
    throw rootFailure(place, thrown);
  }
}

function rootFailure(place: Place, thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (isAbsent(thrown))
    return new Failure("store_unreachable", `path ${place.shown} does not exist; create or mount it`, {
      cause: thrown,
    });
  return diskFailure(`path ${place.shown}`, thrown);
}

async function readFromFolder(place: Place, root: string, key: string): Promise<StoreAnswer> {
  const what = `key "${key}" in ${place.shown}`;
  for (let attempt = 1; ; attempt++) {
    const hits = await findFiles(root, key, what);
    const [hit, other] = hits;
    if (other)
      throw new Failure("ref_invalid", `${what} is both ${hit!.name} and ${other.name}; keep one of the two files`);
    if (!hit) throw await missing(place, root, key, what);
    try {
      const found = await readWholeFile(hit.path, what);
      return { value: hit.structured ? asJson(found, hit.name, what) : found.contents, version: found.version };
    } catch (thrown) {
      if (attempt === attempts || errnoOf(thrown) !== "ENOENT") throw diskFailure(what, thrown);
    }
  }
}

interface Hit {
  /** Relative to the store's path. */
  readonly name: string;
  /** Without symlinks. */
  readonly path: string;
  readonly structured: boolean;
}

async function findFiles(root: string, key: string, what: string): Promise<readonly Hit[]> {
  const hits: Hit[] = [];
  for (const ending of [...structuredEndings, ""]) {
    const name = key + ending;
    try {
      const path = await realpath(join(root, name));
      if (!isBelowOrSame(root, path))
        throw new Failure(
          "not_allowed",
          `${what} leaves the store's path through a symlink; put the file itself there`,
        );
      if ((await stat(path)).isFile()) hits.push({ name, path, structured: ending !== "" });
    } catch (thrown) {
      if (!isAbsent(thrown)) throw diskFailure(what, thrown);
      if (await isDanglingLink(join(root, name)))
        throw new Failure(
          "store_unreachable",
          `${what} is a symlink to something that is not there; create or mount it`,
        );
    }
  }
  return hits;
}

/** Also for a folder on the way that is such a link. */
async function missing(place: Place, root: string, key: string, what: string): Promise<Failure> {
  for (let at = key.indexOf("/"); at !== -1; at = key.indexOf("/", at + 1))
    if (await isDanglingLink(join(root, key.slice(0, at))))
      return new Failure("store_unreachable", `${what} lies behind a symlink to a folder that is not there; mount it`);
  const entries = await readdir(root).catch((thrown: unknown) => Promise.reject(rootFailure(place, thrown)));
  if (entries.length === 0)
    return new Failure(
      "store_unreachable",
      `folder ${place.shown} is empty, as one that is not mounted; mount or fill it`,
    );
  return new Failure("ref_not_found", `${what}: no file ${key}, ${key}.yaml, ${key}.yml or ${key}.json`);
}

async function isDanglingLink(path: string): Promise<boolean> {
  const link = await lstat(path).catch(() => undefined);
  if (!link?.isSymbolicLink()) return false;
  return stat(path).then(() => false, isAbsent);
}

async function readMember(place: Place, path: string, key: string): Promise<StoreAnswer> {
  const what = `file ${place.shown}`;
  const found = await readWholeFile(path, what).catch((thrown: unknown) => Promise.reject(rootFailure(place, thrown)));
  const values = valuesOf(found, place.shown, what);
  if (!Object.hasOwn(values, key)) throw new Failure("ref_not_found", `${what} has no key "${key}" at its top level`);
  const value = values[key]!;
  if (value === null) throw new Failure("answer_invalid", `key "${key}" in ${what} is null; give it a value`);
  if (typeof value === "string") return { value: SecretValue.fromText(value), version: found.version };
  const text = isRawNumber(value) ? value.rawJSON : canonicalJson(value);
  return { value: SecretValue.fromText(text), version: found.version };
}

function asJson(found: WholeFile, name: string, what: string): SecretValue {
  return SecretValue.fromText(canonicalJson(valuesOf(found, name, what)));
}

/** YAML takes half a second a MiB, during which nothing else is answered. */
const largestYamlBytes = 1024 ** 2;

/** `name` decides the format: `.json` or else YAML. */
function valuesOf({ contents }: WholeFile, name: string, what: string): JsonObject {
  const isJson = extname(name) === ".json";
  if (!isJson && contents.byteLength > largestYamlBytes)
    throw new Failure("answer_too_large", `${what} is more than 1 MiB of YAML; split it, or write it as JSON`);
  try {
    const value = isJson ? parseJson(textOf(contents)) : parseYamlValues(textOf(contents));
    if (!isJsonObject(value)) throw new ValuesProblem("does not hold an object of values");
    return value;
  } catch (thrown) {
    if (thrown instanceof ValuesProblem) throw new Failure("answer_invalid", `${what} ${thrown.message}`);
    if (thrown instanceof JsonProblem) throw new Failure("answer_invalid", `${what}: ${thrown.message}`);
    throw thrown;
  }
}

function textOf(contents: SecretValue): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(contents.reveal());
  } catch {
    throw new ValuesProblem("is not UTF-8 text");
  }
}

/** Both without symlinks. */
function isBelowOrSame(root: string, path: string): boolean {
  return path === root || path.startsWith(root === "/" ? root : `${root}/`);
}
