/** The definitions on a real API server: it takes them, stores every example whole, and says what is wrong with others. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { admit, crdsFolder, definitionFiles, schemaOf } from "../../manifests/api-server.ts";
import { fullExternalSecret, fullPolicy, fullStore, unbuiltFields } from "../../manifests/full-manifests.ts";
import { KubeRefusal } from "./admin.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import type { KubeObject } from "./objects.ts";

const namespaces = ["payments", "shop"];
let cluster: Cluster;
before(async () => {
  cluster = await startCluster({
    manifests: [
      ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
      ...definitionFiles.map((name) => readFileSync(join(crdsFolder, name), "utf8")),
    ],
  });
});
after(() => cluster.stop());

const least = { secretStoreRef: { name: "s" }, data: [{ secretKey: "k", remoteRef: { key: "a" } }] };
const externalSecret = (spec: object, name = "bad"): KubeObject => ({
  ...fullExternalSecret,
  metadata: { name, namespace: "payments" },
  spec: { ...least, ...spec },
});
const store = (spec: object, name = "bad"): KubeObject => ({
  ...fullStore,
  metadata: { name },
  spec: spec as KubeObject["spec"] & object,
});
const policy = (spec: object): KubeObject => ({
  ...fullPolicy,
  metadata: { name: "bad" },
  spec: { ...fullPolicy.spec, ...spec },
});

const otherVersion: Readonly<Record<string, string>> = {
  "external-secrets.io/v1": "external-secrets.io/v1beta1",
  "external-secrets.io/v1beta1": "external-secrets.io/v1",
};

const examples: readonly (readonly [from: string, document: KubeObject])[] = [
  ...globSync(join(crdsFolder, "examples/*.yaml"))
    .sort()
    .flatMap((path) =>
      parseAllDocuments(readFileSync(path, "utf8")).map(
        (document) => [basename(path), document.toJS() as KubeObject] as const,
      ),
    )
    .filter(([, { apiVersion, kind }]) => schemaOf(apiVersion, kind) !== undefined),
  ["every field", fullExternalSecret],
  ["every field", fullStore],
  ["every field", fullPolicy],
  [
    "fields not built yet",
    externalSecret(
      {
        syncWindows: unbuiltFields.syncWindows,
        dataFrom: unbuiltFields.dataFrom,
      },
      "unbuilt",
    ),
  ],
  ["fields not built yet", externalSecret({ target: { manifest: unbuiltFields.target.manifest } }, "unbuilt-manifest")],
];

for (const [from, document] of examples) {
  const { apiVersion, kind, metadata } = document;
  test(`${from}: ${kind} ${metadata.name} is stored whole and goes through the other version unchanged`, async () => {
    const [stored] = await cluster.admin.apply(document);
    // What the tests without a server believe of a server.
    const believed = admit(schemaOf(apiVersion, kind)!, document);
    assert.deepEqual([believed.dropped, believed.problems], [[], []]);
    assert.deepEqual(stored!.spec, (believed.object as KubeObject).spec);
    const other = otherVersion[apiVersion];
    if (!other) return;
    const asOther = await cluster.admin.get(await cluster.admin.pathOf({ ...document, apiVersion: other }));
    assert.deepEqual([asOther.apiVersion, asOther.spec], [other, stored!.spec]);
    const { resourceVersion } = (await cluster.admin.replace(asOther)).metadata;
    const again = await cluster.admin.get(await cluster.admin.pathOf(document));
    assert.deepEqual([again.spec, again.metadata.resourceVersion], [stored!.spec, resourceVersion]);
    assert.equal(resourceVersion, stored!.metadata.resourceVersion, "replacing it by itself writes nothing");
  });
}

const nulls: readonly KubeObject[] = [
  externalSecret({ target: { name: null, creationPolicy: null }, refreshInterval: null, dataFrom: null }, "nulls-1"),
  externalSecret({ target: null, refreshPolicy: null }, "nulls-2"),
  store({ provider: { other: { a: null, b: [null] }, vault: null }, conditions: null }, "nulls"),
];
for (const document of nulls)
  test(`${document.kind}: null counts as absent in ${JSON.stringify(document.spec)}`, async () => {
    const { spec } = await cluster.admin.create(document);
    assert.deepEqual(spec, (admit(schemaOf(document.apiVersion, document.kind)!, document).object as KubeObject).spec);
  });

const entry = { secretKey: "k", remoteRef: { key: "a" } };
const extract = { key: "a" };
const generatorRef = { kind: "Password", name: "p" };
const refused: readonly (readonly [document: KubeObject, says: RegExp])[] = [
  [externalSecret({ refreshInterval: 30 }), /spec\.refreshInterval: Invalid value: 30: .*less than or equal to 0/],
  [externalSecret({ refreshInterval: "30" }), /spec\.refreshInterval: Invalid value: "30": .* should match/],
  [externalSecret({ refreshPolicy: "periodic" }), /spec\.refreshPolicy: Unsupported value: "periodic"/],
  [externalSecret({ refreshIntervall: "1h" }), /unknown field "spec\.refreshIntervall"/],
  [externalSecret({ target: { template: { dat: {} } } }), /unknown field "spec\.target\.template\.dat"/],
  [externalSecret({ data: [] }), /spec: Invalid value: .*reads nothing; add an entry to data or dataFrom/],
  [externalSecret({ data: undefined }), /spec: Invalid value: .*reads nothing/],
  [externalSecret({ secretStoreRef: undefined }), /spec: Invalid value: .*an entry names no store/],
  [
    externalSecret({ secretStoreRef: { kind: "SecretStore" }, dataFrom: [{ extract }] }),
    /spec: Invalid value: .*an entry names no store/,
  ],
  [
    externalSecret({ secretStoreRef: undefined, data: undefined, dataFrom: [{ extract }] }),
    /spec: Invalid value: .*an entry names no store/,
  ],
  [externalSecret({ data: [{ ...entry, secretKey: "a/b" }] }), /spec\.data\[0\]\.secretKey: Invalid value: "a\/b"/],
  [externalSecret({ data: [entry, { secretKey: "b" }] }), /spec\.data\[1\]\.remoteRef: Required value/],
  [
    externalSecret({ data: [{ ...entry, sourceRef: { storeRef: {} } }] }),
    /spec\.data\[0\]\.sourceRef\.storeRef\.name: Required value/,
  ],
  [
    externalSecret({ data: [{ ...entry, sourceRef: {} }] }),
    /spec\.data\[0\]\.sourceRef: Invalid value: .*at least 1 properties/,
  ],
  [externalSecret({ dataFrom: [{}] }), /spec\.dataFrom\[0\]: Invalid value: .*reads nothing; set extract/],
  [
    externalSecret({ dataFrom: [{ extract, find: {} }] }),
    /spec\.dataFrom\[0\]: Invalid value: .*extract and find exclude/,
  ],
  [
    externalSecret({ dataFrom: [{ extract, sourceRef: { generatorRef } }] }),
    /spec\.dataFrom\[0\]: Invalid value: .*extract and generatorRef exclude/,
  ],
  [
    externalSecret({ dataFrom: [{ find: {}, sourceRef: { generatorRef } }] }),
    /spec\.dataFrom\[0\]: Invalid value: .*find and generatorRef exclude/,
  ],
  [
    externalSecret({ target: { creationPolicy: "Merge", deletionPolicy: "Delete" } }),
    /spec\.target: Invalid value: .*deletionPolicy Delete goes with creationPolicy Owner or Orphan only/,
  ],
  [
    externalSecret({ target: { creationPolicy: "None", deletionPolicy: "Merge" } }),
    /spec\.target: Invalid value: .*deletionPolicy Merge does not go with creationPolicy None/,
  ],
  [store({ provider: {} }), /spec\.provider: Invalid value: .*at least 1 properties/],
  [store({ provider: { a: {}, b: {} } }), /spec\.provider: (Too many|Invalid value): .*at most 1/],
  [store({ provider: { a: "x" } }), /spec\.provider\.a: Invalid value: "string"/],
  [store({ provider: { a: {} }, refreshInterval: -1 }), /spec\.refreshInterval: Invalid value: -1/],
  [policy({ storeRef: { name: "s", kind: "SecretStore" } }), /spec\.storeRef: Invalid value: .*namespace must be set/],
  [
    policy({ storeRef: { name: "s", kind: "ClusterSecretStore", namespace: "n" } }),
    /spec\.storeRef: Invalid value: .*namespace must be set for a SecretStore.* left out/,
  ],
  [policy({ rules: [{}] }), /spec\.rules\[0\]: Invalid value: .*names no namespace/],
  [policy({ rules: [{ namespaces: ["a"], keys: ["a*"] }] }), /spec\.rules\[0\]\.keys\[0\]: Invalid value: "a\*"/],
];
for (const [document, says] of refused)
  test(`${document.kind} with ${JSON.stringify(document.spec).slice(0, 150)} is refused, by its field`, async () => {
    await assert.rejects(cluster.admin.create(document), (problem) => {
      assert.ok(problem instanceof KubeRefusal, String(problem));
      assert.match(problem.message, says);
      return true;
    });
  });

test("every field of every version is described to kubectl explain", async () => {
  let fields = 0;
  const undescribed: string[] = [];
  const walk = (schema: OpenApi, path: string): void => {
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      fields++;
      if (!member.description && name !== "metadata") undescribed.push(`${path}.${name}`);
      walk(member, `${path}.${name}`);
    }
    if (schema.items) walk(schema.items, `${path}[]`);
  };
  for (const version of ["external-secrets.io/v1", "external-secrets.io/v1beta1", "keyferry.dev/v1alpha1"]) {
    const { text } = await cluster.admin.request("GET", `/openapi/v3/apis/${version}`);
    const { schemas } = (JSON.parse(text) as { components: { schemas: Record<string, OpenApi> } }).components;
    for (const [name, schema] of Object.entries(schemas))
      if (!name.startsWith("io.k8s.") && !name.endsWith("List")) walk(schema, name);
  }
  assert.deepEqual(undescribed, []);
  assert.ok(fields > 300, `${fields} fields`);
  const explained = await cluster.kubectl(
    ...["explain", "es.spec.target.template.mergePolicy", "--api-version=external-secrets.io/v1beta1"],
  );
  assert.match(explained, /Replace writes the rendered keys alone/);
});

interface OpenApi {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly items?: OpenApi;
}

test("kubectl get shows ESO's columns, and lists by store and by target", async () => {
  await cluster.admin.apply(externalSecret({ refreshInterval: 0, target: { name: "picked" } }, "listed"));
  const table = (await cluster.kubectl("get", "es", "listed", "-n", "payments")).split("\n");
  assert.match(table[0]!, /^NAME +STORETYPE +STORE +REFRESH INTERVAL +STATUS +READY +LAST SYNC/);
  assert.match(table[1]!, /^listed +s +0 /);
  for (const selector of ["spec.target.name=picked", "spec.secretStoreRef.name=s,spec.target.name=picked"])
    for (const resource of ["externalsecrets.v1.external-secrets.io", "externalsecrets.v1beta1.external-secrets.io"])
      assert.equal(
        await cluster.kubectl("get", resource, "-A", "-o", "name", "--field-selector", selector),
        "externalsecret.external-secrets.io/listed\n",
      );
  await cluster.kubectl("get", "ss,css,stp,external-secrets,keyferry", "-A");
});

test("status is written by itself and kept whole", async () => {
  const [object] = await cluster.admin.apply(externalSecret({}, "reported"));
  const own = { policy: "Owner", type: "Opaque", immutable: false, keys: ["k"], labels: [], annotations: [] };
  const status = {
    refreshTime: "2026-01-02T03:04:05Z",
    syncedResourceVersion: "1-x",
    binding: { name: "reported" },
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "SecretSynced",
        message: "secret synced",
        lastTransitionTime: "2026-01-02T03:04:05Z",
      },
    ],
    keyferry: { digest: "00ff", own, storeKind: "vault" },
  };
  assert.equal((await cluster.admin.replace({ ...object!, status })).status, undefined);
  assert.deepEqual((await cluster.admin.replace({ ...object!, status }, "status")).status, status);
});

test("kubectl applies the folder, over itself too", async () => {
  for (let i = 0; i < 2; i++) await cluster.kubectl("apply", "-k", crdsFolder, "--server-side", "--force-conflicts");
  assert.match(
    await cluster.kubectl("apply", "-k", crdsFolder, "--dry-run=server"),
    /externalsecrets\.external-secrets\.io/,
  );
});
