/** The API server and the parser agree: on defaults, on fields that are not built yet, on what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Parsed } from "../../plugin/manifests/objects.ts";
import { parseExternalSecret } from "../../plugin/manifests/external-secret.ts";
import { parseGenerator } from "../../plugin/manifests/generator.ts";
import { parseStorePolicy } from "../../plugin/manifests/store-policy.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import type { ExternalSecretStatus } from "../../plugin/sync/ports.ts";
import type { Structural } from "../../tools/crds/structural.ts";
import { admit, schemaOf } from "./api-server.ts";
import { fullExternalSecret, fullGenerator, fullPolicy, fullStore, unbuiltFields } from "./full-manifests.ts";
import { accepted, refuses } from "./outcome.ts";

type Document = Readonly<Record<string, unknown>> & { readonly apiVersion: string; readonly kind: string };

const entry = { secretKey: "k", remoteRef: { key: "a" } };
const leastSpec = { secretStoreRef: { name: "s" }, data: [entry] };
const externalSecret = (spec: object): Document => ({ ...fullExternalSecret, spec });
const least = (spec: object): Document => externalSecret({ ...leastSpec, ...spec });
const admitted = (document: Document): ReturnType<typeof admit> =>
  admit(schemaOf(document.apiVersion, document.kind)!, document);

/** Every default of the schemas: path → value. */
function* defaultsOf(schema: Structural, path: string): Generator<readonly [string, unknown]> {
  if (schema.default !== undefined) yield [path, schema.default];
  for (const [name, member] of Object.entries(schema.properties ?? {})) yield* defaultsOf(member, `${path}.${name}`);
  if (schema.items) yield* defaultsOf(schema.items, `${path}[]`);
}

const generator = "generators.external-secrets.io/v1alpha1";
/** Those that ESO's own definitions write into objects, and no others. */
const written: Readonly<Record<string, unknown>> = {
  "spec.data[].sourceRef.generatorRef.apiVersion": generator,
  "spec.dataFrom[].rewrite[].merge.conflictPolicy": "Error",
  "spec.dataFrom[].rewrite[].merge.into": "",
  "spec.dataFrom[].rewrite[].merge.priorityPolicy": "Strict",
  "spec.dataFrom[].rewrite[].merge.strategy": "Extract",
  "spec.dataFrom[].sourceRef.generatorRef.apiVersion": generator,
  "spec.refreshInterval": "1h0m0s",
  "spec.target": { creationPolicy: "Owner", deletionPolicy: "Retain" },
  "spec.target.creationPolicy": "Owner",
  "spec.target.deletionPolicy": "Retain",
  "spec.target.template.engineVersion": "v2",
  "spec.target.template.mergePolicy": "Replace",
  "spec.target.template.templateFrom[].configMap.items[].templateAs": "Values",
  "spec.target.template.templateFrom[].secret.items[].templateAs": "Values",
  "spec.target.template.templateFrom[].target": "Data",
};

test("the defaults that the API server writes are ESO's", () => {
  for (const version of ["v1", "v1beta1"]) {
    const schema = schemaOf(`external-secrets.io/${version}`, "ExternalSecret")!;
    assert.deepEqual(
      Object.fromEntries([...defaultsOf(schema, "")].map(([path, value]) => [path.slice(1), value])),
      written,
    );
  }
  for (const [group, kind] of [
    ["external-secrets.io/v1", "SecretStore"],
    ["external-secrets.io/v1beta1", "ClusterSecretStore"],
    ["keyferry.dev/v1alpha1", "StorePolicy"],
  ] as const)
    assert.deepEqual([...defaultsOf(schemaOf(group, kind)!, "")], []);
});

const absences: readonly (readonly [absent: string, spec: object])[] = [
  ["everything", {}],
  ["the parts of target", { target: {} }],
  ["target.deletionPolicy", { target: { creationPolicy: "Orphan", name: "x" } }],
  ["target.creationPolicy", { target: { deletionPolicy: "Delete" } }],
  ["what is null", { target: { name: null, creationPolicy: null }, refreshInterval: null, dataFrom: null }],
  ["a null target", { target: null, refreshPolicy: null }],
];
for (const [absent, spec] of absences)
  test(`where ${absent} is left out, API server and parser fill in the same`, () => {
    const document = least(spec);
    const { object, problems } = admitted(document);
    assert.deepEqual(problems, []);
    assert.deepEqual(accepted(parseExternalSecret(object)), accepted(parseExternalSecret(document)));
  });

const unbuilt: readonly (readonly [field: string, spec: object, wayOut: string])[] = [
  [
    "spec.syncWindows",
    { syncWindows: unbuiltFields.syncWindows },
    "remove it; refreshInterval alone decides when to read",
  ],
  ["spec.target.manifest", { target: { manifest: unbuiltFields.target.manifest } }, "remove it to write a Secret"],
  [
    "spec.dataFrom[0].sourceRef.generatorRef.kind",
    { dataFrom: [unbuiltFields.dataFrom[0]] },
    "of the generators VaultDynamicSecret works, all else is read from a store: use storeRef",
  ],
  [
    "spec.data[0].sourceRef.generatorRef",
    { data: [{ ...entry, ...unbuiltFields.dataFrom[0] }] },
    "a generator makes a map: use dataFrom",
  ],
];
for (const [field, spec, wayOut] of unbuilt)
  test(`${field} reaches the parser whole and is refused there`, () => {
    const document = least(spec);
    const { object, dropped, problems } = admitted(document);
    assert.deepEqual([dropped, problems], [[], []]);
    refuses(parseExternalSecret(object), [`${field}: not supported yet; ${wayOut}`]);
  });

test("a field that nobody knows is dropped by the API server, and so is one in a block that is not a store's", () => {
  const document = least({ refreshIntervall: "1h", target: { creatonPolicy: "Owner" } });
  assert.deepEqual(admitted(document).dropped, ["spec.refreshIntervall", "spec.target.creatonPolicy"]);
  const store = { ...fullStore, spec: { provider: { other: { a: 1 } }, retrySettings: { b: 2 } } };
  assert.deepEqual(admitted(store).dropped, ["spec.retrySettings.b"]);
});

const store = (spec: object): Document => ({ ...fullStore, spec: { ...fullStore.spec, ...spec } });
const policy = (spec: object): Document => ({ ...fullPolicy, spec: { ...fullPolicy.spec, ...spec } });

const made = (spec: object): Document => ({ ...fullGenerator, spec: { ...fullGenerator.spec, ...spec } });

/** Refused by both. The rules between fields are CEL, which this stand-in for the API server does not know. */
const refusedByBoth: readonly (readonly [document: Document, path: string])[] = [
  [{ ...fullExternalSecret, spec: undefined }, "object"],
  [least({ refreshInterval: 1 }), "spec.refreshInterval"],
  [least({ refreshInterval: -1 }), "spec.refreshInterval"],
  [least({ refreshInterval: "30" }), "spec.refreshInterval"],
  [least({ refreshInterval: "" }), "spec.refreshInterval"],
  [least({ refreshInterval: "1 hour" }), "spec.refreshInterval"],
  [least({ refreshInterval: true }), "spec.refreshInterval"],
  [least({ refreshPolicy: "periodic" }), "spec.refreshPolicy"],
  [least({ secretStoreRef: { name: "Up" } }), "spec.secretStoreRef.name"],
  [least({ secretStoreRef: { name: "s", kind: "Store" } }), "spec.secretStoreRef.kind"],
  [least({ target: { name: "a b" } }), "spec.target.name"],
  [least({ target: { creationPolicy: "Own" } }), "spec.target.creationPolicy"],
  [least({ target: { immutable: "true" } }), "spec.target.immutable"],
  [least({ data: [{ secretKey: "a/b", remoteRef: { key: "a" } }] }), "spec.data[0].secretKey"],
  [least({ data: [{ secretKey: "", remoteRef: { key: "a" } }] }), "spec.data[0].secretKey"],
  [least({ data: [{ secretKey: "a" }] }), "spec.data[0]"],
  [least({ data: [entry, null] }), "spec.data[1]"],
  [least({ data: [{ ...entry, remoteRef: {} }] }), "spec.data[0].remoteRef"],
  [least({ data: [{ ...entry, remoteRef: { key: 5 } }] }), "spec.data[0].remoteRef.key"],
  [
    least({ data: [{ ...entry, remoteRef: { key: "a", decodingStrategy: "x" } }] }),
    "spec.data[0].remoteRef.decodingStrategy",
  ],
  [least({ data: [{ ...entry, sourceRef: {} }] }), "spec.data[0].sourceRef"],
  [least({ data: [{ ...entry, sourceRef: { storeRef: {} } }] }), "spec.data[0].sourceRef.storeRef"],
  [least({ dataFrom: { extract: {} } }), "spec.dataFrom"],
  [least({ dataFrom: [{ extract: { key: "a" }, rewrite: [{}] }] }), "spec.dataFrom[0].rewrite[0]"],
  [least({ dataFrom: [{ find: { name: { regexp: 5 } } }] }), "spec.dataFrom[0].find.name.regexp"],
  [least({ dataFrom: [{ find: { name: "db" } }] }), "spec.dataFrom[0].find.name"],
  [least({ dataFrom: [{ find: { tags: { team: 1 } } }] }), "spec.dataFrom[0].find.tags.team"],
  [least({ dataFrom: [{ find: { decodingStrategy: "x" } }] }), "spec.dataFrom[0].find.decodingStrategy"],
  [
    least({ dataFrom: [{ extract: { key: "a" }, rewrite: [{ merge: {}, transform: { template: "" } }] }] }),
    "spec.dataFrom[0].rewrite[0]",
  ],
  [least({ target: { template: { engineVersion: "v1" } } }), "spec.target.template.engineVersion"],
  [least({ target: { template: { data: { a: 1 } } } }), "spec.target.template.data.a"],
  [
    least({ target: { template: { templateFrom: [{ configMap: { name: "t" } }] } } }),
    "spec.target.template.templateFrom[0].configMap",
  ],
  [store({ provider: undefined }), "spec"],
  [store({ provider: {} }), "spec.provider"],
  [store({ provider: { a: {}, b: {} } }), "spec.provider"],
  [store({ provider: { a: "x" } }), "spec.provider.a"],
  [store({ provider: { a: null } }), "spec.provider"],
  [store({ refreshInterval: -1 }), "spec.refreshInterval"],
  [store({ refreshInterval: 1.5 }), "spec.refreshInterval"],
  [store({ refreshInterval: "-1m" }), "spec.refreshInterval"],
  [store({ retrySettings: { maxRetries: -1 } }), "spec.retrySettings.maxRetries"],
  [store({ retrySettings: { maxRetries: 1.5 } }), "spec.retrySettings.maxRetries"],
  [store({ retrySettings: { retryInterval: "x" } }), "spec.retrySettings.retryInterval"],
  [store({ conditions: [{ namespaces: ["a.b"] }] }), "spec.conditions[0].namespaces[0]"],
  [made({ path: undefined }), "spec"],
  [made({ path: "" }), "spec.path"],
  [made({ provider: undefined }), "spec"],
  [made({ provider: [] }), "spec.provider"],
  [made({ parameters: "x" }), "spec.parameters"],
  [made({ parameters: undefined, method: "GET", getParameters: { a: "b" } }), "spec.getParameters.a"],
  [made({ resultType: "data" }), "spec.resultType"],
  [policy({ storeRef: { name: "s" } }), "spec.storeRef"],
  [policy({ storeRef: { name: "s", kind: "" } }), "spec.storeRef.kind"],
  [policy({ identity: [] }), "spec.identity"],
  [policy({ identity: ["Node"] }), "spec.identity[0]"],
  [policy({ hosts: ["https://a"] }), "spec.hosts[0]"],
  [policy({ rules: [{ namespaces: ["a"], keys: [] }] }), "spec.rules[0].keys"],
  [policy({ rules: [{ namespaces: ["a"], keys: [""] }] }), "spec.rules[0].keys[0]"],
  [policy({ rules: [{ namespaces: ["a"], keys: ["a/*/b"] }] }), "spec.rules[0].keys[0]"],
  [policy({ rules: [{ namespaces: ["a"], keys: ["a*"] }] }), "spec.rules[0].keys[0]"],
  [policy({ rules: Array(1_001).fill({ namespaces: ["a"] }) }), "spec.rules"],
];
const parsers: Readonly<Record<string, (document: unknown) => Parsed<unknown>>> = {
  ExternalSecret: parseExternalSecret,
  ClusterSecretStore: parseStore,
  StorePolicy: parseStorePolicy,
  VaultDynamicSecret: parseGenerator,
};
for (const [document, path] of refusedByBoth)
  test(`${document.kind}: both refuse ${JSON.stringify(document.spec)?.slice(0, 150)}`, () => {
    const paths = admitted(document).problems.map((problem) => problem.split(": ")[0]);
    assert.ok(paths.includes(path), `${path} is not among ${paths.join(", ")}`);
    assert.equal(parsers[document.kind]!(document).ok, false);
  });

/** Fine for ESO's API server; what is wrong with them, the parser says in the object's status. */
const leftToTheParser: readonly Document[] = [
  least({ data: [{ secretKey: "a", remoteRef: { key: "" } }] }),
  least({ data: [entry, entry] }),
  store({ conditions: [{ namespaceRegexes: [""] }] }),
  store({ conditions: [{ namespaceRegexes: ["("] }] }),
  store({ conditions: [{ namespaceSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }] }),
  made({ method: "DELETE" }),
  made({ method: "LIST" }),
  made({ getParameters: { a: ["b"] } }),
  least({ refreshInterval: "9999999h" }),
  least({ target: { template: { data: { "a/b": "" } } } }),
  least({ target: { template: { type: "bootstrap.kubernetes.io/token" } } }),
  least({ target: { template: { templateFrom: [{}] } } }),
  least({ target: { template: { templateFrom: [{ literal: "", target: "spec.config" }] } } }),
  least({ dataFrom: [{ extract: { key: "a" }, rewrite: [{ merge: { strategy: "JSON" } }] }] }),
];
for (const document of leftToTheParser)
  test(`${document.kind}: the parser alone refuses ${JSON.stringify(document.spec).slice(0, 150)}`, () => {
    const { dropped, problems } = admitted(document);
    assert.deepEqual([dropped, problems], [[], []]);
    assert.equal(parsers[document.kind]!(document).ok, false);
  });

const since = "2026-01-02T03:04:05Z";
const statuses: readonly (readonly [writer: string, document: Document, status: object])[] = [
  [
    "ESO",
    fullExternalSecret,
    {
      refreshTime: null,
      syncedResourceVersion: "1-abc",
      binding: { name: "db" },
      conditions: [
        { type: "Ready", status: "True", reason: "SecretSynced", message: "", lastTransitionTime: since },
        { type: "Deleted", status: "Unknown" },
      ],
    },
  ],
  [
    "keyferry",
    fullExternalSecret,
    {
      refreshTime: since,
      conditions: [{ type: "Paused", status: "True", reason: "Paused", message: "", lastTransitionTime: since }],
      keyferry: {
        digest: "00ff",
        own: { policy: "Owner", type: "Opaque", immutable: false, keys: ["a"], labels: [], annotations: [] },
        storeKind: "vault",
      },
    } satisfies ExternalSecretStatus,
  ],
  ["ESO", fullStore, { capabilities: "ReadWrite", conditions: [{ type: "Ready", status: "True", reason: "Valid" }] }],
];
for (const [writer, document, status] of statuses)
  test(`${document.kind}: a status that ${writer} wrote stays as it is`, () => {
    const { object, dropped, problems } = admitted({ ...document, status });
    assert.deepEqual([dropped, problems, (object as { status: object }).status], [[], [], status]);
  });

/** `value` with one other value at every place. */
function* variants(value: unknown, others: readonly unknown[]): Generator<unknown> {
  yield* others;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (!Array.isArray(value)) yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
    for (const other of variants(member, others))
      yield Array.isArray(value)
        ? value.map((item: unknown, i) => (String(i) === key ? other : item))
        : { ...value, [key]: other };
  }
}

test("whatever the parser takes, the API server takes and keeps", () => {
  const others = [
    "",
    "0",
    "1h",
    "-0.5s",
    "x",
    "Owner",
    "Delete",
    "None",
    "a.b",
    0,
    1,
    300,
    true,
    null,
    {},
    [],
    [{}],
    ["a"],
  ];
  let takenByParser = 0;
  for (const full of [fullExternalSecret, fullStore, fullPolicy, fullGenerator] as Document[])
    for (const spec of variants(full.spec, others)) {
      const document = { ...full, spec };
      const parsed = parsers[full.kind]!(document);
      if (!parsed.ok) continue;
      takenByParser++;
      const { object, dropped, problems } = admitted(document);
      assert.deepEqual([dropped, problems], [[], []], JSON.stringify(spec));
      assert.deepEqual(parsers[full.kind]!(object), parsed, JSON.stringify(spec));
    }
  assert.ok(takenByParser > 150, `${takenByParser} variants were taken`);
});
