/**
 * The walk: one document and one path to at most one value.
 *
 * A walk keeps what it found so far and the pipe it met, since a later sibling may still match: a wildcard name or a
 * doubled key is tried again when the first one led nowhere.
 */
import type { Budget } from "./budget.ts";
import { applyModifier, splitModifier } from "./modifiers.ts";
import { memberName, parseMultipath } from "./multipath.ts";
import { arrayStep, objectStep, splitAtPipe, type ArrayStep } from "./path.ts";
import { queryHolds } from "./query.ts";
import { endOfBrackets, parseWhole, someElement, someMember, type Slice } from "./slice.ts";
import { wildcardMatches } from "./wildcard.ts";

/** What a child costs beside its bytes. */
const perChild = 16;

interface Walk {
  readonly budget: Budget;
  value: Slice | undefined;
  /** What follows a `|`, once the walk has come to it. */
  pipe: string | undefined;
}

/** Undefined when the path leads to nothing. `document` may be anything; broken JSON only finds less. */
export function get(budget: Budget, document: string, path: string): Slice | undefined {
  return budget.nested(() => {
    const made = path.length > 1 ? newDocument(budget, document, path) : undefined;
    if (made?.end) return made.value;
    return walkDocument(budget, document, made?.path ?? path);
  });
}

type Made = { readonly end: true; readonly value: Slice | undefined } | { readonly end: false; readonly path: string };

/** Paths that start with `@`, `!`, `[` or `{` make a new document. Not `end`: go on with an ordinary look-up. */
function newDocument(budget: Budget, document: string, path: string): Made | undefined {
  if (path.startsWith("@")) {
    const modifier = splitModifier(path);
    if (!modifier) return undefined;
    // A modifier takes the document to pieces and writes it again.
    budget.spend(3 * document.length);
    const text = applyModifier(modifier, document, {
      spend: (bytes) => budget.spend(bytes),
      find: (text, inner) => get(budget, text, inner),
    });
    return continued(budget, text, modifier.rest);
  }
  if (path.startsWith("!")) {
    const literal = splitLiteral(path.slice(1));
    return literal && continued(budget, literal.text, literal.rest);
  }
  if (!path.startsWith("[") && !path.startsWith("{")) return undefined;
  const multipath = parseMultipath(path);
  if (!multipath) return { end: false, path: "" };
  if (multipath.rest !== "" && !/^[.|]/.test(multipath.rest)) return { end: false, path: multipath.rest };
  const asObject = path.startsWith("{");
  const members: string[] = [];
  for (const part of multipath.parts) {
    const found = get(budget, document, part.path);
    if (!found) continue;
    budget.spend(found.raw.length);
    members.push(asObject ? `${memberName(part)}:${found.raw}` : found.raw);
  }
  const text = asObject ? `{${members.join(",")}}` : `[${members.join(",")}]`;
  if (multipath.rest === "") return { end: true, value: { kind: "json", raw: text } };
  return { end: true, value: get(budget, text, multipath.rest.slice(1)) };
}

function continued(budget: Budget, text: string, rest: string): Made {
  budget.spend(text.length);
  return { end: true, value: /^[.|]/.test(rest) ? get(budget, text, rest.slice(1)) : parseWhole(text) };
}

/** `!` and a JSON value. gjson takes a string or number to reach to the end of the path. */
function splitLiteral(text: string): { text: string; rest: string } | undefined {
  if (/^[{["+\-0-9]/.test(text)) {
    const end = /^[{[]/.test(text) ? endOfBrackets(text, 0) : endOfBrackets(`(${text.slice(1)}`, 0);
    return { text: text.slice(0, end), rest: text.slice(end) };
  }
  const name = /^[^.|]*/.exec(text)![0];
  if (!/^(true|false|null|nan|inf)$/i.test(name)) return undefined;
  return { text: name, rest: text.slice(name.length) };
}

function walkDocument(budget: Budget, document: string, path: string): Slice | undefined {
  const walk: Walk = { budget, value: undefined, pipe: undefined };
  if (path.startsWith("..")) walkArray(walk, `[${document}`, path.slice(2));
  else descend(walk, parseWhole(document), path);
  if (walk.pipe === undefined) return walk.value;
  return get(budget, walk.value?.raw ?? "", walk.pipe);
}

/** True: found, stop. False: go on with the next sibling; a value may still have been noted. */
function descend(walk: Walk, value: Slice | undefined, path: string): boolean {
  if (value?.kind !== "json") return false;
  const step = value.raw.startsWith("{") ? walkObject : walkArray;
  return walk.budget.nested(() => step(walk, value.raw, path));
}

function walkObject(walk: Walk, text: string, path: string): boolean {
  const { name, wild, next } = objectStep(path);
  if (next.kind === "pipe") walk.pipe = next.path;
  walk.budget.spend(text.length);
  return someMember(text, (key, value) => {
    walk.budget.spend(perChild);
    if (wild ? !wildcardMatches(walk.budget, key, name) : key !== name) return false;
    if (next.kind === "inside") return descend(walk, value, next.path);
    walk.value = value;
    return true;
  });
}

function walkArray(walk: Walk, text: string, path: string): boolean {
  const { select, next } = arrayStep(path);
  if (next.kind === "pipe") walk.pipe = next.path;
  switch (select.kind) {
    case "nothing":
      return false;
    case "index":
      return eachElement(walk, text, (value, index) => {
        if (index !== select.index) return false;
        if (next.kind === "inside") return descend(walk, value, next.path);
        walk.value = value;
        return true;
      });
    case "count": {
      let count = 0;
      eachElement(walk, text, () => (count++, false));
      walk.value = { kind: "number", raw: String(count) };
      return true;
    }
    case "each":
      return walkEach(walk, text, select.path);
    case "query":
      return walkQuery(walk, text, select, next.kind === "inside" ? next.path : undefined);
  }
}

function walkEach(walk: Walk, text: string, path: string): boolean {
  const split = splitAtPipe(path);
  if (split) walk.pipe = split[1];
  const found: string[] = [];
  eachElement(walk, text, (value) => {
    const inner = get(walk.budget, value.raw, split ? split[0] : path);
    if (inner) found.push(inner.raw);
    return false;
  });
  walk.value = { kind: "json", raw: `[${found.join(",")}]` };
  return true;
}

function eachElement(walk: Walk, text: string, visit: (value: Slice, index: number) => boolean): boolean {
  walk.budget.spend(text.length);
  return someElement(text, (value, index) => {
    walk.budget.spend(perChild);
    return visit(value, index);
  });
}

type QuerySelect = Extract<ArrayStep["select"], { kind: "query" }>;

function walkQuery(walk: Walk, text: string, { query, all }: QuerySelect, inside: string | undefined): boolean {
  const found: string[] = [];
  const hit = eachElement(walk, text, (value) => {
    // A scalar has no inner path.
    if (value.kind !== "json" && query.path !== "") return false;
    const subject = value.kind === "json" ? get(walk.budget, value.raw, query.path) : value;
    if (!queryHolds(walk.budget, query, subject)) return false;
    const result = inside === undefined ? value : insideMatch(walk, value, inside);
    if (all) {
      if (result) found.push(result.raw);
      return false;
    }
    walk.value = result;
    return true;
  });
  if (all) walk.value ??= { kind: "json", raw: `[${found.join(",")}]` };
  return hit;
}

/** The pipe of `#(…).path|rest` is met only once an element has matched. */
function insideMatch(walk: Walk, value: Slice, path: string): Slice | undefined {
  const split = splitAtPipe(path);
  if (split) walk.pipe = split[1];
  return get(walk.budget, value.raw, split ? split[0] : path);
}
