/**
 * A gjson path, one component at a time.
 *
 * A component means one thing on an object and another on an array (`0`, `#`, `#(…)`, escapes), so a path can only be
 * read while walking: the walker asks for the step that fits what it stands on.
 */
import { isModifier } from "./modifier-names.ts";
import { parseQuery, type Query } from "./query.ts";
import { endOfBrackets, endOfString } from "./slice.ts";

/** What follows a component: nothing, the rest inside this value (`.`), or the rest on the whole result so far (`|`). */
export type Next =
  | { readonly kind: "end" }
  | { readonly kind: "inside"; readonly path: string }
  | { readonly kind: "pipe"; readonly path: string };

export interface ObjectStep {
  /** With escapes taken out. */
  readonly name: string;
  readonly wild: boolean;
  readonly next: Next;
}

export interface ArrayStep {
  readonly select:
    | { readonly kind: "index"; readonly index: number }
    /** `#`: how many elements. */
    | { readonly kind: "count" }
    /** `#.path`: the path inside each element. */
    | { readonly kind: "each"; readonly path: string }
    /** `#(…)`: the first element that matches; `#(…)#`: all of them. */
    | { readonly kind: "query"; readonly query: Query; readonly all: boolean }
    | { readonly kind: "nothing" };
  readonly next: Next;
}

const end: Next = { kind: "end" };

export function objectStep(path: string): ObjectStep {
  let name = "";
  let wild = false;
  for (let i = 0; i < path.length; i++) {
    const c = path[i]!;
    if (c === "|") return { name, wild, next: { kind: "pipe", path: path.slice(i + 1) } };
    if (c === ".") return { name, wild, next: behindDot(path.slice(i + 1)) };
    // An escaped character stands for itself, yet in a name that has another wildcard an escaped `*` is one too.
    if (c === "\\") name += path[++i] ?? "";
    else {
      if (c === "*" || c === "?") wild = true;
      name += c;
    }
  }
  return { name, wild, next: end };
}

/** A dot before a modifier or a multipath acts as a pipe. */
function behindDot(rest: string): Next {
  const newDocument = rest.startsWith("@")
    ? isModifier(/^@([^.|:]*)/.exec(rest)![1]!)
    : rest.startsWith("[") || rest.startsWith("{");
  return { kind: newDocument ? "pipe" : "inside", path: rest };
}

export function arrayStep(path: string): ArrayStep {
  if (path.startsWith("#.")) return { select: { kind: "each", path: path.slice(2) }, next: end };
  if (path.startsWith("#(") || path.startsWith("#[")) return queryStep(path);
  const [part, separator, rest] = splitComponent(path, 0);
  if (part.includes("#"))
    return { select: { kind: part === "#" ? "count" : "nothing" }, next: nextOf(separator, rest) };
  const next = separator === "." ? behindDot(rest) : nextOf(separator, rest);
  if (!/^[0-9]+$/.test(part)) return { select: { kind: "nothing" }, next };
  return { select: { kind: "index", index: Number(part) }, next };
}

function queryStep(path: string): ArrayStep {
  const parsed = parseQuery(path);
  // gjson takes a query that never closes for "the first element that is no object or array".
  if (!parsed)
    return { select: { kind: "query", query: { path: "", operator: "", operand: "" }, all: false }, next: end };
  const [, separator, rest] = splitComponent(path, parsed.end);
  const all = path[parsed.end] === "#";
  return { select: { kind: "query", query: parsed.query, all }, next: nextOf(separator, rest) };
}

function splitComponent(path: string, from: number): [part: string, separator: "." | "|" | "", rest: string] {
  for (let i = from; i < path.length; i++) {
    const c = path[i];
    if (c === "." || c === "|") return [path.slice(0, i), c, path.slice(i + 1)];
  }
  return [path, "", ""];
}

/** Behind a `#` component a dot always looks inside, whatever follows it. */
function nextOf(separator: "." | "|" | "", rest: string): Next {
  if (separator === "") return end;
  return { kind: separator === "." ? "inside" : "pipe", path: rest };
}

/**
 * Splits what follows `#.` or `#(…).` at its first pipe: the left part runs inside each element, the right part on the
 * whole. Brackets of `.#(…)` hide a pipe, as does `\`. Undefined when there is no pipe.
 */
export function splitAtPipe(path: string): [left: string, right: string] | undefined {
  if (!path.includes("|")) return undefined;
  if (path.startsWith("{")) {
    const at = endOfMultipath(path);
    return path[at] === "|" ? [path.slice(0, at), path.slice(at + 1)] : undefined;
  }
  for (let i = 0; i < path.length; i++) {
    if (path[i] === "|") return [path.slice(0, i), path.slice(i + 1)];
    if (path[i] === "\\") i++;
    else if (path[i] === "." && path[i + 1] === "#") i = behindHash(path, i + 2);
  }
  return undefined;
}

/** gjson passes over the first character inside: `{"name":a}|b` and `{}|b` do not split. */
function endOfMultipath(path: string): number {
  if (path[1] === '"') return endOfString(path, 1) ?? path.length;
  return 1 + endOfBrackets(`(${path.slice(2)}`, 0);
}

/** Last position that belongs to the `#…` whose following character stands at `at`. */
function behindHash(path: string, at: number): number {
  if (path[at] === "(") return endOfQuoted(path, at + 1, "(", ")") - 1;
  if (path[at] === "[") return endOfQuoted(path, at + 1, "[", "]") - 1;
  return at;
}

/** Position behind the `close` that ends what was opened before `from`. */
function endOfQuoted(path: string, from: number, open: string, close: string): number {
  let depth = 1;
  for (let i = from; i < path.length; i++) {
    if (path[i] === "\\") i++;
    else if (path[i] === open) depth++;
    else if (path[i] === close && --depth === 0) return i + 1;
    else if (path[i] === '"') i = closingQuote(path, i);
  }
  return path.length;
}

/** Position of the quote that ends the string opened at `at`; the end of the text when none does. */
export function closingQuote(path: string, at: number): number {
  for (let i = at + 1; i < path.length; i++) {
    if (path[i] === "\\") i++;
    else if (path[i] === '"') return i;
  }
  return path.length;
}
