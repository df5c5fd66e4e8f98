/** SecretStore and ClusterSecretStore, external-secrets.io v1 and v1beta1. The provider block stays opaque. */
import * as v from "valibot";
import { exactlyOne, forApi } from "./api-schema.ts";
import { checkFields, described, fields, formatPath, isMap, kindOf, withoutNulls } from "./fields.ts";
import { patternProblem } from "./namespace-pattern.ts";
import { headProblems, notAnObject, parsedOr, readMeta, type HeadRules } from "./object-meta.ts";
import type { LabelSelector, ObjectMeta, Parsed, Problem, StoreCondition, StoreManifest } from "./objects.ts";
import { readProxyUrl } from "./proxy-url.ts";
import { selectorProblems, selectorSchema } from "./selector.ts";
import { duration, namespaceName, storeRefreshInterval } from "./values.ts";

const pattern = v.pipe(
  v.string(),
  v.check(
    (source) => patternProblem(source) === undefined,
    (issue) => patternProblem(issue.input) ?? "",
  ),
);

const conditionSchema = fields({
  namespaces: described("Names of namespaces that may use the store.", v.optional(v.array(namespaceName), [])),
  namespaceSelector: described("Labels of namespaces that may use it.", v.optional(selectorSchema)),
  namespaceRegexes: described(
    "Regular expressions, unanchored, over names of namespaces that may use it.",
    v.optional(v.array(pattern), []),
  ),
});

const count = v.pipe(
  v.number(),
  v.check((n) => Number.isSafeInteger(n) && n >= 0, "must be a whole number, 0 or more"),
  forApi({ type: "integer", format: "int32", minimum: 0 }),
);

const anyMap = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as const;
/** Opaque: the kind of store reads its block, so no API server may drop fields of it. */
const provider = v.pipe(v.unknown(), forApi({ type: "object", ...exactlyOne, additionalProperties: anyMap }));

export const retrySettings = described(
  "How often and how fast a failed call is repeated.",
  v.optional(
    fields({
      maxRetries: described("Repeats after the first attempt.", v.optional(count)),
      retryInterval: described("Pause before a repeat, such as 10s.", v.optional(duration)),
    }),
  ),
);

export const storeSpec = fields({
  controller: described("Controller class that serves this store; every one when absent.", v.optional(v.string())),
  provider: described("Exactly one block, named after the kind of store.", provider),
  conditions: described(
    "Namespaces that may use a ClusterSecretStore; all of them when there is no condition.",
    v.optional(v.array(conditionSchema), []),
  ),
  refreshInterval: described(
    "How often the store is validated, in seconds or as a duration; 0 for the default.",
    v.optional(storeRefreshInterval, 0),
  ),
  retrySettings,
});

const apiVersions = ["external-secrets.io/v1", "external-secrets.io/v1beta1"];

/** Reports every problem of the object outside of its provider block. */
export function parseStore(document: unknown): Parsed<StoreManifest> {
  if (!isMap(document)) return { ok: false, problems: [notAnObject(document)] };
  const cluster = document.kind === "ClusterSecretStore";
  const head: HeadRules = {
    apiVersions,
    kinds: ["SecretStore", "ClusterSecretStore"],
    scope: cluster ? "cluster" : "namespace",
  };
  const raw = document.spec ?? undefined;
  // The block is its kind's to read, nulls included.
  const spec = isMap(raw) ? { ...(withoutNulls({ ...raw, provider: null }) as object), ...providerOf(raw) } : raw;
  const checked = checkFields(storeSpec, spec, ["spec"]);
  const problems = [
    ...headProblems(document, head),
    ...proxyProblems(readMeta(document)),
    ...checked.problems,
    ...(isMap(spec) ? [...blockProblems(providerOf(spec).provider), ...conditionProblems(spec)] : []),
  ];
  return parsedOr(problems, () => {
    const meta = readMeta(document);
    return storeOf(cluster ? { ...meta, namespace: "" } : meta, cluster, checked.value!);
  });
}

function providerOf({ provider }: Readonly<Record<string, unknown>>): { readonly provider?: unknown } {
  return provider === null || provider === undefined ? {} : { provider };
}

function storeOf(meta: ObjectMeta, cluster: boolean, spec: v.InferOutput<typeof storeSpec>): StoreManifest {
  const [[kind, raw] = ["", undefined]] = blocksOf(spec.provider);
  return {
    kind: cluster ? "ClusterSecretStore" : "SecretStore",
    meta,
    ...(spec.controller ? { controller: spec.controller } : {}),
    ...proxyOf(meta),
    provider: { kind, raw },
    conditions: spec.conditions.map(conditionOf),
    refreshIntervalMs: spec.refreshInterval,
    ...retryOf(spec.retrySettings),
  };
}

export function retryOf(given: v.InferOutput<typeof retrySettings>): Pick<StoreManifest, "retry"> {
  if (!given) return {};
  const { maxRetries, retryInterval } = given;
  return {
    retry: {
      ...(maxRetries === undefined ? {} : { maxRetries }),
      ...(retryInterval === undefined ? {} : { retryIntervalMs: retryInterval }),
    },
  };
}

const proxyAnnotation = "keyferry.dev/proxy-url";

/** The annotation has no problems. */
export function proxyOf({ annotations }: ObjectMeta): Pick<StoreManifest, "proxyUrl"> {
  const text = annotations[proxyAnnotation];
  if (text === undefined) return {};
  const read = text === "" ? undefined : readProxyUrl(text);
  return { proxyUrl: read && "url" in read ? read.url.origin : "" };
}

export function proxyProblems({ annotations }: ObjectMeta): readonly Problem[] {
  const problem = proxyProblem(annotations[proxyAnnotation] ?? "");
  return problem === undefined ? [] : [{ path: `metadata.annotations[${proxyAnnotation}]`, problem }];
}

function proxyProblem(text: string): string | undefined {
  const read = text === "" ? undefined : readProxyUrl(text);
  if (!read) return undefined;
  if ("problem" in read) return `${read.problem}, or "" for none`;
  if (read.url.username === "" && read.url.password === "") return undefined;
  return "must hold no user and no password, which whoever reads the store would see; a proxy that wants them is for KEYFERRY_HTTPS_PROXY";
}

function conditionOf({ namespaceSelector, ...lists }: v.InferOutput<typeof conditionSchema>): StoreCondition {
  const selector: LabelSelector | undefined = namespaceSelector;
  return { ...lists, ...(selector ? { namespaceSelector: selector } : {}) };
}

function blocksOf(provider: unknown): readonly (readonly [string, unknown])[] {
  return isMap(provider) ? Object.entries(provider).filter(([, block]) => block !== null && block !== undefined) : [];
}

function blockProblems(provider: unknown): readonly Problem[] {
  const report = (problem: string): readonly Problem[] => [{ path: "spec.provider", problem }];
  if (provider === undefined) return [];
  if (!isMap(provider)) return report(`must be a map with one block, such as vault, not ${kindOf(provider)}`);
  const blocks = blocksOf(provider);
  if (blocks.length === 0) return report("has no block; add exactly one, such as vault");
  if (blocks.length > 1) return report(`has ${blocks.length} blocks; keep exactly one, and make a store of each other`);
  const [name, block] = blocks[0]!;
  if (isMap(block)) return [];
  return [{ path: formatPath(["spec", "provider", name]), problem: `must be a map, not ${kindOf(block)}` }];
}

function conditionProblems(spec: Readonly<Record<string, unknown>>): readonly Problem[] {
  if (!Array.isArray(spec.conditions)) return [];
  return (spec.conditions as unknown[]).flatMap((condition, i) =>
    isMap(condition)
      ? selectorProblems(condition.namespaceSelector, ["spec", "conditions", i, "namespaceSelector"])
      : [],
  );
}
