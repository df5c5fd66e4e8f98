/** The fields of one step of `dataFrom[].rewrite`: it gives the keys that were read other names. */
import * as v from "valibot";
import { exactlyOne, filledIn, forApi } from "./api-schema.ts";
import { described, fields } from "./fields.ts";
import type { DataFromEntry, KeyRewrite } from "./objects.ts";

const regexpSchema = fields({
  source: described("Regular expression (RE2), unanchored, over each key.", v.string()),
  target: described("What each match becomes; $1 and ${name} stand for what groups matched.", v.string()),
});

const transformSchema = fields({
  template: described("Go template whose output is the new key; .value is the old one.", v.string()),
});

const mergeFields = fields({
  into: described("Key that gets the merged object when strategy is JSON.", filledIn(v.string(), "")),
  priority: described(
    "Keys that are merged last, in this order, so that their members win.",
    v.optional(v.array(v.string()), []),
  ),
  priorityPolicy: described(
    "Strict fails when a key of priority was not read; IgnoreNotFound goes on without it.",
    filledIn(v.picklist(["IgnoreNotFound", "Strict"]), "Strict"),
  ),
  conflictPolicy: described(
    "Error refuses a member that stands in two of the merged objects; Ignore lets the later one win.",
    filledIn(v.picklist(["Ignore", "Error"]), "Error"),
  ),
  strategy: described(
    "Extract makes a key of each merged member, in place of all keys; JSON writes the merged object to the key into.",
    filledIn(v.picklist(["Extract", "JSON"]), "Extract"),
  ),
});

const mergeSchema = v.pipe(
  mergeFields,
  v.check(
    ({ strategy, into }) => strategy !== "JSON" || into !== "",
    "writes to no key; set into, or strategy Extract",
  ),
);

/** Exactly one of the three is set. */
export const rewriteSchema = v.pipe(
  fields({
    regexp: described("Replaces what a regular expression matches in each key.", v.optional(regexpSchema)),
    transform: described("Makes each key anew with a template.", v.optional(transformSchema)),
    merge: described("Merges values that are JSON objects into one object.", v.optional(mergeSchema)),
  }),
  v.check((step) => Object.keys(step).length === 1, "must hold one of regexp, transform and merge"),
  forApi(exactlyOne),
);

type RawRewrite = v.InferOutput<typeof rewriteSchema>;

/** Nothing for a list without steps: the keys are then converted, as without a list. */
export function rewriteOf(steps: readonly RawRewrite[] | undefined): Pick<DataFromEntry, "rewrite"> {
  const [first, ...rest] = (steps ?? []).map(stepOf);
  return first ? { rewrite: [first, ...rest] } : {};
}

function stepOf({ regexp, transform, merge }: RawRewrite): KeyRewrite {
  if (regexp) return { by: "regexp", ...regexp };
  if (transform) return { by: "transform", ...transform };
  if (merge) return { by: "merge", ...merge };
  throw new Error("a step without an operation has passed its rules");
}
