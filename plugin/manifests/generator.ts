/**
 * VaultDynamicSecret, generators.external-secrets.io/v1alpha1: what one call to Vault answers, for the ExternalSecrets of
 * its namespace. It is a store without a name and the one thing that is read of it. The provider block stays opaque.
 */
import * as v from "valibot";
import { filledIn, forApi } from "./api-schema.ts";
import { checkFields, described, fields, isMap, kindOf, withoutNulls } from "./fields.ts";
import { headProblems, notAnObject, parsedOr, readMeta } from "./object-meta.ts";
import type { Generator, GeneratorCall, ObjectMeta, Parsed, Problem } from "./objects.ts";
import { proxyOf, proxyProblems, retryOf, retrySettings } from "./store.ts";
import { nonEmptyText } from "./values.ts";

const methods = ["GET", "POST", "PUT", "LIST"] as const;
const anyMap = forApi({ type: "object", "x-kubernetes-preserve-unknown-fields": true });

export const generatorSpec = fields({
  controller: described("Controller class that serves this generator; every one when absent.", v.optional(v.string())),
  path: described("What is called, with its mount: database/creds/app.", nonEmptyText),
  // Any text for an API server, as with ESO.
  method: described(
    "GET (the default), LIST, POST or PUT.",
    v.optional(
      v.pipe(
        v.string(),
        v.check(
          (method) => method === "" || methods.some((known) => known === method),
          `must be one of ${methods.join(", ")}; a generator removes nothing`,
        ),
      ),
    ),
  ),
  parameters: described("Body of a POST or PUT.", v.optional(v.pipe(v.unknown(), anyMap))),
  getParameters: described(
    "Query of a GET: each name with its values.",
    v.optional(v.record(v.string(), v.array(v.string()))),
  ),
  resultType: described(
    "What of the answer is used: Data, Auth (a token and what belongs to it) or Raw (all of it).",
    filledIn(v.picklist(["Data", "Auth", "Raw"]), "Data"),
  ),
  provider: described("The server and the login, as in provider.vault of a SecretStore.", v.pipe(v.unknown(), anyMap)),
  allowEmptyResponse: described("An answer that holds nothing is no failure.", filledIn(v.boolean(), false)),
  retrySettings,
});

type RawSpec = v.InferOutput<typeof generatorSpec>;

const head = {
  apiVersions: ["generators.external-secrets.io/v1alpha1"],
  kinds: ["VaultDynamicSecret"],
  scope: "namespace",
} as const;

/** Reports every problem of the object outside of its provider block. */
export function parseGenerator(document: unknown): Parsed<Generator> {
  if (!isMap(document)) return { ok: false, problems: [notAnObject(document)] };
  const raw = document.spec ?? undefined;
  // What others read keeps its nulls.
  const spec = isMap(raw)
    ? { ...(withoutNulls({ ...raw, provider: null, parameters: null }) as object), ...opaqueOf(raw) }
    : raw;
  const checked = checkFields(generatorSpec, spec, ["spec"]);
  const meta = readMeta(document);
  const problems = [
    ...headProblems(document, head),
    ...proxyProblems(meta),
    ...checked.problems,
    ...(isMap(spec) ? [...mapProblems(spec), ...callProblems(spec)] : []),
  ];
  return parsedOr(problems, () => generatorOf(meta, checked.value!));
}

function opaqueOf({ provider, parameters }: Readonly<Record<string, unknown>>): object {
  const isThere = (value: unknown): boolean => value !== null && value !== undefined;
  return { ...(isThere(provider) && { provider }), ...(isThere(parameters) && { parameters }) };
}

function mapProblems(spec: Readonly<Record<string, unknown>>): readonly Problem[] {
  return ["provider", "parameters"].flatMap((field) =>
    spec[field] === undefined || isMap(spec[field])
      ? []
      : [{ path: `spec.${field}`, problem: `must be a map, not ${kindOf(spec[field])}` }],
  );
}

/** What the method would not send. */
function callProblems({ method, parameters, getParameters }: Readonly<Record<string, unknown>>): readonly Problem[] {
  const writes = method === "POST" || method === "PUT";
  const gets = method === undefined || method === "" || method === "GET";
  return [
    ...(parameters !== undefined && !writes
      ? [{ path: "spec.parameters", problem: "is the body of a POST or PUT; set method, or use getParameters" }]
      : []),
    ...(getParameters !== undefined && !gets
      ? [{ path: "spec.getParameters", problem: "is the query of a GET; leave method out, or use parameters" }]
      : []),
  ];
}

function generatorOf(meta: ObjectMeta, spec: RawSpec): Generator {
  return {
    store: {
      kind: "SecretStore",
      meta,
      ...(spec.controller ? { controller: spec.controller } : {}),
      ...proxyOf(meta),
      provider: { kind: "vault", raw: spec.provider, field: "spec.provider" },
      conditions: [],
      refreshIntervalMs: 0,
      ...retryOf(spec.retrySettings),
    },
    call: callOf(spec),
  };
}

function callOf({ path, method, parameters, getParameters, resultType, allowEmptyResponse }: RawSpec): GeneratorCall {
  return {
    path,
    method: methods.find((known) => known === method) ?? "GET",
    body: isMap(parameters) ? parameters : {},
    query: getParameters ?? {},
    take: resultType,
    mayBeEmpty: allowEmptyResponse,
  };
}
