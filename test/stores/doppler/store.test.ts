import assert from "node:assert/strict";
import { after, afterEach, beforeEach, suite, test } from "node:test";
import { inspect } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { FindWish, Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import { facts } from "../facts.ts";
import { startDoppler } from "./fake-doppler.ts";
import type { FakeDoppler } from "./fake-doppler.ts";
import { byAccount, bySecret, logIn, openDoppler, read, readText, tokenProof } from "./opened.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
const { signal } = new AbortController();
let server: FakeDoppler;
let calls: string[];
let clock: FakeClock;

after(() => clients.close());
beforeEach(async () => {
  calls = [];
  clock = new FakeClock();
  server = await startDoppler(() => clock.nowMs());
  server.put("shop/prd", secrets);
  server.token("dp.st.shop", ["shop/prd"]);
});
afterEach(() => server.close());

const secrets = {
  DB_URL: "canary-url",
  SMTP__USER_NAME: "mail",
  A_1: "odd",
  CONFIG_JSON: '{"a":{"b":"c"}}',
  HIDDEN: null,
};
const open = (block: object = {}): Store =>
  openDoppler({ ...bySecret, ...block }, { url: server.url, clients, clock, calls });

async function fails(attempt: Promise<unknown>, code: FailureCode, words: RegExp): Promise<Failure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail(`resolved instead of failing with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, inspect(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, words);
  assert.doesNotMatch(inspect(thrown, { depth: 9 }), /canary|Could not|does not have access|Invalid Auth|Claims/);
  return thrown;
}

suite("secrets", () => {
  const rows: readonly [what: string, block: object, key: string, text: string][] = [
    ["by its name", {}, "DB_URL", "canary-url"],
    ["as JSON", {}, "CONFIG_JSON", '{"a":{"b":"c"}}'],
    ["that Doppler adds", {}, "DOPPLER_CONFIG", "prd"],
    ["by its own name beside a name transformer", { nameTransformer: "camel" }, "DB_URL", "canary-url"],
    ["by the name that a transformer gives", { nameTransformer: "camel" }, "dbUrl", "canary-url"],
    ["by that name in full", { nameTransformer: "camel" }, "camel/dbUrl", "canary-url"],
    ["by a transformed name that looks like Doppler's", { nameTransformer: "upper-camel" }, "upper-camel/A1", "odd"],
    ["by a transformed name with a prefix", { nameTransformer: "tf-var" }, "TF_VAR_db_url", "canary-url"],
    ["by its own name beside a format", { format: "env" }, "DB_URL", "canary-url"],
  ];
  for (const [what, block, key, text] of rows)
    test(`a secret ${what}`, async () => assert.equal(await readText(open(block), key), text));

  const named = { DB_URL: "x", DOPPLER_PROJECT: "shop", DOPPLER_CONFIG: "prd" };
  const files: readonly [block: object, text: string][] = [
    [{ format: "json" }, JSON.stringify(named)],
    [{ format: "dotnet-json" }, JSON.stringify({ Section: named })],
    [{ format: "env" }, 'DB_URL="x"\nDOPPLER_PROJECT="shop"\nDOPPLER_CONFIG="prd"\n'],
    [{ format: "yaml" }, 'DB_URL: "x"\nDOPPLER_PROJECT: "shop"\nDOPPLER_CONFIG: "prd"\n'],
    [{ format: "docker" }, "DB_URL=x\nDOPPLER_PROJECT=shop\nDOPPLER_CONFIG=prd\n"],
    [{ format: "docker", nameTransformer: "camel" }, "dbUrl=x\ndopplerProject=shop\ndopplerConfig=prd\n"],
  ];
  for (const [block, text] of files)
    test(`the whole config as ${JSON.stringify(block)}`, async () => {
      server.put("shop/prd", { DB_URL: "x" });
      assert.equal(await readText(open(block), "DOPPLER_SECRETS_FILE"), text);
    });

  const missing: readonly [what: string, block: object, key: string, code: FailureCode, words: RegExp][] = [
    ["that is not there", {}, "NOPE", "ref_not_found", /the config has no secret "NOPE"/],
    ["by a transformed name that no transformer gives", {}, "dbUrl", "ref_not_found", /no secret "dbUrl"/],
    ["by a path", {}, "x/DB_URL", "ref_not_found", /no secret "x\/DB_URL"/],
    ["by an inherited name", {}, "constructor", "ref_not_found", /./],
    ["that is the file, without a format", {}, "DOPPLER_SECRETS_FILE", "ref_not_found", /./],
    ["whose value the token may not see", {}, "HIDDEN", "answer_invalid", /shows no value of "HIDDEN".*visibility/],
    ["without a name", {}, "", "ref_invalid", /the key is empty/],
    ["with a line end", {}, "A\nB", "ref_invalid", /control character/],
  ];
  for (const [what, block, key, code, words] of missing)
    test(`a secret ${what} is ${code}`, async () => {
      await fails((async () => read(open(block), key))(), code, words);
    });
  test("versions and metadata are refused", () => {
    const ref = { key: "DB_URL", metadataPolicy: "None" } as const;
    assert.throws(() => open().locate({ ...ref, version: "2" }), { code: "ref_invalid" });
    assert.throws(() => open().locate({ ...ref, metadataPolicy: "Fetch" }), { code: "ref_invalid" });
  });
  test("secrets of one config are one download; the two names of a secret are two addresses", () => {
    const store = open({ nameTransformer: "camel", format: "env" });
    const at = (key: string) => store.locate({ key, metadataPolicy: "None" });
    assert.deepEqual(at("DB_URL").whole, at("A_1").whole);
    assert.deepEqual(at("dbUrl"), at("camel/dbUrl"));
    assert.notDeepEqual(at("dbUrl").whole, at("DB_URL").whole);
    assert.equal(at("DOPPLER_SECRETS_FILE").whole, undefined);
  });
  test("an answer has the request's id and no version", async () => {
    const answer = await read(open(), "DB_URL");
    assert.match(answer.requestId ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(answer.version, "");
    assert.deepEqual(calls, ["DownloadSecrets success"]);
  });
});

suite("an unchanged config", () => {
  for (const key of ["DB_URL", "DOPPLER_SECRETS_FILE"])
    test(`is not sent again: ${key}`, async () => {
      const store = open({ format: "env" });
      const session = await logIn(store);
      const located = store.locate({ key, metadataPolicy: "None" });
      const asked = located.whole ?? located;
      const { validator } = await store.fetch(asked, session, signal);
      assert.equal(await store.refetch!(asked, validator!, session, signal), "unchanged");
      server.put("shop/prd", { DB_URL: "new" });
      const again = await store.refetch!(asked, validator!, session, signal);
      assert.ok(again !== "unchanged");
      assert.match(again.value.reveal().toString(), /new/);
      assert.notEqual(again.validator, validator);
      assert.deepEqual(
        server.requests.map(({ status }) => status),
        [200, 304, 200],
      );
    });
  test("is no answer where nothing was known", async () => {
    server.refuse({ status: 304 });
    await fails(read(open(), "DB_URL"), "answer_invalid", /status 304/);
  });
});

suite("find", () => {
  const named = (expression: RegExp): NonNullable<FindWish["name"]> => ({
    source: expression.source,
    matches: (name) => expression.test(name),
  });
  const plain = { DB_URL: "x", DB_USER: "app", A_1: "odd" };
  const rows: readonly [what: string, block: object, wish: FindWish, want: object][] = [
    ["all, with what Doppler adds", {}, {}, { ...plain, DOPPLER_PROJECT: "shop", DOPPLER_CONFIG: "prd" }],
    ["by an expression", {}, { name: named(/^DB/) }, { DB_URL: "x", DB_USER: "app" }],
    ["by the beginning of the name", {}, { path: "DB_" }, { DB_URL: "x", DB_USER: "app" }],
    ["by both", {}, { path: "DB_", name: named(/U.*R$/) }, { DB_USER: "app" }],
    ["nothing", {}, { path: "NOPE" }, {}],
    [
      "under transformed names",
      { nameTransformer: "upper-camel" },
      { name: named(/^(Db|A)/) },
      { DbUrl: "x", DbUser: "app", A1: "odd" },
    ],
    [
      "the file",
      { format: "docker" },
      { path: "DOPPLER_SECRETS_FILE" },
      { DOPPLER_SECRETS_FILE: "DB_URL=x\nDB_USER=app\nA_1=odd\nDOPPLER_PROJECT=shop\nDOPPLER_CONFIG=prd\n" },
    ],
    ["no secret beside the file", { format: "docker" }, { name: named(/^DB/) }, {}],
  ];
  for (const [what, block, wish, want] of rows)
    test(what, async () => {
      server.put("shop/prd", plain);
      const store = open(block);
      const session = await logIn(store);
      const list = await store.find!.list(wish, session, signal);
      const texts = await Promise.all(list.map(async ({ name, key }) => [name, await readText(store, key, session)]));
      assert.deepEqual(Object.fromEntries(texts), want);
    });
  test("has no tags, and its wish is part of its identity", () => {
    const find = open().find!;
    assert.deepEqual(find.by, ["path", "name"]);
    const wishes: FindWish[] = [{}, { path: "*" }, { path: "DB" }, { name: named(/a/) }];
    assert.equal(new Set(wishes.map((wish) => JSON.stringify(find.locate(wish)))).size, wishes.length);
  });
});

suite("which config, and refusals", () => {
  test("a service token needs no names, another token does", async () => {
    server.token("dp.pt.me", ["shop/prd"], "personal");
    const mine = open();
    await fails(read(mine, "DB_URL", await logIn(mine, "dp.pt.me")), "store_invalid", /give project and config/);
    const named = open({ project: "shop", config: "prd" });
    assert.equal(await readText(named, "DB_URL", await logIn(named, "dp.pt.me")), "canary-url");
    assert.deepEqual(server.requests.at(-1)?.query, { project: "shop", config: "prd", format: "json" });
  });
  test("a config that is not there, and one that is another's", async () => {
    server.put("other/prd", secrets);
    await fails(
      read(open({ project: "shop", config: "x" }), "DB_URL"),
      "store_invalid",
      /no project "shop", config "x"/,
    );
    await fails(read(open({ project: "other", config: "prd" }), "DB_URL"), "store_denied", /refused project "other"/);
  });
  test("a token that was revoked, at a read and when it asks about itself", async () => {
    const store = open();
    const session = await logIn(store);
    await store.check!(session, signal);
    server.revoke("dp.st.shop");
    await fails(read(store, "DB_URL", session), "store_denied", /does not accept the token \(401\)/);
    await fails(store.check!(session, signal), "store_denied", /does not accept the token/);
    assert.deepEqual(calls, ["GetMe success", "DownloadSecrets error", "GetMe error"]);
    assert.equal(session.given, true);
  });
  test("429 says how long to wait, however Doppler says it", async () => {
    const store = open();
    for (const headers of [{ "retry-after": "9" }, { "x-ratelimit-reset": String(clock.nowMs() / 1_000 + 9) }]) {
      server.refuse({ status: 429, headers });
      assert.equal((await fails(read(store, "DB_URL"), "store_throttled", /throttling/)).retryAfterMs, 9_000);
    }
  });
  test("a page in place of a file is refused", async () => {
    server.refuse({ status: 200, headers: { "content-type": "text/html" } });
    await fails(read(open({ format: "env" }), "DOPPLER_SECRETS_FILE"), "answer_invalid", /a page/);
  });
  test("a token that is no token is not sent", async () => {
    const attempt = open().login(tokenProof("a b"), signal, facts);
    await fails(attempt, "store_invalid", /auth.secretRef.dopplerToken: the Secret's value is no token/);
  });
});

suite("a service account's login", async () => {
  test("that is answered with 200 and no success is refused; without an end, or a token, it is no answer", async (t) => {
    const hostile = await startHostileServer();
    t.after(hostile.close);
    const store = openDoppler(byAccount, { url: hostile.url, clients, clock });
    const end = "2026-01-01T01:00:00Z";
    const answers: readonly [answer: object, code: FailureCode, words: RegExp][] = [
      [{ success: false, messages: ["canary"] }, "store_login_denied", /refused the login as identity "id-1": check/],
      [{ success: true, token: "canary" }, "answer_invalid", /a token without its end/],
      [{ success: true, token: "canary", expires_at: "tomorrow" }, "answer_invalid", /a token without its end/],
      [{ success: true, token: "canary\n", expires_at: end }, "answer_invalid", /no token/],
      [{ success: true, expires_at: end }, "answer_invalid", /no token/],
    ];
    for (const [answer, code, words] of answers) {
      hostile.answer(() => canned({ status: 200, body: JSON.stringify(answer) }));
      await fails(store.login(await proofOf(), signal, facts), code, words);
    }
    assert.equal(hostile.requests[0]?.path, "/v3/auth/oidc");
  });

  const issuer = await createTokenIssuer();
  const account = { namespace: "shop", serviceAccountName: "shop", serviceAccountUid: "uid-1" };
  const audience = "secretStore:shop:doppler";
  const place = { project: "shop", config: "prd" };
  const proofOf = async (options: { readonly audience?: string } = { audience }, who = account) => ({
    kind: "token" as const,
    token: SecretValue.fromText(await issuer.sign(who, options)),
  });
  beforeEach(() =>
    server.identity("id-1", {
      ...{ issuer: issuer.issuer, jwks: issuer.jwks, audience, subject: "system:serviceaccount:shop:shop" },
      reads: ["shop/prd"],
      lifeMs: 600_000,
    }),
  );

  test("brings a token for its life, which reads", async () => {
    const store = open({ ...byAccount, ...place });
    const session = await store.login(await proofOf(), signal, facts);
    assert.equal(session.expiresAtMs, clock.nowMs() + 600_000);
    assert.equal(session.given, undefined);
    assert.equal(await readText(store, "DB_URL", session), "canary-url");
    assert.deepEqual(calls, ["Login success", "DownloadSecrets success"]);
  });
  test("is refused for another audience, another account and an unknown identity", async () => {
    const store = open({ ...byAccount, ...place });
    const knob =
      /refused the login as identity "id-1" \(401\): check the identity, and which issuer, audience and subject/;
    await fails(store.login(await proofOf({ audience: "vault" }), signal, facts), "store_login_denied", knob);
    const stranger = await proofOf({ audience }, { ...account, serviceAccountName: "stranger" });
    await fails(store.login(stranger, signal, facts), "store_login_denied", knob);
    const unknown = open({ auth: { oidcConfig: { identity: "id-2", serviceAccountRef: { name: "shop" } } } });
    await fails(unknown.login(await proofOf(), signal, facts), "store_login_denied", /identity "id-2" \(404\)/);
    assert.deepEqual(calls, ["Login error", "Login error", "Login error"]);
  });
});

test("two identities never share a credential, however their reads are mixed", async () => {
  const names = ["alpha", "beta", "gamma"];
  for (const name of names) {
    server.put(`${name}/prd`, { NAME: name });
    server.token(`dp.st.${name}`, [`${name}/prd`]);
  }
  const store = open();
  const sessions: Session[] = await Promise.all(names.map((name) => logIn(store, `dp.st.${name}`)));
  for (let round = 0; round < 5; round++)
    assert.deepEqual(await Promise.all(sessions.map((session) => readText(store, "NAME", session))), names);
  for (const name of names) assert.equal(server.requests.filter(({ token }) => token === `dp.st.${name}`).length, 5);
  assert.doesNotMatch(inspect(sessions, { depth: 12, showHidden: true }), /alpha|beta|gamma/);
});
