/**
 * The pieces that provider blocks are made of: schemas that report every fault of a block at once, an unknown field
 * with its nearest name, a field of ESO that is not built yet by its path, never by silence.
 */
import * as v from "valibot";
import { isDnsLabel, isDnsSubdomain, isSecretKey, nearestName } from "../core/names.ts";
import type { Parsed, Problem } from "../manifests/objects.ts";
import type { SecretKeyRef, StoreContext } from "./contract.ts";

/** A block with exactly these fields. */
export function block<const E extends v.ObjectEntries>(entries: E) {
  const known = Object.keys(entries);
  const whole = v.looseObject(entries, (issue) =>
    issue.received === "undefined" ? "is missing; it is required" : "must be a block of fields",
  );
  return v.pipe(
    whole,
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as Record<string, unknown>;
      if (typeof input !== "object" || input === null) return;
      for (const key of Object.keys(input).filter((name) => !known.includes(name))) {
        const near = nearestName(key, known);
        const message = near ? `unknown field; did you mean ${near}?` : `unknown field; known: ${known.join(", ")}`;
        addIssue({ message, path: [{ type: "object", origin: "key", input, key, value: input[key] }] });
      }
    }),
  );
}

/** A field that ESO has and this kind does not honour yet. Unset, empty and false say nothing and pass. */
export const notYet = v.optional(
  v.custom<undefined>(saysNothing, "not supported yet; remove it, or keep this store with its present operator"),
);

export const text = v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty"));
/** A string where empty means absent. */
export const optionalText = v.optional(v.string("must be a string"));
const name = v.pipe(text, v.check(isDnsSubdomain, "is not a name that an object can have"));
const namespace = v.optional(v.pipe(text, v.check(isDnsLabel, "is not a name that a namespace can have")));

/**
 * Stands where a Secret's name does, for the one that a mounting volume names as its nodePublishSecretRef and whose values
 * come with the mount. No object can be called so.
 */
export const publishedSecret = "nodePublishSecretRef";

/** ESO's SecretKeySelector. */
export const secretKeySelector = block({
  name: v.pipe(
    text,
    v.check((given) => given === publishedSecret || isDnsSubdomain(given), "is not a name that an object can have"),
  ),
  key: v.optional(v.pipe(text, v.check(isSecretKey, "is not a key that a Secret can have"))),
  namespace,
});

/** ESO's ServiceAccountSelector. */
export const serviceAccountSelector = block({
  name,
  namespace,
  audiences: v.optional(v.array(text, "must be a list")),
});

export interface Selector {
  readonly name: string;
  readonly key?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Problems whose paths start at the block itself. Null fields count as absent, as the API server has it. */
export function parseBlock<S extends v.GenericSchema>(schema: S, raw: unknown): Parsed<v.InferOutput<S>> {
  const result = v.safeParse(schema, withoutNulls(raw));
  if (result.success) return { ok: true, value: result.output };
  const [first, ...others] = result.issues.map(toProblem) as [Problem, ...Problem[]];
  return { ok: false, problems: [first, ...others] };
}

/**
 * A selector of a SecretStore stays in the store's namespace. `path` starts at the block. Returns undefined when the
 * selector is fine.
 */
export function namespaceProblem(path: string, selector: Selector, context: StoreContext): Problem | undefined {
  const { namespace: named } = selector;
  if (context.scope === "ClusterSecretStore" || named === undefined || named === context.namespace) return undefined;
  return {
    path: `${path}.namespace`,
    problem: `a SecretStore may use only its own namespace (${context.namespace}); remove the field or use a ClusterSecretStore`,
  };
}

/** The reference as the read path resolves it. `field` is the full path; the key defaults to `defaultKey`. */
export function toSecretKeyRef(
  field: string,
  selector: Selector,
  context: StoreContext,
  defaultKey: string = "",
): SecretKeyRef {
  const reference = { field, name: selector.name, key: selector.key ?? defaultKey };
  const foreign = context.scope === "ClusterSecretStore" ? selector.namespace : undefined;
  return foreign === undefined ? reference : { ...reference, namespace: foreign };
}

function toProblem(issue: v.BaseIssue<unknown>): Problem {
  const steps = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return { path: steps.join("").replace(/^\./, ""), problem: issue.message };
}

function saysNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function withoutNulls(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(withoutNulls);
  if (typeof raw !== "object" || raw === null) return raw;
  return Object.fromEntries(
    Object.entries(raw)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, withoutNulls(member)]),
  );
}
