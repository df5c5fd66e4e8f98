/** What a connection is made with: client certificates for each identity, a CA from a Secret, headers, consistency. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import type { Certificate } from "../../fakes/certificate.ts";
import { refusal, success } from "../../fakes/vault-answers.ts";
import { facts } from "../facts.ts";
import { granted, openStore, ref, startWire, statics } from "./wire.ts";
import type { Wire } from "./wire.ts";

const { signal } = new AbortController();
const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
const authority = makeCertificate({ name: "authority", isAuthority: true, ...life });
const own = makeCertificate({ name: "vault", subjects: ["127.0.0.1"], issuer: authority, ...life });
const clientOf = (name: string): Certificate => makeCertificate({ name, issuer: authority, ...life });
const key = (name: string) => ({ name: "s", key: name });
const trusted = { caBundle: Buffer.from(authority.certificate).toString("base64") };

let clients: HttpClients;
let wire: Wire;

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  wire = await startWire({ cert: own.certificate, key: own.key, ca: authority.certificate });
});
afterEach(() => wire.close());

const open = (block: object): Store => openStore({ path: "kv", version: "v1", ...block }, { url: wire.url, clients });
const pairOf = ({ certificate, key: own }: Certificate) => ({ clientCertificate: certificate, clientKey: own });
const certAuth = { cert: { clientCert: key("crt"), secretRef: key("key") } };
const mutual = { tls: { certSecretRef: { name: "pair" }, keySecretRef: { name: "pair" } } };

suite("the login by certificate", { timeout: 30_000 }, () => {
  test("the connection shows it, at the login and at the read; the role goes along", async () => {
    wire.answer = ({ path }) => (path.startsWith("auth/") ? granted("t") : success({ data: { a: "1" } }));
    const store = open({ ...trusted, auth: { cert: { ...certAuth.cert, vaultRole: "web", path: "certs" } } });
    const session = await store.login(statics(pairOf(clientOf("checkout"))), signal, facts);
    await store.fetch(store.locate(ref("x")), session, signal);
    assert.deepEqual(wire.lines(), ["POST auth/certs/login", "GET kv/x"]);
    assert.deepEqual(
      wire.asked.map(({ peer }) => peer),
      ["checkout", "checkout"],
    );
    assert.equal(wire.asked[0]!.body, '{"name":"web"}');
  });
  test("identities keep their own certificate, token and connection, however their reads mix", async () => {
    wire.answer = ({ path, peer }) =>
      path.startsWith("auth/") ? granted(`token-of-${peer}`) : success({ data: { of: peer } });
    const store = open({ ...trusted, auth: certAuth });
    const names = ["alpha", "beta", "gamma"];
    const sessions = await Promise.all(
      names.map((name) => store.login(statics(pairOf(clientOf(name))), signal, facts)),
    );
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        sessions.map((session, i) => store.fetch(store.locate(ref(`of-${names[i]}`)), session, signal)),
      );
      assert.deepEqual(
        answers.map(({ value }) => value.reveal().toString()),
        names.map((name) => `{"of":"${name}"}`),
      );
    }
    const reads = wire.asked.filter(({ method }) => method === "GET");
    assert.equal(reads.length, 15);
    for (const { path, headers, peer } of reads) {
      assert.equal(path, `kv/of-${peer}`);
      assert.equal(headers["x-vault-token"], `token-of-${peer}`);
    }
  });
  test("a server that does not know the certificate refuses the login", async () => {
    wire.answer = ({ peer }) => (peer ? granted("t") : refusal(400, "canary: invalid certificate"));
    const stranger = makeCertificate({ name: "stranger", ...life });
    await assert.rejects(open({ ...trusted, auth: certAuth }).login(statics(pairOf(stranger)), signal, facts), {
      code: "store_login_denied",
      message: /cert login at auth\/cert \(400\): check the mount, which authorities/,
    });
  });
  const good = clientOf("good");
  const faults: readonly (readonly [name: string, secrets: Record<string, string>, words: RegExp])[] = [
    ["no certificate", { clientCertificate: "canary", clientKey: good.key }, /auth\.cert\.clientCert: .* no PEM cert/],
    [
      "no key",
      { clientCertificate: good.certificate, clientKey: "canary" },
      /auth\.cert\.secretRef: .* no PEM private/,
    ],
    ["another's key", { ...pairOf(good), clientKey: clientOf("other").key }, /key is not that of the certificate/],
  ];
  for (const [name, secrets, words] of faults)
    test(`${name} is store_invalid before anything is sent`, async () => {
      await assert.rejects(open({ ...trusted, auth: certAuth }).login(statics(secrets), signal, facts), (thrown) => {
        const { code, message } = thrown as { code: string; message: string };
        assert.equal(code, "store_invalid");
        assert.match(message, words);
        assert.doesNotMatch(message, /canary/);
        return true;
      });
      assert.equal(wire.asked.length, 0);
    });
});

suite("TLS beside any login", { timeout: 30_000 }, () => {
  const jwt = (token: string, secrets: Record<string, string>): Proof => {
    const proof = statics(secrets);
    return { kind: "token", token: SecretValue.fromText(token), secrets: proof.kind === "static" ? proof.secrets : {} };
  };
  test("a certificate of the store is shown beside a service account's token", async () => {
    wire.answer = () => granted("t");
    const auth = { kubernetes: { role: "r", serviceAccountRef: { name: "app" } } };
    await open({ ...trusted, ...mutual, auth }).login(jwt("jwt", pairOf(clientOf("store"))), signal, facts);
    assert.equal(wire.asked[0]!.peer, "store");
    assert.equal(wire.asked[0]!.body, '{"role":"r","jwt":"jwt"}');
  });
  test("a CA from a Secret or ConfigMap is the one that counts", async () => {
    wire.answer = () => granted("t");
    const caProvider = { type: "ConfigMap", name: "ca", key: "ca.crt" };
    const auth = { jwt: { role: "r", secretRef: key("jwt") } };
    const store = open({ caProvider, auth });
    await store.login(statics({ jwt: "j", ca: `# ours\n${authority.certificate}` }), signal, facts);
    assert.equal(wire.asked.length, 1);
    const other = makeCertificate({ name: "other", isAuthority: true, ...life });
    await assert.rejects(store.login(statics({ jwt: "j", ca: other.certificate }), signal, facts), {
      code: "store_unreachable",
      message: /authority that is not trusted/,
    });
    await assert.rejects(store.login(statics({ jwt: "j", ca: "canary" }), signal, facts), {
      code: "store_invalid",
      message: /spec\.provider\.vault\.caProvider/,
    });
    assert.equal(wire.asked.length, 1);
  });
  test("without either the server is not trusted", async () => {
    await assert.rejects(open({ auth: { jwt: { secretRef: key("j") } } }).login(statics({ jwt: "j" }), signal, facts), {
      code: "store_unreachable",
    });
  });
});

suite("headers and consistency", { timeout: 30_000 }, () => {
  const auth = { jwt: { secretRef: key("jwt") } };
  const headersOf = (name: string) => wire.asked.map(({ headers }) => headers[name]);
  const readTwice = async (block: object, secrets: Record<string, string> = {}): Promise<void> => {
    const store = open({ ...trusted, auth, ...block });
    const session = await store.login(statics({ jwt: "j", ...secrets }), signal, facts);
    await store.fetch(store.locate(ref("x")), session, signal);
    await store.fetch(store.locate(ref("x")), session, signal);
  };
  beforeEach(() => {
    wire.answer = ({ method }) =>
      method === "POST" ? { ...granted("t"), headers: { "x-vault-index": "djE6aW5kZXg=" } } : success({ data: {} });
  });

  test("the store's headers go with every request, also those from a Secret", async () => {
    await readTwice(
      { headers: { "X-Team": "shop", "x-key": { secretKeyRef: key("h") } } },
      { "header x-key": "value" },
    );
    assert.deepEqual(headersOf("x-team"), ["shop", "shop", "shop"]);
    assert.deepEqual(headersOf("x-key"), ["value", "value", "value"]);
  });
  test("a header's value from a Secret is one line, or nothing is sent", async () => {
    const attempt = readTwice({ headers: { "x-key": { secretKeyRef: key("h") } } }, { "header x-key": "canary\nx: y" });
    await assert.rejects(attempt, { code: "store_invalid", message: /headers\.x-key\.secretKeyRef: .* one line/ });
    assert.equal(wire.asked.length, 0);
  });
  test("readYourWrites: reads name the state that the login left, and only then", async () => {
    await readTwice({ readYourWrites: true });
    assert.deepEqual(headersOf("x-vault-index"), [undefined, "djE6aW5kZXg=", "djE6aW5kZXg="]);
    wire.asked.length = 0;
    await readTwice({});
    assert.deepEqual(headersOf("x-vault-index"), [undefined, undefined, undefined]);
  });
  test("forwardInconsistent: a standby passes on what it does not know yet", async () => {
    await readTwice({ forwardInconsistent: true });
    assert.deepEqual(
      headersOf("x-vault-inconsistent"),
      Array.from({ length: 3 }, () => "forward-active-node"),
    );
  });
  test("a standby that is behind is an outage, not a no", async () => {
    wire.answer = ({ method }) => (method === "POST" ? granted("t") : refusal(412, "required index state not present"));
    await assert.rejects(readTwice({ readYourWrites: true }), { code: "store_error" });
  });
});
