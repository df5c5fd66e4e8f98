/** The five metrics of the article after a history that is known in full: every series of them, with its exact value. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../../scenario/program.ts";
import { configureKubernetesAuth, type KubernetesRole } from "../kube/openbao/auth.ts";
import {
  allowTokens,
  type BaoWorld,
  externalSecretPath,
  secretPath,
  series,
  startBaoWorld,
  storePath,
  untilData,
  untilEvent,
  untilReady,
} from "./sync-world.ts";

const five = [
  "externalsecrets_sync_calls_total",
  "externalsecrets_sync_duration_seconds_count",
  "externalsecrets_secrets_total",
  "externalsecrets_drift_detected_total",
  "externalsecrets_store_auth_failure_total",
];
const account = { namespace: "payments", name: "payments-eso" };

let world: BaoWorld;
const known: Record<string, number> = {};

before(async () => {
  world = await startBaoWorld({ namespaces: ["payments"] });
  const { admin, bao } = world;
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: account });
  // Before the rest: whoever reads through a new store is read once more a moment after it came.
  await store("good");
  await bao.call("PUT", "sys/policies/acl/payments", {
    policy: 'path "secret/data/payments/*" { capabilities = ["read"] }',
  });
  await bao.put("secret/data/payments/db", { username: "payments", password: "first" });
  await writeRoles({ good: "payments-eso", bad: "somebody-else" });
  await allowTokens(admin, account);
});
after(() => world?.stop());

/** Which account may log in with which role. */
function writeRoles(accounts: Readonly<Record<string, string>>): Promise<void> {
  const roles: Record<string, KubernetesRole> = {};
  for (const [name, allowed] of Object.entries(accounts))
    roles[name] = { accounts: [allowed], namespaces: ["payments"], audience: "vault", policies: ["payments"] };
  return configureKubernetesAuth(world.bao, world.cluster, { roles });
}

const store = (name: string): Promise<unknown> =>
  world.admin.apply(`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: payments}
spec:
  provider:
    vault:
      server: ${world.proxy.url}
      path: secret
      auth: {kubernetes: {role: ${name}, serviceAccountRef: {name: payments-eso}}}
`);

const externalSecret = (
  name: string,
  storeName: string,
  key = "payments/db",
  property = "password",
): Promise<unknown> =>
  world.admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: payments}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: ${storeName}}
  data: [{secretKey: password, remoteRef: {key: ${key}, property: ${property}}}]
`);

const path = (name: string): string => externalSecretPath("payments", name);
const refusedLogins = (): number =>
  world.proxy.requests.filter(({ path, status }) => /login$/.test(path) && status >= 400).length;

/** Adds to what is known, and compares every series of the five. */
async function expect(more: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, count] of Object.entries(more)) known[name] = (known[name] ?? 0) + count;
  const wanted = Object.fromEntries(Object.entries(known).filter(([, count]) => count > 0));
  await until(async () => (assert.deepEqual(sorted(await series(world.node, five)), sorted(wanted)), true), 5_000);
}

function sorted(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const calls = (name: string, status: string): string =>
  `externalsecrets_sync_calls_total{name="${name}",namespace="payments",status="${status}"}`;
const runs = (storeName: string, status: string): string =>
  `externalsecrets_sync_duration_seconds_count{store="${storeName}",status="${status}"}`;
const secrets = 'externalsecrets_secrets_total{store_provider="vault"}';
const drift = (name: string): string => `externalsecrets_drift_detected_total{name="${name}"}`;
const authFailures = (storeName: string): string => `externalsecrets_store_auth_failure_total{store="${storeName}"}`;

test("a store alone counts nothing", async () => {
  await untilReady(world.admin, storePath("good", "payments"), "True");
  await expect({});
});

test("two ExternalSecrets: a successful sync and a Secret each", async () => {
  for (const name of ["db", "copy"]) {
    await externalSecret(name, "good");
    await untilReady(world.admin, path(name), "True");
  }
  await expect({
    [calls("db", "success")]: 1,
    [calls("copy", "success")]: 1,
    [runs("good", "success")]: 2,
    [secrets]: 2,
  });
});

test("an edit: one drift, repaired by one sync; an edit of a foreign Secret: nothing", async () => {
  const mallory = world.admin.as("mallory");
  const data = { password: Buffer.from("injected").toString("base64") };
  await world.admin.create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "own", namespace: "payments" },
    data,
  });
  await mallory.patch(secretPath("payments", "own"), { data: { password: "" } });
  await mallory.patch(secretPath("payments", "db"), { data });
  await untilData(world.admin, secretPath("payments", "db"), { password: "first" });
  await untilEvent(world.admin, "payments", "db", "SecretDrifted");
  await expect({ [calls("db", "success")]: 1, [runs("good", "success")]: 1, [drift("db")]: 1 });
});

test("a rotation that is asked for: one sync of each object that shares the key", async () => {
  await world.bao.put("secret/data/payments/db", { username: "payments", password: "second" });
  await world.admin.patch(path("db"), { metadata: { annotations: { "keyferry.dev/force-sync": "1" } } });
  for (const name of ["db", "copy"]) await untilData(world.admin, secretPath("payments", name), { password: "second" });
  await expect({ [calls("db", "success")]: 1, [calls("copy", "success")]: 1, [runs("good", "success")]: 2 });
});

test("a property that the store's secret lacks: an error, and no Secret", async () => {
  await externalSecret("typo", "good", "payments/db", "pasword");
  await untilReady(world.admin, path("typo"), "False", /\[property_not_found\]/);
  const errors = (await world.node.metric("externalsecrets_sync_calls_total", { name: "typo" })) ?? 0;
  assert.ok(errors >= 1 && errors <= 2, String(errors));
  await externalSecret("typo", "good");
  await untilReady(world.admin, path("typo"), "True");
  const all = await series(world.node, five);
  const failed = all[calls("typo", "error")] ?? 0;
  await expect({
    [calls("typo", "error")]: failed,
    [calls("typo", "success")]: 1,
    [runs("good", "error")]: failed,
    [runs("good", "success")]: 1,
    [secrets]: 1,
  });
});

test("a role that does not fit: every refused login is counted for its store, once", async () => {
  await store("bad");
  await untilReady(world.admin, storePath("bad", "payments"), "False", /\[store_(login_)?denied\]/);
  await expect({ [authFailures("bad")]: refusedLogins() });
  assert.equal(known[authFailures("bad")], 1);
  await externalSecret("locked", "bad");
  await untilReady(world.admin, path("locked"), "False", /\[store_denied\]/);
  await writeRoles({ bad: "payments-eso" });
  await untilReady(world.admin, path("locked"), "True");
  const failed = refusedLogins() - known[authFailures("bad")]!;
  assert.ok(failed >= 1);
  await expect({
    [authFailures("bad")]: failed,
    [calls("locked", "error")]: failed,
    [calls("locked", "success")]: 1,
    [runs("bad", "error")]: failed,
    [runs("bad", "success")]: 1,
    [secrets]: 1,
  });
});

test("a deleted ExternalSecret takes its series and its Secret along", async () => {
  await world.admin.remove(path("db"));
  await world.admin.waitGone(secretPath("payments", "db"));
  for (const name of [calls("db", "success"), drift("db")]) known[name] = 0;
  await expect({ [secrets]: -1 });
});

test("the names of External Secrets Operator tell the same numbers", async () => {
  const eso = await series(world.node, ["externalsecret_sync_calls_total", "externalsecret_sync_calls_error"]);
  for (const name of ["copy", "typo", "locked"]) {
    const labels = `{name="${name}",namespace="payments"}`;
    const [success = 0, error = 0] = [known[calls(name, "success")], known[calls(name, "error")]];
    assert.equal(eso[`externalsecret_sync_calls_total${labels}`], success + error, name);
    assert.equal(eso[`externalsecret_sync_calls_error${labels}`] ?? 0, error, name);
  }
});
