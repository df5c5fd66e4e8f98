/** sigs.k8s.io/yaml's Unmarshal into a map[string]interface{}: the first document, read by go-yaml v2's rules. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Alias, Document, Node, Scalar as ScalarNode, YAMLMap, YAMLSeq } from "yaml";
import { formatFloat } from "../decimal.ts";
import { BudgetError, fail, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, fromBytes, fromText, textOf } from "../text.ts";
import type { GoValue } from "../values.ts";
import { anyMap, anySlice, GoMap } from "../values.ts";
import { deepestValue, scan } from "./costs.ts";
import { resolveScalar } from "./yaml-scalars.ts";
import type { Scalar } from "./yaml-scalars.ts";

const standardTag = "tag:yaml.org,2002:";

/** go-yaml's measure against documents that grow by references. */
const mostReferenced = 0.99;

class Decoder {
  readonly #ctx: CallContext;
  readonly #document: Document.Parsed;
  readonly #open = new Set<Node>();
  #decoded = 0;
  #referenced = 0;
  #depth = 0;

  constructor(ctx: CallContext, document: Document.Parsed) {
    this.#ctx = ctx;
    this.#document = document;
  }

  value(node: Node | null, nesting = 0): GoValue {
    if (nesting > deepestValue) throw new BudgetError("depth");
    this.#ctx.charge(1);
    this.#decoded++;
    if (this.#depth > 0) this.#referenced++;
    if (this.#referenced > 100 && this.#decoded > 1000 && this.#referenced / this.#decoded > mostReferenced)
      fail("yaml: document contains excessive aliasing");
    if (node === null) return null;
    if (isAlias(node)) return this.#alias(node, (target) => this.value(target, nesting + 1));
    if (isScalar(node)) return jsonValue(this.#scalar(node));
    if (isMap(node)) return this.#map(node, nesting);
    return anySlice((node as YAMLSeq).items.map((item) => this.value(item as Node | null, nesting + 1)));
  }

  #alias<Result>(alias: Alias, use: (target: Node) => Result): Result {
    const target = alias.resolve(this.#document) ?? fail(`yaml: unknown anchor '${secret(alias.source)}' referenced`);
    if (this.#open.has(target)) fail(`yaml: anchor '${secret(alias.source)}' value contains itself`);
    this.#open.add(target);
    this.#depth++;
    const result = use(target);
    this.#depth--;
    this.#open.delete(target);
    return result;
  }

  #map(node: YAMLMap, nesting: number): GoMap {
    const map = anyMap();
    this.#into(map, node, nesting);
    return map;
  }

  #into(map: GoMap, node: YAMLMap, nesting: number): void {
    for (const { key, value } of node.items as { key: Node | null; value: Node | null }[]) {
      if (isMergeKey(key)) this.#merge(map, value, nesting + 1);
      else map.entries.set(this.#key(key), this.value(value, nesting + 1));
    }
  }

  /** `<<`: what it names is put in where it stands, over what stood before. */
  #merge(map: GoMap, value: Node | null, nesting: number): void {
    if (nesting > deepestValue) throw new BudgetError("depth");
    this.#ctx.charge(1);
    const wanted = "yaml: map merge requires map or sequence of maps as the value";
    if (isMap(value)) return this.#into(map, value, nesting);
    if (isAlias(value))
      return this.#alias(value, (target) => (isMap(target) ? this.#into(map, target, nesting) : fail(wanted)));
    if (!isSeq(value)) fail(wanted);
    for (const item of [...(value as YAMLSeq).items].reverse() as Node[]) {
      if (isSeq(item) || isScalar(item)) fail(wanted);
      this.#merge(map, item, nesting + 1);
    }
  }

  #key(key: Node | null): GoString {
    const node = isAlias(key) ? this.#alias(key, (target) => target) : key;
    if (isMap(node) || isSeq(node)) fail(`yaml: invalid map key: ${secret(node.toString())}`);
    const scalar: Scalar = node === null ? { tag: "null", value: null } : this.#scalar(node as ScalarNode);
    switch (scalar.tag) {
      case "null":
        return fail("unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>");
      case "float":
        return ascii(floatKey(scalar.value));
      default:
        return typeof scalar.value === "string" ? scalar.value : ascii(String(scalar.value));
    }
  }

  #scalar(node: ScalarNode): Scalar {
    const text = fromText(typeof node.value === "string" ? node.value : "");
    const tag = node.tag?.startsWith(standardTag) ? node.tag.slice(standardTag.length) : (node.tag ?? "");
    if (tag === "" || tag === "!") return node.type === "PLAIN" ? resolveScalar(this.#ctx, text) : asText(text);
    if (tag === "str") return asText(text);
    if (tag === "binary") return asText(fromBytes(Buffer.from(text, "base64")));
    if (!["bool", "int", "float", "null", "timestamp"].includes(tag)) return asText(text);
    const found = resolveScalar(this.#ctx, text);
    if (found.tag === "int" && tag === "float") return { tag: "float", value: Number(found.value) };
    if (found.tag !== tag) fail(`yaml: cannot decode !!${found.tag} \`${secret(text)}\` as a !!${tag}`);
    return found;
  }
}

const asText = (value: GoString): Scalar => ({ tag: "str", value });

const isMergeKey = (key: Node | null): boolean =>
  isScalar(key) && key.value === "<<" && (key.type === "PLAIN" || key.tag === `${standardTag}merge`);

function floatKey(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value > 0 ? ".inf" : "-.inf";
  return formatFloat(value, "g", -1, 32);
}

/** As JSON carries it: every number a float64. */
function jsonValue(scalar: Scalar): GoValue {
  if (scalar.tag === "int") return Number(scalar.value);
  if (scalar.tag !== "float" || Number.isFinite(scalar.value)) return scalar.value;
  const name = Number.isNaN(scalar.value) ? "NaN" : scalar.value > 0 ? "+Inf" : "-Inf";
  return fail(`json: unsupported value: ${name}`);
}

const jsonKinds: ReadonlyMap<string, string> = new Map([
  ["string", "string"],
  ["number", "number"],
  ["boolean", "bool"],
]);

/** The map that the text is. An empty one where it is null. */
export function decodeYaml(ctx: CallContext, text: GoString): GoMap {
  scan(ctx, text);
  ctx.charge(text.length >> 3);
  const lines = new LineCounter();
  const document = parseDocument(textOf(text), {
    version: "1.1",
    schema: "failsafe",
    merge: false,
    uniqueKeys: false,
    strict: false,
    logLevel: "silent",
    prettyErrors: false,
    lineCounter: lines,
  });
  const problem = document.errors.find(({ code }) => code !== "MULTIPLE_DOCS");
  if (problem) {
    const { line } = lines.linePos(problem.pos[0]);
    fail(`error converting YAML to JSON: yaml: line ${line}: ${problem.message}`);
  }
  const value = new Decoder(ctx, document as Document.Parsed).value(document.contents as Node | null);
  if (value === null) return new GoMap(anyMap().type, new Map(), true);
  if (value instanceof GoMap) return value;
  const kind = jsonKinds.get(typeof value) ?? "array";
  return fail(
    `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
  );
}
