/** Label and field selectors as the API server reads them from a query. */
import { refused } from "./kube-server-answers.ts";
import type { StoredObject } from "./kube-server-types.ts";

export type Selector = (object: StoredObject) => boolean;

export function selectorOf(query: URLSearchParams): Selector {
  const parts = [...labelParts(query.get("labelSelector") ?? ""), ...fieldParts(query.get("fieldSelector") ?? "")];
  return (object) => parts.every((part) => part(object));
}

function labelParts(text: string): Selector[] {
  // Commas inside brackets belong to their set.
  return text
    .split(/,(?![^(]*\))/)
    .filter((part) => part.trim() !== "")
    .map((part) => labelPart(part.trim()));
}

function labelPart(part: string): Selector {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
  if (set) {
    const values = set[3]!.split(",").map((value) => value.trim());
    const isIn = (object: StoredObject): boolean => values.includes(label(object, set[1]!) ?? "\0");
    return set[2] === "in" ? isIn : (object) => !isIn(object);
  }
  const equal = /^([^!=\s]+)\s*(==?|!=)\s*([^=\s]*)$/.exec(part);
  if (equal) {
    const isEqual = (object: StoredObject): boolean => label(object, equal[1]!) === equal[3];
    return equal[2] === "!=" ? (object) => !isEqual(object) : isEqual;
  }
  if (/^!\S+$/.test(part)) return (object) => label(object, part.slice(1)) === undefined;
  if (/^\S+$/.test(part)) return (object) => label(object, part) !== undefined;
  throw refused.bad(`unable to parse requirement: ${part}`);
}

function label({ metadata }: StoredObject, key: string): string | undefined {
  return metadata.labels?.[key];
}

function fieldParts(text: string): Selector[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const [, path, operator, value] = /^([^!=]+)(==?|!=)(.*)$/.exec(part) ?? [];
      if (path === undefined) throw refused.bad(`invalid field selector: ${part}`);
      return (object) => (fieldText(object, path) === value) === (operator !== "!=");
    });
}

function fieldText(object: StoredObject, path: string): string {
  const found = path
    .split(".")
    .reduce<unknown>((at, member) => (at as Record<string, unknown> | undefined)?.[member], object);
  return typeof found === "string" ? found : "";
}
