/**
 * Reads the parameters of a class as CSI providers do: texts, of which some hold YAML. Knows no store.
 *
 * Scalars of the YAML stay the texts that they are written as, until somebody wants a number: an unquoted 0644 is octal
 * as a mode and four characters as a name. Parameters and fields that nobody asks for are ignored, as providers ignore
 * them. All problems are gathered; none quotes a parameter.
 */
import { Failure } from "../core/failure.ts";
import { filePathProblem, pathClash } from "../files/path-rules.ts";
import { isMap, kindOf } from "../manifests/fields.ts";
import type { Parsed, Problem } from "../manifests/objects.ts";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";
import type { YamlLimits } from "../manifests/yaml-text.ts";
import type { DialectFile } from "./class-dialect.ts";

export interface DialectReader {
  readonly problems: readonly Problem[];
  readonly report: (path: string, problem: string) => void;
  /** Empty when it is not there. */
  text(name: string): string;
  /** As `text`; its absence is a problem. */
  required(name: string, problem: string): string;
  /** As Go reads a truth value. Undefined when it is not there, or after a problem. */
  flag(name: string): boolean | undefined;
  /** The maps of a YAML list. A list that is not there, or is empty, is a problem. */
  entries(name: string): readonly DialectEntry[];
}

/** One map of a list, with what is written in it. */
export interface DialectEntry {
  /** `objects[2]`. */
  readonly at: string;
  /** Empty when it is not there. */
  text(field: string): string;
  required(field: string, problem: string): string;
  /** A file mode, from 0 to 0777. Undefined when it is not there, or after a problem. */
  mode(field: string): number | undefined;
  /** How the stored text is written: utf-8 unless it says otherwise. */
  encoding(field: string): DialectFile["encoding"];
  /** Whether it is there and holds anything. */
  has(field: string): boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const yamlLimits: YamlLimits = { characters: 64 * 1024, documents: 2, depth: 16 };
const truths = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false] as const),
]);
const encodings = ["utf-8", "base64", "hex"] as const;
const mostMode = 0o777;

export function createDialectReader(parameters: Readonly<Record<string, string>>): DialectReader {
  const problems: Problem[] = [];
  const report = (path: string, problem: string): void => void problems.push({ path, problem });
  const text = (name: string): string => (Object.hasOwn(parameters, name) ? parameters[name]! : "");

  return {
    problems,
    report,
    text,
    required(name, problem) {
      if (text(name) === "") report(name, problem);
      return text(name);
    },
    flag(name) {
      if (text(name) === "") return undefined;
      const truth = truths.get(text(name));
      if (truth === undefined) report(name, 'must be "true" or "false"');
      return truth;
    },
    entries(name) {
      const documents = parseYamlDocuments(text(name), yamlLimits);
      const [document] = documents;
      const [asTexts] = parseYamlDocuments(text(name), yamlLimits, "failsafe");
      if (!document || documents.length > 1) {
        report(
          name,
          document
            ? "must be one YAML document; remove the --- lines"
            : "is missing or empty; list what is to be mounted",
        );
        return [];
      }
      if (!document.ok || !asTexts?.ok) {
        const { line, problem } = document.ok ? { line: 1, problem: "cannot be read as YAML" } : document;
        report(name, `line ${line}: ${problem}`);
        return [];
      }
      const list = written(document.value, asTexts.value);
      if (!Array.isArray(list)) report(name, `must be a YAML list, not ${kindOf(list)}`);
      else if (list.length === 0) report(name, "is empty; list what is to be mounted");
      return (Array.isArray(list) ? (list as unknown[]) : []).flatMap((item, i) => {
        if (isMap(item)) return [entryOf(`${name}[${i}]`, item, report)];
        report(`${name}[${i}]`, `must be a map of fields, not ${kindOf(item)}`);
        return [];
      });
    },
  };
}

/** The texts of `asTexts`, without what is null: only the other reading of the same YAML tells null from a text. */
function written(value: unknown, asTexts: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(asTexts))
    return asTexts.map((item, i) => written(Array.isArray(value) ? (value as unknown[])[i] : undefined, item));
  if (!isMap(asTexts)) return asTexts;
  const entries = Object.entries(asTexts).map(([key, member]) => [key, written(isMap(value) ? value[key] : 0, member)]);
  return Object.fromEntries(entries.filter(([, member]) => member !== undefined)) as Fields;
}

export function entryOf(at: string, fields: Fields, report: DialectReader["report"]): DialectEntry {
  const text = (field: string): string => {
    const value = Object.hasOwn(fields, field) ? fields[field] : "";
    if (typeof value === "string") return value;
    report(`${at}.${field}`, `must be a text, not ${kindOf(value)}`);
    return "";
  };
  return {
    at,
    text,
    required(field, problem) {
      if (Object.hasOwn(fields, field) && typeof fields[field] !== "string") return text(field);
      if (text(field) === "") report(`${at}.${field}`, problem);
      return text(field);
    },
    mode(field) {
      const given = text(field);
      if (given === "") return undefined;
      const mode = wholeNumber(given);
      if (mode !== undefined && mode <= mostMode) return mode;
      report(`${at}.${field}`, "must be a file mode from 0 to 0777: octal with a leading 0, as in 0400, or decimal");
      return undefined;
    },
    encoding(field) {
      const given = text(field).toLowerCase();
      const known = encodings.find((one) => one === given);
      if (!known && given !== "") report(`${at}.${field}`, `is none of ${encodings.join(", ")}`);
      return known ?? "utf-8";
    },
    has(field) {
      const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
      return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);
    },
  };
}

/** As Go's YAML reads an integer that is not negative; undefined when it is none. */
function wholeNumber(text: string): number | undefined {
  const digits = text.replaceAll("_", "").replace(/^\+/, "");
  if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
  const isNumber = /^(?:0|[1-9]\d*|0o[0-7]+|0x[\da-f]+|0b[01]+)$/i.test(digits);
  return isNumber ? Number(digits) : undefined;
}

/** Reports the paths that a volume cannot hold. `paths`: each with the place that it is written at. */
export function checkPaths(
  paths: readonly { readonly at: string; readonly path: string }[],
  report: DialectReader["report"],
): void {
  let sound: typeof paths = [];
  for (const one of paths) {
    // Something that is not there is told by whoever needs it.
    if (one.path === "") continue;
    const problem = filePathProblem(one.path) ?? pathClash([...sound.map(({ path }) => path), one.path])?.problem;
    if (problem) report(one.at, problem);
    else sound = [...sound, one];
  }
}

/** Why a kind does not take a ref, or undefined. */
export function locateProblem(locate: () => unknown): string | undefined {
  try {
    locate();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.message;
    throw thrown;
  }
}

/** Problems of a block, told by the parameters that it was made of: by field, the longest that fits. */
export function byParameter(parsed: Parsed<unknown>, parameters: Readonly<Record<string, string>>): readonly Problem[] {
  if (parsed.ok) return [];
  const fields = Object.keys(parameters).sort((a, b) => b.length - a.length);
  return parsed.problems.map(({ path, problem }) => {
    const field = fields.find((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
    return { path: field === undefined ? path : parameters[field]!, problem };
  });
}

/** Problem of a parameter that names a file of the folder that the admin mounts, or undefined. */
export function fileNameProblem(name: string): string | undefined {
  const isName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$/.test(name);
  return isName ? undefined : "must be the name of a file in the folder of --path-root, without a path";
}
