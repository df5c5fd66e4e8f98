/** sigs.k8s.io/yaml's Marshal: the value as JSON, that read as YAML, and that written by go-yaml v2. */
import { BudgetError, fail } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import { parseInteger, parseUnsigned } from "../parse-number.ts";
import type { GoString } from "../text.ts";
import { ascii, fromText, runeCount, textOf } from "../text.ts";
import { uint8Type } from "../types.ts";
import { GoMap, GoSlice } from "../values.ts";
import type { GoValue } from "../values.ts";
import { deepestValue, scan } from "./costs.ts";
import { encodeJson, quoteJson } from "./json-encode.ts";
import { emitYaml } from "./yaml-emit.ts";
import type { YamlNode } from "./yaml-emit.ts";

const style = { escapeHtml: true, indent: false } as const;

/** A number as a YAML reader takes it from JSON: whole ones up to 64 bits stay whole. */
function numberNode(digits: string): YamlNode {
  const int = parseInteger(digits);
  if (typeof int === "bigint") return int;
  const uint = parseUnsigned(digits);
  return typeof uint === "bigint" ? uint : Number(digits);
}

/** Characters that a YAML text must not hold, though JSON's may. */
const forbidden = /[\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** The text as a YAML reader takes it from between JSON's quotes: a next-line character folds as a line break does. */
function asYaml(text: string): string {
  if (forbidden.test(text)) fail("yaml: control characters are not allowed");
  if (!text.includes("\x85")) return text;
  return text.replace(/[ \x85]+/g, (run) => {
    const breaks = run.replaceAll(" ", "").length;
    return breaks === 0 ? run : breaks === 1 ? " " : "\n".repeat(breaks - 1);
  });
}

/** The reader looks no further than this for the colon that makes a key of a text. */
const longestKey = 1_024;

function keyOf(key: GoString): string {
  const text = textOf(key);
  if (text.includes("\x85") || runeCount(ascii(quoteJson(fromText(text), true))) > longestKey)
    fail("yaml: did not find expected ',' or '}'");
  return asYaml(text);
}

class Reader {
  readonly #ctx: CallContext;
  readonly #inside = new Set<GoValue>();

  constructor(ctx: CallContext) {
    this.#ctx = ctx;
  }

  node(value: GoValue): YamlNode {
    if (typeof value === "string") return this.#text(value);
    if (value instanceof GoMap && !value.isNil) return this.#nested(value, () => this.#map(value));
    if (value instanceof GoSlice && !value.isNil && value.type.elem !== uint8Type)
      return this.#nested(value, () => value.items.map((item) => this.node(item)));
    return this.#leaf(value);
  }

  #text(value: GoString): string {
    scan(this.#ctx, value);
    return asYaml(textOf(value));
  }

  #map({ entries }: GoMap): YamlNode {
    return new Map([...entries].map(([key, item]) => [keyOf(key), this.node(item)] as const));
  }

  #nested(value: GoMap | GoSlice, read: () => YamlNode): YamlNode {
    if (this.#inside.has(value)) fail(`json: unsupported value: encountered a cycle via ${value.type.name}`);
    if (this.#inside.size > deepestValue) throw new BudgetError("depth");
    this.#ctx.charge(1 + (value instanceof GoMap ? value.entries.size : value.items.length));
    this.#inside.add(value);
    const node = read();
    this.#inside.delete(value);
    return node;
  }

  /** What JSON has its own form for: numbers, truth, nil, bytes, structs. */
  #leaf(value: GoValue): YamlNode {
    const json = encodeJson(this.#ctx, value, style);
    if (/^-?[0-9]/.test(json)) return numberNode(json);
    return nodeOfJson(JSON.parse(textOf(json)) as Json);
  }
}

type Json = null | boolean | number | string | { readonly [key: string]: Json };

/** A struct's fields are texts or structs of texts; none of ours holds a list. */
function nodeOfJson(json: Json): YamlNode {
  if (typeof json === "string") return asYaml(json);
  if (typeof json === "number") return numberNode(String(json));
  if (typeof json !== "object" || json === null) return json;
  return new Map(Object.entries(json).map(([key, value]) => [key, nodeOfJson(value)] as const));
}

/** The value as YAML, with the newline at its end. Fails for what JSON or a YAML reader cannot take. */
export const encodeYaml = (ctx: CallContext, value: GoValue): GoString => emitYaml(ctx, new Reader(ctx).node(value));
