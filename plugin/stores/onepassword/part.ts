/**
 * Takes what is wanted out of an item: a field by its label or id, a file by its name, or all of them as one object.
 *
 * Failures name what the manifest asked for and count what was found; they tell nothing else of the item.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import { wantedOf } from "./address.ts";
import type { Wanted } from "./address.ts";
import type { Field } from "./answer.ts";
import { keptItem } from "./kept-item.ts";
import type { KeptItem } from "./kept-item.ts";

/** The label that ESO reads where a manifest names none; in built-in items also the field's id. */
const defaultField = "password";

/** Throws Failure `property_not_found` or `answer_invalid`. */
export function partOf(located: Located, whole: StoreAnswer): StoreAnswer {
  const wanted = wantedOf(located)!;
  const item = keptItem(whole.value);
  const ofFile = wanted.of === undefined && isDocument(item);
  const value = ofFile ? fileOf(item, wanted, located) : fieldOf(item, wanted, located);
  return { ...whole, value };
}

export function isDocument({ category }: Pick<KeptItem, "category">): boolean {
  return category === "DOCUMENT";
}

/** Those of `files` that are wanted. Throws Failure `property_not_found`. */
export function wantedFiles<F extends { readonly name: string }>(
  files: readonly F[],
  { name, members }: Wanted,
  located: Located,
): readonly F[] {
  // For a single value the first of that name is taken, as ESO does.
  const named = files.filter((file) => name === "" || file.name === name);
  const taken = members ? named : named.slice(0, 1);
  if (taken.length === 0 && !(members && name === ""))
    throw missing(located, name === "" ? "file" : `file ${JSON.stringify(name)}`);
  return taken;
}

/** One file's bytes, or the object of all. Throws Failure `answer_invalid`. */
export function fileValue(files: readonly FileBytes[], { members }: Wanted, located: Located): SecretValue {
  if (!members) return new SecretValue(files[0]!.bytes);
  const texts = files.map(({ name, bytes }) => {
    try {
      return [name, new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)] as const;
    } catch {
      throw new Failure(
        "answer_invalid",
        `a file of the item ${item(located)} is no text, which extract cannot take; read it through data, with property file/NAME`,
      );
    }
  });
  return jsonOf(texts, located);
}

export interface FileBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function fileOf({ files }: KeptItem, wanted: Wanted, located: Located): SecretValue {
  const taken = wantedFiles(files, wanted, located);
  const bytes = taken.map(({ name, content }) => ({ name, bytes: Buffer.from(content, "base64") }));
  return fileValue(bytes, wanted, located);
}

function fieldOf(kept: KeptItem, { name, members }: Wanted, located: Located): SecretValue {
  if (members && name === "") {
    const labelled = kept.fields.filter(({ label }) => label !== "");
    return jsonOf(
      labelled.map(({ label, value }) => [label, value]),
      located,
    );
  }
  const wanted = name === "" ? defaultField : name;
  const field = theOne(candidates(kept, wanted), wanted, located);
  return members ? jsonOf([[field.label || wanted, field.value]], located) : SecretValue.fromText(field.value);
}

/** By label; where no label fits by id; where neither does as `section/field`, wherever the slash may be. */
function candidates({ fields, sections }: KeptItem, name: string): readonly Field[] {
  const named = (list: readonly Field[], text: string): readonly Field[] => {
    const byLabel = list.filter(({ label }) => label === text);
    return byLabel.length > 0 ? byLabel : list.filter(({ id }) => id === text);
  };
  const direct = named(fields, name);
  if (direct.length > 0) return direct;
  const found = new Set<Field>();
  for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
    const section = name.slice(0, slash);
    const ids = sections.filter(({ id, label }) => id === section || label === section).map(({ id }) => id);
    const inside = fields.filter((field) => field.section !== "" && ids.includes(field.section));
    for (const field of named(inside, name.slice(slash + 1))) found.add(field);
  }
  return [...found];
}

function theOne(found: readonly Field[], name: string, located: Located): Field {
  const [first, ...others] = found;
  const field = `field ${JSON.stringify(name)}`;
  if (!first) throw missing(located, field);
  if (others.length > 0)
    throw new Failure(
      "answer_invalid",
      `the item ${item(located)} has more than one ${field} (${found.length}): name its section too, as in section/${name}, or its id`,
    );
  return first;
}

/** Of one name only one may be there: which of two was meant, nobody could tell. */
function jsonOf(members: readonly (readonly [string, string])[], located: Located): SecretValue {
  const object = new Map(members);
  if (object.size < members.length)
    throw new Failure(
      "answer_invalid",
      `the item ${item(located)} has found more than one field or file of one name; rename them, or read each through data`,
    );
  // Not a plain object: __proto__ is a name like any other.
  return SecretValue.fromText(canonicalJson(Object.assign(Object.create(null), Object.fromEntries(object))));
}

function missing(located: Located, what: string): Failure {
  return new Failure("property_not_found", `the item ${item(located)} has no ${what}: check property`);
}

function item({ address }: Located): string {
  return JSON.stringify(address);
}
