/**
 * ExternalSecrets from Secrets of another namespace of the same real cluster: the program reads with the account that the
 * store names, whose token is for the API server, and never with its own.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { settleRoles } from "../kube/roles.ts";
import { allowTokens, externalSecretPath, secretPath, startSyncWorld, storePath } from "./sync-world.ts";
import { untilData, untilReady } from "./sync-world.ts";
import type { SyncWorld } from "./sync-world.ts";

let world: SyncWorld;

before(async () => {
  world = await startSyncWorld({ namespaces: ["shop", "shared"] });
  const { admin } = world;
  await admin.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shared, labels: {team: shop}}
stringData: {password: one, settings: '{"host": "db.example"}'}
---
apiVersion: v1
kind: Secret
metadata: {name: other, namespace: shared}
stringData: {password: two}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shared}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list]}]
`);
  await allowTokens(admin, { namespace: "shop", name: "reader" });
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: shared, namespace: shop}
spec:
  refreshInterval: 1
  provider:
    kubernetes:
      server: {url: "${world.cluster.url}", caBundle: ${Buffer.from(world.cluster.authority).toString("base64")}}
      remoteNamespace: shared
      auth: {serviceAccount: {name: reader}}
`);
});
after(() => world?.stop());

test("a store whose account has no right there says so, until it has", async () => {
  const { admin } = world;
  await untilReady(admin, storePath("shared", "shop"), "False", /may not read any Secret in namespace shared/);
  await admin.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shared}
subjects: [{kind: ServiceAccount, name: reader, namespace: shop}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
`);
  await settleRoles(admin);
  // A refused store is asked again only after a while; a changed one at once.
  await admin.patch(storePath("shared", "shop"), { spec: { refreshInterval: 2 } });
  await untilReady(admin, storePath("shared", "shop"), "True");
});

test("values come by property, extract and find, and follow their Secret", async () => {
  const { admin, cluster, node } = world;
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: shared}
  data:
    - {secretKey: host, remoteRef: {key: db, property: settings.host}}
    - {secretKey: team, remoteRef: {key: db, metadataPolicy: Fetch, property: labels.team}}
  dataFrom:
    - {extract: {key: other}}
    - {find: {tags: {team: shop}}}
`);
  const found = (password: string): string => `{"password":"${password}","settings":"{\\"host\\": \\"db.example\\"}"}`;
  const rest = { host: "db.example", team: "shop", password: "two" };
  await untilData(admin, secretPath("shop", "db"), { ...rest, db: found("one") });
  await admin.patch(secretPath("shared", "db"), { stringData: { password: "three" } });
  await untilData(admin, secretPath("shop", "db"), { ...rest, db: found("three") });
  const reads = await cluster.auditEvents({ resource: "secrets", namespace: "shared", verb: ["get", "list"] });
  const readers = new Set(reads.map(({ user }) => user));
  assert.ok(readers.delete("system:serviceaccount:shop:reader"));
  assert.ok(!readers.has(node.user), "the program's own account has read there");
});

test("a Secret that is not there is said to be so", async () => {
  const { admin } = world;
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: missing, namespace: shop}
spec:
  secretStoreRef: {name: shared}
  data:
    - {secretKey: a, remoteRef: {key: missing, property: a}}
`);
  await untilReady(admin, externalSecretPath("shop", "missing"), "False", /there is no Secret "shared\/missing"/);
});
