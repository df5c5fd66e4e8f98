/** `remoteRef.property`: one value inside an answer, by the syntax of its store kind. */
import type { PropertySyntax } from "../../stores/contract.ts";
import { lookUp, lookUpBytes, type LookUp } from "./gjson.ts";
import { isObject, parseWhole, someMember, type Slice } from "./gjson/slice.ts";
import { bytesOf, isJson } from "./gjson/text.ts";
import { valueBytes } from "./value-bytes.ts";

export type Property =
  { readonly outcome: "found"; readonly bytes: Buffer } | { readonly outcome: "absent" | "not_json" | "too_costly" };

/** Text that is nearly JSON is searched too, as gjson does; `not_json` only says why nothing was found. */
export function findProperty(payload: Buffer, property: string, syntax: PropertySyntax): Property {
  const found = search(payload, property, syntax);
  if (found.outcome !== "absent") return found;
  const lines = property.startsWith("..");
  return { outcome: lines || isJson(payload.toString("latin1")) ? "absent" : "not_json" };
}

function search(payload: Buffer, property: string, syntax: PropertySyntax): Property {
  const byPath = (): Property => toProperty(lookUp(payload, property));
  const byDottedKey = (): Property =>
    property.includes(".") ? toProperty(lookUp(payload, property.replaceAll(".", "\\."))) : { outcome: "absent" };
  switch (syntax) {
    case "key-then-gjson":
      return firstFound(() => exactKey(payload, property), byPath);
    case "key-then-inside":
      return firstFound(
        () => exactKey(payload, property),
        () => insideKey(payload, property),
      );
    case "escaped-then-gjson":
      return firstFound(byDottedKey, byPath);
    case "gjson-then-escaped":
      return firstFound(byPath, byDottedKey);
    case "gjson":
      return byPath();
    case "own":
      throw new Error("a kind that takes properties out itself leaves nothing to look up");
  }
}

function firstFound(first: () => Property, second: () => Property): Property {
  const found = first();
  return found.outcome === "absent" ? second() : found;
}

/** `config.user.name` is the path `user.name` in the value of the key `config`, or the same again in its member. */
function insideKey(payload: Buffer, property: string): Property {
  const dot = property.indexOf(".");
  const rest = property.slice(dot + 1);
  const outer = dot > 0 && rest !== "" ? exactKey(payload, property.slice(0, dot)) : undefined;
  if (outer?.outcome !== "found") return { outcome: "absent" };
  return firstFound(
    () => toProperty(lookUp(outer.bytes, rest)),
    () => search(outer.bytes, rest, "key-then-inside"),
  );
}

function toProperty(found: LookUp): Property {
  return found.outcome === "found" ? { outcome: "found", bytes: lookUpBytes(found.value) } : found;
}

/** The top-level member of exactly this name, whatever characters are in it; of doubled ones the last. */
function exactKey(payload: Buffer, property: string): Property {
  const root = parseWhole(payload.toString("latin1"));
  if (!root || !isObject(root)) return { outcome: "absent" };
  const wanted = bytesOf(property);
  let last: Slice | undefined;
  someMember(root.raw, (key, value) => {
    if (key === wanted) last = value;
    return false;
  });
  return last ? { outcome: "found", bytes: valueBytes(last) } : { outcome: "absent" };
}
