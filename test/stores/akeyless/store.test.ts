import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { akeyless } from "../../../plugin/stores/akeyless/kind.ts";
import type { FindWish, Proof, Ref, Store, StoreContext } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";
import { startAkeyless } from "./fake-akeyless.ts";
import type { FakeAkeyless } from "./fake-akeyless.ts";

const context: StoreContext = { scope: "SecretStore", name: "akeyless", namespace: "shop" };
const { signal } = new AbortController();
const clock = new FakeClock();
const calls: string[] = [];
let clients: HttpClients;
let server: FakeAkeyless;

const sel = (key: string) => ({ name: "akeyless", key });
const secretRef = { accessID: sel("id"), accessType: sel("type"), accessTypeParam: sel("param") };
const byKubernetes = { kubernetesAuth: { accessID: "p-k8s", k8sConfName: "conf" } };
const base64 = (text: string): string => Buffer.from(text).toString("base64");

function texts(members: Readonly<Record<string, string>>): Readonly<Record<string, SecretValue>> {
  return Object.fromEntries(Object.entries(members).map(([name, text]) => [name, SecretValue.fromText(text)]));
}
const statics = (accessId: string, accessType: string, accessTypeParam?: string): Proof => ({
  kind: "static",
  secrets: texts({ accessId, accessType, ...(accessTypeParam === undefined ? {} : { accessTypeParam }) }),
});
const key = statics("p-key", "access_key", "k");

before(() => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
});
after(() => clients.close());
beforeEach(async () => {
  calls.length = 0;
  server = await startAkeyless(clock);
  server.accounts.push(
    { accessId: "p-key", shows: { "access-type": "access_key", "access-key": "k" }, reads: "/shop/" },
    {
      accessId: "p-k8s",
      shows: {
        "access-type": "k8s",
        "k8s-auth-config-name": "conf",
        "k8s-service-account-token": base64("jwt-of-shop"),
      },
      reads: "/shop/",
      ttlSeconds: 300,
    },
    { accessId: "p-jwt", shows: { "access-type": "jwt", jwt: "jwt-of-shop" }, reads: "/shop/" },
  );
});
afterEach(() => server.close());

function open(authSecretRef: object = { secretRef }, block: object = {}): Store {
  const opened = akeyless.open({ akeylessGWApiURL: server.url, authSecretRef, ...block }, context, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

async function read(ref: Partial<Ref> = {}, { store = open(), proof = key } = {}) {
  const session = await store.login(proof, signal, facts);
  return store.fetch(store.locate({ key: "/shop/db", metadataPolicy: "None", ...ref }), session, signal);
}

const readText = async (...asked: Parameters<typeof read>): Promise<string> =>
  (await read(...asked)).value.reveal().toString("utf8");

async function find(wish: FindWish): Promise<readonly string[]> {
  const store = open();
  const session = await store.login(key, signal, facts);
  const found = await store.find!.list(wish, session, signal);
  for (const { name, key: read } of found) assert.equal(name, read);
  return found.map(({ name }) => name).sort();
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

const operations = (): string[] => server.asked.map(({ operation }) => operation);

suite("logins", () => {
  beforeEach(() => server.items.set("/shop/db", { type: "STATIC_SECRET", versions: ["v"] }));
  const token: Proof = { kind: "token", token: SecretValue.fromText(" jwt-of-shop\n") };
  const tokenWith = (members: Readonly<Record<string, string>>): Proof => ({ ...token, secrets: texts(members) });
  const account = { secretRef, serviceAccountRef: { name: "shop" } };
  const good: readonly [name: string, auth: object, proof: Proof][] = [
    ["an access key", { secretRef }, key],
    ["an access key, as ESO's examples call it", { secretRef }, statics("p-key\n", "api_key", "k\n")],
    [
      "an access key whose id is in the store",
      { accessKey: { accessID: "p-key", secretRef: sel("k") } },
      { kind: "static", secrets: texts({ accessKey: "k\n" }) },
    ],
    ["Kubernetes with the caller's own token", byKubernetes, token],
    [
      "Kubernetes with a token kept in a Secret",
      { kubernetesAuth: { ...byKubernetes.kubernetesAuth, secretRef: { name: "j" } } },
      { kind: "static", secrets: texts({ jwt: "jwt-of-shop" }) },
    ],
    [
      "Kubernetes as a Secret says, with the account's token",
      account,
      tokenWith({ accessId: "p-k8s", accessType: "k8s", accessTypeParam: "conf" }),
    ],
    ["a JWT that is the caller's own token", account, tokenWith({ accessId: "p-jwt", accessType: "jwt" })],
    ["a JWT kept in a Secret", { secretRef }, statics("p-jwt", "jwt", "jwt-of-shop")],
  ];
  for (const [name, auth, proof] of good)
    test(`by ${name}`, async () => assert.equal(await readText({}, { store: open(auth), proof }), "v"));
  const bad: readonly [name: string, auth: object, proof: Proof, code: FailureCode, words: RegExp][] = [
    ["a wrong key", { secretRef }, statics("p-key", "access_key", "canary"), "store_login_denied", /access key/],
    [
      "another account's token",
      byKubernetes,
      { kind: "token", token: SecretValue.fromText("canary") },
      "store_login_denied",
      /k8sConfName/,
    ],
    [
      "no key",
      { secretRef },
      statics("p-key", "access_key"),
      "store_invalid",
      /accessTypeParam: is missing.*access key/,
    ],
    ["k8s without a token", { secretRef }, statics("p-key", "k8s", "conf"), "store_invalid", /serviceAccountRef/],
    [
      "a cloud's identity",
      { secretRef },
      statics("p-key", "aws_iam"),
      "store_invalid",
      /"aws_iam" is not supported yet/,
    ],
    ["an unknown type", { secretRef }, statics("p-key", "canary"), "store_invalid", /none that is known/],
    ["an id of two lines", { secretRef }, statics("a\nb", "access_key", "k"), "store_invalid", /accessID.*one line/],
  ];
  for (const [name, auth, proof, code, words] of bad)
    test(`by ${name} is ${code}`, async () => {
      const failure = await fails(open(auth).login(proof, signal, facts), code, words);
      assert.doesNotMatch(failure.message, /canary/);
    });
  const ends: readonly [name: string, expiration: unknown, afterMs: number | undefined][] = [
    ["seconds of the epoch", String(Date.UTC(2027, 0, 1) / 1_000), Date.UTC(2027, 0, 1)],
    ["RFC 3339", "2027-01-01T00:00:00Z", Date.UTC(2027, 0, 1)],
    ["Go's print", "2027-01-01 00:00:00.123 +0000 UTC", Date.UTC(2027, 0, 1)],
    ["nothing", undefined, undefined],
    ["what is no time", "soon", undefined],
  ];
  for (const [name, expiration, endMs] of ends)
    test(`a token's end is told by ${name}`, async () => {
      server.instead = () => [200, JSON.stringify({ token: "t-1", expiration })];
      const { expiresAtMs } = await open().login(key, signal, facts);
      assert.equal(expiresAtMs, endMs ?? clock.nowMs() + 240_000);
    });
  test("a universal identity's token is shown as one", async () => {
    server.instead = ({ operation }) => (operation === "auth" ? [200, '{"token":"u-1"}'] : undefined);
    await fails(read(), "store_denied");
    assert.deepEqual(server.asked[1]?.body, { name: "/shop/db", "uid-token": "u-1" });
  });
  test("a token that has ended is store_denied, so that a new login follows", async () => {
    const store = open(byKubernetes);
    const session = await store.login(token, signal, facts);
    assert.equal(session.expiresAtMs, clock.nowMs() + 300_000);
    await clock.advance(300_000);
    await fails(
      store.fetch(store.locate({ key: "/shop/db", metadataPolicy: "None" }), session, signal),
      "store_denied",
    );
  });
  test("a gateway without the Kubernetes config is told from an address without the API", async () => {
    server.instead = () => [404, '{"error":"canary"}'];
    await fails(open(byKubernetes).login(token, signal, facts), "store_invalid", /k8sConfName/);
    server.instead = () => [404, "404 page not found"];
    await fails(open(byKubernetes).login(token, signal, facts), "answer_invalid", /\/api\/v2/);
  });
});

suite("items", () => {
  const values: readonly [name: string, type: string, value: unknown, text: string][] = [
    ["a static secret", "STATIC_SECRET", "plain ü\n", "plain ü\n"],
    ["a static secret that the API opened", "STATIC_SECRET", { b: "<", a: 1 }, '{"a":1,"b":"\\u003c"}'],
    ["an empty static secret", "STATIC_SECRET", "", ""],
    ["a rotated secret", "ROTATED_SECRET", { username: "u", password: "p" }, '{"password":"p","username":"u"}'],
    ["a rotated secret's payload", "ROTATED_SECRET", { payload: "x" }, "x"],
    ["a rotated secret's target", "ROTATED_SECRET", { target_value: { k: "v" }, x: 1 }, '{"k":"v"}'],
    [
      "a certificate",
      "CERTIFICATE",
      { certificate_pem: "C", private_key_pem: "K", csr: "x" },
      '{"certificate_pem":"C","private_key_pem":"K"}',
    ],
  ];
  for (const [name, type, value, text] of values)
    test(`${name} is read`, async () => {
      server.items.set("/shop/db", { type, versions: ["old", value] });
      const answer = await read();
      assert.equal(answer.value.reveal().toString(), text);
      assert.equal(answer.version, "2");
      assert.equal(answer.requestId, "r-3");
      assert.equal(answer.lease, undefined);
    });
  test("one version is read by its number", async () => {
    server.items.set("/shop/db", { type: "STATIC_SECRET", versions: ["one", "two"] });
    const answer = await read({ version: "01" });
    assert.equal(answer.value.reveal().toString(), "one");
    assert.equal(answer.version, "1");
    assert.equal(await readText({ version: "0" }), "two");
  });
  test("a version that is not there yet, or no more, is version_not_found", async () => {
    server.items.set("/shop/db", { type: "STATIC_SECRET", versions: [undefined, "two"] });
    await fails(read({ version: "3" }), "version_not_found", /version 3 of "\/shop\/db"/);
    assert.deepEqual(operations(), ["auth", "describe-item"]);
    await fails(read({ version: "1" }), "version_not_found");
  });
  test("a dynamic secret is made for the read, and ends", async () => {
    server.items.set("/shop/db", { type: "DYNAMIC_SECRET" });
    const answer = await read();
    assert.equal(answer.value.reveal().toString(), '{"id":"tmp.1","password":"p1","ttl_in_minutes":"60","user":"u1"}');
    assert.deepEqual(answer.lease, { id: "tmp.1", renewable: false });
    assert.equal(answer.expiresAtMs, clock.nowMs() + 3_600_000);
    assert.equal(answer.version, "");
    assert.equal(await readText(), '{"id":"tmp.2","password":"p2","ttl_in_minutes":"60","user":"u2"}');
    await fails(read({ version: "1" }), "ref_invalid", /no versions/);
  });
  test("no read is shared between consumers, as any item may be a dynamic one", () => {
    assert.notEqual(open().locate({ key: "a", metadataPolicy: "None" }).method, "GET");
  });
  test("an item without a value is none to read", async () => {
    server.items.set("/shop/db", { type: "CLASSIC_KEY", versions: ["canary"] });
    await fails(read(), "answer_invalid", /no value to read/);
    assert.deepEqual(operations(), ["auth", "describe-item"]);
  });
  test("calls are counted by ESO's names; not found is an answer", async () => {
    server.items.set("/shop/db", { type: "STATIC_SECRET", versions: ["v"] });
    await read();
    await fails(read({ key: "/shop/none" }), "ref_not_found", /"\/shop\/none"/);
    await fails(read({ key: "/other" }), "store_denied", /role/);
    assert.deepEqual(calls, [
      "Auth success",
      "DescribeItem success",
      "GetSecretValue success",
      "Auth success",
      "DescribeItem success",
      "Auth success",
      "DescribeItem error",
    ]);
  });
  test("the gateway's cache is passed by where the store says so", async () => {
    for (const [ignoreCache, sent] of [
      [true, "true"],
      [false, undefined],
    ] as const)
      for (const type of ["STATIC_SECRET", "ROTATED_SECRET", "CERTIFICATE"]) {
        server.items.set("/shop/db", { type, versions: [{ certificate_pem: "C" }] });
        await read({}, { store: open({ secretRef }, { ignoreCache }), proof: key });
        assert.equal(server.asked.at(-1)?.body["ignore-cache"], sent);
      }
  });
  const wrong: readonly [name: string, status: number, body: string, code: FailureCode][] = [
    ["401", 401, '{"error":"canary"}', "store_denied"],
    ["403", 403, '{"error":"canary"}', "store_denied"],
    ["404 of the API: it has just gone", 404, '{"error":"canary"}', "ref_not_found"],
    ["404 of something else", 404, "canary", "answer_invalid"],
    ["400", 400, '{"error":"canary"}', "answer_invalid"],
    ["429", 429, "canary", "store_throttled"],
    ["500", 500, '{"error":"canary"}', "store_error"],
    ["no value", 200, '{"/other":"canary"}', "answer_invalid"],
    ["a list", 200, '["canary"]', "answer_invalid"],
    ["no JSON", 200, "canary", "answer_invalid"],
  ];
  for (const [name, status, body, code] of wrong)
    test(`the value's call answered with ${name} is ${code}`, async () => {
      server.items.set("/shop/db", { type: "STATIC_SECRET", versions: ["v"] });
      server.instead = ({ operation }) => (operation === "get-secret-value" ? [status, body] : undefined);
      assert.doesNotMatch((await fails(read(), code)).message, /canary/);
    });
});

suite("addresses", () => {
  const located = (ref: Partial<Ref>) => open().locate({ key: "a", metadataPolicy: "None", ...ref });
  for (const [given, address] of [
    ["payments/db", "/payments/db"],
    ["/payments/db", "/payments/db"],
    ["é b", "/é b"],
  ] as const)
    test(`${given} is ${address}`, () => assert.equal(located({ key: given }).address, address));
  const refused: readonly [name: string, ref: Partial<Ref>, words: RegExp][] = [
    ["an empty key", { key: "" }, /empty/],
    ["a slash alone", { key: "/" }, /empty/],
    ["a slash at the end", { key: "/a/" }, /empty segment/],
    ["two slashes", { key: "a//b" }, /empty segment/],
    ["a step up", { key: "a/../b" }, /"\.\."/],
    ["a line break", { key: "a\nb" }, /control/],
    ["half a character", { key: "\ud800" }, /Unicode/],
    ["a version in words, which ESO ignores", { version: "latest" }, /whole number/],
    ["a version below zero", { version: "-1" }, /whole number/],
    ["a version beyond 32 bits", { version: "4294967296" }, /whole number/],
    ["metadata", { metadataPolicy: "Fetch" }, /metadataPolicy/],
  ];
  for (const [name, ref, words] of refused)
    test(`${name} has none`, () => {
      assert.throws(
        () => located(ref),
        (thrown) => thrown instanceof Failure && thrown.code === "ref_invalid" && words.test(thrown.message),
      );
    });
});

suite("find", () => {
  beforeEach(() => {
    const put = (name: string, type: string, tags: readonly string[] = []) =>
      server.items.set(name, { type, tags, versions: ["v"] });
    put("/shop/a", "STATIC_SECRET", ["team", "prod"]);
    put("/shop/b/c", "ROTATED_SECRET", ["team"]);
    put("/shop/b/d", "DYNAMIC_SECRET", ["prod"]);
    put("/shop/bb", "STATIC_SECRET");
    put("/shop/z/shop/b/y", "STATIC_SECRET");
    put("/shop/cert", "CERTIFICATE", ["team"]);
    put("/other/shop/b/x", "STATIC_SECRET", ["team", "prod"]);
    server.pageSize = 2;
  });
  const named = (source: string) => ({ source, matches: (name: string) => new RegExp(source).test(name) });
  const rows: readonly [name: string, wish: FindWish, found: readonly string[]][] = [
    ["everything that it may list", {}, ["/shop/a", "/shop/b/c", "/shop/b/d", "/shop/bb", "/shop/z/shop/b/y"]],
    ["a name", { name: named("b$|a$") }, ["/shop/a", "/shop/bb"]],
    ["a folder", { path: "shop/b" }, ["/shop/b/c", "/shop/b/d"]],
    ["a folder, written with its slashes", { path: "/shop/b/" }, ["/shop/b/c", "/shop/b/d"]],
    ["a folder and a name", { path: "/shop/b", name: named("c") }, ["/shop/b/c"]],
    ["a tag", { tags: { any: "team" } }, ["/shop/a", "/shop/b/c"]],
    ["all of several tags", { tags: { any: "team", other: "prod" } }, ["/shop/a"]],
    ["a tag, a folder and a name", { path: "shop", tags: { t: "prod" }, name: named("d$") }, ["/shop/b/d"]],
    ["an empty folder", { path: "/shop/none" }, []],
  ];
  for (const [name, wish, found] of rows)
    test(`finds by ${name}`, async () => assert.deepEqual(await find(wish), found));
  test("each page is a call, counted as one", async () => {
    await find({});
    assert.deepEqual(calls, ["Auth success", "ListItems success", "ListItems success", "ListItems success"]);
    assert.equal(server.asked[2]?.body["pagination-token"], "2");
  });
  test("a listing is known by all that narrows it", () => {
    const store = open();
    const locate = (wish: FindWish) => store.find!.locate(wish);
    const args = [{}, { name: named("a") }, { name: named("b") }, { tags: { a: "b" } }].map(
      (wish) => locate(wish).arguments,
    );
    assert.equal(new Set(args).size, args.length);
    assert.equal(locate({ path: "shop" }).address, "/shop/");
    assert.equal(locate({}).address, "/");
  });
  const wrong: readonly [name: string, status: number, body: string, code: FailureCode][] = [
    ["403", 403, '{"error":"canary"}', "store_denied"],
    ["404", 404, '{"error":"canary"}', "answer_invalid"],
    ["500", 500, "canary", "store_error"],
    ["no items", 200, '{"items":"canary"}', "answer_invalid"],
    ["an item without a name", 200, '{"items":[{"item_id":1}]}', "answer_invalid"],
    ["the same page again and again", 200, '{"items":[],"next_page":"canary"}', "answer_invalid"],
  ];
  for (const [name, status, body, code] of wrong)
    test(`a listing answered with ${name} is ${code}, never a part`, async () => {
      server.instead = ({ operation }) => (operation === "list-items" ? [status, body] : undefined);
      assert.doesNotMatch((await fails(find({}), code)).message, /canary/);
    });
  test("a path that steps up is none", async () => {
    await fails(find({ path: "/shop/../other" }), "ref_invalid");
  });
});

test("each identity's token goes with its own reads, also when they read at once and in turns", async () => {
  const names = ["alpha", "beta", "gamma"];
  for (const name of names) {
    server.accounts.push({ accessId: name, shows: { "access-key": `key-of-${name}` }, reads: `/${name}/` });
    server.items.set(`/${name}/db`, { type: "STATIC_SECRET", versions: [`value of ${name}`] });
  }
  const store = open();
  const readers = await Promise.all(
    names.map(async (name) => ({
      name,
      session: await store.login(statics(name, "access_key", `key-of-${name}`), signal, facts),
    })),
  );
  for (let round = 0; round < 4; round++)
    await Promise.all(
      readers.map(async ({ name, session }) => {
        const { value } = await store.fetch(
          store.locate({ key: `${name}/db`, metadataPolicy: "None" }),
          session,
          signal,
        );
        assert.equal(value.reveal().toString(), `value of ${name}`);
      }),
    );
  for (const { body, accessId } of server.asked.filter(({ operation }) => operation !== "auth"))
    assert.ok(JSON.stringify(body).includes(`/${accessId}/db`));
  // What an item is, each asks once.
  assert.equal(server.asked.length, 3 + 3 * (1 + 4));
});
