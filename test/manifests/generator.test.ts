import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGenerator } from "../../plugin/manifests/generator.ts";
import type { Generator } from "../../plugin/manifests/objects.ts";
import { fullGenerator } from "./full-manifests.ts";
import { accepted, refuses } from "./outcome.ts";

const provider = { server: "https://v:8200", auth: { tokenSecretRef: null } };

function manifest(spec: object, metadata: object = {}): Record<string, unknown> {
  const { apiVersion, kind } = fullGenerator;
  return {
    apiVersion,
    kind,
    metadata: { name: "db", namespace: "shop", ...metadata },
    spec: { path: "database/creds/app", provider, ...spec },
  };
}
const read = (spec: object, metadata?: object): Generator => accepted(parseGenerator(manifest(spec, metadata)));

test("path and provider are enough: a GET of the data, by a store of the generator's namespace", () => {
  const { store, call } = read({});
  assert.deepEqual(call, {
    path: "database/creds/app",
    method: "GET",
    body: {},
    query: {},
    take: "Data",
    mayBeEmpty: false,
  });
  assert.deepEqual(store.provider, { kind: "vault", raw: provider, field: "spec.provider" });
  assert.deepEqual([store.kind, store.meta.namespace, store.conditions], ["SecretStore", "shop", []]);
});

test("every field has its place, and what is sent as it is keeps its nulls", () => {
  const { store, call } = accepted(parseGenerator(fullGenerator));
  const { parameters } = fullGenerator.spec;
  assert.deepEqual(call, {
    path: "pki/issue/web",
    method: "POST",
    body: parameters,
    query: {},
    take: "Raw",
    mayBeEmpty: true,
  });
  assert.deepEqual([store.controller, store.retry], ["mine", { maxRetries: 2, retryIntervalMs: 5_000 }]);
});

test("a query, an empty method, a proxy", () => {
  const proxied = { annotations: { "keyferry.dev/proxy-url": "http://proxy:3128" } };
  const { store, call } = read({ method: "", getParameters: { ttl: ["1h"], role: ["a", "b"] } }, proxied);
  assert.deepEqual([call.method, call.query], ["GET", { ttl: ["1h"], role: ["a", "b"] }]);
  assert.equal(store.proxyUrl, "http://proxy:3128");
});

const refused: readonly (readonly [what: string, spec: object, problems: readonly string[]])[] = [
  ["nothing to call", { path: null, provider: null }, ["spec.path: must be set", "spec.provider: must be set"]],
  ["an empty path", { path: "" }, ["spec.path: must not be empty"]],
  [
    "a method that removes",
    { method: "DELETE" },
    ["spec.method: must be one of GET, POST, PUT, LIST; a generator removes nothing"],
  ],
  [
    "a body that is not sent",
    { parameters: { ttl: "1h" } },
    ["spec.parameters: is the body of a POST or PUT; set method, or use getParameters"],
  ],
  [
    "a query that is not sent",
    { method: "POST", getParameters: { ttl: ["1h"] } },
    ["spec.getParameters: is the query of a GET; leave method out, or use parameters"],
  ],
  ["a body that is no map", { method: "POST", parameters: "ttl=1h" }, ["spec.parameters: must be a map, not text"]],
  ["a provider that is no map", { provider: [] }, ["spec.provider: must be a map, not a list"]],
  ["another part", { resultType: "data" }, ["spec.resultType: must be one of Data, Auth, Raw; did you mean Data?"]],
  ["a misspelt field", { resulttype: "Raw" }, ["spec.resulttype: unknown field; did you mean resultType?"]],
];
for (const [what, spec, problems] of refused)
  test(`${what} is refused by its path`, () => refuses(parseGenerator(manifest(spec)), problems));

test("another version or kind is none", () => {
  refuses(parseGenerator({ ...manifest({}), apiVersion: "external-secrets.io/v1" }), [
    "apiVersion: not supported; write generators.external-secrets.io/v1alpha1",
  ]);
  assert.equal(parseGenerator("x").ok, false);
});
