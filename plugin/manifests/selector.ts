/** Label selectors, as the Kubernetes API defines them. */
import * as v from "valibot";
import { forApi } from "./api-schema.ts";
import { described, fields, formatPath, isMap, type FieldPath } from "./fields.ts";
import type { LabelSelector, Problem } from "./objects.ts";

/** An empty selector matches everything. */
export function matchesSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const valueOf = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => valueOf(key) === value) &&
    selector.matchExpressions.every(({ key, operator, values }) => {
      const value = valueOf(key);
      const listed = value !== undefined && values.includes(value);
      if (operator === "In") return listed;
      if (operator === "NotIn") return !listed;
      return (value !== undefined) === (operator === "Exists");
    })
  );
}

export const selectorSchema = v.pipe(
  fields({
    matchLabels: described("Labels that must all have these values.", v.optional(v.record(v.string(), v.string()), {})),
    matchExpressions: described(
      "Conditions on labels that must all hold.",
      v.optional(
        v.array(
          fields({
            key: described("Name of the label.", v.pipe(v.string(), v.minLength(1, "must not be empty"))),
            operator: described("How it is compared.", v.picklist(["In", "NotIn", "Exists", "DoesNotExist"])),
            values: described("For In and NotIn.", v.optional(v.array(v.string()), [])),
          }),
        ),
        [],
      ),
    ),
  }),
  forApi({ "x-kubernetes-map-type": "atomic" }),
);

/** Rules between fields, on unchecked input: which operators take values. */
export function selectorProblems(selector: unknown, at: FieldPath): readonly Problem[] {
  if (!isMap(selector) || !Array.isArray(selector.matchExpressions)) return [];
  return (selector.matchExpressions as unknown[]).flatMap((expression, i) => {
    if (!isMap(expression)) return [];
    const { operator, values = [] } = expression;
    if (!Array.isArray(values)) return [];
    const path = formatPath([...at, "matchExpressions", i, "values"]);
    if ((operator === "In" || operator === "NotIn") && values.length === 0)
      return [{ path, problem: `must not be empty; ${operator} needs at least one value` }];
    if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0)
      return [{ path, problem: `must be left out; ${operator} takes no values` }];
    return [];
  });
}
