/**
 * The main job against a real OpenBao: one read reaches a pod's volume and a Secret; a rotated value reaches both; and
 * the store's troubles (seal, quota, revoked token, removed policy) end as promised.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mountAsDriver } from "../../fakes/driver-client.ts";
import { startRecordingProxy, type RecordingProxy } from "../../fakes/recording-proxy.ts";
import { createTokenIssuer, type TokenIssuer } from "../../fakes/token-issuer.ts";
import { account, pod, accountTokenSecret } from "../../scenario/checkout.ts";
import { type Program, type ProgramOptions, startProgram, until } from "../../scenario/program.ts";
import { type OpenBao, startOpenBao } from "./openbao.ts";

let bao: OpenBao;
let proxy: RecordingProxy;
let issuer: TokenIssuer;

before(async () => {
  [bao, issuer] = await Promise.all([startOpenBao(), createTokenIssuer()]);
  proxy = await startRecordingProxy(bao.url);
  await bao.call("POST", "sys/auth/jwt", { type: "jwt" });
  await bao.call("POST", "auth/jwt/config", { jwt_validation_pubkeys: [issuer.publicPem] });
  await writePolicy("payments");
  await bao.call("POST", "auth/jwt/role/shop", {
    role_type: "jwt",
    user_claim: "sub",
    bound_audiences: ["vault"],
    bound_subject: "system:serviceaccount:shop:checkout",
    token_policies: ["payments"],
    token_ttl: "1h",
  });
});

after(async () => {
  await proxy.close();
  await bao.stop();
});

const writePolicy = (name: string): Promise<unknown> =>
  bao.call("PUT", `sys/policies/acl/${name}`, { policy: 'path "secret/data/payments/*" { capabilities = ["read"] }' });

interface World extends Program {
  mount(parameters?: Record<string, string>): Promise<Record<string, string>>;
}

/** keyferry on one JWT store, with one ExternalSecret and a pod of the same account. */
async function startWorld(
  options: Partial<ProgramOptions> & { key?: string; refreshInterval?: string } = {},
): Promise<World> {
  const key = options.key ?? "payments/db";
  const jwt = await issuer.sign(account);
  const podJwt = await issuer.sign({ ...account, pod: { name: pod.podName, uid: pod.podUid } });
  const program = await startProgram({
    files: { "jwks.json": issuer.jwks },
    args: ["--token-jwks", "$FOLDER/jwks.json", ...(options.args ?? [])],
    manifests: {
      "all.yaml": `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: bao}
spec:
  provider:
    vault:
      server: ${proxy.url}
      path: secret
      auth:
        jwt:
          path: jwt
          role: shop
          kubernetesServiceAccountToken:
            serviceAccountRef: {name: checkout, namespace: shop}
---
${accountTokenSecret(jwt)}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: ${options.refreshInterval ?? "1s"}
  secretStoreRef: {name: bao, kind: ClusterSecretStore}
  data:
    - {secretKey: username, remoteRef: {key: ${key}, property: username}}
    - {secretKey: password, remoteRef: {key: ${key}, property: password}}
`,
      ...options.manifests,
    },
  });
  const tokens = { vault: podJwt };
  return {
    ...program,
    async mount(parameters = {}) {
      const { files } = await mountAsDriver(program.socket, {
        ...pod,
        tokens,
        parameters: {
          secretStoreRef: "{name: bao, kind: ClusterSecretStore}",
          data: `- {secretKey: db/password, remoteRef: {key: ${key}, property: password}}`,
          refreshInterval: "1s",
          ...parameters,
        },
      });
      return Object.fromEntries([...files].map(([path, { contents }]) => [path, contents.toString()]));
    },
  };
}

const ready = async (world: Program): Promise<{ status: string; message: string }> => {
  const found = (await world.status("shop", "db")).conditions.find((condition) => condition.type === "Ready");
  assert.ok(found, "no Ready condition yet");
  return found;
};

async function untilReady(world: Program, status: "True" | "False", code = ""): Promise<string> {
  const seen = await until(async () => {
    const condition = await ready(world);
    assert.ok(
      condition.status === status && condition.message.includes(code),
      `${condition.status}: ${condition.message}`,
    );
    return condition;
  }, 60_000);
  return seen.message;
}

test("one login and one read reach the Secret and the pod's volume", async () => {
  await bao.put("secret/data/payments/db", { username: "ferry", password: "first" });
  proxy.requests.length = 0;
  const world = await startWorld({ refreshInterval: "1h" });
  try {
    await untilReady(world, "True");
    assert.deepEqual(await world.mount({ refreshInterval: "1h" }), { "db/password": "first" });
    assert.deepEqual(await world.secret("shop", "db"), { username: "ferry", password: "first" });
    assert.equal(proxy.count("GET", "/v1/secret/data/payments/db"), 1);
    assert.equal(proxy.requests.filter((made) => made.path === "/v1/auth/jwt/login").length, 1);
  } finally {
    assert.equal(await world.stop(), 0);
  }
});

test("a rotated value reaches the Secret and the volume, with the store's version", async () => {
  const world = await startWorld();
  try {
    await untilReady(world, "True");
    await bao.put("secret/data/payments/db", { username: "ferry", password: "second" });
    await until(async () => (await world.secret("shop", "db"))["password"] === "second");
    await until(async () => (await world.mount())["db/password"] === "second");
    const series =
      /externalsecret_provider_api_calls_count\{(?=[^}]*provider="HashiCorp\/Vault")(?=[^}]*call="ReadSecretData")(?=[^}]*status="success")/;
    assert.match((await world.get("/metrics")).text, series);
  } finally {
    await world.stop();
  }
});

test("sealed: mounts and Secrets keep the last values, the condition says so; unsealed: it converges by itself", async () => {
  const world = await startWorld();
  try {
    await untilReady(world, "True");
    const before = await world.mount();
    await bao.seal();
    await untilReady(world, "False", "[store_sealed]");
    assert.deepEqual(await world.mount(), before);
    assert.equal((await world.secret("shop", "db"))["password"], before["db/password"]);
    await bao.unseal();
    await bao.put("secret/data/payments/db", { username: "ferry", password: "after-seal" });
    await until(async () => (await world.secret("shop", "db"))["password"] === "after-seal", 60_000);
    await untilReady(world, "True");
  } finally {
    await bao.unseal();
    await world.stop();
  }
});

test("429 by a rate quota: throttled, not hammered, last values stay, recovery by itself", async () => {
  const world = await startWorld();
  try {
    await untilReady(world, "True");
    const known = await world.mount();
    await bao.call("POST", "sys/quotas/rate-limit/tight", { rate: 0.2, interval: "5s", path: "secret/" });
    await untilReady(world, "False", "[store_throttled]");
    const before = proxy.count("GET", "/v1/secret/data/payments/db");
    assert.deepEqual(await world.mount(), known);
    assert.ok(
      proxy.count("GET", "/v1/secret/data/payments/db") - before <= 2,
      "a throttled store was asked again at once",
    );
    await bao.call("DELETE", "sys/quotas/rate-limit/tight");
    await untilReady(world, "True");
  } finally {
    await bao.call("DELETE", "sys/quotas/rate-limit/tight");
    await world.stop();
  }
});

test("token revoked: one new login, then it goes on", async () => {
  const world = await startWorld();
  try {
    await untilReady(world, "True");
    proxy.requests.length = 0;
    await bao.call("PUT", "sys/leases/revoke-prefix/auth/jwt/login");
    await bao.put("secret/data/payments/db", { username: "ferry", password: "after-revoke" });
    await until(async () => (await world.secret("shop", "db"))["password"] === "after-revoke");
    assert.equal(proxy.requests.filter((made) => made.path === "/v1/auth/jwt/login").length, 1);
  } finally {
    await world.stop();
  }
});

test("policy removed: new mounts are refused, the Secret stays; an outage afterwards does not revive the value", async () => {
  const world = await startWorld();
  try {
    await untilReady(world, "True");
    const kept = await world.secret("shop", "db");
    assert.equal((await world.mount())["db/password"], kept["password"]);
    await bao.call("DELETE", "sys/policies/acl/payments");
    await untilReady(world, "False", "[store_denied]");
    await assert.rejects(world.mount(), /PERMISSION_DENIED.*\[store_denied\]/s);
    assert.deepEqual(await world.secret("shop", "db"), kept);
    await bao.seal();
    await assert.rejects(world.mount(), /\[store_(denied|sealed)\]/);
    assert.deepEqual(await world.secret("shop", "db"), kept);
    await bao.unseal();
    await writePolicy("payments");
    await untilReady(world, "True");
  } finally {
    await bao.unseal();
    await writePolicy("payments");
    await world.stop();
  }
});

test("a wrong role: the condition names role and mount, and is not taken for an outage once others log in", async () => {
  const world = await startWorld({
    manifests: {
      "wrong.yaml": `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: wrong, namespace: shop}
spec:
  provider:
    vault:
      server: ${proxy.url}
      path: secret
      auth:
        jwt:
          path: jwt
          role: nobody
          kubernetesServiceAccountToken: {serviceAccountRef: {name: checkout}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: wrong, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: wrong}
  data: [{secretKey: password, remoteRef: {key: payments/db, property: password}}]
`,
    },
  });
  try {
    await untilReady(world, "True");
    const message = await until(async () => {
      const condition = (await world.status("shop", "wrong")).conditions[0];
      assert.match(condition?.message ?? "", /\[store_(login_)?denied\]/);
      return condition!.message;
    });
    assert.match(message, /nobody/);
    assert.match(message, /jwt/);
    await assert.rejects(world.secret("shop", "wrong"), /ENOENT/);
  } finally {
    await world.stop();
  }
});

test("a pod with another account's token is refused before any store call", async () => {
  const world = await startWorld();
  try {
    await untilReady(world, "True");
    const foreign = await issuer.sign({
      ...account,
      serviceAccountName: "admin",
      pod: { name: pod.podName, uid: pod.podUid },
    });
    proxy.requests.length = 0;
    const call = mountAsDriver(world.socket, {
      ...pod,
      tokens: { vault: foreign },
      parameters: {
        secretStoreRef: "{name: bao, kind: ClusterSecretStore}",
        data: "- {secretKey: p, remoteRef: {key: payments/other, property: password}}",
      },
    });
    await assert.rejects(call, /PERMISSION_DENIED.*\[not_allowed\]/s);
    assert.equal(proxy.count("GET", /payments\/other/), 0);
  } finally {
    await world.stop();
  }
});
