/**
 * Each role under exactly its ServiceAccount, through a history that needs everything it may do: the API server never
 * says 403, and no right is granted that this history does not use.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mountAsDriver } from "../../fakes/driver-client.ts";
import { until } from "../../scenario/program.ts";
import { startCluster, type Cluster } from "../kube/cluster.ts";
import { objectPath, secretText, type KubeObject } from "../kube/objects.ts";
import { settleRoles } from "../kube/roles.ts";
import { installed } from "./install.ts";
import { ownNamespace, startNodeProgram, type NodeProgram } from "./node-program.ts";
import { makePod } from "./pods.ts";

let cluster: Cluster;
let objects: readonly KubeObject[];
const programs: NodeProgram[] = [];

before(async () => {
  objects = await installed();
  cluster = await startCluster({ manifests: objects });
  await cluster.admin.createNamespace("shop", { team: "payments" });
  await cluster.admin.apply(tokenRight);
  await settleRoles(cluster.admin);
});
after(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await cluster?.stop();
});

const manifests = `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: constants}
spec:
  conditions:
    - namespaceSelector: {matchLabels: {team: payments}}
  provider:
    fake:
      data:
        - {key: a, value: "1"}
        - {key: b, value: "2"}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: constants, namespace: shop}
spec:
  provider:
    fake:
      data:
        - {key: c, value: "3"}
---
apiVersion: keyferry.dev/v1alpha1
kind: StorePolicy
metadata: {name: constants}
spec:
  storeRef: {kind: ClusterSecretStore, name: constants}
  identity: [Pod, Store]
  rules:
    - {namespaces: [shop]}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: constants, kind: ClusterSecretStore}
  target: {deletionPolicy: Delete}
  data:
    - {secretKey: a, remoteRef: {key: a}}
    - {secretKey: c, remoteRef: {key: c}, sourceRef: {storeRef: {name: constants, kind: SecretStore}}}
`;

/** Nothing answers there: what counts is that a token of the account is asked for. */
const withAccount = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: payments-eso, namespace: shop}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec:
  provider:
    vault:
      server: https://127.0.0.1:9
      path: secret
      auth:
        kubernetes: {mountPath: kubernetes, role: shop, serviceAccountRef: {name: payments-eso}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: of-vault, namespace: shop}
spec:
  secretStoreRef: {name: vault, kind: SecretStore}
  data:
    - {secretKey: a, remoteRef: {key: a}}
`;

/** An account without a role is told apart from one that has: its annotations are read, and nothing is sent to AWS. */
const withRole = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws, namespace: shop}
spec:
  provider:
    aws:
      service: SecretsManager
      region: eu-central-1
      auth: {jwt: {serviceAccountRef: {name: payments-eso}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: of-aws, namespace: shop}
spec:
  secretStoreRef: {name: aws, kind: SecretStore}
  data:
    - {secretKey: a, remoteRef: {key: a}}
`;

/** A template that is kept in a ConfigMap: got once, then followed. */
const withTemplate = `
apiVersion: v1
kind: ConfigMap
metadata: {name: tpl, namespace: shop}
data: {conf: "a={{ .a }}"}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: templated, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: constants, kind: ClusterSecretStore}
  target:
    template:
      templateFrom: [{configMap: {name: tpl, items: [{key: conf}]}}]
  data:
    - {secretKey: a, remoteRef: {key: a}}
`;

/** Nothing answers there either: what counts is that the generator is looked up. */
const withGenerator = `
apiVersion: generators.external-secrets.io/v1alpha1
kind: VaultDynamicSecret
metadata: {name: account, namespace: shop}
spec:
  path: database/creds/app
  provider:
    server: https://127.0.0.1:9
    auth:
      kubernetes: {mountPath: kubernetes, role: shop, serviceAccountRef: {name: payments-eso}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: generated, namespace: shop}
spec:
  dataFrom:
    - sourceRef: {generatorRef: {kind: VaultDynamicSecret, name: account}}
`;

/** The Role of docs/node.md, by which tokens of one account are made. */
const tokenRight = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: keyferry-token, namespace: shop}
rules:
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    resourceNames: [payments-eso]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: keyferry-token, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: keyferry-token}
subjects: [{kind: ServiceAccount, name: keyferry-sync, namespace: keyferry}]
`;

async function start(roles: string): Promise<NodeProgram> {
  const program = await startNodeProgram(cluster, { roles });
  programs.push(program);
  return program;
}

/** Of every Role and ClusterRole bound to the account: `verb group/resource` that may be done. */
function granted(account: string): Set<string> {
  const bindings = objects.filter(
    ({ kind, subjects }) =>
      (kind === "RoleBinding" || kind === "ClusterRoleBinding") &&
      (subjects as { name: string }[]).some(({ name }) => name === account),
  );
  const roles = bindings.map(({ roleRef }) => {
    const { kind, name } = roleRef as { kind: string; name: string };
    return objects.find((object) => object.kind === kind && object.metadata.name === name)!;
  });
  const rules = roles.flatMap(
    (role) => role["rules"] as { apiGroups: string[]; resources: string[]; verbs: string[] }[],
  );
  return new Set(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    ),
  );
}

async function used({ user }: NodeProgram): Promise<Set<string>> {
  const events = await cluster.auditEvents({ user });
  return new Set(
    events
      .filter(({ resource }) => resource !== "")
      .map(
        ({ verb, group, resource, subresource }) => `${verb} ${group}/${resource}${subresource && `/${subresource}`}`,
      ),
  );
}

async function noneRefused({ user }: NodeProgram): Promise<void> {
  const refused = (await cluster.auditEvents({ user })).filter(({ status }) => status === 401 || status === 403);
  assert.deepEqual(
    refused.map(({ verb, uri }) => `${verb} ${uri}`),
    [],
  );
}

test("what syncs uses every right it has, and needs no other", async () => {
  const { admin } = cluster;
  const sync = await start("mount,sync");
  await admin.apply(manifests);
  await admin.apply(withAccount);
  await admin.apply(withRole);
  await admin.apply(withTemplate);
  await admin.apply(withGenerator);
  const secretPath = objectPath("v1", "secrets", "shop", "db");
  const externalSecret = objectPath("external-secrets.io/v1", "externalsecrets", "shop", "db");
  const store = objectPath("external-secrets.io/v1", "clustersecretstores", undefined, "constants");
  await admin.waitFor(secretPath, (secret) => secretText(secret)["a"] === "1" && secretText(secret)["c"] === "3");

  const templated = objectPath("v1", "secrets", "shop", "templated");
  await admin.waitFor(templated, (secret) => secretText(secret)["conf"] === "a=1");
  await admin.patch(objectPath("v1", "configmaps", "shop", "tpl"), { data: { conf: "b={{ .a }}" } });
  await admin.waitFor(templated, (secret) => secretText(secret)["conf"] === "b=1");

  // The same event twice is one event that was patched.
  for (const forged of ["x", "y"]) {
    await admin.as("mallory").patch(secretPath, { data: { a: Buffer.from(forged).toString("base64") } });
    await admin.waitFor(secretPath, (secret) => secretText(secret)["a"] === "1");
  }
  await until(async () =>
    (await admin.list(objectPath("v1", "events", "shop"))).some(
      ({ reason, count, series }) => reason === "SecretDrifted" && (Number(count) > 1 || series !== undefined),
    ),
  );
  // All entries gone at the store: deletionPolicy Delete deletes.
  await admin.patch(externalSecret, { spec: { data: [{ secretKey: "a", remoteRef: { key: "gone" } }] } });
  await admin.waitGone(secretPath);
  await admin.remove(store);
  await admin.remove(externalSecret);
  await admin.waitGone(externalSecret);

  // The lease is renewed every two seconds.
  const late = [
    "patch coordination.k8s.io/leases",
    "get generators.external-secrets.io/vaultdynamicsecrets",
    "create /serviceaccounts/token",
    "get /serviceaccounts",
    "watch /serviceaccounts",
  ];
  await until(async () => {
    const did = await used(sync);
    return late.every((right) => did.has(right));
  });

  await noneRefused(sync);
  const may = granted("keyferry-sync").add("create /serviceaccounts/token");
  const did = await used(sync);
  assert.ok(may.size > 15, [...may].join());
  assert.deepEqual([...may.difference(did)], [], "granted, never used");
  assert.deepEqual([...did.difference(may)], [], "used by another grant");
});

test("what mounts uses every right it has, needs no other, and none to a Secret", async () => {
  await cluster.admin.apply(manifests);
  const mount = await start("mount");
  const pod = await makePod(cluster, { namespace: "shop", name: "web", serviceAccountName: "web" });
  const mounted = await mountAsDriver(mount.socket, { ...pod, parameters: { externalSecret: "db" } });
  assert.deepEqual([...mounted.files.keys()].toSorted(), ["a", "c"]);
  await cluster.admin.apply(withRole);
  const ofAws = mountAsDriver(mount.socket, { ...pod, parameters: { externalSecret: "of-aws" } });
  await assert.rejects(ofAws, /\[credential_missing\].*service account shop\/web has no annotation/);

  await noneRefused(mount);
  const [may, did] = [granted("keyferry-mount"), await used(mount)];
  assert.deepEqual([...may.difference(did)], [], "granted, never used");
  assert.deepEqual([...did.difference(may)], [], "used by another grant");
  assert.ok(![...may].some((right) => / \/secrets$|token/.test(right)), [...may].join());
});

test("the accounts are those that the DaemonSets run under, in keyferry's namespace", () => {
  assert.deepEqual(
    objects
      .filter(({ kind }) => kind === "ServiceAccount")
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    [`${ownNamespace}/keyferry-mount`, `${ownNamespace}/keyferry-sync`],
  );
});
