/** `@name` and `@name:argument`: one document made into another. */
import { isModifier, type ModifierName } from "./modifier-names.ts";
import { pretty } from "./pretty.ts";
import {
  children,
  endOfBrackets,
  endOfString,
  isArray,
  isObject,
  parseWhole,
  someElement,
  someMember,
  stringOf,
  type Slice,
} from "./slice.ts";
import { isJson, quote } from "./text.ts";
import { trim } from "./query.ts";
import { resultText } from "./result-text.ts";

export interface Modifier {
  readonly name: ModifierName;
  readonly argument: string;
  /** The path behind it, with its separator. */
  readonly rest: string;
}

/** What a modifier may use of the look-up that runs it. */
export interface Around {
  spend(bytes: number): void;
  find(document: string, path: string): Slice | undefined;
}

/** Undefined when the path starts with no known modifier: `@name` is then an ordinary key. */
export function splitModifier(path: string): Modifier | undefined {
  const name = /^[^:|.]*/.exec(path.slice(1))![0];
  if (!isModifier(name)) return undefined;
  const rest = path.slice(1 + name.length);
  if (!rest.startsWith(":")) return { name, argument: "", rest };
  const end = endOfArgument(rest.slice(1));
  return { name, argument: rest.slice(1, 1 + end), rest: rest.slice(1 + end) };
}

/** A JSON argument ends with its value, any other at the next pipe that no bracket or string hides. */
function endOfArgument(text: string): number {
  if (/^[{["]/.test(text)) return endOfNested(text, 0);
  let i = 0;
  while (i < text.length && text[i] !== "|") i = '{["('.includes(text[i]!) ? endOfNested(text, i) : i + 1;
  return i;
}

function endOfNested(text: string, at: number): number {
  return text[at] === '"' ? (endOfString(text, at) ?? text.length) : endOfBrackets(text, at);
}

export function applyModifier({ name, argument }: Modifier, document: string, around: Around): string {
  const root = parseWhole(document);
  switch (name) {
    case "this":
      return document;
    case "valid":
      return isJson(document) ? document : "";
    case "ugly":
      return withoutSpace(document);
    case "pretty":
      return prettyWith(document, argument, around);
    case "tostr":
      return quote(document);
    case "fromstr":
      return root && isJson(document) ? resultText(root) : "";
    case "reverse":
      return root ? reverse(root, document) : document;
    case "flatten":
      return root && isArray(root) ? flatten(root, option(argument, "deep"), around) : document;
    case "join":
      return root && isArray(root) ? join(root, option(argument, "preserve")) : document;
    case "keys":
      return keys(root);
    case "values":
      if (root && isArray(root)) return document;
      return `[${root ? raws(children(root)) : ""}]`;
    case "group":
      return root && isObject(root) ? group(root) : "";
    case "dig":
      return `[${root ? raws(dig(root, argument, around)) : ""}]`;
  }
}

function raws(slices: readonly Slice[]): string {
  return slices.map((slice) => slice.raw).join(",");
}

/** White space outside strings taken away. */
export function withoutSpace(document: string): string {
  const kept: string[] = [];
  const blank = /[\0- ]+|"/g;
  let from = 0;
  for (let match = blank.exec(document); match; match = blank.exec(document)) {
    if (match[0] === '"') {
      blank.lastIndex = endOfString(document, match.index) ?? document.length;
      continue;
    }
    kept.push(document.slice(from, match.index));
    from = blank.lastIndex;
  }
  kept.push(document.slice(from));
  return kept.join("");
}

function prettyWith(document: string, argument: string, around: Around): string {
  const given = parseWhole(argument);
  const options = { width: 80, prefix: "", indent: "  ", sortKeys: false };
  if (given && isObject(given)) {
    someMember(given.raw, (key, value) => {
      const blanks = resultText(value).replace(/[^ \t\n\r]/g, "");
      if (key === "sortKeys") options.sortKeys = truth(value);
      else if (key === "indent") options.indent = blanks;
      else if (key === "prefix") options.prefix = blanks;
      else if (key === "width") options.width = Math.trunc(Number(resultText(value))) || 0;
      return false;
    });
  }
  return pretty(document, options, (bytes) => around.spend(bytes));
}

function option(argument: string, name: string): boolean {
  const given = parseWhole(argument);
  let on = false;
  if (given && isObject(given)) someMember(given.raw, (key, value) => ((on = key === name ? truth(value) : on), false));
  return on;
}

function truth(value: Slice): boolean {
  if (value.kind === "string") return /^(1|t|true)$/i.test(stringOf(value.raw));
  return value.kind === "true" || (value.kind === "number" && Number(value.raw) !== 0);
}

function reverse(root: Slice, document: string): string {
  if (isArray(root)) return `[${raws(children(root).reverse())}]`;
  if (!isObject(root)) return document;
  const members: string[] = [];
  someMember(root.raw, (_key, value, rawKey) => (members.push(`${rawKey}:${value.raw}`), false));
  return `{${members.reverse().join(",")}}`;
}

/** Child arrays give way to their text between the brackets. */
function flatten(root: Slice, deep: boolean, around: Around): string {
  const parts = children(root).map((value) => {
    if (!isArray(value)) return value.raw;
    around.spend(value.raw.length);
    return trim(inner(deep ? flatten(value, true, around) : value.raw));
  });
  return `[${parts.filter((part) => part !== "").join(",")}]`;
}

/** The text between the outer brackets. */
function inner(text: string): string {
  return trim(text).slice(1, -1);
}

/** Members of all objects in one; a later value takes the place of an earlier one unless both are to be kept. */
function join(root: Slice, preserve: boolean): string {
  const objects = children(root).filter(isObject);
  if (preserve) return `{${objects.map((value) => inner(value.raw)).join(",")}}`;
  const members = new Map<string, { rawKey: string; raw: string }>();
  for (const object of objects) {
    someMember(object.raw, (key, value, rawKey) => {
      members.set(key, { rawKey: members.get(key)?.rawKey ?? rawKey, raw: value.raw });
      return false;
    });
  }
  return `{${[...members.values()].map(({ rawKey, raw }) => `${rawKey}:${raw}`).join(",")}}`;
}

function keys(root: Slice | undefined): string {
  if (!root) return "[]";
  if (!isObject(root))
    return `[${children(root)
      .map(() => "null")
      .join(",")}]`;
  const names: string[] = [];
  someMember(root.raw, (_key, _value, rawKey) => (names.push(rawKey), false));
  return `[${names.join(",")}]`;
}

/** Arrays side by side become objects: `{"a":[1,2],"b":[3,4]}` → `[{"a":1,"b":3},{"a":2,"b":4}]`. */
function group(root: Slice): string {
  const rows: string[][] = [];
  someMember(root.raw, (_key, value, rawKey) => {
    if (isArray(value))
      someElement(value.raw, (element, index) => ((rows[index] ??= []).push(`${rawKey}:${element.raw}`), false));
    return false;
  });
  return `[${rows.map((row) => `{${row.join(",")}}`).join(",")}]`;
}

/** The path's finds in the document and in everything below it, outermost first. */
function dig(root: Slice, path: string, around: Around): Slice[] {
  const found: Slice[] = [];
  const pending = [root];
  for (let at = pending.pop(); at; at = pending.pop()) {
    around.spend(at.raw.length);
    const here = around.find(at.raw, path);
    if (here) found.push(here);
    if (at.kind === "json") pending.push(...children(at).reverse());
  }
  return found;
}
