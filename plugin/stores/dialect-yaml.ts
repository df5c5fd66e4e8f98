/** YAML in a parameter of a class that is more than a list of maps of texts. Its values are texts, lists and maps. */
import { isMap, kindOf } from "../manifests/fields.ts";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";
import { entryOf } from "./dialect.ts";
import type { DialectEntry, DialectReader } from "./dialect.ts";

type Report = DialectReader["report"];

const yamlLimits = { characters: 64 * 1024, documents: 1, depth: 16 };

/** `plain`: what a text without quotes means. Undefined after a problem, which never quotes the text. */
export function readYaml(at: string, text: string, plain: (text: string) => string, report: Report): unknown {
  const [document, ...others] = parseYamlDocuments(text, yamlLimits, plain);
  if (!document) report(at, "is missing or empty; list what is to be mounted");
  else if (!document.ok) report(at, `line ${document.line}: ${document.problem}`);
  else if (others.length > 0) report(at, "must be one YAML document; remove the --- lines");
  else return document.value;
  return undefined;
}

/** A list's items; something else is a problem, nothing is an empty list. */
export function itemsOf(at: string, value: unknown, report: Report): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value !== undefined && value !== "") report(at, `must be a YAML list, not ${kindOf(value)}`);
  return [];
}

/** Undefined when it is not there, or after a problem. */
export function fieldsOf(at: string, value: unknown, report: Report): Readonly<Record<string, unknown>> | undefined {
  if (isMap(value)) return value;
  if (value !== undefined && value !== "") report(at, `must be a map of fields, not ${kindOf(value)}`);
  return undefined;
}

/**
 * An entry whose fields may be written in any letters, as Go's JSON takes them: the exact spelling goes first, and two
 * others contradict each other.
 */
export function anyCaseEntry(
  at: string,
  fields: Readonly<Record<string, unknown>>,
  known: readonly string[],
  report: Report,
): { readonly entry: DialectEntry; readonly value: (field: string) => unknown } {
  const found: Record<string, unknown> = {};
  for (const name of known) {
    const spelled = Object.keys(fields).filter((one) => one.toLowerCase() === name.toLowerCase());
    if (spelled.length > 1) report(`${at}.${name}`, "is there twice, in other letters; keep one");
    const chosen = spelled.includes(name) ? name : spelled[0];
    if (chosen !== undefined) found[name] = fields[chosen];
  }
  return { entry: entryOf(at, found, report), value: (field) => found[field] };
}
