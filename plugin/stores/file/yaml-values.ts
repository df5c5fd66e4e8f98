/**
 * YAML as a store of values: one document whose top level is a map, with every scalar as it is written.
 *
 * A number keeps its digits; one that JSON cannot spell (`0123`, `1_000`, `0x1f`) stays the text it is, and so does every
 * `yes`, `On` or date, because a password is never meant to be a number. No message holds any part of the input.
 */
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, type Document, type Pair, type Scalar } from "yaml";
import { isJsonObject, storeJsonLimits, type JsonObject, type JsonValue } from "../../core/json.ts";

/** Why a file is no map of values; safe to show. */
export class ValuesProblem extends Error {
  override readonly name = "ValuesProblem";
}

const jsonNumber = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/;
const absent = /^(~|null)?$/;
/** Resolving one searches the document; an honest file needs few. */
const mostAliases = 100;

export function parseYamlValues(text: string): JsonObject {
  // The schema without types leaves scalars as written. The parser's own search for repeated keys compares each key with
  // every other, which takes seconds for a large map; `membersOf` finds them.
  const documents = parseAllDocuments(text, { schema: "failsafe", uniqueKeys: false });
  if (!Array.isArray(documents) || documents.length === 0) throw new ValuesProblem("is empty");
  if (documents.length > 1) throw new ValuesProblem("holds more than one YAML document");
  const document = documents[0]!;
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) throw new ValuesProblem(`is not valid YAML${atLine(fault.linePos)} (${fault.code})`);
  const value = valueReader(document)(document.contents, 0);
  if (!isJsonObject(value)) throw new ValuesProblem("does not hold a map of values");
  return value;
}

function atLine(at: readonly [{ readonly line: number }, ...unknown[]] | undefined): string {
  return at ? ` at line ${at[0].line}` : "";
}

/** Aliases are copied out, so depth and members are counted as they will be in JSON: cycles and bombs end here. */
function valueReader(document: Document): (node: unknown, depth: number) => JsonValue {
  let members = 0;
  let aliases = 0;
  const read = (node: unknown, depth: number): JsonValue => {
    if (depth > storeJsonLimits.depth) throw new ValuesProblem(`is nested deeper than ${storeJsonLimits.depth} levels`);
    if (++members > storeJsonLimits.members)
      throw new ValuesProblem(`has more than ${storeJsonLimits.members} members`);
    if (isAlias(node)) {
      if (++aliases > mostAliases) throw new ValuesProblem(`has more than ${mostAliases} aliases`);
      const target = node.resolve(document);
      if (!target) throw new ValuesProblem("uses an alias before its anchor");
      return read(target, depth + 1);
    }
    if (isMap(node)) return membersOf(node.items, (member) => read(member, depth + 1));
    if (isSeq(node)) return node.items.map((item) => read(item, depth + 1));
    return isScalar(node) ? scalarOf(node) : null;
  };
  return read;
}

function membersOf(pairs: readonly Pair[], read: (member: unknown) => JsonValue): JsonObject {
  const result = Object.create(null) as JsonObject;
  for (const { key, value } of pairs) {
    if (!isScalar(key)) throw new ValuesProblem("has a key that is not plain text");
    const name = String(key.value);
    if (Object.hasOwn(result, name)) throw new ValuesProblem("has one key twice");
    result[name] = read(value);
  }
  return result;
}

function scalarOf(node: Scalar): JsonValue {
  if (node.tag !== undefined && node.tag !== "tag:yaml.org,2002:str")
    throw new ValuesProblem("has a tag other than !!str");
  const text = String(node.value);
  if (node.type !== "PLAIN" || node.tag !== undefined) return text;
  if (absent.test(text)) return null;
  if (text === "true" || text === "false") return text === "true";
  return jsonNumber.test(text) ? JSON.rawJSON(text) : text;
}
