/** `spec.target` of an ExternalSecret: the Secret that is written, and the policies that go together. */
import * as v from "valibot";
import { filledIn, forApi } from "./api-schema.ts";
import { described, fields, later } from "./fields.ts";
import type { Problem } from "./objects.ts";
import { templateSchema } from "./target-template.ts";
import { nonEmptyText, objectName } from "./values.ts";

const manifestSchema = fields({
  apiVersion: described("API version of the object, such as v1 or apps/v1.", nonEmptyText),
  kind: described("Kind of the object, such as ConfigMap.", nonEmptyText),
});

export const targetSchema = v.pipe(
  fields(
    {
      name: described("Name of the Secret; that of this object when absent.", v.optional(objectName)),
      creationPolicy: described(
        "Who owns the Secret, and whether it is created or only filled.",
        filledIn(v.picklist(["Owner", "Orphan", "Merge", "CreateOrMerge", "None"]), "Owner"),
      ),
      deletionPolicy: described(
        "What happens to the Secret when its source is gone.",
        filledIn(v.picklist(["Retain", "Delete", "Merge"]), "Retain"),
      ),
      immutable: described("Writes the Secret as immutable.", v.optional(v.boolean(), false)),
      immediate: described("Refreshes at once when the store reports a change.", v.optional(v.boolean(), false)),
      template: described(
        "What the Secret is made of, when it is not simply the keys that were read.",
        v.optional(templateSchema),
      ),
    },
    {
      manifest: later(
        "remove it to write a Secret",
        described("Kind of object that is written in place of a Secret.", v.optional(manifestSchema)),
      ),
    },
  ),
  forApi({
    "x-kubernetes-validations": [
      {
        rule: "self.deletionPolicy != 'Delete' || self.creationPolicy in ['Owner', 'Orphan']",
        message: "deletionPolicy Delete goes with creationPolicy Owner or Orphan only; use deletionPolicy Retain",
      },
      {
        rule: "self.deletionPolicy != 'Merge' || self.creationPolicy != 'None'",
        message: "deletionPolicy Merge does not go with creationPolicy None; use deletionPolicy Retain",
      },
    ],
  }),
);

/** Deleting needs a Secret of our own; merging into a Secret needs one that is written. */
export function policyProblems({
  creationPolicy,
  deletionPolicy,
}: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (typeof creationPolicy !== "string" || typeof deletionPolicy !== "string") return [];
  const ownerless = ["Merge", "CreateOrMerge", "None"];
  const refused = deletionPolicy === "Delete" ? ownerless : deletionPolicy === "Merge" ? ["None"] : [];
  if (!refused.includes(creationPolicy)) return [];
  const wayOut =
    deletionPolicy === "Delete" ? "use deletionPolicy Retain or creationPolicy Owner" : "use deletionPolicy Retain";
  return [
    {
      path: "spec.target.deletionPolicy",
      problem: `${deletionPolicy} does not go with creationPolicy ${creationPolicy}; ${wayOut}`,
    },
  ];
}
