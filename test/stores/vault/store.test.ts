import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, Store, StoreContext, StoreDeps } from "../../../plugin/stores/contract.ts";
import { vault } from "../../../plugin/stores/vault/kind.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { startVaultServer } from "../../fakes/vault-server.ts";
import type { FakeVault } from "../../fakes/vault-server.ts";
import { facts } from "../facts.ts";

const context: StoreContext = { scope: "SecretStore", name: "vault", namespace: "shop" };
const { signal } = new AbortController();
const tokenAuth = { tokenSecretRef: { name: "vault-token", key: "token" } };
const kubernetesAuth = { kubernetes: { role: "payments" } };
const statics = (secrets: Readonly<Record<string, string>>): Proof => ({
  kind: "static",
  secrets: Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, SecretValue.fromText(text)])),
});
const jwt: Proof = { kind: "token", token: SecretValue.fromText("jwt-of-payments") };

let clients: HttpClients;
let server: FakeVault;
const clock = new FakeClock();
const calls: string[] = [];

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  server = await startVaultServer({ clock });
  calls.length = 0;
  server.policy("payments", ["secret/data/payments/*"]);
  server.role("kubernetes", "payments", { policies: ["payments"], ttlSeconds: 600 });
});
afterEach(() => server.close());

function open(auth: object, block: object = { path: "secret" }): Store {
  const deps: StoreDeps = {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    fileStore: { base: "/" },
    plainHttp: true,
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  };
  const opened = vault.open({ server: server.url, auth, ...block }, context, deps);
  if (!opened.ok) assert.fail(JSON.stringify(opened.problems));
  return opened.value.store;
}

async function read(store: Store, proof: Proof, key: string, version?: string) {
  const session = await store.login(proof, signal, facts);
  const ref = { key, metadataPolicy: "None" as const, ...(version === undefined ? {} : { version }) };
  return store.fetch(store.locate(ref), session, signal);
}

async function readText(store: Store, proof: Proof, key: string, version?: string): Promise<string> {
  return (await read(store, proof, key, version)).value.reveal().toString("utf8");
}

async function fails(attempt: Promise<unknown>, code: FailureCode, words: RegExp = /./): Promise<Failure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail(`resolved instead of failing with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, words);
  return thrown;
}

const root = statics({ token: "root" });

suite("answers", () => {
  test("a KV v2 secret comes whole, with its version and the request's id", async () => {
    server.put("secret/payments/db", { password: "one" });
    server.put("secret/payments/db", { password: "two", user: "app" });
    const answer = await read(open(tokenAuth), root, "payments/db");
    assert.equal(answer.value.reveal().toString(), '{"password":"two","user":"app"}');
    assert.equal(answer.version, "2");
    assert.match(answer.requestId ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(answer.expiresAtMs, undefined);
    assert.deepEqual(calls, ["ReadSecretData success"]);
  });
  test("an old version is read by its number", async () => {
    server.put("secret/payments/db", { password: "one" });
    server.put("secret/payments/db", { password: "two" });
    const answer = await read(open(tokenAuth), root, "payments/db", "1");
    assert.equal(answer.value.reveal().toString(), '{"password":"one"}');
    assert.equal(answer.version, "1");
  });
  test("a KV v1 secret has no version and, without a lease, no end", async () => {
    server.put("kv1/app", { password: "x" });
    const answer = await read(open(tokenAuth, { path: "kv1", version: "v1" }), root, "app", "7");
    assert.equal(answer.value.reveal().toString(), '{"password":"x"}');
    assert.equal(answer.version, "");
    assert.equal(answer.expiresAtMs, undefined);
  });
  test("a KV v1 answer with a lease ends with it", async () => {
    server.put("kv1/creds", { password: "x" }, { lease: { id: "kv1/creds/abc", seconds: 60 } });
    const answer = await read(open(tokenAuth, { path: "kv1", version: "v1" }), root, "creds");
    assert.equal(answer.expiresAtMs, clock.nowMs() + 60_000);
  });
  const bytes: readonly [name: string, data: Readonly<Record<string, unknown>>, text: string][] = [
    ["an empty map", {}, "{}"],
    ["sorted keys", { b: "2", a: "1", "": "0" }, '{"":"0","a":"1","b":"2"}'],
    [
      "numbers with all their digits",
      { id: JSON.rawJSON("9007199254740993"), f: JSON.rawJSON("1.50") },
      '{"f":1.50,"id":9007199254740993}',
    ],
    ["nested values", { a: { c: [1, true, null], b: "x" } }, '{"a":{"b":"x","c":[1,true,null]}}'],
    ["HTML characters as Go escapes them", { a: "<b>&\u2028\u2029" }, '{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029"}'],
    ["text beyond ASCII as it is", { a: "schlüssel 🔑 \u007f" }, '{"a":"schlüssel 🔑 \u007f"}'],
  ];
  for (const [name, data, text] of bytes)
    test(`the value has ${name}`, async () => {
      server.put("secret/x", data);
      assert.equal(await readText(open(tokenAuth), root, "x"), text);
    });
  test("a key with odd characters is one secret, whatever a URL makes of them", async () => {
    const key = "payments/a b?c#d%2e%2e&é";
    server.put(`secret/${key}`, { odd: "yes" });
    assert.equal(await readText(open(tokenAuth), root, key), '{"odd":"yes"}');
  });
});

suite("what is not there", () => {
  test("a secret that never was", async () => {
    await fails(read(open(tokenAuth), root, "payments/none"), "ref_not_found", /"secret\/data\/payments\/none"$/);
    assert.deepEqual(calls, ["ReadSecretData success"], "the call itself worked");
  });
  test("a secret whose current version is deleted", async () => {
    server.put("secret/x", { a: "1" });
    server.deleteCurrent("secret/x");
    await fails(read(open(tokenAuth), root, "x"), "ref_not_found");
  });
  test("a version that is destroyed, and one that never was", async () => {
    server.put("secret/x", { a: "1" });
    server.put("secret/x", { a: "2" });
    server.destroy("secret/x", 1);
    await fails(read(open(tokenAuth), root, "x", "1"), "version_not_found", /no version 1 at "secret\/data\/x"/);
    await fails(read(open(tokenAuth), root, "x", "9"), "version_not_found");
    assert.equal(await readText(open(tokenAuth), root, "x", "2"), '{"a":"2"}');
  });
  test("a doubled path says that the store's path is put in front", async () => {
    server.mount("kv", 2);
    const words = /"kv\/data\/secret\/payments\/db"; the store's path "kv" is put in front of every key/;
    await fails(read(open(tokenAuth, { path: "kv/data" }), root, "secret/payments/db"), "ref_not_found", words);
  });
  test("an engine that is not mounted is the store's fault, not a missing secret", async () => {
    await fails(
      read(open(tokenAuth, { path: "nowhere" }), root, "x"),
      "store_invalid",
      /no engine at "nowhere\/data\/x"/,
    );
  });
  test("a v1 store on a v2 engine is the store's fault", async () => {
    server.put("secret/x", { a: "1" });
    await fails(read(open(tokenAuth, { path: "secret", version: "v1" }), root, "x"), "store_invalid", /version: v2/);
  });
  test("an unknown namespace is the store's fault", async () => {
    const store = open(tokenAuth, { path: "secret", namespace: "nowhere" });
    await fails(read(store, root, "x"), "store_invalid", /in namespace "nowhere".*namespace of the store/);
  });
});

suite("logins", () => {
  test("kubernetes: the token comes from the proof, the session ends with the lease", async () => {
    server.role("kubernetes", "payments", {
      policies: ["payments"],
      ttlSeconds: 600,
      accepts: (shown) => shown === "jwt-of-payments",
    });
    server.put("secret/payments/db", { a: "1" });
    const store = open(kubernetesAuth);
    const session = await store.login(jwt, signal, facts);
    assert.equal(session.expiresAtMs, clock.nowMs() + 600_000);
    const answer = await store.fetch(store.locate({ key: "payments/db", metadataPolicy: "None" }), session, signal);
    assert.equal(answer.version, "1");
    assert.deepEqual(calls, ["Login success", "ReadSecretData success"]);
    assert.deepEqual(
      server.requests.map(({ method, path }) => `${method} ${path}`),
      ["POST auth/kubernetes/login", "GET secret/data/payments/db"],
    );
  });
  test("a token that does not end gives a session that does not end", async () => {
    server.role("kubernetes", "payments", { policies: ["payments"], ttlSeconds: 0 });
    assert.equal((await open(kubernetesAuth).login(jwt, signal, facts)).expiresAtMs, undefined);
  });
  test("kubernetes and jwt with a JWT from a Secret", async () => {
    const accepts = (shown: string): boolean => shown === "from-secret";
    server.role("kubernetes", "payments", { policies: ["payments"], accepts });
    server.role("oidc", "payments", { policies: ["payments"], accepts });
    const proof = statics({ jwt: "from-secret\n" });
    await open({ kubernetes: { role: "payments", secretRef: { name: "s" } } }).login(proof, signal, facts);
    await open({ jwt: { path: "oidc", role: "payments", secretRef: { name: "s", key: "jwt" } } }).login(
      proof,
      signal,
      facts,
    );
    assert.equal(server.issued.length, 2);
  });
  test("appRole with the role id in the store, and in a Secret", async () => {
    server.appRole("approle", { roleId: "role-1", secretId: "secret-1", policies: ["payments"] });
    const secretRef = { name: "s", key: "secret" };
    await open({ appRole: { roleId: "role-1", secretRef } }).login(statics({ secretId: "secret-1" }), signal, facts);
    const byRef = open({ appRole: { roleRef: { name: "s", key: "id" }, secretRef } });
    await byRef.login(statics({ roleId: "role-1\n", secretId: "secret-1\n" }), signal, facts);
    assert.equal(server.issued.length, 2);
    await fails(
      byRef.login(statics({ roleId: "role-1", secretId: "wrong" }), signal, facts),
      "store_login_denied",
      /appRole login at auth\/approle \(400\)/,
    );
  });
  test("a token from a Secret is trimmed and needs no login", async () => {
    server.put("secret/x", { a: "1" });
    const store = open(tokenAuth);
    const session = await store.login(statics({ token: " root\n" }), signal, facts);
    assert.equal(server.requests.length, 0);
    assert.equal(session.expiresAtMs, undefined);
    assert.equal(await readText(store, statics({ token: " root\n" }), "x"), '{"a":"1"}');
    assert.ok(!calls.some((call) => call.startsWith("Login")));
  });
  for (const [name, token] of [
    ["empty", " \n"],
    ["two lines", "canary\nx-evil: 1"],
    ["not ASCII", "canaryé"],
  ] as const)
    test(`a token that is ${name} is store_invalid before anything is sent`, async () => {
      const failure = await fails(
        open(tokenAuth).login(statics({ token }), signal, facts),
        "store_invalid",
        /auth\.tokenSecretRef/,
      );
      assert.doesNotMatch(failure.message, /canary/);
      assert.equal(server.requests.length, 0);
    });
  test("a refused login names method, mount, role and status", async () => {
    server.role("clusters/prod", "payments", { policies: [], accepts: () => false });
    const auth = { kubernetes: { mountPath: "clusters/prod", role: "payments" } };
    const words = /^vault refused the kubernetes login at auth\/clusters\/prod as role "payments" \(403\)/;
    await fails(open(auth).login(jwt, signal, facts), "store_login_denied", words);
    assert.deepEqual(calls, ["Login error"]);
  });
  test("an unknown role and an unknown mount are refused logins", async () => {
    await fails(
      open({ kubernetes: { role: "nobody" } }).login(jwt, signal, facts),
      "store_login_denied",
      /role "nobody" \(400\)/,
    );
    await fails(
      open({ kubernetes: { role: "r", mountPath: "x" } }).login(jwt, signal, facts),
      "store_login_denied",
      /auth\/x/,
    );
  });
  test("auth.namespace is sent at the login, namespace at the read", async () => {
    server.addNamespace("logins");
    server.role("kubernetes", "payments", { policies: ["payments"] }, "logins");
    const store = open({ ...kubernetesAuth, namespace: "logins" }, { path: "secret", namespace: "reads" });
    await fails(read(store, jwt, "payments/db"), "store_invalid");
    assert.deepEqual(
      server.requests.map(({ namespace }) => namespace),
      ["logins", "reads"],
    );
  });
  test("without auth.namespace both are the store's", async () => {
    server.addNamespace("team");
    server.role("kubernetes", "payments", { policies: ["payments"] }, "team");
    server.put("secret/payments/db", { a: "1" }, { namespace: "team" });
    const store = open(kubernetesAuth, { path: "secret", namespace: "team" });
    assert.equal(await readText(store, jwt, "payments/db"), '{"a":"1"}');
    assert.deepEqual(
      server.requests.map(({ namespace }) => namespace),
      ["team", "team"],
    );
  });
});

suite("refusals and outages", () => {
  test("a policy that does not cover the path", async () => {
    server.put("secret/other", { a: "1" });
    const words = /read "secret\/data\/other" \(403\).*policies/;
    await fails(read(open(kubernetesAuth), jwt, "other"), "store_denied", words);
    assert.deepEqual(calls, ["Login success", "ReadSecretData error"]);
  });
  test("a revoked and an expired token", async () => {
    server.put("secret/payments/db", { a: "1" });
    const store = open(kubernetesAuth);
    const located = store.locate({ key: "payments/db", metadataPolicy: "None" });
    const revoked = await store.login(jwt, signal, facts);
    await store.fetch(located, revoked, signal);
    server.revokeIssued();
    await fails(store.fetch(located, revoked, signal), "store_denied");
    const expired = await store.login(jwt, signal, facts);
    await clock.advance(600_000);
    await fails(store.fetch(located, expired, signal), "store_denied");
  });
  test("sealed at login and at read, fine again when unsealed", async () => {
    server.put("secret/payments/db", { a: "1" });
    const store = open(kubernetesAuth);
    const session = await store.login(jwt, signal, facts);
    const located = store.locate({ key: "payments/db", metadataPolicy: "None" });
    server.seal();
    await fails(store.login(jwt, signal, facts), "store_sealed");
    await fails(store.fetch(located, session, signal), "store_sealed");
    server.unseal();
    assert.equal((await store.fetch(located, session, signal)).version, "1");
  });
  test("a quota passes on how long to wait", async () => {
    const store = open(kubernetesAuth);
    server.throttle({ retryAfterSeconds: 3 });
    assert.equal((await fails(store.login(jwt, signal, facts), "store_throttled")).retryAfterMs, 3_000);
    server.throttle({});
    assert.equal((await fails(store.login(jwt, signal, facts), "store_throttled")).retryAfterMs, undefined);
  });
  test("a server that stops is unreachable, and read again when it is back", async () => {
    server.put("secret/x", { a: "1" });
    const store = open(tokenAuth);
    assert.equal(await readText(store, root, "x"), '{"a":"1"}');
    await server.stop();
    await fails(read(store, root, "x"), "store_unreachable");
    await server.start();
    assert.equal(await readText(store, root, "x"), '{"a":"1"}');
  });
});
