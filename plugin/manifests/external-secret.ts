/** ExternalSecret, external-secrets.io v1 and v1beta1: one schema for both. */
import * as v from "valibot";
import { filledIn, forApi } from "./api-schema.ts";
import {
  dataEntrySchema,
  dataFromEntryOf,
  dataFromEntrySchema,
  entryProblems,
  namesStore,
  storeOf,
  storeRefSchema,
} from "./entries.ts";
import { checkFields, described, fields, isMap, later, withoutNulls } from "./fields.ts";
import { headProblems, notAnObject, parsedOr, readMeta } from "./object-meta.ts";
import type { ExternalSecret, ObjectMeta, Parsed, Problem, TemplateEngine } from "./objects.ts";
import { remoteRefOf } from "./remote-ref.ts";
import { syncWindowsSchema } from "./sync-windows.ts";
import { policyProblems, targetSchema } from "./target.ts";
import { templateEngines, templateOf, templateProblems } from "./target-template.ts";
import { refreshInterval, secretKey } from "./values.ts";

export const externalSecretSpec = v.pipe(
  fields(
    {
      secretStoreRef: described("Store of every entry that names none itself.", v.optional(storeRefSchema)),
      refreshPolicy: described(
        "When the Secret is read again: Periodic (the default), OnChange of this object, or CreatedOnce.",
        v.optional(v.picklist(["Periodic", "OnChange", "CreatedOnce"]), "Periodic"),
      ),
      refreshInterval: described(
        "Time between two reads, as a duration such as 1h; 0 reads once.",
        filledIn(refreshInterval, "1h0m0s"),
      ),
      target: described(
        "The Secret that is written.",
        filledIn(targetSchema, { creationPolicy: "Owner", deletionPolicy: "Retain" }),
      ),
      data: described(
        "Single values and the keys they get.",
        v.optional(v.array(dataEntrySchema({ secretKey: described("Key in the Secret.", secretKey) })), []),
      ),
      dataFrom: described(
        "Many keys at once: each property of one secret, or each of many secrets.",
        v.optional(v.array(dataFromEntrySchema), []),
      ),
    },
    {
      syncWindows: later(
        "remove it; refreshInterval alone decides when to read",
        described("When periodic refreshes may happen.", v.optional(syncWindowsSchema)),
      ),
    },
  ),
  forApi({
    "x-kubernetes-validations": [
      {
        rule: "has(self.data) && size(self.data) > 0 || has(self.dataFrom) && size(self.dataFrom) > 0",
        message: "reads nothing; add an entry to data or dataFrom",
      },
      {
        rule: [
          "has(self.secretStoreRef) && has(self.secretStoreRef.name)",
          "(!has(self.data) || self.data.all(e, has(e.sourceRef)))" +
            " && (!has(self.dataFrom) || self.dataFrom.all(e, has(e.sourceRef)))",
        ].join(" || "),
        message: "an entry names no store; set secretStoreRef.name or the entry's sourceRef.storeRef",
      },
    ],
  }),
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
  const checked = checkFields(externalSecretSpec, spec, ["spec"]);
  const meta = readMeta(document);
  const problems = [
    ...headProblems(document, head),
    ...engineProblems(meta),
    ...checked.problems,
    ...(isMap(spec) ? specProblems(spec, meta.name) : []),
  ];
  return parsedOr(problems, () => externalSecretOf(meta, checked.value!));
}

function externalSecretOf(meta: ObjectMeta, spec: v.InferOutput<typeof externalSecretSpec>): ExternalSecret {
  const { name = meta.name, template, ...target } = spec.target;
  return {
    meta,
    spec: {
      refreshPolicy: spec.refreshPolicy,
      refreshIntervalMs: spec.refreshInterval,
      target: { name, ...target, ...(template ? { template: templateOf(template, engineOf(meta) ?? "go") } : {}) },
      data: spec.data.map(({ secretKey, remoteRef, sourceRef }) => ({
        secretKey,
        remoteRef: remoteRefOf(remoteRef),
        storeRef: storeOf(sourceRef, spec.secretStoreRef),
      })),
      dataFrom: spec.dataFrom.map((entry) => dataFromEntryOf(entry, spec.secretStoreRef)),
    },
  };
}

const engineAnnotation = "keyferry.dev/template-engine";

/** Undefined when the annotation is not there or no engine. */
function engineOf({ annotations }: ObjectMeta): TemplateEngine | undefined {
  return templateEngines.find((engine) => engine === annotations[engineAnnotation]);
}

function engineProblems(meta: ObjectMeta): readonly Problem[] {
  if (meta.annotations[engineAnnotation] === undefined || engineOf(meta)) return [];
  return [{ path: `metadata.annotations[${engineAnnotation}]`, problem: `must be ${templateEngines.join(" or ")}` }];
}

function specProblems(spec: Readonly<Record<string, unknown>>, name: string): readonly Problem[] {
  const { data, dataFrom, secretStoreRef } = spec;
  const target = isMap(spec.target) ? spec.target : {};
  const entries = [data, dataFrom].filter((list) => list !== undefined);
  const empty = entries.every((list) => Array.isArray(list) && list.length === 0);
  return [
    ...(empty ? [{ path: "spec", problem: "reads nothing; add an entry to data or dataFrom" }] : []),
    ...policyProblems(target),
    ...templateProblems(target.template, ["spec", "target", "template"], { secretName: target.name ?? name }),
    ...entryProblems({ data, dataFrom, hasStore: namesStore(secretStoreRef), at: ["spec"] }),
  ];
}
