/** `[a,b]` and `{a,"name":b}`: several paths joined into a new document. */
import { closingQuote } from "./path.ts";
import { isJson, quote } from "./text.ts";

interface Part {
  /** As written before the colon, quotes included; empty when there is none. */
  readonly name: string;
  readonly path: string;
}

/** Splits the multipath at the start of `text`. Undefined when its bracket never closes. */
export function parseMultipath(text: string): { readonly parts: readonly Part[]; readonly rest: string } | undefined {
  const parts: Part[] = [];
  let depth = 1;
  let start = 1;
  let colon: number | undefined;
  let inModifier = false;
  const take = (end: number): void => {
    const name = colon === undefined ? "" : text.slice(start, colon);
    parts.push({ name, path: text.slice(colon === undefined ? start : colon + 1, end) });
    start = end + 1;
    colon = undefined;
    inModifier = false;
  };
  for (let i = 1; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\") i++;
    else if (c === '"') i = closingQuote(text, i);
    // The colon of `a.@modifier:argument` names nothing.
    else if (c === "@") inModifier ||= text[i - 1] === "." || text[i - 1] === "|";
    else if (c === ":" && !inModifier && depth === 1) colon ??= i;
    else if (c === "," && depth === 1) take(i);
    else if ("[({".includes(c)) depth++;
    else if ("])}".includes(c) && --depth === 0) {
      take(i);
      return { parts, rest: text.slice(i + 1) };
    }
  }
  return undefined;
}

/** The member name of a part: the given one, else the last component of its path, else `_`. As a JSON string. */
export function memberName(part: Part): string {
  if (part.name.startsWith('"') && isJson(part.name)) return part.name;
  if (part.name !== "") return quote(part.name);
  const last = lastComponent(part.path);
  return quote(/[\0-\x1f[\]{}()#|!]/.test(last) ? "_" : last);
}

function lastComponent(path: string): string {
  for (let i = path.length - 1; i >= 0; i--) {
    if ((path[i] === "." || path[i] === "|") && path[i - 1] !== "\\") return path.slice(i + 1);
  }
  return path;
}
