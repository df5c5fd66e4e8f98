/** The article's failure modes, row by row, on real servers: what stays, what is said, what is not repeated, what ends it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RecordedRequest } from "../../fakes/recording-proxy.ts";
import { until } from "../../scenario/program.ts";
import { configureKubernetesAuth, type KubernetesRole } from "../kube/openbao/auth.ts";
import { objectPath, secretText } from "../kube/objects.ts";
import {
  type BaoWorld,
  beats,
  conditionOf,
  eventsOn,
  externalSecretPath,
  makeBaoStore,
  secretPath,
  startBaoWorld,
  startMetronome,
  storePath,
  untilData,
  untilEvent,
  untilReady,
} from "./sync-world.ts";

let world: BaoWorld;

before(async () => {
  world = await startBaoWorld({ namespaces: ["shop", "aside"] });
  await put("db", "first");
  await makeBaoStore(world, { namespace: "shop", name: "checkout" });
  await startMetronome(world, "aside");
});
after(() => world?.stop());

const put = (key: string, password: string): Promise<void> => world.bao.put(`secret/data/shop/${key}`, { password });

const path = (name: string): string => externalSecretPath("shop", name);

async function make(name: string, wish: { store?: string; key?: string; interval?: string } = {}): Promise<void> {
  const { store = "checkout", key = "db", interval = "1s" } = wish;
  await world.admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: ${interval}
  secretStoreRef: {name: ${store}}
  data: [{secretKey: password, remoteRef: {key: shop/${key}, property: password}}]
`);
}

const remove = (name: string): Promise<void> => world.admin.remove(path(name));

const errorsOf = async (name: string): Promise<number> =>
  (await world.node.metric("externalsecrets_sync_calls_total", { name, status: "error" })) ?? 0;

const logins = (): readonly RecordedRequest[] =>
  world.proxy.requests.filter((made) => made.path === "/v1/auth/kubernetes/login");

describe("Vault sealed during refresh", () => {
  after(() => world.bao.unseal());

  test("the Secret stays, Ready says why and since when, and the metric rises", async () => {
    await make("db");
    await untilReady(world.admin, path("db"), "True");
    const before = await world.admin.get(secretPath("shop", "db"));
    assert.equal(await errorsOf("db"), 0);
    await world.bao.seal();
    const stuck = await untilReady(world.admin, path("db"), "False", /\[store_sealed\]/);
    const { reason, message } = conditionOf(stuck)!;
    assert.equal(reason, "SecretSyncedError");
    assert.match(message!, /unseal it|calls to this store are paused after store_sealed/);
    assert.match(message!, /the Secret keeps the values of 20\d\d-/);
    await untilEvent(world.admin, "shop", "db", "SecretStale", /keeps its last good values: \[store_sealed\]/);
    await until(async () => (await errorsOf("db")) >= 1);
    const labels = { name: "db", condition: "Ready", status: "False" };
    assert.equal(await world.node.metric("externalsecret_status_condition", labels), 1);
    assert.equal((await world.node.metric("keyferry_cache_answers_total", { result: "stale" }))! >= 1, true);
    const now = await world.admin.get(secretPath("shop", "db"));
    assert.equal(now.metadata.resourceVersion, before.metadata.resourceVersion);
  });

  test("the store is not hammered meanwhile", async () => {
    const seen = world.proxy.requests.length;
    await beats(world, 4);
    // Of one object every second and the store's validation.
    assert.ok(world.proxy.requests.length - seen <= 8, `${world.proxy.requests.length - seen} requests in 4 s`);
  });

  test("unsealed: everything converges by itself within the promised minute", async () => {
    await world.bao.unseal();
    const beganMs = performance.now();
    await put("db", "second");
    await untilData(world.admin, secretPath("shop", "db"), { password: "second" }, 60_000);
    await untilReady(world.admin, path("db"), "True", /^secret synced$/, 60_000 - (performance.now() - beganMs));
    await untilReady(world.admin, storePath("checkout", "shop"), "True", /(?:)/, 60_000);
    await remove("db");
  });
});

describe("trust mismatch: the store's role does not fit the service account", () => {
  const wrong = { namespace: "shop", name: "wrong" };
  const writeRole = (role: Partial<KubernetesRole>): Promise<void> =>
    configureKubernetesAuth(world.bao, world.cluster, {
      mount: "elsewhere",
      roles: {
        wrong: { accounts: ["wrong"], namespaces: ["shop"], audience: "vault", policies: ["checkout"], ...role },
        other: { accounts: ["checkout"], namespaces: ["shop"], audience: "vault", policies: ["checkout"] },
      },
    });
  const writeStore = (name: string, account: string): Promise<unknown> =>
    world.admin.apply(`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: shop}
spec:
  provider:
    vault:
      server: ${world.proxy.url}
      path: secret
      auth: {kubernetes: {mountPath: elsewhere, role: ${name}, serviceAccountRef: {name: ${account}}}}
`);
  before(async () => {
    await makeBaoStore(world, wrong);
    await writeRole({ audience: "elsewhere" });
    await writeStore("wrong", "wrong");
    await untilReady(world.admin, storePath("wrong", "shop"), "False");
    await make("wrong", { store: "wrong" });
  });

  test("nobody logs in there: perhaps the store cannot check tokens, and the message names the knobs", async () => {
    const refused = await untilReady(world.admin, path("wrong"), "False", /\[store_login_denied\]/);
    const { message } = conditionOf(refused)!;
    for (const knob of [/kubernetes login at auth\/elsewhere as role "wrong"/, /service account, namespace, audience/])
      assert.match(message!, knob);
    assert.equal(await world.admin.find(secretPath("shop", "wrong")), undefined);
    await until(
      async () => (await world.node.metric("externalsecrets_store_auth_failure_total", { store: "wrong" }))! >= 1,
    );
  });

  test("somebody else logs in there: it is this identity that is refused", async () => {
    await writeStore("other", "checkout");
    await untilReady(world.admin, storePath("other", "shop"), "True");
    await untilReady(world.admin, path("wrong"), "False", /\[store_denied\].*others can log in there/);
  });

  test("no storm of refused logins: one at each refresh, no more", async () => {
    const refused = (): number =>
      world.proxy.requests.filter(({ path: asked, status }) => /elsewhere\/login$/.test(asked) && status >= 400).length;
    const before = refused();
    await beats(world, 3);
    assert.ok(refused() - before <= 4, `${refused() - before} refused logins in 3 s`);
  });

  test("the role put right: it goes on by itself", async () => {
    await writeRole({});
    await untilData(world.admin, secretPath("shop", "wrong"), { password: "second" }, 60_000);
    await untilReady(world.admin, path("wrong"), "True");
    await remove("wrong");
  });
});

describe("ServiceAccount removed", () => {
  const account = objectPath("v1", "serviceaccounts", "shop", "passing");
  let uid: string | undefined;

  before(async () => {
    await makeBaoStore(world, { namespace: "shop", name: "passing" });
    await make("passing", { store: "passing" });
    await untilReady(world.admin, path("passing"), "True");
    uid = (await world.admin.get(account)).metadata.uid;
  });

  test("its login is over although its session has not ended; the Secret stays, the message names the account", async () => {
    await world.admin.remove(account);
    const refused = await untilReady(world.admin, path("passing"), "False", /\[credential_missing\]/);
    assert.match(conditionOf(refused)!.message!, /service account shop\/passing; create the account/);
    assert.deepEqual(secretText(await world.admin.get(secretPath("shop", "passing"))), { password: "second" });
  });

  test("no storm of token requests or logins while it is gone", async () => {
    const sinceMs = Date.now();
    const before = logins().length;
    await beats(world, 3);
    const asked = await world.cluster.auditEvents({
      user: world.node.user,
      resource: "serviceaccounts",
      verb: "create",
      sinceMs,
    });
    assert.ok(asked.length <= 6, `${asked.length} token requests in 3 s`);
    assert.equal(logins().length, before);
    assert.ok((await eventsOn(world.admin, "shop", "passing", "UpdateFailed")).length <= 2);
  });

  test("restored, it is another account of the same name: a new login, and everything goes on at once", async () => {
    await put("db", "third");
    const before = logins().length;
    await world.admin.apply({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "passing", namespace: "shop" },
    });
    assert.notEqual((await world.admin.get(account)).metadata.uid, uid);
    await untilData(world.admin, secretPath("shop", "passing"), { password: "third" }, 10_000);
    await untilReady(world.admin, path("passing"), "True");
    assert.ok(logins().length > before);
    await remove("passing");
  });
});

describe("backend rate limit", () => {
  const keys = Array.from({ length: 8 }, (_, i) => `limited-${i}`);
  const quota = "sys/quotas/rate-limit/tight";
  const reads = (): readonly RecordedRequest[] =>
    world.proxy.requests.filter((made) => made.path.startsWith("/v1/secret/data/shop/limited-"));

  before(async () => {
    // Else a quota's 429 comes without Retry-After.
    await world.bao.call("POST", "sys/quotas/config", { enable_rate_limit_response_headers: true });
    for (const key of keys) {
      await put(key, "kept");
      await make(key, { key });
    }
    for (const key of keys) await untilReady(world.admin, path(key), "True");
  });
  after(() => world.bao.call("DELETE", quota));

  test("a real 429: the Secrets stay, and Ready says why", async () => {
    await world.bao.call("POST", quota, { rate: 0.25, interval: "4s", path: "secret/" });
    for (const key of keys) await untilReady(world.admin, path(key), "False", /\[store_throttled\]/);
    for (const key of keys)
      assert.deepEqual(secretText(await world.admin.get(secretPath("shop", key))), { password: "kept" });
  });

  test("no storm: after a 429 nobody asks before its Retry-After has passed", async () => {
    await until(() => reads().filter(({ status }) => status === 429).length >= 3, 30_000);
    const all = reads();
    const throttled = all.filter(({ status }) => status === 429);
    assert.ok(
      throttled.some(({ retryAfterMs }) => retryAfterMs > 0),
      "the quota sends no Retry-After",
    );
    for (const { answeredAtMs, retryAfterMs } of throttled) {
      const early = all.filter(({ atMs }) => atMs > answeredAtMs && atMs < answeredAtMs + retryAfterMs - 50);
      assert.deepEqual(
        early.map(({ path: asked, atMs }) => `${asked} ${atMs - answeredAtMs} of ${retryAfterMs} ms`),
        [],
      );
    }
  });

  test("the quota lifted: all of them go on", async () => {
    await world.bao.call("DELETE", quota);
    for (const key of keys) await put(key, "fresh");
    for (const key of keys) await untilData(world.admin, secretPath("shop", key), { password: "fresh" }, 60_000);
    for (const key of keys) await untilReady(world.admin, path(key), "True");
  });
});

describe("a template that fails", () => {
  const wanted = async (text: string): Promise<void> => {
    await world.admin.apply(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: made, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: checkout}
  target: {template: {data: {url: ${JSON.stringify(text)}}}}
  data: [{secretKey: password, remoteRef: {key: shop/made, property: password}}]
`);
  };

  test("the Secret stays, and the condition says which template failed, where and how, without a value", async () => {
    await put("made", "canary-1");
    await wanted("postgres://app:{{ .password }}@db");
    await untilData(world.admin, secretPath("shop", "made"), { url: "postgres://app:canary-1@db" });
    const before = await world.admin.get(secretPath("shop", "made"));
    await wanted("postgres://app:{{ .passwrod }}@db");
    const failed = await untilReady(world.admin, path("made"), "False", /\[template_failed\]/);
    const { reason, message } = conditionOf(failed)!;
    assert.equal(reason, "SecretSyncedError");
    assert.match(message!, /spec\.target\.template\.data\[url\]: template: url:1:18: .*"passwrod"/);
    await put("made", "canary-2");
    await wanted("{{ .password | atoi | div 1 }}");
    const divided = await untilReady(world.admin, path("made"), "False", /:1:\d+: .*div/);
    assert.doesNotMatch(JSON.stringify(divided), /canary/);
    const now = await world.admin.get(secretPath("shop", "made"));
    assert.equal(now.metadata.resourceVersion, before.metadata.resourceVersion);
  });

  test("put right, it takes effect at once", async () => {
    await wanted("{{ .password | upper }}");
    await untilData(world.admin, secretPath("shop", "made"), { url: "CANARY-2" });
    await untilReady(world.admin, path("made"), "True");
    await remove("made");
  });
});
