/** YAML's first document as a tree, with libyaml's complaints. */
import { BudgetError, fail, secret } from "../errors.ts";
import type { Meter } from "../functions.ts";
import { fromText } from "../text.ts";
import { deepestValue } from "./costs.ts";
import { YamlScanner } from "./yaml-scan.ts";
import { YamlSource, yamlProblem } from "./yaml-source.ts";
import type { TokenType, YamlToken } from "./yaml-tokens.ts";

export type YamlTree =
  | YamlScalarTree
  | { readonly kind: "alias"; readonly name: string; readonly target: YamlTree }
  | { readonly kind: "list"; readonly items: YamlTree[] }
  | YamlMapTree;

export interface YamlScalarTree {
  readonly kind: "scalar";
  readonly text: string;
  /** In full: `tag:yaml.org,2002:int`; empty where there is none. */
  readonly tag: string;
  /** Neither quoted nor tagged. */
  readonly isImplicit: boolean;
}

export interface YamlMapTree {
  readonly kind: "map";
  readonly pairs: (readonly [key: YamlTree, value: YamlTree])[];
}

const empty: YamlScalarTree = { kind: "scalar", text: "", tag: "", isImplicit: true };

const standardHandles: readonly (readonly [string, string])[] = [
  ["!", "!"],
  ["!!", "tag:yaml.org,2002:"],
];

interface Properties {
  readonly anchor: string;
  readonly tag: string;
  /** Where the node starts. */
  readonly line: number;
}

/** Where a node stands: what may follow decides what it can be. */
type Place = "block" | "block or list" | "flow";

class YamlParser {
  readonly #meter: Meter;
  readonly #tokens: YamlScanner;
  readonly #anchors = new Map<string, YamlTree>();
  readonly #handles = new Map<string, string>();

  constructor(meter: Meter, text: string) {
    this.#meter = meter;
    this.#tokens = new YamlScanner(meter, new YamlSource(text));
  }

  /** Undefined for a stream without documents. */
  document(): YamlTree | undefined {
    this.#tokens.peek();
    if (this.#next() === "stream end") return undefined;
    const isExplicit = this.#directives();
    for (const [handle, prefix] of standardHandles) if (!this.#handles.has(handle)) this.#handles.set(handle, prefix);
    let root: YamlTree = empty;
    if (isExplicit) {
      this.#tokens.take();
      const ends: readonly TokenType[] = ["version", "tag directive", "document start", "document end", "stream end"];
      if (!ends.includes(this.#next())) root = this.#node("block", 0);
    } else root = this.#node("block", 0);
    this.#tokens.peek();
    return root;
  }

  #next(): TokenType {
    return this.#tokens.peek().type;
  }

  #nextIs(...types: readonly TokenType[]): boolean {
    return types.includes(this.#next());
  }

  #problem(message: string, context?: number): never {
    const { line } = this.#tokens.peek();
    return yamlProblem(line === 0 ? (context ?? 0) : line, message);
  }

  /** Whether the document starts with directives or `---`, which then comes next. */
  #directives(): boolean {
    if (!this.#nextIs("version", "tag directive", "document start")) return false;
    let hasVersion = false;
    for (let token = this.#tokens.peek(); this.#nextIs("version", "tag directive"); token = this.#tokens.peek()) {
      if (token.type === "version") {
        if (hasVersion) this.#problem("found duplicate %YAML directive");
        if (!token.isKnown) this.#problem("found incompatible YAML document");
        hasVersion = true;
      } else if (token.type === "tag directive") {
        if (this.#handles.has(token.handle)) this.#problem("found duplicate %TAG directive");
        this.#handles.set(token.handle, token.prefix);
      }
      this.#tokens.take();
    }
    if (!this.#nextIs("document start")) this.#problem("did not find expected <document start>");
    return true;
  }

  #node(place: Place, depth: number): YamlTree {
    if (depth > deepestValue) throw new BudgetError("depth");
    this.#meter.charge(1);
    const first = this.#tokens.peek();
    if (first.type === "alias") {
      const target = this.#anchors.get(first.name);
      if (!target) fail(`yaml: unknown anchor '${secret(fromText(first.name))}' referenced`);
      this.#tokens.take();
      return { kind: "alias", name: first.name, target: target };
    }
    return this.#content(place, depth, this.#properties());
  }

  #content(place: Place, depth: number, properties: Properties): YamlTree {
    const { anchor, tag, line } = properties;
    const token = this.#tokens.peek();
    if (token.type === "scalar") {
      this.#tokens.take();
      return this.#anchored(anchor, scalarOf(token, tag));
    }
    if (token.type === "[") return this.#collect(anchor, (list) => this.#flowList(list, depth));
    if (token.type === "{") return this.#mapped(anchor, (map) => this.#flowMap(map, depth));
    if (token.type === "-" && place === "block or list")
      return this.#collect(anchor, (list) => this.#openList(list, depth));
    if (token.type === "block sequence" && place !== "flow")
      return this.#collect(anchor, (list) => this.#blockList(list, depth));
    if (token.type === "block mapping" && place !== "flow")
      return this.#mapped(anchor, (map) => this.#blockMap(map, depth));
    if (anchor !== "" || tag !== "") return this.#anchored(anchor, { ...empty, tag, isImplicit: tag === "" });
    return this.#problem("did not find expected node content", line);
  }

  #properties(): Properties {
    const { line } = this.#tokens.peek();
    let anchor = this.#anchor();
    const token = this.#tokens.peek();
    let tag = "";
    if (token.type === "tag") {
      this.#tokens.take();
      if (anchor === "") anchor = this.#anchor();
      this.#tokens.peek();
      tag = this.#fullTag(token, line);
    }
    return { anchor, tag, line };
  }

  #anchor(): string {
    const token = this.#tokens.peek();
    if (token.type !== "anchor") return "";
    this.#tokens.take();
    return token.name;
  }

  #fullTag({ handle, suffix, line }: Extract<YamlToken, { type: "tag" }>, context: number): string {
    if (handle === "") return suffix;
    const prefix = this.#handles.get(handle);
    return prefix === undefined
      ? yamlProblem(line === 0 ? context : line, "found undefined tag handle")
      : prefix + suffix;
  }

  #anchored<Tree extends YamlTree>(anchor: string, tree: Tree): Tree {
    if (anchor !== "") this.#anchors.set(anchor, tree);
    return tree;
  }

  #collect(anchor: string, fill: (items: YamlTree[]) => void): YamlTree {
    const tree = this.#anchored(anchor, { kind: "list", items: [] as YamlTree[] });
    fill(tree.items);
    return tree;
  }

  #mapped(anchor: string, fill: (map: YamlMapTree) => void): YamlTree {
    const tree: YamlMapTree = this.#anchored(anchor, { kind: "map", pairs: [] });
    fill(tree);
    return tree;
  }

  /** Entries of a list that stands at its key's own indent: no token tells of its end. */
  #openList(items: YamlTree[], depth: number): void {
    while (this.#nextIs("-")) {
      this.#tokens.take();
      items.push(this.#nextIs("-", "key", "value", "block end") ? empty : this.#node("block", depth + 1));
    }
  }

  #blockList(items: YamlTree[], depth: number): void {
    const { line } = this.#tokens.take();
    while (this.#nextIs("-")) {
      this.#tokens.take();
      items.push(this.#nextIs("-", "block end") ? empty : this.#node("block", depth + 1));
    }
    if (!this.#nextIs("block end")) this.#problem("did not find expected '-' indicator", line);
    this.#tokens.take();
  }

  #blockMap({ pairs }: YamlMapTree, depth: number): void {
    const { line } = this.#tokens.take();
    const part = (): YamlTree => {
      this.#tokens.take();
      return this.#nextIs("key", "value", "block end") ? empty : this.#node("block or list", depth + 1);
    };
    while (this.#nextIs("key")) {
      const key = part();
      pairs.push([key, this.#nextIs("value") ? part() : empty]);
    }
    if (!this.#nextIs("block end")) this.#problem("did not find expected key", line);
    this.#tokens.take();
  }

  /** The entries of a flow collection: between commas, up to its bracket. */
  #entries(close: "]" | "}", entry: () => void): void {
    const { line } = this.#tokens.take();
    for (let isFirst = true; !this.#nextIs(close); isFirst = false) {
      if (!isFirst) {
        if (!this.#nextIs(",")) this.#problem(`did not find expected ',' or '${close}'`, line);
        this.#tokens.take();
        if (this.#nextIs(close)) break;
      }
      entry();
    }
    this.#tokens.take();
  }

  #flowPart(close: "]" | "}", depth: number, ...ends: readonly TokenType[]): YamlTree {
    return this.#nextIs(",", close, ...ends) ? empty : this.#node("flow", depth + 1);
  }

  #flowValue(close: "]" | "}", depth: number): YamlTree {
    if (!this.#nextIs("value")) return empty;
    this.#tokens.take();
    return this.#flowPart(close, depth);
  }

  #flowList(items: YamlTree[], depth: number): void {
    this.#entries("]", () => {
      if (!this.#nextIs("key")) return items.push(this.#node("flow", depth + 1));
      this.#tokens.take();
      return items.push({ kind: "map", pairs: [this.#pairInList(depth)] });
    });
  }

  /** libyaml passes the token after an empty key without a look at it. */
  #pairInList(depth: number): readonly [YamlTree, YamlTree] {
    if (!this.#nextIs("value", ",", "]")) {
      const key = this.#node("flow", depth + 1);
      return [key, this.#flowValue("]", depth)];
    }
    this.#tokens.take();
    return [empty, this.#flowValue("]", depth)];
  }

  #flowMap({ pairs }: YamlMapTree, depth: number): void {
    this.#entries("}", () => {
      if (!this.#nextIs("key")) return pairs.push([this.#node("flow", depth + 1), empty]);
      this.#tokens.take();
      const key = this.#flowPart("}", depth, "value");
      return pairs.push([key, this.#flowValue("}", depth)]);
    });
  }
}

function scalarOf({ text, isPlain }: Extract<YamlToken, { type: "scalar" }>, tag: string): YamlScalarTree {
  return { kind: "scalar", text, tag, isImplicit: (tag === "" && isPlain) || tag === "!" };
}

/** What no YAML text may hold. */
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** The first document; undefined when there is none. */
export function parseYaml(meter: Meter, text: string): YamlTree | undefined {
  if (forbidden.test(text)) fail("yaml: control characters are not allowed");
  return new YamlParser(meter, text).document();
}
