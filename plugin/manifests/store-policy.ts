/** StorePolicy, keyferry.dev/v1alpha1, cluster scope: which namespaces may read which addresses of a store. */
import * as v from "valibot";
import { isDnsSubdomain } from "../core/names.ts";
import { forApi } from "./api-schema.ts";
import { checkFields, described, fields, formatPath, isMap, withoutNulls } from "./fields.ts";
import { headProblems, notAnObject, parsedOr, readMeta } from "./object-meta.ts";
import type { ObjectMeta, Parsed, Problem, StorePolicy } from "./objects.ts";
import { selectorProblems, selectorSchema } from "./selector.ts";
import { namespaceName, objectName, subdomainKeywords } from "./values.ts";

const keyPattern = v.pipe(
  v.string(),
  v.minLength(1, "must not be empty"),
  v.check(
    (key) => !key.replace(/\/\*{1,2}$/, "").includes("*"),
    "may have * only as its last segment: /* (one segment) or /** (any depth); leave keys out to allow all",
  ),
  forApi({ pattern: "^[^*]*(/[*][*]?)?$" }),
);

const ruleSchema = v.pipe(
  fields({
    namespaces: described("Names of namespaces this rule is for.", v.optional(v.array(namespaceName), [])),
    namespaceSelector: described("Labels of namespaces this rule is for.", v.optional(selectorSchema)),
    keys: described(
      "Addresses as they go on the wire, literal or ending in /* or /**; all of them when absent.",
      v.optional(
        v.pipe(v.array(keyPattern), v.minLength(1, "allows nothing; list keys, or leave it out to allow all")),
      ),
    ),
  }),
  forApi({
    "x-kubernetes-validations": [
      {
        rule: "has(self.namespaces) && size(self.namespaces) > 0 || has(self.namespaceSelector)",
        message: "names no namespace; set namespaces, or namespaceSelector: {} for all",
      },
    ],
  }),
);

export const storePolicySpec = fields({
  storeRef: described(
    "The store that this policy closes for everybody else.",
    v.pipe(
      fields({
        name: described("Name of the store.", objectName),
        kind: described("SecretStore or ClusterSecretStore.", v.picklist(["SecretStore", "ClusterSecretStore"])),
        namespace: described("Namespace of a SecretStore.", v.optional(namespaceName)),
      }),
      forApi({
        "x-kubernetes-validations": [
          {
            // CEL reserves the word namespace; up to Kubernetes 1.30 a field of that name is known by this name only.
            rule: "(self.kind == 'SecretStore') == has(self.__namespace__)",
            message:
              "namespace must be set for a SecretStore, which belongs to one, and left out for a ClusterSecretStore",
          },
        ],
      }),
    ),
  ),
  rules: described(
    "Who may read what; rules add up.",
    v.optional(v.pipe(v.array(ruleSchema), v.maxLength(1_000, "are more than 1,000; write several policies")), []),
  ),
  identity: described(
    "Whose proof the store may be shown: the pod's own, or the store's account.",
    v.optional(
      v.pipe(v.array(v.picklist(["Pod", "Store"])), v.minLength(1, "allows nobody; list Pod, Store or both")),
      ["Pod"],
    ),
  ),
  hosts: described(
    "Hosts that a webhook store may reach.",
    v.optional(
      v.array(
        v.pipe(
          v.string(),
          v.check(isDnsSubdomain, "must be a host name or address, without scheme and port"),
          forApi(subdomainKeywords),
        ),
      ),
      [],
    ),
  ),
});

const head = { apiVersions: ["keyferry.dev/v1alpha1"], kinds: ["StorePolicy"], scope: "cluster" } as const;

/** Reports every problem of the object. */
export function parseStorePolicy(document: unknown): Parsed<StorePolicy> {
  if (!isMap(document)) return { ok: false, problems: [notAnObject(document)] };
  const spec = withoutNulls(document.spec ?? undefined);
  const checked = checkFields(storePolicySpec, spec, ["spec"]);
  const problems = [
    ...headProblems(document, head),
    ...checked.problems,
    ...(isMap(spec) ? [...storeRefProblems(spec.storeRef), ...ruleProblems(spec.rules)] : []),
  ];
  return parsedOr(problems, () => policyOf({ ...readMeta(document), namespace: "" }, checked.value!));
}

function policyOf(meta: ObjectMeta, spec: v.InferOutput<typeof storePolicySpec>): StorePolicy {
  const { namespace, ...store } = spec.storeRef;
  return {
    meta,
    storeRef: { ...store, ...(namespace === undefined ? {} : { namespace }) },
    rules: spec.rules.map(({ namespaces, namespaceSelector, keys }) => ({
      namespaces,
      ...(namespaceSelector ? { namespaceSelector } : {}),
      ...(keys ? { keys } : {}),
    })),
    identity: spec.identity,
    hosts: spec.hosts,
  };
}

function storeRefProblems(storeRef: unknown): readonly Problem[] {
  if (!isMap(storeRef)) return [];
  const path = "spec.storeRef.namespace";
  if (storeRef.kind === "SecretStore" && storeRef.namespace === undefined)
    return [{ path, problem: "must be set; a SecretStore belongs to one namespace" }];
  if (storeRef.kind === "ClusterSecretStore" && storeRef.namespace !== undefined)
    return [{ path, problem: "must be left out; a ClusterSecretStore has no namespace" }];
  return [];
}

function ruleProblems(rules: unknown): readonly Problem[] {
  if (!Array.isArray(rules)) return [];
  return (rules as unknown[]).flatMap((rule, i) => {
    if (!isMap(rule)) return [];
    const { namespaces = [], namespaceSelector } = rule;
    const nobody = Array.isArray(namespaces) && namespaces.length === 0 && namespaceSelector === undefined;
    const path = formatPath(["spec", "rules", i]);
    return [
      ...(nobody ? [{ path, problem: "names no namespace; set namespaces, or namespaceSelector: {} for all" }] : []),
      ...selectorProblems(namespaceSelector, ["spec", "rules", i, "namespaceSelector"]),
    ];
  });
}
