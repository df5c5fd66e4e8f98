/**
 * YAML text → plain data, strictly: the YAML 1.2 core schema, no tags beyond it, no key twice, bounded in size, depth
 * and alias expansion. JSON is YAML too.
 *
 * Problems say what and in which line. They never quote the text: it may hold secrets, and the parser's own messages
 * repeat it.
 */
import {
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type ErrorCode,
  type YAMLMap,
} from "yaml";

export interface YamlLimits {
  /** UTF-16 units of the whole text. */
  readonly characters: number;
  readonly documents: number;
  /** Nesting levels. */
  readonly depth: number;
}

const manifestLimits: YamlLimits = { characters: 4 * 1024 * 1024, documents: 5_000, depth: 64 };

export type YamlDocument =
  | { readonly ok: true; /** Where the document starts, from 1. */ readonly line: number; readonly value: unknown }
  | {
      readonly ok: false;
      /** Where the fault is, from 1. */
      readonly line: number;
      readonly problem: string;
    };

/**
 * Every document of a file that is not empty, in order. A broken one does not hide the others. In the schema `failsafe`
 * numbers, booleans and null are the texts that they are written as; a function says what such a text means where it
 * stands without quotes.
 */
export function parseYamlDocuments(
  text: string,
  limits: YamlLimits = manifestLimits,
  schema: "core" | "failsafe" | ((plain: string) => string) = "core",
): readonly YamlDocument[] {
  if (text.length > limits.characters) return [failed(1, `larger than ${limits.characters} characters; split it`)];
  const deepLine = tower(text);
  if (deepLine !== undefined) return [failed(deepLine, `nested deeper than ${limits.depth} levels; flatten it`)];
  const lines = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  try {
    const documents = parseAllDocuments(text, {
      schema: schema === "core" ? "core" : "failsafe",
      merge: true,
      resolveKnownTags: false,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: "silent",
      lineCounter: lines,
    });
    const found = Array.isArray(documents) ? documents.filter((document) => !isEmpty(document)) : [];
    if (found.length > limits.documents) return [failed(1, `more than ${limits.documents} documents; split it`)];
    if (typeof schema === "function") for (const document of found) readPlain(document, schema);
    return found.map((document) => readDocument(document, limits, lineAt));
  } catch {
    return [failed(1, "cannot be read as YAML; check it with a YAML linter")];
  }
}

function readPlain(document: Document, meaning: (plain: string) => string): void {
  visit(document, {
    Scalar(key, node) {
      if (key !== "key" && node.type === "PLAIN") node.value = meaning(String(node.value));
    },
  });
}

function failed(line: number, problem: string): YamlDocument {
  return { ok: false, line, problem };
}

function isEmpty(document: Document): boolean {
  return document.errors.length === 0 && (document.contents === null || nullScalar(document));
}

/** `---` followed by nothing but comments. An explicit `null` is as empty. */
function nullScalar(document: Document): boolean {
  return isScalar(document.contents) && document.contents.value === null;
}

function readDocument(document: Document, limits: YamlLimits, lineAt: (offset: number) => number): YamlDocument {
  const fault = [...document.errors, ...document.warnings][0];
  if (fault) return failed(lineAt(fault.pos[0]), faultText[fault.code] ?? "not valid YAML; check the indentation");
  const start = lineAt(document.contents?.range?.[0] ?? 0);
  const odd = oddNode(document, limits);
  if (odd) return failed(odd.offset === undefined ? start : lineAt(odd.offset), odd.problem);
  try {
    return { ok: true, line: start, value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch {
    return failed(start, "too many or unknown aliases; write the values out");
  }
}

const faultText: Partial<Record<ErrorCode, string>> = {
  RESOURCE_EXHAUSTION: "nested too deep; flatten it",
  BAD_ALIAS: "an alias is malformed; write the value out",
  TAG_RESOLVE_FAILED: "a tag is unknown; remove the tag",
  TAB_AS_INDENT: "a tab is used to indent; use spaces",
  MULTIPLE_TAGS: "a value has two tags; remove them",
  BAD_DQ_ESCAPE: "an escape in double quotes is wrong; use single quotes, or \\\\ for a backslash",
  MISSING_CHAR: "a closing quote, bracket, comma or colon is missing",
  BAD_INDENT: "the indentation is wrong",
  BAD_SCALAR_START: "a value starts with a reserved character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "the indentation is wrong, or a value that holds a colon needs quotes",
  MULTILINE_IMPLICIT_KEY: "a key spans lines; check the line before",
  KEY_OVER_1024_CHARS: "a key is longer than 1,024 characters",
};

interface OddNode {
  readonly offset: number | undefined;
  readonly problem: string;
}

/** What YAML allows and JSON, which manifests really are, does not; and keys that are there twice. */
function oddNode(document: Document, limits: YamlLimits): OddNode | undefined {
  let odd: OddNode | undefined;
  const report = (node: unknown, problem: string): symbol => {
    odd = { offset: isNode(node) ? node.range?.[0] : undefined, problem };
    return visit.BREAK;
  };
  visit(document, {
    Collection(_key, node, path) {
      if (path.filter(isCollection).length >= limits.depth)
        return report(node, `nested deeper than ${limits.depth} levels; flatten it`);
      const twice = isMap(node) ? repeatedKey(node) : undefined;
      return twice ? report(twice, "a key is there twice; remove one of the two") : undefined;
    },
    Scalar(_key, node) {
      const odd = typeof node.value === "number" && !Number.isFinite(node.value);
      return odd ? report(node, "infinity and NaN are not possible; put the text in quotes") : undefined;
    },
    Pair(_key, pair) {
      return isCollection(pair.key) ? report(pair.key, "a key must be text; it is a map or a list") : undefined;
    },
    Alias(_key, node, path) {
      const target = node.resolve(document);
      return target && path.includes(target) ? report(node, "an alias holds itself; write the value out") : undefined;
    },
  });
  return odd;
}

/** The parser's own check compares every key with every other: seconds for 20,000 keys. */
function repeatedKey(map: YAMLMap): unknown {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    if (seen.has(name)) return key;
    seen.add(name);
  }
  return undefined;
}

/** The parser recurses per bracket and gets slow long before its own limit, so obvious towers are refused unread. */
function tower(text: string): number | undefined {
  const mostOpen = 1_000;
  let open = 0;
  let line = 1;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x0a) line++;
    else if (c === 0x5b || c === 0x7b) open++;
    else if ((c === 0x5d || c === 0x7d) && open > 0) open--;
    if (open > mostOpen) return line;
  }
  return undefined;
}
