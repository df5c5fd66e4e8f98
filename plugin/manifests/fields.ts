/**
 * Checks a document against a valibot schema and reports everything that is wrong with it, field by field.
 *
 * The schemas are the one source of fields, types, defaults, enums and descriptions. Problems name fields and allowed
 * values only: whatever else the document holds may be a secret and is never repeated.
 */
import * as v from "valibot";
import { nearestName } from "../core/names.ts";
import type { Problem } from "./objects.ts";

export type FieldPath = readonly (string | number)[];

/** A field that exists in the API but does not work here. */
export interface Later {
  /** What to do instead: the end of the sentence `not supported yet; …`. */
  readonly wayOut: string;
  /** Described, as any other field: an API server that does not know it would drop it without a word. */
  readonly schema: v.GenericSchema;
}

export type NotYet = Readonly<Record<string, Later>>;

/**
 * An object with exactly these fields. Those of `notYet` are refused as `not supported yet`, all others as unknown.
 * A field begins to work when its line moves from `notYet` to `entries`.
 */
export function fields<const E extends v.ObjectEntries>(entries: E, notYet: NotYet = {}) {
  return v.pipe(v.object(entries), v.metadata({ notYet }));
}

export function later(wayOut: string, schema: v.GenericSchema): Later {
  return { wayOut, schema };
}

/** A schema with its line in the reference documentation. */
export function described<const S extends v.GenericSchema>(description: string, schema: S) {
  return v.pipe(schema, v.description(description));
}

export interface Checked<T> {
  /** Absent when something is wrong. */
  readonly value?: T;
  readonly problems: readonly Problem[];
}

/** `input` has passed `withoutNulls`. Problems come in the order of the schema, unknown fields last. */
export function checkFields<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  at: FieldPath,
): Checked<v.InferOutput<S>> {
  const result = v.safeParse(schema, input, { message: schemaProblem });
  const shape = shapeProblems(schema, input, at);
  const notObjects = shape.filter((found) => found.wrongShape).map((found) => found.path);
  const issues = (result.issues ?? [])
    .map((issue) => ({ path: [...at, ...issuePath(issue)], problem: issue.message }))
    .filter((issue) => !notObjects.some((path) => isBelow(issue.path, path)));
  const problems = [...issues, ...shape].map(({ path, problem }) => ({ path: formatPath(path), problem }));
  return problems.length === 0 && result.success ? { value: result.output, problems } : { problems };
}

/** As the API server does with fields that are not nullable: a member that is null counts as absent. */
export function withoutNulls(input: unknown, depth = 32): unknown {
  if (depth === 0 || typeof input !== "object" || input === null) return input;
  if (Array.isArray(input)) return input.map((item) => withoutNulls(item, depth - 1));
  return Object.fromEntries(
    Object.entries(input)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([key, member]) => [key, withoutNulls(member, depth - 1)]),
  );
}

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const shownName = /^[-._/A-Za-z0-9]{1,253}$/;

/** `spec.data[2].remoteRef.key`. A name that no field or label could have is shown as `?`. */
export function formatPath(path: FieldPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (plainName.test(part) && part.length <= 63) text += text === "" ? part : `.${part}`;
    else text += shownName.test(part) ? `["${part}"]` : "[?]";
  }
  return text;
}

/** What an input is, in the words of problems. */
export function kindOf(input: unknown): string {
  if (input === null || input === undefined) return "empty";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "string") return "text";
  if (typeof input === "number" || typeof input === "bigint") return "a number";
  return typeof input === "boolean" ? "true or false" : "something else";
}

export function isMap(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

/** The nearest of `known`, as the end of a sentence; empty when nothing is close. */
export function didYouMean(text: string, known: readonly string[]): string {
  const nearest = text.length <= 63 ? nearestName(text, known) : undefined;
  return nearest === undefined ? "" : `did you mean ${nearest}?`;
}

const wanted: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function schemaProblem(issue: v.BaseIssue<unknown>): string {
  if (issue.input === undefined) return "must be set";
  const { input } = issue;
  if (issue.type === "picklist") {
    const options = (issue.expected ?? "").split(/[^A-Za-z0-9]+/).filter((option) => option !== "");
    const hint = typeof input === "string" ? didYouMean(input, options) : "";
    return `must be one of ${options.join(", ")}${hint && `; ${hint}`}`;
  }
  const wrong = `must be ${wanted[issue.type] ?? "of another type"}, not ${kindOf(input)}`;
  const quotable = typeof input === "number" || typeof input === "boolean";
  return issue.type === "string" && quotable ? `${wrong}; put it in quotes` : wrong;
}

function issuePath(issue: v.BaseIssue<unknown>): FieldPath {
  return (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
}

function isBelow(path: FieldPath, ancestor: FieldPath): boolean {
  return path.length > ancestor.length && ancestor.every((part, i) => path[i] === part);
}

interface ShapeProblem {
  readonly path: FieldPath;
  readonly problem: string;
  /** Set when a list stands where a map belongs: what valibot then says about its members is noise. */
  readonly wrongShape?: true;
}

/** What makes up a valibot schema, as far as fields are looked for in it. */
interface SchemaParts {
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly wrapped?: v.GenericSchema;
  readonly item?: v.GenericSchema;
}

/** What valibot lets pass: unknown fields, lists in place of maps, and names that it drops from maps without a word. */
function shapeProblems(schema: v.GenericSchema, input: unknown, at: FieldPath): readonly ShapeProblem[] {
  const { entries, wrapped, item } = schema as SchemaParts;
  if (wrapped) return shapeProblems(wrapped, input, at);
  if (item) {
    if (!Array.isArray(input)) return [];
    return input.flatMap((member, i) => shapeProblems(item, member, [...at, i]));
  }
  if (!entries && schema.type !== "record") return [];
  if (Array.isArray(input)) return [{ path: at, problem: "must be a map, not a list", wrongShape: true }];
  if (!isMap(input)) return [];
  if (!entries) return droppedNames(input, at);
  const notYet = (v.getMetadata(schema).notYet ?? {}) as NotYet;
  return Object.keys(input).flatMap((name) => {
    const known = Object.hasOwn(entries, name) ? entries[name] : undefined;
    if (known) return shapeProblems(known, input[name], [...at, name]);
    return [{ path: [...at, name], problem: unknownField(name, Object.keys(entries), notYet) }];
  });
}

function unknownField(name: string, known: readonly string[], notYet: NotYet): string {
  const missing = Object.hasOwn(notYet, name) ? notYet[name] : undefined;
  if (missing) return `not supported yet; ${missing.wayOut}`;
  return `unknown field; ${didYouMean(name, known) || `known here: ${known.join(", ")}`}`;
}

function droppedNames(input: Readonly<Record<string, unknown>>, at: FieldPath): readonly ShapeProblem[] {
  return Object.keys(input)
    .filter((name) => name === "__proto__" || name === "prototype" || name === "constructor")
    .map((name) => ({ path: [...at, name], problem: "this name cannot be used here; choose another" }));
}
