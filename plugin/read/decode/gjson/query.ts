/** `#(path operator operand)`: what an array element must be. */
import type { Budget } from "./budget.ts";
import type { Slice } from "./slice.ts";
import { stringOf } from "./slice.ts";
import { numberOf, unescape } from "./text.ts";
import { wildcardMatches } from "./wildcard.ts";

export type Operator = "" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "%" | "!%" | "!";

export interface Query {
  /** Looked up in the element; empty = the element itself. */
  readonly path: string;
  /** Empty: the path only has to exist. */
  readonly operator: Operator;
  /** Without its quotes. */
  readonly operand: string;
}

/** Reads the query at the start of `text` (`#(` or `#[`). Undefined when its bracket never closes. */
export function parseQuery(text: string): { readonly query: Query; readonly end: number } | undefined {
  const found = findParts(text);
  if (!found) return undefined;
  const { operatorAt, close, escapes } = found;
  if (operatorAt === undefined)
    return { query: { path: trim(text.slice(2, close)), operator: "", operand: "" }, end: close + 1 };
  const [operator, operand] = splitOperator(trim(text.slice(operatorAt, close)));
  return {
    query: { path: trim(text.slice(2, operatorAt)), operator, operand: unquote(operand, escapes) },
    end: close + 1,
  };
}

/** Where the first operator outside nested brackets and quotes starts, and where the query closes. */
function findParts(text: string): { operatorAt: number | undefined; close: number; escapes: boolean } | undefined {
  let depth = 1;
  let operatorAt: number | undefined;
  let escapes = false;
  for (let i = 2; i < text.length; i++) {
    const c = text[i]!;
    if (depth === 1 && operatorAt === undefined && "!=<>%".includes(c)) operatorAt = i;
    else if (c === "\\") i++;
    else if (c === "[" || c === "(") depth++;
    else if (c === "]" || c === ")") {
      if (--depth === 0) return { operatorAt, close: i, escapes };
    } else if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) {
        if (text[i] !== "\\") continue;
        escapes = true;
        i++;
      }
    }
  }
  return undefined;
}

function splitOperator(text: string): [Operator, operand: string] {
  const match = /^(?:==|!=|!%|<=|>=|[=<>%]|!$)/.exec(text)?.[0] ?? "";
  return [(match === "==" ? "=" : match) as Operator, trim(text.slice(match.length))];
}

function unquote(operand: string, escapes: boolean): string {
  if (operand.length < 2 || !operand.startsWith('"') || !operand.endsWith('"')) return operand;
  const body = operand.slice(1, -1);
  return escapes ? unescape(body) : body;
}

/** `value` is what the query's path found; undefined when it found nothing. */
export function queryHolds(budget: Budget, query: Query, value: Slice | undefined): boolean {
  if (query.operand.startsWith("~")) return tildeHolds(query, value);
  if (!value) return false;
  if (query.operator === "") return true;
  switch (value.kind) {
    case "string":
      return stringHolds(budget, query, stringOf(value.raw));
    case "number":
      return ordered(query.operator, numberOf(value.raw), numberOf(query.operand));
    case "true":
    case "false":
      return booleanHolds(query, value.kind);
    case "null":
    case "json":
      return false;
  }
}

function stringHolds(budget: Budget, query: Query, content: string): boolean {
  if (query.operator === "%") return wildcardMatches(budget, content, query.operand);
  if (query.operator === "!%") return !wildcardMatches(budget, content, query.operand);
  return ordered(query.operator, content, query.operand);
}

function ordered<T extends string | number>(operator: Operator, left: T, right: T): boolean {
  switch (operator) {
    case "=":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      return false;
  }
}

/** gjson orders false before true, and takes `>=` on true and `<=` on false for always so. */
function booleanHolds(query: Query, kind: "true" | "false"): boolean {
  if (query.operator === "=") return query.operand === kind;
  if (query.operator === "!=") return query.operand !== kind;
  if (kind === "true") return query.operator === ">=" || (query.operator === ">" && query.operand === "false");
  return query.operator === "<=" || (query.operator === "<" && query.operand === "true");
}

/** `~true` `~false` `~null` `~*`: the value is turned into a boolean first; one that is absent takes part. */
function tildeHolds(query: Query, value: Slice | undefined): boolean {
  const test = query.operand.slice(1);
  const content = value?.kind === "string" ? stringOf(value.raw).toLowerCase() : undefined;
  const zero = value?.kind === "number" && numberOf(value.raw) === 0;
  let holds: boolean;
  if (test === "*") holds = value !== undefined;
  else if (test === "null") holds = value === undefined || value.kind === "null";
  else if (test === "true")
    holds = value?.kind === "true" || (value?.kind === "number" && !zero) || /^(1|t|true)$/.test(content ?? "");
  else if (test === "false")
    holds =
      value === undefined ||
      value.kind === "null" ||
      value.kind === "false" ||
      zero ||
      /^(0|f|false)$/.test(content ?? "");
  else return false;
  if (query.operator === "") return true;
  return booleanHolds({ ...query, operand: "true" }, holds ? "true" : "false");
}

/** Takes control characters and spaces off both ends. */
export function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && text[from]! <= " ") from++;
  while (to > from && text[to - 1]! <= " ") to--;
  return text.slice(from, to);
}
