/** sigs.k8s.io/yaml's Marshal: the value as JSON, that read as YAML, and that written by go-yaml v2. */
import type { CallContext } from "../functions.ts";
import { fail } from "../errors.ts";
import { parseInteger, parseUnsigned } from "../parse-number.ts";
import type { GoString } from "../text.ts";
import { fromText, runeCount, textOf } from "../text.ts";
import type { GoValue } from "../values.ts";
import { encodeJson, quoteJson } from "./json-encode.ts";
import { emitYaml } from "./yaml-emit.ts";
import type { YamlNode } from "./yaml-emit.ts";

type Json = null | boolean | JsonNumber | string | readonly Json[] | { readonly [key: string]: Json };

/** A number with its digits: JavaScript's own would lose those of large ones. */
class JsonNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" ? new JsonNumber(context!.source!) : value;

function numberNode({ digits }: JsonNumber): YamlNode {
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

function keyOf(key: string): string {
  if (key.includes("\x85") || runeCount(quoteJson(fromText(key), true) as GoString) > longestKey)
    fail("yaml: did not find expected ',' or '}'");
  return asYaml(key);
}

function nodeOf(json: Json): YamlNode {
  if (json instanceof JsonNumber) return numberNode(json);
  if (typeof json === "string") return asYaml(json);
  if (Array.isArray(json)) return (json as readonly Json[]).map(nodeOf);
  if (typeof json !== "object" || json === null) return json as boolean | null;
  return new Map(Object.entries(json).map(([key, value]) => [keyOf(key), nodeOf(value)] as const));
}

/** The value as YAML, with the newline at its end. Fails for what JSON or a YAML reader cannot take. */
export function encodeYaml(ctx: CallContext, value: GoValue): GoString {
  const json = encodeJson(ctx, value, { escapeHtml: true, indent: false });
  return emitYaml(ctx, nodeOf(JSON.parse(textOf(json), keepDigits) as Json));
}
