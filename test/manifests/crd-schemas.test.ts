/** What holds for every node of the checked-in schemas, and for the definitions around them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExternalSecretStatus, OwnParts } from "../../plugin/sync/ports.ts";
import type { Structural } from "../../tools/crds/structural.ts";
import { definitions, problemsOf } from "./api-server.ts";

interface Node {
  readonly path: string;
  readonly schema: Structural;
  /** Whether it is a field with a name, and not what a list or map holds. */
  readonly isField: boolean;
}

function* nodes(schema: Structural, path: string, isField = false): Generator<Node> {
  yield { path, schema, isField };
  for (const [name, member] of Object.entries(schema.properties ?? {})) yield* nodes(member, `${path}.${name}`, true);
  if (schema.items) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* nodes(schema.additionalProperties, `${path}{}`);
}

const versions = definitions.flatMap(({ spec }) =>
  spec.versions.map((version) => ({ ...version, kind: spec.names.kind, schema: version.schema.openAPIV3Schema })),
);
const all = versions.flatMap(({ kind, name, schema }) => [...nodes(schema, `${name} ${kind}`)]);
const isMetadata = (path: string): boolean => /^\w+ \w+\.metadata$/.test(path);

/** Each with the paths of nodes that break it. */
const rules: Readonly<Record<string, (node: Node) => boolean>> = {
  "every field is described": ({ path, schema, isField }) =>
    !isField || isMetadata(path) || (schema.description ?? "").length > 5,
  "a description is a sentence of our form": ({ schema: { description } }) =>
    description === undefined || /^[A-Z@a-z].*\.$/s.test(description),
  "every node has a type": ({ schema }) =>
    (schema.type !== undefined) !== (schema["x-kubernetes-int-or-string"] === true),
  "fields and free members do not mix": ({ schema }) => !(schema.properties && schema.additionalProperties),
  "a list says what it holds": ({ schema }) => (schema.type === "array") === (schema.items !== undefined),
  "a map says what it holds": ({ path, schema }) =>
    schema.type !== "object" ||
    isMetadata(path) ||
    schema.properties !== undefined ||
    schema.additionalProperties !== undefined ||
    schema["x-kubernetes-preserve-unknown-fields"] === true,
  "unknown fields are kept inside of provider blocks only, and of what is sent as it is": ({ path, schema }) =>
    (schema["x-kubernetes-preserve-unknown-fields"] ?? false) ===
    /^\w+ ((Cluster)?SecretStore\.spec\.provider\{\}|VaultDynamicSecret\.spec\.(provider|parameters))$/.test(path),
  "required fields exist and have no default": ({ schema }) =>
    (schema.required ?? []).every((name) => schema.properties?.[name] && schema.properties[name].default === undefined),
  "a default is valid": ({ schema }) =>
    schema.default === undefined || problemsOf(schema, schema.default, "").length === 0,
  "a pattern compiles, anchored": ({ schema: { pattern } }) =>
    pattern === undefined || (new RegExp(pattern, "u") && pattern.startsWith("^") && pattern.endsWith("$")),
  "integers and texts stand beside each other as clients know it": ({ schema }) =>
    !schema["x-kubernetes-int-or-string"] || JSON.stringify(schema.anyOf) === '[{"type":"integer"},{"type":"string"}]',
};
for (const [sentence, holds] of Object.entries(rules))
  test(sentence, () => {
    const broken = all.filter((node) => !holds(node)).map(({ path }) => path);
    assert.deepEqual(broken, []);
  });

test("the walk saw all of it", () => {
  assert.ok(all.length > 300, `${all.length} nodes`);
  for (const path of [
    "v1 ExternalSecret.spec.target.template.templateFrom[].secret.items[].templateAs",
    "v1beta1 ExternalSecret.spec.dataFrom[].rewrite[].merge.priority[]",
    "v1 ExternalSecret.status.keyferry.own.annotations[]",
    "v1beta1 ClusterSecretStore.spec.conditions[].namespaceSelector.matchExpressions[].values[]",
    "v1alpha1 StorePolicy.spec.rules[].keys[]",
  ])
    assert.ok(
      all.some((node) => node.path === path),
      path,
    );
});

test("no node has a keyword that structural schemas lack", () => {
  const known = new Set(
    (
      "description type format nullable default enum pattern minimum maximum minLength maxLength minItems maxItems " +
      "minProperties maxProperties required properties additionalProperties items anyOf x-kubernetes-int-or-string " +
      "x-kubernetes-preserve-unknown-fields x-kubernetes-map-type x-kubernetes-validations"
    ).split(" "),
  );
  assert.deepEqual(
    [...new Set(all.flatMap(({ schema }) => Object.keys(schema)))].filter((key) => !known.has(key)),
    [],
  );
});

test("the versions of a kind are one and the same, all served, the first stored, none converted", () => {
  for (const { spec } of definitions) {
    const [stored, ...others] = spec.versions;
    assert.deepEqual(
      spec.versions.map(({ name, served, storage }) => [name, served, storage]),
      spec.versions.length === 1
        ? [["v1alpha1", true, true]]
        : [
            ["v1", true, true],
            ["v1beta1", true, false],
          ],
    );
    for (const other of others) assert.deepEqual({ ...other, name: "", storage: true }, { ...stored, name: "" });
    assert.deepEqual(spec.conversion, { strategy: "None" });
  }
});

test("rules name no field by a word that older API servers reserve", () => {
  const reserved =
    /\.(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)\b/;
  const ruled = all.flatMap(({ schema }) => schema["x-kubernetes-validations"] ?? []);
  assert.ok(ruled.length >= 15);
  for (const { rule, message } of ruled) {
    assert.doesNotMatch(rule, reserved);
    assert.match(message, /^[a-z].*[^.]$/i);
  }
});

test("names that users type", () => {
  assert.deepEqual(
    definitions.map(({ metadata, spec }) => [
      metadata.name,
      spec.scope,
      ...(spec.names.shortNames ?? []),
      ...spec.names.categories,
    ]),
    [
      ["externalsecrets.external-secrets.io", "Namespaced", "es", "external-secrets"],
      ["secretstores.external-secrets.io", "Namespaced", "ss", "external-secrets"],
      ["clustersecretstores.external-secrets.io", "Cluster", "css", "external-secrets"],
      ["vaultdynamicsecrets.generators.external-secrets.io", "Namespaced", "external-secrets-generators"],
      ["storepolicies.keyferry.dev", "Cluster", "stp", "keyferry"],
    ],
  );
});

test("columns and selectable fields name fields that exist", () => {
  for (const { schema, additionalPrinterColumns, selectableFields = [] } of versions) {
    const paths = new Set([...nodes(schema, "")].map(({ path }) => path));
    for (const { jsonPath } of [...additionalPrinterColumns, ...selectableFields]) {
      const path = jsonPath.replace(/\[\?\(.*\)\]/, "[]");
      assert.ok(paths.has(path) || path === ".metadata.creationTimestamp", jsonPath);
    }
  }
  assert.deepEqual(
    versions.filter(({ kind }) => kind === "ExternalSecret").map(({ selectableFields }) => selectableFields),
    Array(2).fill([
      { jsonPath: ".spec.secretStoreRef.name" },
      { jsonPath: ".spec.secretStoreRef.kind" },
      { jsonPath: ".spec.target.name" },
    ]),
  );
});

test("the status that sync writes has a place for all of it", () => {
  const names = <T>(members: Record<keyof T, true>): string[] => Object.keys(members).sort();
  const status = versions[0]!.schema.properties!.status!.properties!;
  assert.deepEqual(
    Object.keys(status).sort(),
    names<ExternalSecretStatus>({
      binding: true,
      conditions: true,
      keyferry: true,
      refreshTime: true,
      syncedResourceVersion: true,
    }),
  );
  assert.deepEqual(
    Object.keys(status.keyferry!.properties!).sort(),
    names<NonNullable<ExternalSecretStatus["keyferry"]>>({
      digest: true,
      dataDigest: true,
      own: true,
      storeKind: true,
    }),
  );
  assert.deepEqual(
    Object.keys(status.keyferry!.properties!.own!.properties!).sort(),
    names<OwnParts>({ policy: true, type: true, immutable: true, keys: true, labels: true, annotations: true }),
  );
});
