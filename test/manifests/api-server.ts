/**
 * What an API server does with an object under one of the checked-in definitions: unknown fields are dropped, nulls
 * and defaults handled, the rest is checked. CEL rules are left to a real one (test/peers/kube/crds.test.ts).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import type { Definition } from "../../tools/crds/definitions.ts";
import type { Structural } from "../../tools/crds/structural.ts";

export const crdsFolder = join(import.meta.dirname, "../../crds");

export const definitionFiles = [
  "external-secrets.io_externalsecrets.yaml",
  "external-secrets.io_secretstores.yaml",
  "external-secrets.io_clustersecretstores.yaml",
  "generators.external-secrets.io_vaultdynamicsecrets.yaml",
  "keyferry.dev_storepolicies.yaml",
];

export const definitions = definitionFiles.map(
  (name) => parse(readFileSync(join(crdsFolder, name), "utf8")) as Definition,
);

/** Undefined for a kind or version that is not ours. */
export function schemaOf(apiVersion: string, kind: string): Structural | undefined {
  const [group, version] = apiVersion.split("/");
  const definition = definitions.find(({ spec }) => spec.group === group && spec.names.kind === kind);
  return definition?.spec.versions.find(({ name }) => name === version)?.schema.openAPIV3Schema;
}

export interface Admitted {
  /** As it would be stored. */
  readonly object: unknown;
  /** Paths of fields that were dropped because the schema does not know them. */
  readonly dropped: readonly string[];
  /** `path: problem` of each; an object with problems is refused. */
  readonly problems: readonly string[];
}

export function admit(schema: Structural, object: unknown): Admitted {
  const dropped: string[] = [];
  // The API server has its own schema of metadata.
  const { metadata, ...others } = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
  const kept = defaulted(schema, pruned(schema, others, "", dropped)) as object;
  return { object: { ...kept, metadata }, dropped, problems: problemsOf(schema, { ...kept, metadata }, "") };
}

type Members = Record<string, unknown>;

function isMap(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pruned(schema: Structural, value: unknown, at: string, dropped: string[]): unknown {
  if (Array.isArray(value) && schema.items)
    return value.map((item, i) => pruned(schema.items!, item, `${at}[${i}]`, dropped));
  if (!isMap(value)) return value;
  const kept: Members = {};
  for (const [name, member] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) kept[name] = pruned(known, member, `${at}.${name}`, dropped);
    else if (schema["x-kubernetes-preserve-unknown-fields"]) kept[name] = member;
    else dropped.push(`${at}.${name}`.slice(1));
  }
  return kept;
}

/**
 * A null member of a field that is not nullable counts as absent (in a create or update; server-side apply refuses it
 * where there is no default). Absent members get their defaults, from the top down.
 */
function defaulted(schema: Structural, value: unknown): unknown {
  if (Array.isArray(value)) return schema.items ? value.map((item) => defaulted(schema.items!, item)) : value;
  if (!isMap(value)) return value;
  const filled: Members = {};
  for (const [name, member] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (!known || member !== null || known.nullable) filled[name] = member;
  }
  for (const [name, { default: fallback }] of Object.entries(schema.properties ?? {}))
    if (fallback !== undefined && filled[name] === undefined) filled[name] = structuredClone(fallback);
  for (const [name, member] of Object.entries(filled)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) filled[name] = defaulted(known, member);
  }
  return filled;
}

export function problemsOf(schema: Structural, value: unknown, at: string): string[] {
  if (value === null && schema.nullable) return [];
  if (!hasType(schema, value)) return [`${at || "object"}: is not of type ${schema.type ?? "int-or-string"}`];
  const found = keywordProblems(schema, value).map((problem) => `${at || "object"}: ${problem}`);
  if (Array.isArray(value))
    value.forEach((item, i) => void found.push(...(schema.items ? problemsOf(schema.items, item, `${at}[${i}]`) : [])));
  if (!isMap(value)) return found;
  for (const [name, member] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) found.push(...problemsOf(known, member, at === "" ? name : `${at}.${name}`));
  }
  return found;
}

function hasType(schema: Structural, value: unknown): boolean {
  if (schema["x-kubernetes-int-or-string"]) return typeof value === "string" || Number.isInteger(value);
  switch (schema.type) {
    case "object":
      return isMap(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case undefined:
      return true;
    default:
      return typeof value === schema.type;
  }
}

function keywordProblems(schema: Structural, value: unknown): string[] {
  const found: string[] = [];
  const check = (fine: boolean, problem: string): void => void (fine || found.push(problem));
  const within = (size: number, least = 0, most = Infinity): boolean => size >= least && size <= most;
  if (schema.enum)
    check(
      schema.enum.some((one) => isDeepStrictEqual(one, value)),
      "is not in enum",
    );
  if (typeof value === "string") {
    check(within([...value].length, schema.minLength, schema.maxLength), "is too short or too long");
    check(schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value), "does not match its pattern");
    check(schema.format !== "date-time" || !Number.isNaN(Date.parse(value)), "is no date-time");
  }
  if (typeof value === "number") {
    check(within(value, schema.minimum ?? -Infinity, schema.maximum), "is too small or too large");
    check(schema.format !== "int32" || Math.abs(value) < 2 ** 31, "is no int32");
  }
  if (Array.isArray(value)) check(within(value.length, schema.minItems, schema.maxItems), "has too few or many items");
  if (isMap(value)) {
    const names = Object.keys(value);
    check(within(names.length, schema.minProperties, schema.maxProperties), "has too few or many members");
    for (const name of schema.required ?? []) check(names.includes(name), `lacks ${name}`);
  }
  return found;
}
