/** What is read of a vault, what is made of its refusals, and whose token is shown. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { findProperty } from "../../../plugin/read/decode/property.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import type { FindWish, Proof, Ref, Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer, HostileServer } from "../../fakes/hostile-server.ts";
import { facts } from "../facts.ts";
import { idOf, json, startFakeAzure, vaultError } from "./fake-azure.ts";
import { byAccount, byMachine, bySecret, clock, forAll, openAzure, secretsProof, tokenProof } from "./opened.ts";

const { signal } = new AbortController();
let clients: HttpClients;
before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());

const proof = tokenProof("jwt", "client", "tenant");
const ref = (key: string, more: Partial<Ref> = {}): Ref => ({ key, metadataPolicy: "None", ...more });

async function startWorld(pageSize = 25) {
  const server = await startFakeAzure({ pageSize });
  const calls: string[] = [];
  const store = openAzure(byAccount, { url: server.url, clients, calls });
  const session = await store.login(proof, signal, facts);
  calls.length = 0;
  const read = async (asked: Ref) => {
    const { value, ...others } = await store.fetch(store.locate(asked), session, signal);
    return { text: value.reveal().toString("latin1"), bytes: value.reveal(), ...others };
  };
  return { server, calls, store, session, read };
}

async function failed(attempt: Promise<unknown>, code: FailureCode, says: RegExp): Promise<Failure> {
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

suite("a read of a vault", { timeout: 30_000 }, () => {
  test("brings a secret as it is, by either spelling of its key, and its version", async (t) => {
    const { server, calls, read } = await startWorld();
    t.after(server.close);
    server.objects.set("secrets/db", [
      { id: idOf("1"), content: { value: "old" } },
      { id: idOf("2"), content: { value: '{"a": 1}\n' } },
    ]);
    for (const key of ["db", "secret/db"]) {
      const { text, version, requestId } = await read(ref(key));
      assert.deepEqual([text, version, requestId], ['{"a": 1}\n', idOf("2"), "0c1d2e3f-1111"]);
    }
    assert.equal((await read(ref("db", { version: idOf("1") }))).text, "old");
    assert.deepEqual(calls, ["GetSecret success", "GetSecret success", "GetSecret success"]);
    const { method, path, headers } = server.requests.at(-1)!;
    assert.deepEqual([method, path], ["GET", `/secrets/db/${idOf("1")}?api%2Dversion=7.4`]);
    assert.deepEqual(
      [headers["user-agent"], headers["authorization"], headers["x-ms-client-request-id"]],
      ["keyferry", "Bearer token-1", undefined],
    );
  });
  test("brings a certificate's DER and, as a secret, whatever the vault keeps of the whole", async (t) => {
    const { server, calls, read } = await startWorld();
    t.after(server.close);
    const cer = Buffer.from([0x30, 0, 0xff, 0xfe]);
    const pfx = Buffer.from([0x30, 1, 2, 0xff]).toString("base64");
    server.objects.set("certificates/tls", [{ id: idOf("7"), content: { cer: cer.toString("base64"), kid: "k" } }]);
    server.objects.set("secrets/tls", [
      { id: idOf("7"), content: { value: pfx, contentType: "application/x-pkcs12" } },
      { id: idOf("8"), content: { value: "-----BEGIN …", contentType: "application/x-pem-file" } },
    ]);
    const { bytes, version } = await read(ref("cert/tls"));
    assert.deepEqual([bytes, version], [cer, idOf("7")]);
    assert.equal((await read(ref("tls", { version: idOf("7") }))).text, pfx);
    assert.equal((await read(ref("tls"))).bytes.toString("utf8"), "-----BEGIN …");
    assert.deepEqual(calls, ["GetCertificate success", "GetSecret success", "GetSecret success"]);
  });
  test("brings a key as JWK JSON", async (t) => {
    const { server, calls, read } = await startWorld();
    t.after(server.close);
    server.objects.set("keys/k", [{ id: idOf("3"), content: { key: { kty: "RSA", n: "AQ", e: "AQAB" } } }]);
    const { text, version } = await read(ref("key/k", { version: idOf("3") }));
    const kid = `${server.url}/keys/k/${idOf("3")}`;
    assert.deepEqual([text, version], [`{"e":"AQAB","kid":"${kid}","kty":"RSA","n":"AQ"}`, idOf("3")]);
    assert.deepEqual(calls, ["GetKey success"]);
  });
  for (const [what, collection, key, content] of [
    ["secret", "secrets", "db", { value: "v" }],
    ["key", "keys", "key/db", { key: { kty: "RSA" } }],
    ["certificate", "certificates", "cert/db", { cer: "MAA=" }],
  ] as const)
    test(`brings tags and dates of a ${what}, each by the property that ESO has for it`, async (t) => {
      const { server, read } = await startWorld();
      t.after(server.close);
      const tags = {
        env: "prod",
        number: "007",
        "app.kubernetes.io/name": "shop",
        conf: '{"db": {"host":"h<1>", "port": 5432}, "list":["a","b"]}',
      };
      const dates = { exp: 1_893_456_000, nbf: 1_577_836_800, created: 1_700_000_000, updated: 1_700_000_001 };
      server.objects.set(`${collection}/db`, [{ id: idOf("1"), tags, dates, content }]);
      const { bytes, version } = await read(ref(key, { metadataPolicy: "Fetch" }));
      assert.equal(version, "", "tags change without a new version");
      assert.deepEqual(JSON.parse(bytes.toString()), {
        ...tags,
        conf: JSON.parse(tags.conf) as unknown,
        "attribute.expires": "2030-01-01T00:00:00Z",
        "attribute.notBefore": "2020-01-01T00:00:00Z",
        "attribute.created": "2023-11-14T22:13:20Z",
        "attribute.updated": "2023-11-14T22:13:21Z",
      });
      const properties: Readonly<Record<string, string>> = {
        env: "prod",
        number: "007",
        "app.kubernetes.io/name": "shop",
        conf: tags.conf,
        "conf.db.host": "h<1>",
        "conf.db.port": "5432",
        "conf.list.1": "b",
        "attribute.expires": "2030-01-01T00:00:00Z",
        "attribute.notBefore": "2020-01-01T00:00:00Z",
      };
      for (const [property, want] of Object.entries(properties)) {
        const found = findProperty(bytes, property, azurekv.propertySyntax);
        assert.equal(found.outcome === "found" ? found.bytes.toString() : found.outcome, want, property);
      }
      assert.equal(findProperty(bytes, "none", azurekv.propertySyntax).outcome, "absent");
    });
  test("an object without tags and dates has an empty object", async (t) => {
    const server = await startHostileServer();
    t.after(server.close);
    const store = openAzure(byAccount, { url: server.url, clients });
    const answers: Readonly<Record<string, unknown>> = {
      db: { value: "v", id: `${server.url}/secrets/db/1` },
      "key/db": { key: { kid: `${server.url}/keys/db/1` } },
      "cert/db": { cer: "MAA=", id: `${server.url}/certificates/db/1`, tags: {}, attributes: { enabled: true } },
    };
    for (const [key, body] of Object.entries(answers)) {
      server.answer(() => canned(json(200, body)));
      const located = store.locate(ref(key, { metadataPolicy: "Fetch" }));
      assert.equal((await store.fetch(located, loggedIn, signal)).value.reveal().toString(), "{}");
    }
  });
  const broken: readonly (readonly [string, string, unknown])[] = [
    ["a secret without a value", "db", { id: "https://v/secrets/db/1" }],
    ["a secret without an id", "db", { value: "v" }],
    ["a secret whose id has no version", "db", { value: "v", id: "https://v/secrets/db" }],
    ["another version of a secret", "db", { value: "v", id: "https://v/secrets/db/2" }],
    ["a key that is a text", "key/db", { key: "canary" }],
    ["a key without an id", "key/db", { key: { kty: "RSA" } }],
    ["another version of a key", "key/db", { key: { kid: "https://v/keys/db/2" } }],
    ["a certificate that is no base64", "cert/db", { cer: "canary!", id: "https://v/certificates/db/1" }],
    ["another version of a certificate", "cert/db", { cer: "MAA=", id: "https://v/certificates/db/2" }],
  ];
  for (const [what, key, body] of broken)
    test(`${what} is answer_invalid`, async (t) => {
      const server = await startHostileServer(() => canned(json(200, body)));
      t.after(server.close);
      const store = openAzure(byAccount, { url: server.url, clients });
      const read = store.fetch(store.locate(ref(key, { version: "1" })), loggedIn, signal);
      await failed(read, "answer_invalid", /^the vault answered with/);
    });
  for (const bad of [{ tags: { a: 1 } }, { attributes: { exp: 1e300 } }])
    test(`metadata with ${JSON.stringify(bad)} is answer_invalid`, async (t) => {
      const server = await startHostileServer(() =>
        canned(json(200, { value: "v", id: "https://v/secrets/db/1", key: { kid: "https://v/keys/db/1" }, ...bad })),
      );
      t.after(server.close);
      const store = openAzure(byAccount, { url: server.url, clients });
      for (const key of ["db", "key/db"]) {
        const read = store.fetch(store.locate(ref(key, { metadataPolicy: "Fetch" })), loggedIn, signal);
        await failed(read, "answer_invalid", /^the vault answered with/);
      }
    });
});

const loggedIn: Session & { authorization: SecretValue; resource: string } = Object.freeze({
  authorization: SecretValue.fromText("Bearer t"),
  resource: "https://vault.azure.net",
});

suite("a read that a vault refuses", { timeout: 30_000 }, () => {
  let server: HostileServer;
  before(async () => void (server = await startHostileServer()));
  after(() => server.close());

  const disabled = vaultError(403, "Forbidden", "SecretDisabled", "canary");
  const challenged = (resource: string): CannedAnswer =>
    json(401, {}, { "www-authenticate": `Bearer authorization="https://canary", resource="${resource}"` });
  const rows: readonly (readonly [string, CannedAnswer, FailureCode, RegExp])[] = [
    ["db", vaultError(404, "SecretNotFound"), "ref_not_found", /^the vault has no secret "db"$/],
    ["key/db", vaultError(404, "KeyNotFound"), "ref_not_found", /no key "db"/],
    ["cert/db", vaultError(404, "CertificateNotFound"), "ref_not_found", /no certificate "db"/],
    ["key/db", vaultError(404, "SecretNotFound"), "store_error", /failed the read of the key "db" \(404\)/],
    ["db", disabled, "store_denied", /secret "db" is disabled \(403 SecretDisabled\); enable it/],
    ["db", vaultError(403, "Forbidden", "ForbiddenByRbac"), "store_denied", /give the identity secrets\/get/],
    [
      "key/db",
      vaultError(403, "Forbidden", "ForbiddenByPolicy"),
      "store_denied",
      /give the identity keys\/get .*Crypto User/,
    ],
    ["db", vaultError(403, "Forbidden", "ForbiddenByFirewall"), "store_denied", /its firewall/],
    ["db", vaultError(403, "Forbidden", "ForbiddenByConnection"), "store_denied", /private endpoint/],
    [
      "db",
      challenged("https://vault.azure.net"),
      "store_denied",
      /does not accept the token \(401\): check that the vault/,
    ],
    ["db", challenged("https://vault.azure.cn"), "store_denied", /another cloud's.*environmentType.*ChinaCloud/],
    ["db", challenged("https://vault.canary.example"), "store_denied", /another cloud's.*keyVaultEndpoint/],
    ["db", vaultError(400, "BadParameter"), "ref_invalid", /does not accept name or version/],
    ["db", vaultError(409, "Conflict"), "store_error", /\(409\)/],
  ];
  for (const [key, answer, code, says] of rows)
    test(`${answer.status} ${String(answer.body).slice(0, 90)} is ${code}`, async () => {
      server.answer(() => canned(answer));
      const calls: string[] = [];
      const store = openAzure(byAccount, { url: server.url, clients, calls });
      const before = server.requests.length;
      await failed(store.fetch(store.locate(ref(key)), loggedIn, signal), code, says);
      assert.equal(server.requests.length - before, 1, "nothing is repeated");
      assert.match(calls.join(), code === "ref_not_found" ? / success$/ : / error$/);
    });
  test("waits as long as the vault asks for", async () => {
    server.answer(() => canned(json(429, { error: { code: "Throttled" } }, { "retry-after": "9" })));
    const store = openAzure(byAccount, { url: server.url, clients });
    for (const key of ["db", "cert/db"]) {
      const failure = await failed(store.fetch(store.locate(ref(key)), loggedIn, signal), "store_throttled", /thrott/);
      assert.equal(failure.retryAfterMs, 9_000);
    }
  });
});

suite("a find in a vault", { timeout: 30_000 }, () => {
  const fill = (objects: Map<string, unknown>): void => {
    for (const [name, tags] of Object.entries({ "app-a": { env: "prod", team: "x" }, "app-b": { env: "test" }, c: {} }))
      objects.set(`secrets/${name}`, [{ id: idOf("1"), tags, content: { value: "v" } }]);
    objects.set("secrets/app-off", [{ id: idOf("1"), enabled: false, tags: { env: "prod" }, content: { value: "v" } }]);
    objects.set("secrets/untagged", [{ id: idOf("1"), content: { value: "v" } }]);
    objects.set("keys/app-k", [{ id: idOf("1"), tags: { env: "prod" }, content: { key: {} } }]);
  };
  const matching = (source: string): NonNullable<FindWish["name"]> => ({
    source,
    matches: (name) => new RegExp(source).test(name),
  });
  const rows: readonly (readonly [string, FindWish, readonly string[]])[] = [
    ["everything that is enabled", {}, ["app-a", "app-b", "c", "untagged"]],
    ["by name", { name: matching("^app-") }, ["app-a", "app-b"]],
    ["by tag", { tags: { env: "prod" } }, ["app-a"]],
    ["by all tags", { tags: { env: "prod", team: "y" } }, []],
    ["by name and tag", { name: matching("b$"), tags: { env: "test" } }, ["app-b"]],
    ["by a tag that objects have by themselves", { tags: { constructor: "x" } }, []],
  ];
  for (const [what, wish, want] of rows)
    test(`brings ${what}, over all pages`, async (t) => {
      const { server, store, session, calls } = await startWorld(2);
      t.after(server.close);
      fill(server.objects);
      const found = await store.find!.list(wish, session, signal);
      assert.deepEqual(
        found,
        want.map((name) => ({ name, key: name })),
      );
      assert.deepEqual(calls, Array(3).fill("GetSecrets success"), "a call for each page");
    });
  test("brings nothing of an empty vault", async (t) => {
    const { server, store, session } = await startWorld();
    t.after(server.close);
    assert.deepEqual(await store.find!.list({}, session, signal), []);
    assert.deepEqual(store.find!.by, ["name", "tags"]);
    assert.equal(store.find!.locate({}).address, "secrets");
  });
  test("shows the token on no page of another host", async (t) => {
    const bystander = await startHostileServer(() => canned(json(200, { value: [] })));
    const server = await startHostileServer(() =>
      canned(json(200, { value: [], nextLink: `${bystander.url}/secrets?page=2` })),
    );
    t.after(() => Promise.all([server.close(), bystander.close()]));
    const store = openAzure(byAccount, { url: server.url, clients });
    await failed(
      store.find!.list({}, loggedIn, signal),
      "answer_invalid",
      /a page of its list that is on another host/,
    );
    assert.equal(bystander.connections, 0);
  });
  const refusals: readonly (readonly [CannedAnswer, FailureCode, RegExp])[] = [
    [vaultError(403, "Forbidden"), "store_denied", /refused the list of its secrets \(403\): .*secrets\/list/],
    [vaultError(404, "ResourceNotFound"), "store_error", /\(404\)/],
    [json(200, { value: "canary" }), "answer_invalid", /cannot read/],
    [json(200, { value: [{ id: "canary" }] }), "answer_invalid", /cannot read/],
    [json(200, { value: [], nextLink: { a: "canary" } }), "answer_invalid", /cannot read/],
    [json(200, { value: [], nextLink: "http://[canary" }), "answer_invalid", /cannot read/],
  ];
  for (const [answer, code, says] of refusals)
    test(`${answer.status} ${String(answer.body).slice(0, 60)} is ${code}`, async (t) => {
      const server = await startHostileServer(() => canned(answer));
      t.after(server.close);
      const store = openAzure(byAccount, { url: server.url, clients });
      await failed(store.find!.list({}, loggedIn, signal), code, says);
    });
  test("ends with the signal, on whatever page", async (t) => {
    const { server, store, session } = await startWorld(1);
    t.after(server.close);
    fill(server.objects);
    const waiting = new AbortController();
    const reason = new Error("whatever it is");
    const pages = server.requests.length;
    const list = store.find!.list({ name: { source: "", matches: () => true } }, session, waiting.signal);
    await server.requested(pages + 2);
    waiting.abort(reason);
    await assert.rejects(list, reason);
  });
});

suite("identities of one store", { timeout: 30_000 }, () => {
  const blocks: Readonly<Record<string, readonly [object, (who: string) => Proof, (who: string) => string]>> = {
    "of service accounts": [byAccount, (who) => tokenProof(`jwt-${who}`, who, "tenant"), (who) => `${who}@jwt-${who}`],
    "of service principals": [
      bySecret,
      (who) => secretsProof({ clientId: who, clientSecret: `secret-${who}` }),
      (who) => `${who}+secret-${who}`,
    ],
  };
  for (const [whose, [block, proofOf, wanted]] of Object.entries(blocks))
    test(`${whose} never share a token, however their reads are mixed`, async (t) => {
      const server = await startFakeAzure({ pageSize: 1 });
      t.after(server.close);
      server.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "{who}" } }]);
      server.objects.set("secrets/x", [{ id: idOf("1"), content: { value: "{who}" } }]);
      const store = openAzure(block, { url: server.url, clients });
      const names = ["ann", "bob", "cleo", "dan"];
      const located = store.locate(ref("db"));
      await Promise.all(
        names.map(async (who) => {
          const session = await store.login(proofOf(who), signal, facts);
          for (let i = 0; i < 8; i++) {
            const [{ value }] = await Promise.all([
              store.fetch(located, session, signal),
              store.find!.list({}, session, signal),
            ]);
            assert.equal(value.reveal().toString(), wanted(who));
          }
        }),
      );
      const shown = new Map<string, number>();
      for (const { headers } of server.requests) {
        const token = headers["authorization"] ?? "none";
        shown.set(token, (shown.get(token) ?? 0) + 1);
      }
      assert.deepEqual(
        [...shown.values()],
        [4, 24, 24, 24, 24],
        "four logins, and of each identity 8 reads and 16 pages",
      );
    });
  test("a machine's identity is no one's who has another", async (t) => {
    const server = await startFakeAzure();
    t.after(server.close);
    server.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "{who}" } }]);
    const open = (block: object): Store => openAzure(block, { url: server.url, clients, context: forAll });
    const readBy = async (store: Store, shown: Proof): Promise<string> => {
      const session = await store.login(shown, signal, facts);
      return (await store.fetch(store.locate(ref("db")), session, signal)).value.reveal().toString();
    };
    assert.equal(await readBy(open(byMachine), secretsProof({})), "machine");
    assert.equal(await readBy(open(byAccount), proof), "client@jwt");
    assert.equal(open(byMachine).proofNeed.kind, "static", "a pod that shows its own token does not get it");
  });
});

test("no timer is left behind", () => assert.equal(clock.pending, 0));
