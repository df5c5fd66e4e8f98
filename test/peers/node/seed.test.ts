/**
 * The article that keyferry implements, step by step on real servers: a store that logs in by service account, an
 * ExternalSecret per workload, a store per namespace, drift, refresh strategies. Its telemetry is in seed-metrics.test.ts.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { until } from "../../scenario/program.ts";
import { configureKubernetesAuth } from "../kube/openbao/auth.ts";
import { type KubeObject, objectPath, secretText } from "../kube/objects.ts";
import {
  allowTokens,
  type BaoWorld,
  beats,
  conditionOf,
  example,
  externalSecretPath,
  secretPath,
  startBaoWorld,
  startMetronome,
  storePath,
  untilData,
  untilEvent,
  untilReady,
  writesBy,
} from "./sync-world.ts";

const operator = { namespace: "external-secrets-system", name: "external-secrets" };
const tenant = { namespace: "payments", name: "payments-eso" };
const credentials = { secret: secretPath("payments", "payments-db-credentials"), name: "payments-db-credentials" };

let world: BaoWorld;

before(async () => {
  world = await startBaoWorld({ namespaces: ["external-secrets-system", "payments", "auth"] });
  const { admin, bao, cluster } = world;
  for (const { namespace, name } of [operator, tenant])
    await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name } });
  await configureKubernetesAuth(bao, cluster, {
    roles: {
      "external-secrets": role(operator, "everything"),
      "payments-namespace": role(tenant, "payments"),
    },
  });
  await bao.call("POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } });
  await writePolicy("everything", "kv/data/secret/*");
  await writePolicy("payments", "secret/data/payments/*");
  // The engine is made ready in the background.
  await until(() => rotate("first").then(() => true));
  await bao.put("kv/data/secret/payments/api-key", { key: "k-1" });
  await bao.put("secret/data/payments/db", { password: "of the tenant" });
  await bao.put("secret/data/auth/root", { password: "of somebody else" });
  await startMetronome(world, "auth");
});
after(() => world?.stop());

const role = (account: { namespace: string; name: string }, policy: string) => ({
  accounts: [account.name],
  namespaces: [account.namespace],
  audience: "vault",
  policies: [policy],
});

const writePolicy = (name: string, path: string): Promise<unknown> =>
  world.bao.call("PUT", `sys/policies/acl/${name}`, { policy: `path "${path}" { capabilities = ["read"] }` });

const rotate = (password: string): Promise<void> =>
  world.bao.put("kv/data/secret/payments/db", { username: "payments", password });

const readsOf = (address: string): number => world.proxy.count("GET", `/v1/${address}`);
const loginsAs = (): number => world.proxy.count("POST", "/v1/auth/kubernetes/login");

describe("step 2: a ClusterSecretStore logs in as the service account that it names", () => {
  test("without the right to make its token, the store says which right is missing", async () => {
    await world.admin.apply(await example("seed-vault-store", world.proxy.url));
    const store = await untilReady(world.admin, storePath("vault-prod"), "False", /\[credential_missing\]/);
    const { reason, message } = conditionOf(store)!;
    assert.equal(reason, "InvalidProviderConfig");
    assert.match(message!, /external-secrets-system\/external-secrets/);
    assert.match(message!, /grant it create on serviceaccounts\/token/);
    assert.equal(loginsAs(), 0);
  });

  test("with the documented Role it is Valid by itself: one token, reviewed by the API server, one login", async () => {
    await allowTokens(world.admin, operator);
    const store = await untilReady(world.admin, storePath("vault-prod"), "True", /^store validated$/);
    assert.equal(store.status?.["capabilities"], "ReadOnly");
    const made = await world.cluster.auditEvents({ user: world.node.user, resource: "serviceaccounts", status: 201 });
    assert.deepEqual(
      made.map(({ verb, subresource, namespace, name }) => [verb, subresource, namespace, name].join(" ")),
      ["create token external-secrets-system external-secrets"],
    );
    assert.equal((await world.cluster.auditEvents({ resource: "tokenreviews" })).length, 1);
    assert.equal(loginsAs(), 1);
  });
});

describe("step 3: an ExternalSecret per workload", () => {
  test("as the article writes it: both properties of one read in one Secret of its owner", async () => {
    const [applied] = await world.admin.apply(await example("seed-workload", world.proxy.url));
    const secret = await untilData(world.admin, credentials.secret, { DB_USERNAME: "payments", DB_PASSWORD: "first" });
    assert.equal(secret.type, "Opaque");
    assert.equal(secret.metadata.labels?.["reconcile.external-secrets.io/managed"], "true");
    assert.deepEqual(secret.metadata.ownerReferences, [
      {
        apiVersion: "external-secrets.io/v1",
        kind: "ExternalSecret",
        name: credentials.name,
        uid: applied!.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.equal(readsOf("kv/data/secret/payments/db"), 1);
    assert.equal(loginsAs(), 1);
  });

  test("v1 and v1beta1 tell the same, its status included", async () => {
    const ready = await untilReady(world.admin, externalSecretPath("payments", credentials.name), "True");
    const older = await world.admin.get(
      objectPath("external-secrets.io/v1beta1", "externalsecrets", "payments", credentials.name),
    );
    assert.deepEqual(older.status, ready.status);
    assert.deepEqual(older.spec, ready.spec);
    assert.equal((ready.status?.["binding"] as { name: string }).name, credentials.name);
    await untilEvent(world.admin, "payments", credentials.name, "Created");
  });
});

describe("step 5: a SecretStore per namespace", () => {
  before(async () => {
    await allowTokens(world.admin, tenant);
    await world.admin.apply(await example("seed-namespace-store", world.proxy.url));
    await untilReady(world.admin, storePath("payments-secrets", "payments"), "True");
  });

  const reading = (name: string, namespace: string, key: string): object => ({
    apiVersion: "external-secrets.io/v1beta1",
    kind: "ExternalSecret",
    metadata: { name, namespace },
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { name: "payments-secrets", kind: "SecretStore" },
      data: [{ secretKey: "password", remoteRef: { key, property: "password" } }],
    },
  });

  test("its namespace reads what its role allows", async () => {
    await world.admin.apply(reading("own", "payments", "secret/payments/db"));
    await untilData(world.admin, secretPath("payments", "own"), { password: "of the tenant" });
  });

  for (const key of ["secret/auth/root", "secret/payments/../auth/root", "kv/secret/payments/db"])
    test(`its namespace does not read ${key}`, async () => {
      const name = `foreign-${key.replaceAll(/[^a-z]+/g, "-")}`;
      await world.admin.apply(reading(name, "payments", key));
      const refused = await untilReady(world.admin, externalSecretPath("payments", name), "False");
      assert.equal(conditionOf(refused)!.reason, "SecretSyncedError");
      assert.match(conditionOf(refused)!.message!, /\[(store_denied|ref_invalid)\]/);
      assert.equal(await world.admin.find(secretPath("payments", name)), undefined);
      await world.admin.remove(externalSecretPath("payments", name));
    });

  test("another namespace finds no such store", async () => {
    await world.admin.apply(reading("stranger", "auth", "secret/payments/db"));
    await untilReady(world.admin, externalSecretPath("auth", "stranger"), "False", /\[store_not_found\]/);
    assert.equal(await world.admin.find(secretPath("auth", "stranger")), undefined);
  });

  test("a store of another namespace that names this account gets no token of it", async () => {
    const store = parseAllDocuments(await example("seed-namespace-store", world.proxy.url))[0]!.toJS() as KubeObject;
    const provider = store.spec?.["provider"] as { vault: { auth: { kubernetes: { serviceAccountRef: object } } } };
    Object.assign(provider.vault.auth.kubernetes.serviceAccountRef, { namespace: "payments" });
    await world.admin.apply({ ...store, metadata: { name: "payments-secrets", namespace: "auth" } });
    await untilReady(world.admin, storePath("payments-secrets", "auth"), "False", /\[store_invalid\]/);
    await untilReady(world.admin, externalSecretPath("auth", "stranger"), "False", /\[store_invalid\]/);
    assert.equal(await world.admin.find(secretPath("auth", "stranger")), undefined);
    await world.admin.remove(storePath("payments-secrets", "auth"));
  });
});

describe("step 6: drift", () => {
  test("kubectl edit is undone at once, and the event names who and what", async () => {
    const reads = readsOf("kv/data/secret/payments/db");
    await world.admin
      .as("mallory", { manager: "kubectl-edit" })
      .patch(credentials.secret, { data: { DB_PASSWORD: Buffer.from("injected").toString("base64") } });
    await untilData(world.admin, credentials.secret, { DB_USERNAME: "payments", DB_PASSWORD: "first" });
    const told = await untilEvent(world.admin, "payments", credentials.name, "SecretDrifted");
    assert.match(told.message, /kubectl-edit: key DB_PASSWORD changed/);
    assert.doesNotMatch(told.message, /injected|first/);
    assert.equal(readsOf("kv/data/secret/payments/db"), reads, "repaired without the store");
  });
});

describe("step 7: refresh strategies", () => {
  const names = ["once", "minute", "hour", "day"].map((word) => `payments-db-${word}`);
  const path = (name: string): string => secretPath("payments", name);

  test("every interval of the article is synced; objects that share a key share a read", async () => {
    const reads = readsOf("kv/data/secret/payments/db");
    await world.admin.apply(await example("seed-refresh-interval", world.proxy.url));
    for (const name of names) await untilData(world.admin, path(name), { DB_PASSWORD: "first" });
    for (const name of names) await untilReady(world.admin, externalSecretPath("payments", name), "True");
    assert.ok(readsOf("kv/data/secret/payments/db") - reads <= 1, "four objects, at most one read");
  });

  test("a value that one of them reads reaches all that follow the store, and not the one with interval 0", async () => {
    await rotate("second");
    const reads = readsOf("kv/data/secret/payments/db");
    await world.admin.patch(externalSecretPath("payments", "payments-db-day"), {
      metadata: { annotations: { "keyferry.dev/force-sync": "now" } },
    });
    for (const name of names.slice(1)) await untilData(world.admin, path(name), { DB_PASSWORD: "second" });
    await untilData(world.admin, credentials.secret, { DB_USERNAME: "payments", DB_PASSWORD: "second" });
    await beats(world, 2);
    assert.deepEqual(secretText(await world.admin.get(path("payments-db-once"))), { DB_PASSWORD: "first" });
    assert.equal(readsOf("kv/data/secret/payments/db") - reads, 1);
  });

  test("interval 0 is read again when it is asked for", async () => {
    await world.admin.patch(externalSecretPath("payments", "payments-db-once"), {
      metadata: { annotations: { "keyferry.dev/force-sync": "now" } },
    });
    await untilData(world.admin, path("payments-db-once"), { DB_PASSWORD: "second" });
  });

  test("a short interval brings a rotated value by itself", async () => {
    await world.admin.patch(externalSecretPath("payments", "payments-db-minute"), { spec: { refreshInterval: "1s" } });
    await untilReady(world.admin, externalSecretPath("payments", "payments-db-minute"), "True");
    await rotate("third");
    for (const name of names.slice(1)) await untilData(world.admin, path(name), { DB_PASSWORD: "third" });
    await world.admin.patch(externalSecretPath("payments", "payments-db-minute"), { spec: { refreshInterval: "1m" } });
  });

  test("target.immediate is taken, and the interval beside it is the fallback", async () => {
    const [immediate] = parseAllDocuments(await example("seed-immediate", world.proxy.url));
    const manifest = immediate!.toJS() as KubeObject;
    await world.admin.apply({ ...manifest, metadata: { ...manifest.metadata, namespace: "payments" } });
    await untilData(world.admin, secretPath("payments", "api-key"), { key: '{"key":"k-1"}' });
  });

  test("unchanged objects cost the API server nothing", async () => {
    await beats(world, 1);
    const sinceMs = Date.now();
    await beats(world, 3);
    const writes = await writesBy(world, { sinceMs });
    assert.deepEqual(
      writes.map(({ verb, resource, name }) => `${verb} ${resource}/${name}`),
      [],
    );
  });
});
