/** What is shown to Azure for a token, and what is made of its refusals. */
import assert from "node:assert/strict";
import { createPublicKey, hash, X509Certificate } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import type { Proof, Ref, Store } from "../../../plugin/stores/contract.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import { writePkcs12 } from "../../../plugin/template/go/functions/pkcs12-write.ts";
import { parsePrivateKey } from "../../../plugin/template/go/functions/keys-parse.ts";
import { parseCertificate } from "../../../plugin/template/go/functions/x509-read.ts";
import { ascii } from "../../../plugin/template/go/text.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { HostileServer } from "../../fakes/hostile-server.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import { facts } from "../facts.ts";
import { entraError, idOf, json, startFakeAzure } from "./fake-azure.ts";
import type { FakeAzureWish } from "./fake-azure.ts";
import * as opened from "./opened.ts";

const { byAccount, byCertificate, byMachine, bySecret, clock, forAll, openAzure, secretsProof, tokenProof } = opened;
const { signal } = new AbortController();
let clients: HttpClients;
before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());

const ref = (key: string): Ref => ({ key, metadataPolicy: "None" });

async function startWorld(block: object, wish: FakeAzureWish = {}, context = opened.inShop) {
  const server = await startFakeAzure(wish);
  server.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "db as {who}" } }]);
  const calls: string[] = [];
  return { server, calls, store: openAzure(block, { url: server.url, clients, calls, context }) };
}

async function readAs(store: Store, proof: Proof): Promise<string> {
  const session = await store.login(proof, signal, facts);
  const { value } = await store.fetch(store.locate(ref("db")), session, signal);
  return value.reveal().toString("utf8");
}

async function refused(attempt: Promise<unknown>, code: FailureCode, says: RegExp): Promise<Failure> {
  const thrown = await attempt.then(
    () => assert.fail("resolved"),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, says);
  assert.doesNotMatch(thrown.message, /said by|canary/);
  return thrown;
}

suite("a login at Microsoft Entra", { timeout: 30_000 }, () => {
  test("shows the account's token for the identity that the account is annotated with", async (t) => {
    const { server, store, calls } = await startWorld(byAccount);
    t.after(server.close);
    const session = await store.login(tokenProof("jwt\n", "client", "tenant"), signal, facts);
    assert.deepEqual(server.logins, [
      {
        tenant: "tenant",
        grant_type: "client_credentials",
        client_id: "client",
        scope: "https://vault.azure.net/.default",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: "jwt",
      },
    ]);
    assert.equal(session.expiresAtMs, clock.nowMs() + 3_599_000);
    assert.equal(session.given, undefined);
    assert.equal(await readAs(store, tokenProof("jwt", "client", "tenant")), "db as client@jwt");
    assert.deepEqual(calls, ["AcquireToken success", "AcquireToken success", "GetSecret success"]);
  });
  test("a token is shown at once: one login and one read are two requests", async (t) => {
    const { server, store } = await startWorld(byAccount);
    t.after(server.close);
    await readAs(store, tokenProof("jwt", "client", "tenant"));
    assert.deepEqual(
      server.requests.map(({ path }) => path.replace(/\?.*/, "")),
      ["/tenant/oauth2/v2.0/token", "/secrets/db/"],
    );
  });
  test("the store's own client id needs no annotation", async (t) => {
    const { server, store } = await startWorld({ ...byAccount, tenantId: "t1", clientId: "own" });
    t.after(server.close);
    assert.ok(store.proofNeed.kind === "token");
    assert.equal(store.proofNeed.annotations, undefined);
    await store.login(tokenProof("jwt"), signal, facts);
    const { proofNeed } = openAzure({ ...byAccount, clientId: "own" }, { url: server.url, clients });
    assert.ok(proofNeed.kind === "token");
    assert.deepEqual(proofNeed.annotations?.shown, ["azure.workload.identity/tenant-id"]);
    assert.deepEqual(Object.keys(proofNeed.annotations?.required ?? {}), ["azure.workload.identity/tenant-id"]);
    assert.deepEqual(
      server.logins.map(({ tenant, client_id }) => [tenant, client_id]),
      [["t1", "own"]],
    );
  });
  test("the ids may come from Secrets, and the tenant from the store", async (t) => {
    const authSecretRef = { clientId: { name: "ids", key: "client" }, tenantId: { name: "ids", key: "tenant" } };
    const { server, store } = await startWorld({ ...byAccount, authSecretRef });
    t.after(server.close);
    const { token } = tokenProof("jwt") as Extract<Proof, { kind: "token" }>;
    const { secrets } = secretsProof({ clientId: "client\n", tenantId: "t1" }) as Extract<Proof, { kind: "static" }>;
    await store.login({ kind: "token", token, annotations: {}, secrets }, signal, facts);
    const other = openAzure({ ...byAccount, tenantId: "t2" }, { url: server.url, clients });
    await other.login(tokenProof("jwt", "client"), signal, facts);
    assert.deepEqual(
      server.logins.map(({ tenant, client_id }) => [tenant, client_id]),
      [
        ["t1", "client"],
        ["t2", "client"],
      ],
    );
  });
  test("ids that contradict each other, or are none, are not sent", async (t) => {
    const { server, store } = await startWorld({ ...byAccount, tenantId: "t1" });
    t.after(server.close);
    const both = store.login(tokenProof("jwt", "client", "t2"), signal, facts);
    await refused(both, "store_invalid", /^tenantId and the annotation azure\.workload\.identity\/tenant-id name diff/);
    for (const id of ["../other", "a/b", "a b", "a?b", ""])
      await refused(store.login(tokenProof("jwt", id), signal, facts), "store_invalid", /client-id holds no client id/);
    assert.equal(server.requests.length, 0);
  });
  test("a service principal shows its secret, trimmed", async (t) => {
    const { server, store } = await startWorld(bySecret);
    t.after(server.close);
    const proof = secretsProof({ clientId: "client", clientSecret: "s&cret=+\n" });
    assert.equal(await readAs(store, proof), "db as client+s&cret=+");
    const { client_secret, client_assertion } = server.logins[0]!;
    assert.deepEqual([client_secret, client_assertion], ["s&cret=+", undefined]);
    const empty = store.login(secretsProof({ clientId: "client", clientSecret: "\n" }), signal, facts);
    await refused(empty, "store_invalid", /^authSecretRef\.clientSecret: the Secret's value is empty$/);
  });
  test("a machine's identity is asked for at its metadata service", async (t) => {
    const { server, store } = await startWorld(byMachine, {}, forAll);
    t.after(server.close);
    assert.equal(await readAs(store, secretsProof({})), "db as machine");
    const { expiresAtMs } = await store.login(secretsProof({}), signal, facts);
    assert.equal(expiresAtMs, clock.nowMs() + 86_399_000);
    assert.deepEqual(server.logins[0], { "api-version": "2018-02-01", resource: "https://vault.azure.net" });
    assert.equal(server.requests[0]!.headers["metadata"], "true");
    const named = openAzure({ ...byMachine, identityId: "mine" }, { url: server.url, clients, context: forAll });
    assert.equal(await readAs(named, secretsProof({})), "db as machine:mine");
    const none = openAzure({ ...byMachine, identityId: "none" }, { url: server.url, clients, context: forAll });
    const denied = none.login(secretsProof({}), signal, facts);
    await refused(denied, "store_login_denied", /metadata service refused.*\(400\): assign a managed identity/);
  });
  test("a machine's metadata service is asked on the way that is for it, and the vault is not", async () => {
    const asked: string[] = [];
    const opened = azurekv.open({ vaultUrl: "https://shop.vault.azure.net", ...byMachine }, forAll, {
      clock,
      http: () => () => assert.fail("asked as a store"),
      machineHttp({ url }) {
        asked.push(url.origin);
        const body = SecretValue.fromText('{"access_token":"t","expires_in":"1"}');
        return Promise.resolve({ status: 200, headers: {}, body });
      },
      watchPath: () => () => undefined,
      plainHttp: false,
      countCall: () => undefined,
    });
    assert.ok(opened.ok);
    const { store } = opened.value;
    const session = await store.login(secretsProof({}), signal, facts);
    assert.deepEqual(asked, ["http://169.254.169.254"]);
    await assert.rejects(async () => store.fetch(store.locate(ref("key/k")), session, signal), /asked as a store/);
  });
  test("only a token of the account, issuer and audience that the identity trusts is taken", async (t) => {
    const trusted = await createTokenIssuer();
    const { issuer, jwks } = trusted;
    const audience = "api://AzureADTokenExchange";
    const subject = "system:serviceaccount:shop:checkout";
    const { server, store } = await startWorld(byAccount, { federation: { issuer, jwks, subject, audience } });
    t.after(server.close);
    const account = { namespace: "shop", serviceAccountName: "checkout", serviceAccountUid: "u" };
    const login = async (jwt: string): Promise<unknown> =>
      store.login(tokenProof(jwt, "client", "tenant"), signal, facts);
    await login(await trusted.sign(account, { audience }));
    const foreign = await trusted.sign({ ...account, serviceAccountName: "other" }, { audience });
    await refused(
      login(foreign),
      "store_login_denied",
      /AADSTS700213\): no federated credential has the token's subject/,
    );
    const misled = await trusted.sign(account, { audience: "vault" });
    await refused(
      login(misled),
      "store_login_denied",
      /AADSTS700212\): no federated credential has the token's audience/,
    );
    const stale = await trusted.sign(account, { audience, lifetime: "-1h" });
    await refused(login(stale), "store_login_denied", /AADSTS700024\).*clocks/);
    const forged = await (await createTokenIssuer()).sign(account, { audience });
    await refused(login(forged), "store_login_denied", /AADSTS5000811\).*issuer's keys/);
  });
});

suite("a service principal's certificate", { timeout: 60_000 }, () => {
  const span = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const authority = makeCertificate({ name: "authority", isAuthority: true, ...span });
  const made = makeCertificate({ name: "client", issuer: authority, rsaBits: 2_048, ...span });
  const other = makeCertificate({ name: "other", issuer: authority, rsaBits: 2_048, ...span });
  const short = makeCertificate({ name: "short", issuer: authority, rsaBits: 1_024, ...span });
  const der = (pem: string): Buffer => new X509Certificate(pem).raw;
  const pfx = writePkcs12(
    {
      charge: () => undefined,
      produce: () => undefined,
      nowMs: () => Date.now(),
      randomBytes: (count: number) => Buffer.alloc(count, 7),
    },
    parsePrivateKey(made.privateKey.export({ type: "pkcs8", format: "der" })),
    { own: parseCertificate(der(made.certificate)), others: [parseCertificate(der(authority.certificate))] },
    ascii(""),
  );

  const good: readonly (readonly [string, string | Buffer])[] = [
    ["PEM, certificate first", made.certificate + made.key],
    ["PEM, key first, with the chain before its own", made.key + authority.certificate + made.certificate],
    ["PEM with text around it", `Bag Attributes\n${made.key}\nsubject=CN = client\n${made.certificate}`],
    ["PFX", pfx],
    ["PFX in base64, in lines", pfx.toString("base64").replace(/.{64}/g, "$&\n")],
  ];
  for (const [name, text] of good)
    test(`${name}: signs a short-lived assertion about the client`, async (t) => {
      const { server, store } = await startWorld(byCertificate);
      t.after(server.close);
      await store.login(secretsProof({ clientId: "client", clientCertificate: text }), signal, facts);
      const { client_assertion: assertion = "", client_secret } = server.logins[0]!;
      assert.equal(client_secret, undefined);
      assert.deepEqual(decodeProtectedHeader(assertion), {
        alg: "PS256",
        typ: "JWT",
        "x5t#S256": hash("sha256", der(made.certificate), "buffer").toString("base64url"),
      });
      const url = `${server.url}/tenant/oauth2/v2.0/token`;
      const { payload } = await jwtVerify(assertion, createPublicKey(made.certificate), {
        issuer: "client",
        subject: "client",
        audience: url,
        currentDate: new Date(clock.nowMs()),
      });
      assert.equal(payload.exp! - payload.nbf!, 600);
      assert.match(payload.jti!, /^[0-9a-f-]{36}$/);
    });

  const bad: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ["nothing that is known", "canary", /neither as PEM nor as PKCS#12/],
    ["a certificate without its key", made.certificate, /must hold a certificate and its private key/],
    ["a key alone", made.key, /must hold a certificate and its private key/],
    ["another's key", made.certificate + other.key, /belongs to none of its certificates/],
    ["an elliptic key", authority.certificate + authority.key, /RSA keys of at least 2048 bits/],
    ["a short key", short.certificate + short.key, /RSA keys of at least 2048 bits/],
    ["a broken key", made.certificate + made.key.replace(/\n[^-]{8}/, "\ncanary00"), /neither as PEM nor/],
    ["a cut PFX", pfx.subarray(0, 500), /neither as PEM nor as PKCS#12/],
  ];
  for (const [name, text, says] of bad)
    test(`${name} is store_invalid, and nothing is sent`, async (t) => {
      const { server, store } = await startWorld(byCertificate);
      t.after(server.close);
      const login = store.login(secretsProof({ clientId: "client", clientCertificate: text }), signal, facts);
      await refused(login, "store_invalid", new RegExp(`^authSecretRef\\.clientCertificate: .*${says.source}`));
      assert.equal(server.requests.length, 0);
    });
});

suite("a login that Microsoft Entra refuses", { timeout: 30_000 }, () => {
  let server: HostileServer;
  before(async () => void (server = await startHostileServer()));
  after(() => server.close());

  const denied = "store_login_denied";
  const rows: readonly (readonly [status: number, number: number | undefined, code: FailureCode, says: RegExp])[] = [
    [401, 7000215, denied, /\(401 AADSTS7000215\): the client secret is not valid: write its value, not its id/],
    [401, 7000222, denied, /has expired: make a new one/],
    [400, 700016, denied, /no application with this client id/],
    [400, 70021, denied, /federated credential.*system:serviceaccount:NAMESPACE:NAME/],
    [400, 700211, denied, /issuer/],
    [401, 700027, denied, /certificate is not one of the application's/],
    [400, 90002, denied, /no such tenant/],
    [400, 500011, denied, /does not know this cloud's vaults/],
    [400, 123456, denied, /\(400 AADSTS123456\): check client id, tenant id/],
    [400, undefined, denied, /\(400\): check client id/],
    [403, undefined, denied, /\(403\)/],
    [400, 50196, "store_throttled", /throttling logins \(400 AADSTS50196\)/],
    [400, 90033, "store_error", /failed the login \(400 AADSTS90033\)/],
    [404, 90015, "store_error", /failed the login/],
    [503, 90036, "store_error", /\(503 AADSTS90036\)/],
  ];
  for (const [status, number, code, says] of rows)
    test(`${status} AADSTS${number} is ${code}`, async () => {
      server.answer(() => canned(entraError(status, "invalid_client", number, "canary")));
      const calls: string[] = [];
      const store = openAzure(byAccount, { url: server.url, clients, calls });
      const before = server.requests.length;
      await refused(store.login(tokenProof("jwt", "client", "tenant"), signal, facts), code, says);
      assert.deepEqual(calls, ["AcquireToken error"]);
      assert.equal(server.requests.length - before, 1, "nothing is repeated");
    });
  test("a number that is none is not repeated", async () => {
    server.answer(() => canned(json(400, { error: "canary", error_codes: ["canary", 12345678901, 1.5, { a: 1 }] })));
    const store = openAzure(byAccount, { url: server.url, clients });
    await refused(store.login(tokenProof("jwt", "client", "tenant"), signal, facts), denied, /\(400\): check/);
  });
  for (const body of [{ access_token: "t" }, { access_token: "a b", expires_in: 1 }, { expires_in: 1 }, []])
    test(`${JSON.stringify(body)} is answer_invalid`, async () => {
      server.answer(() => canned(json(200, body)));
      const store = openAzure(byAccount, { url: server.url, clients });
      const login = store.login(tokenProof("jwt", "client", "tenant"), signal, facts);
      await refused(login, "answer_invalid", /^Microsoft Entra answered with/);
    });
});

suite("what a token is for, in a cloud of one's own", { timeout: 30_000 }, () => {
  const cloudOf = (url: string): object => ({ customCloudConfig: { activeDirectoryEndpoint: url } });
  test("the vault says it, once", async (t) => {
    const server = await startFakeAzure({ resource: "https://127.0.0.1/0f0e" });
    t.after(server.close);
    server.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "as {who}" } }]);
    const store = openAzure({ ...byAccount, ...cloudOf(server.url) }, { url: server.url, clients });
    for (const jwt of ["a", "b"]) assert.equal(await readAs(store, tokenProof(jwt, "c", "tenant")), `as c@${jwt}`);
    assert.deepEqual(
      server.logins.map(({ scope }) => scope),
      ["https://127.0.0.1/0f0e/.default", "https://127.0.0.1/0f0e/.default"],
    );
    const unproven = server.requests.filter(({ method, headers }) => method === "GET" && !headers["authorization"]);
    assert.equal(unproven.length, 1);
  });
  const said: readonly (readonly [string, string | undefined, FailureCode, RegExp])[] = [
    [
      "a token for others' vaults",
      'Bearer resource="https://vault.azure.net"',
      "store_invalid",
      /not for its own cloud/,
    ],
    ["nothing", undefined, "answer_invalid", /does not say which tokens it takes/],
    ["what is no URL", 'Bearer resource="canary"', "answer_invalid", /does not say which tokens it takes/],
  ];
  for (const [what, header, code, says] of said)
    test(`a vault that asks for ${what} gets none`, async (t) => {
      const server = await startHostileServer(() =>
        canned({ status: 401, headers: header === undefined ? {} : { "www-authenticate": header } }),
      );
      t.after(server.close);
      const store = openAzure({ ...byAccount, ...cloudOf(server.url) }, { url: server.url, clients });
      await refused(store.login(tokenProof("jwt", "client", "tenant"), signal, facts), code, says);
      assert.equal(server.requests.length, 1, "the token was not shown");
    });
});

test("no timer is left behind", () => assert.equal(clock.pending, 0));
