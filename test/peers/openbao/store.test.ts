/**
 * The vault kind against a real OpenBao: its logins, client certificates, finding, metadata, and leases of a real engine
 * (rabbitmq's, see broker.ts).
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { FindWish, Proof, Session, Store } from "../../../plugin/stores/contract.ts";
import { openBao } from "../../../plugin/stores/vault/kind.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { facts } from "../../stores/facts.ts";
import { openStore, ref, statics } from "../../stores/vault/wire.ts";
import { systemClock } from "../../../plugin/core/clock.ts";
import { type Broker, startBroker } from "./broker.ts";
import { type OpenBao, startOpenBao } from "./openbao.ts";

const { signal } = new AbortController();
const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
const authority = makeCertificate({ name: "authority", isAuthority: true, ...life });
const own = makeCertificate({ name: "bao", subjects: ["127.0.0.1"], issuer: authority, ...life });
const checkout = makeCertificate({ name: "checkout", issuer: authority, ...life });
const billing = makeCertificate({ name: "billing", issuer: authority, ...life });
const key = (name: string) => ({ name: "s", key: name });
const rootAuth = { tokenSecretRef: key("token") };
const root = { token: "root" };
const userPass = { userPass: { username: "ferry", secretRef: key("password") } };
const password = { password: "let me in\n" };

let bao: OpenBao;
let broker: Broker;
const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });

before(async () => {
  [bao, broker] = await Promise.all([
    startOpenBao({ cert: own.certificate, key: own.key, clientCa: authority.certificate }),
    startBroker(),
  ]);
  const rules = [
    'path "secret/*" { capabilities = ["read", "list"] }',
    'path "rabbitmq/creds/app" { capabilities = ["read"] }',
    'path "sys/leases/revoke" { capabilities = ["update"] }',
  ];
  await bao.call("PUT", "sys/policies/acl/reader", { policy: rules.join("\n") });
  await bao.call("POST", "sys/auth/userpass", { type: "userpass" });
  await bao.call("POST", "auth/userpass/users/ferry", {
    password: "let me in",
    token_policies: ["reader"],
    token_ttl: "20m",
    token_max_ttl: "1h",
  });
  await bao.call("POST", "sys/auth/cert", { type: "cert" });
  for (const name of ["checkout", "billing"])
    await bao.call("POST", `auth/cert/certs/${name}`, {
      certificate: authority.certificate,
      allowed_common_names: [name],
      token_policies: ["reader"],
    });
  await bao.put("secret/data/payments/db", { password: "one" });
  await bao.put("secret/data/payments/api/key", { token: "two" });
  await bao.put("secret/data/gone", { a: "1" });
  await bao.call("DELETE", "secret/data/gone");
  await bao.call("POST", "secret/metadata/payments/db", { custom_metadata: { team: "shop", tier: "1" } });
  await broker.serve(bao);
});

after(async () => {
  await clients.close();
  await bao.stop();
  await broker.close();
});

type Opened = readonly [Store, Session];

async function opened(block: object, secrets: Record<string, string>, more = {}): Promise<Opened> {
  const store = openStore({ path: "secret", ...block }, { url: bao.url, clients, clock: systemClock, ...more });
  const proof: Proof = statics(secrets);
  return [store, await store.login(proof, signal, facts)];
}

async function read([store, session]: Opened, name: string, metadataPolicy: "None" | "Fetch" = "None") {
  const answer = await store.fetch(store.locate({ ...ref(name), metadataPolicy }), session, signal);
  return { ...answer, text: answer.value.reveal().toString("utf8") };
}

suite("logins", () => {
  test("userPass, and the session goes on after renewing itself", async () => {
    const [store, session] = await opened({ auth: userPass }, password);
    assert.equal((await read([store, session], "payments/db")).text, '{"password":"one"}');
    await store.check!(session, signal);
    const left = session.expiresAtMs! - Date.now();
    assert.ok(left > 19 * 60_000 && left <= 20 * 60_000, `${left} ms`);
    const renewed = await store.renew!(session, signal);
    assert.ok(renewed.expiresAtMs! >= session.expiresAtMs!);
    assert.equal((await read([store, renewed], "payments/db")).version, "1");
  });
  test("a wrong password is a refused login", async () => {
    await assert.rejects(opened({ auth: userPass }, { password: "canary" }), (thrown) => {
      const { code, message } = thrown as { code: string; message: string };
      assert.equal(code, "store_login_denied");
      assert.doesNotMatch(message, /canary/);
      return true;
    });
  });
  test("a batch token is used and not renewed", async () => {
    await bao.call("POST", "auth/userpass/users/batch", {
      password: "p",
      token_policies: ["reader"],
      token_type: "batch",
    });
    const auth = { userPass: { username: "batch", secretRef: key("password") } };
    const [store, session] = await opened({ auth }, { password: "p" });
    assert.equal((await read([store, session], "payments/db")).text, '{"password":"one"}');
    await assert.rejects(store.renew!(session, signal), { code: "store_denied" });
  });
  test("a token that was given up cannot be renewed", async () => {
    const [store, session] = await opened({ auth: userPass }, password);
    await bao.call("PUT", "sys/leases/revoke-prefix/auth/userpass/login/ferry");
    await assert.rejects(store.renew!(session, signal), { code: "store_denied" });
  });
  test("OpenBao's own block", async () => {
    const [store, session] = await opened({ auth: userPass }, password, { kind: openBao });
    assert.equal((await read([store, session], "payments/db")).text, '{"password":"one"}');
    await assert.rejects(read([store, session], "secret/payments/db"), { code: "ref_not_found" });
  });
});

suite("client certificates", () => {
  const pair = { clientCertificate: checkout.certificate, clientKey: checkout.key };
  const ca = { ca: authority.certificate };
  const caProvider = { type: "ConfigMap", name: "ca", key: "ca.crt" };
  const mutual = { tls: { certSecretRef: { name: "pair" }, keySecretRef: { name: "pair" } } };
  const cert = { cert: { clientCert: key("crt"), secretRef: key("key") } };
  const byTls = () => ({ url: bao.tlsUrl });

  test("the login by certificate, with a CA from a ConfigMap", async () => {
    const world = await opened({ auth: cert, caProvider }, { ...pair, ...ca }, byTls());
    assert.equal((await read(world, "payments/db")).text, '{"password":"one"}');
  });
  test("the role must be one that takes this certificate", async () => {
    const named = (vaultRole: string) =>
      opened({ auth: { cert: { ...cert.cert, vaultRole } }, caProvider }, { ...pair, ...ca }, byTls());
    await named("checkout");
    await assert.rejects(named("billing"), { code: "store_login_denied" });
  });
  test("certificates of two identities are never mixed up", async () => {
    const pairs = [checkout, billing].map((one) => ({ clientCertificate: one.certificate, clientKey: one.key, ...ca }));
    const roles = ["checkout", "billing"];
    for (let round = 0; round < 4; round++)
      await Promise.all(
        pairs.map(async (one, i) => {
          const auth = { cert: { ...cert.cert, vaultRole: roles[i] } };
          const world = await opened({ auth, caProvider }, one, byTls());
          await read(world, "payments/db");
        }),
      );
  });
  test("a certificate beside a token, where the server takes no connection without one", async () => {
    const world = await opened({ auth: rootAuth, caProvider, ...mutual }, { ...root, ...pair, ...ca }, byTls());
    assert.equal((await read(world, "payments/db")).text, '{"password":"one"}');
    const bare = await opened({ auth: rootAuth, caProvider }, { ...root, ...ca }, byTls());
    await assert.rejects(read(bare, "payments/db"), { code: "store_unreachable" });
  });
  test("without the CA the server is not trusted", async () => {
    const world = await opened({ auth: rootAuth, ...mutual }, { ...root, ...pair }, byTls());
    await assert.rejects(read(world, "payments/db"), { code: "store_unreachable", message: /not trusted/ });
  });
});

suite("finding", () => {
  const find = async (wish: FindWish, block: object = {}) => {
    const [store, session] = await opened({ auth: userPass, ...block }, password);
    const found = await store.find!.list(wish, session, signal);
    return { store, session, names: found.map(({ name }) => name).sort(), found };
  };
  test("by folder and name, and each is read by its key", async () => {
    const { store, session, names, found } = await find({});
    assert.deepEqual(names, ["gone", "payments/api/key", "payments/db"]);
    const texts = await Promise.all(
      found.filter(({ name }) => name !== "gone").map(({ key: one }) => read([store, session], one)),
    );
    assert.deepEqual(texts.map(({ text }) => text).sort(), ['{"password":"one"}', '{"token":"two"}']);
    assert.deepEqual((await find({ path: "payments/api" })).names, ["payments/api/key"]);
    assert.deepEqual((await find({ path: "nothing/here" })).names, []);
    const matches = (name: string): boolean => name.endsWith("db");
    assert.deepEqual((await find({ name: { source: "db$", matches } })).names, ["payments/db"]);
  });
  test("by custom metadata", async () => {
    assert.deepEqual((await find({ tags: { team: "shop", tier: "1" } })).names, ["payments/db"]);
    assert.deepEqual((await find({ tags: { team: "other" } })).names, []);
  });
  test("where no engine is, and where listing is not allowed", async () => {
    const asRoot = async (block: object) => {
      const [store, session] = await opened({ auth: rootAuth, ...block }, root);
      return store.find!.list({}, session, signal);
    };
    await assert.rejects(asRoot({ path: "nowhere" }), { code: "store_invalid" });
    await assert.rejects(find({}, { path: "rabbitmq", version: "v1" }), { code: "store_denied" });
    await assert.rejects(asRoot({ version: "v1" }), { code: "store_invalid", message: /version: v2/ });
  });
  test("metadata in place of a secret", async () => {
    const world = await opened({ auth: userPass }, password);
    const { text, version } = await read(world, "payments/db", "Fetch");
    const { created_time, ...rest } = JSON.parse(text) as Record<string, string>;
    assert.match(created_time!, /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual(rest, { current_version: "1", delete_version_after: "0s", team: "shop", tier: "1" });
    assert.equal(version, "");
    await assert.rejects(read(world, "none", "Fetch"), { code: "ref_not_found" });
  });
});

suite("leases of a real engine", () => {
  const lookup = async (id: string) =>
    (await bao.call("PUT", "sys/leases/lookup", { lease_id: id })).body["data"] as Record<string, unknown>;
  const dynamic = { auth: userPass, path: "", version: "v1" };

  test("each read makes a user; its lease is renewed and revoked where the server sees it", async () => {
    const [store, session] = await opened(dynamic, password);
    const answer = await read([store, session], "rabbitmq/creds/app");
    const { username } = JSON.parse(answer.text) as { username: string };
    assert.ok(broker.users.has(username), "the broker knows the user");
    const lease = answer.lease!;
    assert.ok(lease.renewable);
    const left = answer.expiresAtMs! - Date.now();
    assert.ok(left > 50_000 && left <= 60_000, `${left} ms`);
    const before = await lookup(lease.id);
    assert.equal(before["last_renewal"], null);

    assert.ok((await store.leases!.renew(lease, session, signal)) >= answer.expiresAtMs!);
    assert.notEqual((await lookup(lease.id))["last_renewal"], null);

    await store.leases!.revoke(lease, session, signal);
    while (broker.users.has(username)) await new Promise((resolve) => setTimeout(resolve, 20));
    await assert.rejects(lookup(lease.id), /invalid lease/);
    await assert.rejects(store.leases!.renew(lease, session, signal), { code: "ref_not_found" });
  });
  test("two reads make two users, and the store says that they are nobody else's", async () => {
    const [store, session] = await opened(dynamic, password);
    assert.notEqual(store.locate(ref("rabbitmq/creds/app")).method, "GET");
    const texts = [
      await read([store, session], "rabbitmq/creds/app"),
      await read([store, session], "rabbitmq/creds/app"),
    ];
    assert.notEqual(texts[0]!.text, texts[1]!.text);
  });
  test("what a token made ends with it", async () => {
    const [store, session] = await opened(dynamic, password);
    const { text } = await read([store, session], "rabbitmq/creds/app");
    const { username } = JSON.parse(text) as { username: string };
    await bao.call("PUT", "sys/leases/revoke-prefix/auth/userpass/login/ferry");
    while (broker.users.has(username)) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  test("without the right to revoke, the refusal names it", async () => {
    const limited = { policy: 'path "rabbitmq/creds/app" { capabilities = ["read"] }' };
    await bao.call("PUT", "sys/policies/acl/limited", limited);
    await bao.call("POST", "auth/userpass/users/limited", { password: "p", token_policies: ["limited"] });
    const auth = { userPass: { username: "limited", secretRef: key("password") } };
    const [store, session] = await opened({ ...dynamic, auth }, { password: "p" });
    const { lease } = await read([store, session], "rabbitmq/creds/app");
    await assert.rejects(store.leases!.revoke(lease!, session, signal), {
      code: "store_denied",
      message: /update on sys\/leases\/revoke/,
    });
  });
  test("other engines answer without a lease", async () => {
    await bao.call("POST", "sys/mounts/transit", { type: "transit" });
    await bao.call("POST", "transit/keys/app", {});
    const world = await opened({ auth: rootAuth, path: "", version: "v1" }, root);
    const answer = await read(world, "transit/keys/app");
    assert.equal((JSON.parse(answer.text) as { name: string }).name, "app");
    assert.deepEqual([answer.lease, answer.expiresAtMs], [undefined, undefined]);
    await bao.call("POST", "sys/mounts/pki", { type: "pki" });
    await bao.call("POST", "pki/root/generate/internal", { common_name: "ca" });
    assert.match((await read(world, "pki/cert/ca")).text, /BEGIN CERTIFICATE/);
  });
});
