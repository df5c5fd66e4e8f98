/** sigs.k8s.io/yaml's Unmarshal into a map[string]interface{}: the first document, by go-yaml v2's rules. */
import { formatFloat } from "../decimal.ts";
import { BudgetError, fail, GoError, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import { quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { decodeRune, ascii, fromBytes, fromText, isUtf8, runeError, textOf } from "../text.ts";
import type { GoValue } from "../values.ts";
import { anyMap, anySlice, GoMap, GoSlice } from "../values.ts";
import { deepestValue, scan } from "./costs.ts";
import { base64Fault } from "./encoding.ts";
import { parseYaml } from "./yaml-parse.ts";
import type { YamlMapTree, YamlScalarTree, YamlTree } from "./yaml-parse.ts";
import { resolveScalar } from "./yaml-scalars.ts";
import type { Scalar } from "./yaml-scalars.ts";

const standardTag = "tag:yaml.org,2002:";

/** go-yaml's measure against documents that grow by references. */
const mostReferenced = 0.99;

const wantsMap = "yaml: map merge requires map or sequence of maps as the value";

class Decoder {
  readonly #ctx: CallContext;
  readonly #open = new Set<YamlTree>();
  #decoded = 0;
  #referenced = 0;
  #depth = 0;
  #problem: string | undefined;

  constructor(ctx: CallContext) {
    this.#ctx = ctx;
  }

  value(tree: YamlTree, depth = 0): GoValue {
    this.#pay(depth);
    switch (tree.kind) {
      case "alias":
        return this.#referred(tree, (target) => this.value(target, depth + 1));
      case "list":
        return anySlice(tree.items.map((item) => this.value(item, depth + 1)));
      case "map": {
        const map = anyMap();
        this.#fill(map, tree, depth);
        return map;
      }
      case "scalar":
        return this.#json(this.#scalar(tree));
    }
  }

  /** The value of the whole document; what JSON cannot say is a fault only once all is read. */
  root(tree: YamlTree): GoValue {
    const value = this.value(tree);
    return this.#problem === undefined ? value : fail(this.#problem);
  }

  /** As JSON carries it: every number a float64, every text UTF-8. */
  #json(scalar: Scalar): GoValue {
    if (scalar.tag === "int") return Number(scalar.value);
    if (typeof scalar.value === "string") return isUtf8(scalar.value) ? scalar.value : fromText(textOf(scalar.value));
    if (scalar.tag === "float" && !Number.isFinite(scalar.value)) {
      const name = Number.isNaN(scalar.value) ? "NaN" : scalar.value > 0 ? "+Inf" : "-Inf";
      this.#problem ??= `json: unsupported value: ${name}`;
    }
    return scalar.value;
  }

  #pay(depth: number): void {
    if (depth > deepestValue) throw new BudgetError("depth");
    this.#ctx.charge(1);
    this.#decoded++;
    if (this.#depth > 0) this.#referenced++;
    if (this.#referenced > 100 && this.#decoded > 1000 && this.#referenced / this.#decoded > mostReferenced)
      fail("yaml: document contains excessive aliasing");
  }

  #referred<Result>(alias: Extract<YamlTree, { kind: "alias" }>, use: (target: YamlTree) => Result): Result {
    if (this.#open.has(alias)) fail(`yaml: anchor '${secret(fromText(alias.name))}' value contains itself`);
    this.#open.add(alias);
    this.#depth++;
    const result = use(alias.target);
    this.#depth--;
    this.#open.delete(alias);
    return result;
  }

  #fill(map: GoMap, { pairs }: YamlMapTree, depth: number): void {
    for (const [key, value] of pairs) {
      if (isMergeKey(key)) this.#merge(map, value, depth + 1);
      else {
        const name = this.#key(key, depth + 1);
        const held = this.value(value, depth + 1);
        if (name === null) this.#problem ??= unsupportedKey(held);
        else map.entries.set(name, held);
      }
    }
  }

  /** `<<`: what it names is put in where it stands, over what stood before; the first of a list wins. */
  #merge(map: GoMap, tree: YamlTree, depth: number): void {
    this.#pay(depth);
    if (tree.kind === "map") return this.#fill(map, tree, depth);
    if (tree.kind === "alias")
      return this.#referred(tree, (target) =>
        target.kind === "map" ? this.#fill(map, target, depth) : fail(wantsMap),
      );
    if (tree.kind === "scalar") fail(wantsMap);
    for (const item of tree.items.toReversed()) {
      if (item.kind === "list" || item.kind === "scalar") fail(wantsMap);
      this.#merge(map, item, depth + 1);
    }
  }

  /** The key's text; null for a key that is null. */
  #key(tree: YamlTree, depth: number): GoString | null {
    this.#pay(depth);
    if (tree.kind === "alias") return this.#referred(tree, (target) => this.#key(target, depth + 1));
    if (tree.kind === "list" || tree.kind === "map")
      return fail(`yaml: invalid map key: ${secret(goSyntax(this.value(tree, depth)))}`);
    const { tag, value } = this.#scalar(tree);
    if (tag === "null") return null;
    if (tag === "float") return ascii(floatKey(value));
    return typeof value === "string" ? value : ascii(String(value));
  }

  #scalar({ text, tag, isImplicit }: YamlScalarTree): Scalar {
    const bytes = fromText(text);
    if (tag === "") return isImplicit ? resolveScalar(this.#ctx, bytes) : asText(bytes);
    const name = tag.startsWith(standardTag) ? tag.slice(standardTag.length) : undefined;
    if (name === "binary") return binary(bytes);
    if (name === undefined || !["bool", "int", "float", "null", "timestamp"].includes(name)) return asText(bytes);
    const found = resolveScalar(this.#ctx, bytes);
    if (found.tag === name) return found;
    if (found.tag === "int" && name === "float" && found.value < 2n ** 63n)
      return { tag: "float", value: Number(found.value) };
    return fail(`yaml: cannot decode !!${found.tag} \`${secret(bytes)}\` as a !!${name}`);
  }
}

const asText = (value: GoString): Scalar => ({ tag: "str", value });

function binary(text: GoString): Scalar {
  if (base64Fault(text) !== undefined) fail("yaml: !!binary value contains invalid base64 data");
  return asText(fromBytes(Buffer.from(text, "base64")));
}

const isMergeKey = (tree: YamlTree): boolean =>
  tree.kind === "scalar" && tree.text === "<<" && (tree.isImplicit || tree.tag === `${standardTag}merge`);

const unsupportedKey = (value: GoValue): string =>
  `unsupported map key of type: %!s(<nil>), key: <nil>, value: ${secret(value === null ? "<nil>" : goSyntax(value))}`;

/** `%#v`, of what JSON can hold. */
function goSyntax(value: GoValue): string {
  if (typeof value === "string") return quote(value);
  if (value instanceof GoMap)
    return `map[interface {}]interface {}{${value
      .sortedKeys()
      .map((key) => `${quote(key)}:${goSyntax(value.entries.get(key))}`)
      .join(", ")}}`;
  if (value instanceof GoSlice) return `[]interface {}{${value.items.map(goSyntax).join(", ")}}`;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "interface {}(nil)";
}

function floatKey(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value > 0 ? ".inf" : "-.inf";
  return formatFloat(Math.fround(value), "g", -1, 32);
}

const jsonKinds: ReadonlyMap<string, string> = new Map([
  ["string", "string"],
  ["number", "number"],
  ["boolean", "bool"],
]);

/** What Go's YAML reader says of the first bytes that are no UTF-8. */
function encodingProblem(text: GoString): string {
  let at = 0;
  for (let valid = decodeRune(text, at); valid.rune !== runeError || valid.width > 1; valid = decodeRune(text, at))
    at += valid.width;
  const first = text.charCodeAt(at);
  const width = first >= 0xf8 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (width === 0) return "invalid leading UTF-8 octet";
  if (at + width > text.length) return "incomplete UTF-8 octet sequence";
  const rest = [...text.slice(at + 1, at + width)].map((octet) => octet.charCodeAt(0));
  if (rest.some((octet) => (octet & 0xc0) !== 0x80)) return "invalid trailing UTF-8 octet";
  const value = rest.reduce((sum, octet) => (sum << 6) | (octet & 0x3f), first & (0x7f >> width));
  const shortest = [0, 0, 0x80, 0x800, 0x10000][width]!;
  return value < shortest ? "invalid length of a UTF-8 sequence" : "invalid Unicode character";
}

function decoded(ctx: CallContext, text: GoString): GoValue | undefined {
  try {
    if (!isUtf8(text)) fail(`yaml: ${encodingProblem(text)}`);
    const tree = parseYaml(ctx, textOf(text));
    return tree && new Decoder(ctx).root(tree);
  } catch (thrown) {
    if (thrown instanceof GoError) fail(`error converting YAML to JSON: ${thrown.message}`);
    throw thrown;
  }
}

/** The map that the text is; an empty one where it is null. Fails with Go's text. */
export function decodeYaml(ctx: CallContext, text: GoString): GoMap {
  scan(ctx, text);
  const value = decoded(ctx, text) ?? null;
  if (value === null) return anyMap();
  if (value instanceof GoMap) return value;
  const kind = jsonKinds.get(typeof value) ?? "array";
  return fail(
    `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
  );
}
