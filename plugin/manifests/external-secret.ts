/** ExternalSecret, external-secrets.io v1 and v1beta1: one schema for both. */
import * as v from "valibot";
import { isSecretKey } from "../core/names.ts";
import {
  dataEntrySchema,
  dataFromEntrySchema,
  entryProblems,
  extractEntryOf,
  namesStore,
  remoteRefOf,
  storeOf,
  storeRefSchema,
} from "./entries.ts";
import { checkFields, described, fields, isMap, withoutNulls } from "./fields.ts";
import { headProblems, notAnObject, parsedOr, readMeta } from "./object-meta.ts";
import type { ExternalSecret, ObjectMeta, Parsed, Problem } from "./objects.ts";
import { objectName, refreshInterval } from "./values.ts";

const secretKey = v.pipe(v.string(), v.check(isSecretKey, 'must be 1–253 letters, digits, "-", "_" or "."'));

const targetSchema = fields(
  {
    name: described("Name of the Secret; that of this object when absent.", v.optional(objectName)),
    creationPolicy: described(
      "Who owns the Secret, and whether it is created or only filled.",
      v.optional(v.picklist(["Owner", "Orphan", "Merge", "CreateOrMerge", "None"]), "Owner"),
    ),
    deletionPolicy: described(
      "What happens to the Secret when its source is gone.",
      v.optional(v.picklist(["Retain", "Delete", "Merge"]), "Retain"),
    ),
    immutable: described("Writes the Secret as immutable.", v.optional(v.boolean(), false)),
    immediate: described("Refreshes at once when the store reports a change.", v.optional(v.boolean(), false)),
  },
  {
    template: "remove it and let the workload read the plain keys",
    manifest: "remove it to write a Secret",
  },
);

const specSchema = fields(
  {
    secretStoreRef: described("Store of every entry that names none itself.", v.optional(storeRefSchema)),
    refreshPolicy: described(
      "When the Secret is read again.",
      v.optional(v.picklist(["Periodic", "OnChange", "CreatedOnce"]), "Periodic"),
    ),
    refreshInterval: described(
      "Time between two reads, as a duration such as 1h; 0 reads once.",
      v.optional(refreshInterval, "1h0m0s"),
    ),
    target: described("The Secret that is written.", v.optional(targetSchema, {})),
    data: described(
      "Single values and the keys they get.",
      v.optional(v.array(dataEntrySchema({ secretKey: described("Key in the Secret.", secretKey) })), []),
    ),
    dataFrom: described("Secrets whose properties all become keys.", v.optional(v.array(dataFromEntrySchema), [])),
  },
  { syncWindows: "remove it; refreshInterval alone decides when to read" },
);

const head = {
  apiVersions: ["external-secrets.io/v1", "external-secrets.io/v1beta1"],
  kinds: ["ExternalSecret"],
  scope: "namespace",
} as const;

/** `metadata.namespace` must be filled in. Reports every problem of the object. */
export function parseExternalSecret(document: unknown): Parsed<ExternalSecret> {
  if (!isMap(document)) return { ok: false, problems: [notAnObject(document)] };
  const spec = withoutNulls(document.spec ?? undefined);
  const checked = checkFields(specSchema, spec, ["spec"]);
  const problems = [...headProblems(document, head), ...checked.problems, ...(isMap(spec) ? specProblems(spec) : [])];
  return parsedOr(problems, () => externalSecretOf(readMeta(document), checked.value!));
}

function externalSecretOf(meta: ObjectMeta, spec: v.InferOutput<typeof specSchema>): ExternalSecret {
  const { name = meta.name, ...target } = spec.target;
  return {
    meta,
    spec: {
      refreshPolicy: spec.refreshPolicy,
      refreshIntervalMs: spec.refreshInterval,
      target: { name, ...target },
      data: spec.data.map(({ secretKey, remoteRef, sourceRef }) => ({
        secretKey,
        remoteRef: remoteRefOf(remoteRef),
        storeRef: storeOf(sourceRef, spec.secretStoreRef),
      })),
      dataFrom: spec.dataFrom.map((entry) => extractEntryOf(entry, spec.secretStoreRef)),
    },
  };
}

function specProblems(spec: Readonly<Record<string, unknown>>): readonly Problem[] {
  const { data, dataFrom, secretStoreRef } = spec;
  const entries = [data, dataFrom].filter((list) => list !== undefined);
  const empty = entries.every((list) => Array.isArray(list) && list.length === 0);
  return [
    ...(empty ? [{ path: "spec", problem: "reads nothing; add an entry to data or dataFrom" }] : []),
    ...policyProblems(isMap(spec.target) ? spec.target : {}),
    ...entryProblems({ data, dataFrom, hasStore: namesStore(secretStoreRef), at: ["spec"] }),
  ];
}

/** Deleting needs a Secret of our own; merging into a Secret needs one that is written. */
function policyProblems({ creationPolicy, deletionPolicy }: Readonly<Record<string, unknown>>): readonly Problem[] {
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
