/** The head of every object: apiVersion, kind and metadata. */
import { isDnsLabel, isDnsSubdomain } from "../core/names.ts";
import { formatPath, isMap, kindOf } from "./fields.ts";
import type { ObjectMeta, Parsed, Problem } from "./objects.ts";

/** Whatever of the metadata can be read; empty, 0 or left out where it cannot. Never throws. */
export function readMeta(document: unknown): ObjectMeta {
  const metadata = isMap(document) && isMap(document.metadata) ? document.metadata : {};
  return {
    namespace: textOf(metadata.namespace),
    name: textOf(metadata.name),
    uid: textOf(metadata.uid),
    generation: typeof metadata.generation === "number" ? metadata.generation : 0,
    labels: textMap(metadata.labels),
    annotations: textMap(metadata.annotations),
  };
}

export interface HeadRules {
  readonly apiVersions: readonly string[];
  readonly kinds: readonly string[];
  readonly scope: "namespace" | "cluster";
}

const rootFields = ["apiVersion", "kind", "metadata", "spec", "status"];

/** Everything wrong outside of spec. */
export function headProblems(document: Readonly<Record<string, unknown>>, rules: HeadRules): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (path: string, problem: string): void => void problems.push({ path, problem });
  if (!rules.apiVersions.includes(textOf(document.apiVersion)))
    report("apiVersion", `not supported; write ${rules.apiVersions.join(" or ")}`);
  if (!rules.kinds.includes(textOf(document.kind))) report("kind", `must be ${rules.kinds.join(" or ")}`);
  const meta = readMeta(document);
  if (!isDnsSubdomain(meta.name)) report("metadata.name", nameRule);
  if (rules.scope === "namespace" && !isDnsLabel(meta.namespace)) report("metadata.namespace", namespaceRule);
  for (const field of ["labels", "annotations"] as const) problems.push(...textMapProblems(document, field));
  for (const field of Object.keys(document))
    if (!rootFields.includes(field)) report(formatPath([field]), `unknown field; known here: ${rootFields.join(", ")}`);
  return problems;
}

export const nameRule =
  'must be 1–253 lower-case letters, digits, "-" or ".", with a letter or digit at both ends of every part';
export const namespaceRule = 'must be 1–63 lower-case letters, digits or "-", with a letter or digit at both ends';

/** For a document that is no map, so that nothing in it can be named. */
export function notAnObject(document: unknown): Problem {
  return { path: "document", problem: `must be a map with apiVersion, kind and metadata, not ${kindOf(document)}` };
}

/** The value when nothing is wrong, else everything that is. */
export function parsedOr<T>(problems: readonly Problem[], value: () => T): Parsed<T> {
  const [first, ...rest] = problems;
  return first ? { ok: false, problems: [first, ...rest] } : { ok: true, value: value() };
}

function textMapProblems(
  document: Readonly<Record<string, unknown>>,
  field: "labels" | "annotations",
): readonly Problem[] {
  const map = isMap(document.metadata) ? document.metadata[field] : undefined;
  if (map === undefined || map === null) return [];
  if (!isMap(map)) return [{ path: `metadata.${field}`, problem: `must be a map, not ${kindOf(map)}` }];
  return Object.entries(map)
    .filter(([, value]) => typeof value !== "string")
    .map(([name, value]) => ({
      path: formatPath(["metadata", field, name]),
      problem: `must be text, not ${kindOf(value)}; put it in quotes`,
    }));
}

function textOf(input: unknown): string {
  return typeof input === "string" ? input : "";
}

function textMap(input: unknown): Readonly<Record<string, string>> {
  if (!isMap(input)) return {};
  return Object.fromEntries(
    Object.entries(input).filter((member): member is [string, string] => typeof member[1] === "string"),
  );
}
