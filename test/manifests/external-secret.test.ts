import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceOf } from "../../plugin/manifests/entries.ts";
import { parseExternalSecret } from "../../plugin/manifests/external-secret.ts";
import type { ExternalSecret } from "../../plugin/manifests/objects.ts";
import { fullExternalSecret } from "./full-manifests.ts";
import { accepted, refuses, yaml } from "./outcome.ts";

const entry = { secretKey: "password", remoteRef: { key: "payments/db" } };

/** An ExternalSecret with one good entry, and `spec` on top. */
function manifest(spec: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "db", namespace: "payments", uid: "u-1", generation: 3, labels: { team: "pay" } },
    spec: { secretStoreRef: { name: "vault-prod" }, data: [entry], ...spec },
  };
}
const otherKind =
  "not supported yet; of the generators VaultDynamicSecret works, all else is read from a store: use storeRef";
const specOf = (spec: Record<string, unknown>): ExternalSecret["spec"] =>
  accepted(parseExternalSecret(manifest(spec))).spec;

const plainRef = {
  key: "payments/db",
  metadataPolicy: "None",
  conversionStrategy: "Default",
  decodingStrategy: "None",
  nullBytePolicy: "Ignore",
};

test("the least that works gets every default", () => {
  assert.deepEqual(accepted(parseExternalSecret(manifest())), {
    meta: {
      name: "db",
      namespace: "payments",
      uid: "u-1",
      generation: 3,
      labels: { team: "pay" },
      annotations: {},
    },
    spec: {
      refreshPolicy: "Periodic",
      refreshIntervalMs: 3_600_000,
      target: { name: "db", creationPolicy: "Owner", deletionPolicy: "Retain", immutable: false, immediate: false },
      data: [{ secretKey: "password", remoteRef: plainRef, storeRef: { kind: "SecretStore", name: "vault-prod" } }],
      dataFrom: [],
    },
  });
});

test("every field of an entry is read", () => {
  const remoteRef = {
    key: "a/b",
    property: "p.q",
    version: "3",
    metadataPolicy: "Fetch",
    conversionStrategy: "Unicode",
    decodingStrategy: "Base64URL",
    nullBytePolicy: "Fail",
  };
  assert.deepEqual(specOf({ data: [{ secretKey: "k", remoteRef }] }).data[0]!.remoteRef, remoteRef);
  const storeRef = { kind: "SecretStore", name: "vault-prod" };
  assert.deepEqual(specOf({ dataFrom: [{ extract: remoteRef }] }).dataFrom, [{ extract: remoteRef, storeRef }]);
});

const plainFind = { conversionStrategy: "Default", decodingStrategy: "None", nullBytePolicy: "Ignore" };
const finds: readonly (readonly [sentence: string, raw: object, find: object])[] = [
  ["nothing gets the defaults", {}, {}],
  [
    "all of it is read",
    { path: "a", name: { regexp: "(" }, tags: { b: "c" } },
    { path: "a", regexp: "(", tags: { b: "c" } },
  ],
  ["what is empty narrows nothing", { path: "", name: { regexp: "" }, tags: {} }, {}],
  ["a name without an expression narrows nothing", { name: {} }, {}],
  ["strategies of its own", { decodingStrategy: "Auto" }, { decodingStrategy: "Auto" }],
];
for (const [sentence, raw, find] of finds)
  test(`find: ${sentence}`, () => {
    const storeRef = { kind: "SecretStore", name: "vault-prod" };
    assert.deepEqual(specOf({ dataFrom: [{ find: raw }] }).dataFrom, [{ find: { ...plainFind, ...find }, storeRef }]);
  });

test("an empty property or version means none", () => {
  const [read] = specOf({
    data: [{ secretKey: "k", remoteRef: { key: "payments/db", property: "", version: "" } }],
  }).data;
  assert.deepEqual(read!.remoteRef, plainRef);
});

test("entries of several stores keep their order and their own store", () => {
  const from = (name: string, kind?: string): object => ({ sourceRef: { storeRef: { name, ...(kind && { kind }) } } });
  const spec = specOf({
    data: [
      { ...entry, secretKey: "a", ...from("one", "ClusterSecretStore") },
      { ...entry, secretKey: "b" },
      { ...entry, secretKey: "c", ...from("two", "") },
    ],
    dataFrom: [{ extract: { key: "x" }, ...from("three") }, { extract: { key: "y" } }],
  });
  assert.deepEqual(
    [...spec.data, ...spec.dataFrom].map(sourceOf).map(({ kind, name }) => `${kind}/${name}`),
    [
      "ClusterSecretStore/one",
      "SecretStore/vault-prod",
      "SecretStore/two",
      "SecretStore/three",
      "SecretStore/vault-prod",
    ],
  );
});

test("a default store is not needed when every entry names its own", () => {
  const data = [{ ...entry, sourceRef: { storeRef: { name: "own" } } }];
  assert.equal(specOf({ secretStoreRef: undefined, data }).data[0]!.storeRef.name, "own");
});

test("null counts as absent", () => {
  const spec = specOf({ target: null, dataFrom: null, refreshInterval: null, syncWindows: null });
  assert.deepEqual([spec.target.name, spec.dataFrom, spec.refreshIntervalMs], ["db", [], 3_600_000]);
});

test("v1beta1 with the defaults that its API server filled in", () => {
  const document = {
    ...manifest({
      refreshInterval: "1h",
      target: { name: "out", creationPolicy: "Merge", deletionPolicy: "Merge", immutable: true, immediate: true },
      refreshPolicy: "OnChange",
      data: [{ ...entry, remoteRef: { ...plainRef } }],
    }),
    apiVersion: "external-secrets.io/v1beta1",
    status: { anything: ["goes"] },
  };
  const { spec } = accepted(parseExternalSecret(document));
  assert.equal(spec.refreshPolicy, "OnChange");
  assert.deepEqual(spec.target, {
    name: "out",
    creationPolicy: "Merge",
    deletionPolicy: "Merge",
    immutable: true,
    immediate: true,
  });
});

const intervals: readonly (readonly [unknown, number])[] = [
  ["30s", 30_000],
  ["1h30m", 5_400_000],
  ["24h", 86_400_000],
  ["0", 0],
  ["0s", 0],
  [0, 0],
  ["-5m", 0],
  ["1ns", 1],
];
for (const [text, ms] of intervals)
  test(`refreshInterval ${JSON.stringify(text)} is ${ms} ms`, () => {
    assert.equal(specOf({ refreshInterval: text }).refreshIntervalMs, ms);
  });

const goodPolicies = [
  ["Owner", "Delete"],
  ["Orphan", "Delete"],
  ["None", "Retain"],
  ["CreateOrMerge", "Merge"],
  ["Merge", "Retain"],
] as const;
for (const [creationPolicy, deletionPolicy] of goodPolicies)
  test(`deletionPolicy ${deletionPolicy} goes with creationPolicy ${creationPolicy}`, () => {
    assert.equal(specOf({ target: { creationPolicy, deletionPolicy } }).target.deletionPolicy, deletionPolicy);
  });

const noUnit = 'spec.refreshInterval: has no unit; write a duration such as "30s"';
const noDuration = "spec.refreshInterval: is not a duration; write numbers with units, such as 30s, 15m or 1h30m";
const noDelete = (policy: string): string =>
  `spec.target.deletionPolicy: Delete does not go with creationPolicy ${policy}; use deletionPolicy Retain or creationPolicy Owner`;

const refused: readonly (readonly [sentence: string, spec: Record<string, unknown>, problems: readonly string[]])[] = [
  ["an interval without a unit", { refreshInterval: 30 }, [noUnit]],
  ["an interval that is a number in quotes", { refreshInterval: "30" }, [noDuration]],
  ["an interval that is no duration", { refreshInterval: "1 hour" }, [noDuration]],
  ["an empty interval", { refreshInterval: "" }, [noDuration]],
  [
    "an interval of another type",
    { refreshInterval: [] },
    ['spec.refreshInterval: must be a duration such as "1h", or 0'],
  ],
  ["no entries", { data: [] }, ["spec: reads nothing; add an entry to data or dataFrom"]],
  ["no data at all", { data: undefined }, ["spec: reads nothing; add an entry to data or dataFrom"]],
  [
    "deleting what it merges into",
    { target: { creationPolicy: "Merge", deletionPolicy: "Delete" } },
    [noDelete("Merge")],
  ],
  [
    "deleting what it never writes",
    { target: { creationPolicy: "None", deletionPolicy: "Delete" } },
    [noDelete("None")],
  ],
  [
    "deleting what it may share",
    { target: { creationPolicy: "CreateOrMerge", deletionPolicy: "Delete" } },
    [noDelete("CreateOrMerge")],
  ],
  [
    "removing keys from what it never writes",
    { target: { creationPolicy: "None", deletionPolicy: "Merge" } },
    ["spec.target.deletionPolicy: Merge does not go with creationPolicy None; use deletionPolicy Retain"],
  ],
  [
    "two entries with one key",
    { data: [entry, { ...entry, secretKey: "other" }, entry] },
    ["spec.data[2].secretKey: same key as spec.data[0]; rename or remove one of the two"],
  ],
  [
    "a key that a Secret cannot have",
    { data: [{ ...entry, secretKey: "db/password" }] },
    ['spec.data[0].secretKey: must be 1–253 letters, digits, "-", "_" or "."'],
  ],
  [
    "an entry without a store",
    { secretStoreRef: undefined },
    ["spec.data[0]: names no store; set spec.secretStoreRef.name or the entry's sourceRef.storeRef"],
  ],
  [
    "a default store without a name",
    { secretStoreRef: { kind: "ClusterSecretStore" } },
    ["spec.data[0]: names no store; set spec.secretStoreRef.name or the entry's sourceRef.storeRef"],
  ],
  [
    "a store of an entry without a name",
    { data: [{ ...entry, sourceRef: { storeRef: { kind: "SecretStore" } } }] },
    ["spec.data[0].sourceRef.storeRef.name: must be set"],
  ],
  [
    "an empty sourceRef",
    { data: [{ ...entry, sourceRef: {} }] },
    ["spec.data[0].sourceRef: is empty; set storeRef, or remove it"],
  ],
  ["a dataFrom entry that reads nothing", { dataFrom: [{}] }, ["spec.dataFrom[0]: reads nothing; set extract or find"]],
  [
    "extract and find in one entry",
    { dataFrom: [{ extract: { key: "a" }, find: { path: "b" } }] },
    ["spec.dataFrom[0]: extract and find exclude each other; keep one, or make two entries"],
  ],
  [
    "find beside a generator",
    { dataFrom: [{ find: {}, sourceRef: { generatorRef: { kind: "UUID", name: "u" } } }] },
    [
      `spec.dataFrom[0].sourceRef.generatorRef.kind: ${otherKind}`,
      "spec.dataFrom[0]: find and generatorRef exclude each other; keep one, or make two entries",
    ],
  ],
  [
    "a find that is misspelt, or of another type",
    { dataFrom: [{ find: { name: { regex: "a" }, tags: { team: 1 }, key: "a" } }, { find: { name: "db" } }] },
    [
      "spec.dataFrom[0].find.tags.team: must be text, not a number; put it in quotes",
      "spec.dataFrom[1].find.name: must be a map, not text",
      "spec.dataFrom[0].find.name.regex: unknown field; did you mean regexp?",
      "spec.dataFrom[0].find.key: unknown field; known here: path, name, tags, conversionStrategy, decodingStrategy, nullBytePolicy",
    ],
  ],
  [
    "steps of a rewrite that are none, two, or write nowhere",
    {
      dataFrom: [
        {
          extract: { key: "a" },
          rewrite: [{}, { transform: { template: "" }, merge: {} }, { merge: { strategy: "JSON" } }, { regex: {} }],
        },
      ],
    },
    [
      "spec.dataFrom[0].rewrite[0]: must hold one of regexp, transform and merge",
      "spec.dataFrom[0].rewrite[1]: must hold one of regexp, transform and merge",
      "spec.dataFrom[0].rewrite[2].merge: writes to no key; set into, or strategy Extract",
      "spec.dataFrom[0].rewrite[3]: must hold one of regexp, transform and merge",
      "spec.dataFrom[0].rewrite[3].regex: unknown field; did you mean regexp?",
    ],
  ],
  [
    "a generator under dataFrom",
    { dataFrom: [{ sourceRef: { generatorRef: { kind: "Password", name: "p" } } }] },
    [`spec.dataFrom[0].sourceRef.generatorRef.kind: ${otherKind}`],
  ],
  [
    "a generator under data",
    { data: [{ ...entry, sourceRef: { generatorRef: { kind: "Password", name: "p" } } }] },
    ["spec.data[0].sourceRef.generatorRef: not supported yet; a generator makes a map: use dataFrom"],
  ],
  [
    "extract beside a generator",
    { dataFrom: [{ extract: { key: "a" }, sourceRef: { generatorRef: { name: "g" } } }] },
    [
      "spec.dataFrom[0].sourceRef.generatorRef.kind: must be set",
      "spec.dataFrom[0]: extract and generatorRef exclude each other; keep one, or make two entries",
    ],
  ],
  [
    "a store beside a generator",
    { dataFrom: [{ sourceRef: { storeRef: { name: "s" }, generatorRef: { kind: "VaultDynamicSecret", name: "g" } } }] },
    ["spec.dataFrom[0].sourceRef: storeRef and generatorRef exclude each other; keep one"],
  ],
  [
    "a generator of another group",
    { dataFrom: [{ sourceRef: { generatorRef: { apiVersion: "v1", kind: "VaultDynamicSecret", name: "g" } } }] },
    ["spec.dataFrom[0].sourceRef.generatorRef.apiVersion: must be generators.external-secrets.io/v1alpha1"],
  ],
  [
    "a template that makes a credential of the cluster",
    { target: { template: { type: "kubernetes.io/service-account-token" } } },
    ["spec.target.template.type: a Secret of this type makes a credential and is never written; choose another"],
  ],
  [
    "a template for a key that a Secret cannot have",
    { target: { template: { data: { "db/url": "", "db.url": "" } } } },
    ['spec.target.template.data["db/url"]: is no key of a Secret: use 1–253 letters, digits, "-", "_" or "."'],
  ],
  [
    "templates from nowhere, to nowhere, and out of the Secret that they make",
    {
      target: {
        name: "out",
        template: {
          templateFrom: [
            { target: "Data" },
            { literal: "", target: "spec.config" },
            { secret: { name: "out", items: [] } },
          ],
        },
      },
    },
    [
      "spec.target.template.templateFrom[0]: holds no template; set configMap, secret or literal",
      "spec.target.template.templateFrom[1].target: must be one of Data, Labels, Annotations; a path goes with target.manifest, which is not supported yet",
      "spec.target.template.templateFrom[2].secret.name: is the Secret that is written; keep the templates in another one",
    ],
  ],
  [
    "another kind of target",
    { target: { manifest: { apiVersion: "v1", kind: "ConfigMap" } } },
    ["spec.target.manifest: not supported yet; remove it to write a Secret"],
  ],
  [
    "sync windows",
    { syncWindows: { kind: "allow", windows: [] } },
    ["spec.syncWindows: not supported yet; remove it; refreshInterval alone decides when to read"],
  ],
  [
    "misspelt fields, each with what it may have meant",
    {
      refreshIntervall: "1h",
      target: { creatonPolicy: "Owner" },
      data: [
        { ...entry, remoteref: {} },
        { secretKey: "b", remoteRef: { key: "k", proprety: "p" } },
      ],
    },
    [
      "spec.refreshIntervall: unknown field; did you mean refreshInterval?",
      "spec.target.creatonPolicy: unknown field; did you mean creationPolicy?",
      "spec.data[0].remoteref: unknown field; did you mean remoteRef?",
      "spec.data[1].remoteRef.proprety: unknown field; did you mean property?",
    ],
  ],
  [
    "an unknown field that resembles none",
    { secretStoreRef: { name: "s", zzzzzzzzzzzz: 1 } },
    ["spec.secretStoreRef.zzzzzzzzzzzz: unknown field; known here: name, kind"],
  ],
  [
    "names that hide in every JavaScript object",
    { constructor: 1, target: JSON.parse('{"__proto__": {"name": "x"}}') as object },
    [
      "spec.constructor: unknown field; known here: secretStoreRef, refreshPolicy, refreshInterval, target, data, dataFrom",
      "spec.target.__proto__: unknown field; known here: name, creationPolicy, deletionPolicy, immutable, immediate, template",
    ],
  ],
  [
    "enums outside of their values",
    {
      secretStoreRef: { name: "s", kind: "ClusterStore" },
      refreshPolicy: "periodic",
      target: { creationPolicy: "Own", deletionPolicy: 7 },
      data: [{ ...entry, remoteRef: { key: "k", decodingStrategy: "base64", metadataPolicy: "xxxxxxxxxxx" } }],
    },
    [
      "spec.secretStoreRef.kind: must be one of SecretStore, ClusterSecretStore; did you mean SecretStore?",
      "spec.refreshPolicy: must be one of Periodic, OnChange, CreatedOnce; did you mean Periodic?",
      "spec.target.creationPolicy: must be one of Owner, Orphan, Merge, CreateOrMerge, None; did you mean Owner?",
      "spec.target.deletionPolicy: must be one of Retain, Delete, Merge",
      "spec.data[0].remoteRef.decodingStrategy: must be one of None, Auto, Base64, Base64URL; did you mean Base64?",
      "spec.data[0].remoteRef.metadataPolicy: must be one of None, Fetch",
    ],
  ],
  [
    "wrong types",
    {
      target: { immutable: "true", immediate: 1, name: 5 },
      data: [{ secretKey: "a", remoteRef: { key: 5, version: 3 } }, null, "x", { secretKey: "b", remoteRef: [] }],
      dataFrom: { extract: {} },
    },
    [
      "spec.target.immutable: must be true or false, not text",
      "spec.target.immediate: must be true or false, not a number",
      "spec.target.name: must be text, not a number; put it in quotes",
      "spec.data[0].remoteRef.key: must be text, not a number; put it in quotes",
      "spec.data[0].remoteRef.version: must be text, not a number; put it in quotes",
      "spec.data[1]: must be a map, not empty",
      "spec.data[2]: must be a map, not text",
      "spec.data[3].remoteRef: must be a map, not a list",
      "spec.dataFrom: must be a list, not a map",
    ],
  ],
  [
    "missing fields",
    { data: [{}], dataFrom: [{ extract: {} }] },
    [
      "spec.data[0].secretKey: must be set",
      "spec.data[0].remoteRef: must be set",
      "spec.dataFrom[0].extract.key: must be set",
    ],
  ],
  [
    "an empty key",
    { data: [{ secretKey: "a", remoteRef: { key: "" } }] },
    ["spec.data[0].remoteRef.key: must not be empty"],
  ],
];
for (const [sentence, spec, problems] of refused)
  test(`refuses ${sentence}`, () => refuses(parseExternalSecret(manifest(spec)), problems));

const nameRule =
  'must be 1–253 lower-case letters, digits, "-" or ".", with a letter or digit at both ends of every part';

test("refuses names that no object can have", () => {
  refuses(
    parseExternalSecret({ ...manifest({ target: { name: "Up" } }), metadata: { name: "a b", namespace: "a.b" } }),
    [
      `metadata.name: ${nameRule}`,
      'metadata.namespace: must be 1–63 lower-case letters, digits or "-", with a letter or digit at both ends',
      `spec.target.name: ${nameRule}`,
    ],
  );
});

test("refuses other versions and kinds, labels that are no text, and unknown fields beside spec", () => {
  const document = {
    ...manifest(),
    apiVersion: "external-secrets.io/v1alpha1",
    kind: "ExternalSecrets",
    metadata: { name: "a", namespace: "b", labels: { "app.kubernetes.io/version": 1 }, annotations: [] },
    specs: {},
  };
  refuses(parseExternalSecret(document), [
    "apiVersion: not supported; write external-secrets.io/v1 or external-secrets.io/v1beta1",
    "kind: must be ExternalSecret",
    'metadata.labels["app.kubernetes.io/version"]: must be text, not a number; put it in quotes',
    "metadata.annotations: must be a map, not a list",
    "specs: unknown field; known here: apiVersion, kind, metadata, spec, status",
  ]);
});

test("refuses what has no spec, or is no object", () => {
  refuses(parseExternalSecret({ ...manifest(), spec: undefined }), ["spec: must be set"]);
  refuses(parseExternalSecret({ ...manifest(), spec: [] }), ["spec: must be a map, not a list"]);
  refuses(parseExternalSecret("x"), ["document: must be a map with apiVersion, kind and metadata, not text"]);
});

test("every shape of a reference can be written in YAML", () => {
  const document = yaml(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: merged, namespace: shop }
spec:
  refreshPolicy: CreatedOnce
  refreshInterval: 0
  dataFrom:
    - extract: { key: all, conversionStrategy: Unicode }
      sourceRef: { storeRef: { name: files, kind: ClusterSecretStore } }
  data:
    - secretKey: TOKEN
      remoteRef: { key: api, property: token, version: "2", decodingStrategy: Auto }
      sourceRef: { storeRef: { name: vault } }
`);
  const { spec } = accepted(parseExternalSecret(document));
  assert.equal(spec.refreshIntervalMs, 0);
  assert.deepEqual(spec.data[0]!.storeRef, { kind: "SecretStore", name: "vault" });
  assert.deepEqual(sourceOf(spec.dataFrom[0]!), { kind: "ClusterSecretStore", name: "files" });
});

test("a generator is named in place of a store, which is then not needed", () => {
  const document = manifest({
    secretStoreRef: undefined,
    data: undefined,
    dataFrom: [
      { sourceRef: { generatorRef: { kind: "VaultDynamicSecret", name: "db" } } },
      {
        sourceRef: { generatorRef: { kind: "VaultDynamicSecret", name: "mq" } },
        rewrite: [{ regexp: { source: "^", target: "mq_" } }],
      },
    ],
  });
  assert.deepEqual(accepted(parseExternalSecret(document)).spec.dataFrom, [
    { generatorRef: { kind: "VaultDynamicSecret", name: "db" } },
    {
      generatorRef: { kind: "VaultDynamicSecret", name: "mq" },
      rewrite: [{ by: "regexp", source: "^", target: "mq_" }],
    },
  ]);
});

test("a template and a rewrite, whole", () => {
  const { target, dataFrom } = accepted(parseExternalSecret(fullExternalSecret)).spec;
  const items = [
    { key: "a.tpl", templateAs: "KeysAndValues" },
    { key: "b_c", templateAs: "Values" },
  ];
  assert.deepEqual(target.template, {
    type: "kubernetes.io/tls",
    engine: "go",
    mergePolicy: "Merge",
    labels: { a: "{{ .x }}" },
    annotations: { b: "" },
    finalizers: ["example.com/f"],
    data: { "app.yaml": "{{ .password }}" },
    templateFrom: [
      { configMap: { name: "templates", items }, target: "Labels", decoding: "Base64" },
      { secret: { name: "templates", items }, target: "Annotations", decoding: "None" },
      { literal: "a: {{ .b }}", target: "Data", decoding: "None" },
    ],
  });
  assert.deepEqual(dataFrom[0]!.rewrite, [
    { by: "regexp", source: "/", target: "_" },
    { by: "transform", template: "{{ .value | upper }}" },
    {
      by: "merge",
      into: "all",
      priority: ["a"],
      priorityPolicy: "IgnoreNotFound",
      conflictPolicy: "Ignore",
      strategy: "JSON",
    },
    { by: "merge", into: "", priority: [], priorityPolicy: "Strict", conflictPolicy: "Error", strategy: "Extract" },
  ]);
  assert.ok(!("rewrite" in dataFrom[1]!));
});

test("the language of a template is told by an annotation", () => {
  const parsed = (engine: string) =>
    parseExternalSecret({
      ...manifest({ target: { template: {} } }),
      metadata: { name: "db", namespace: "payments", annotations: { "keyferry.dev/template-engine": engine } },
    });
  for (const engine of ["go", "handlebars"])
    assert.equal(accepted(parsed(engine)).spec.target.template?.engine, engine);
  refuses(parsed("mustache"), ["metadata.annotations[keyferry.dev/template-engine]: must be go or handlebars"]);
});
