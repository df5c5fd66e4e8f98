/** What a generator asks: the request as it goes out, the part of the answer that comes back, and every refusal. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import type { GeneratorCall } from "../../../plugin/manifests/objects.ts";
import type { Session, Store, StoreAnswer } from "../../../plugin/stores/contract.ts";
import { vault } from "../../../plugin/stores/vault/kind.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { refusal, success } from "../../fakes/vault-answers.ts";
import type { VaultAnswer } from "../../fakes/vault-answers.ts";
import { facts } from "../facts.ts";
import { granted, inShop, openStore, ref, startWire, statics } from "./wire.ts";
import type { Wire } from "./wire.ts";

const { signal } = new AbortController();
const auth = { jwt: { secretRef: { name: "s", key: "jwt" } } };
let clients: HttpClients;
let wire: Wire;
let clock: FakeClock;
let calls: string[];
let store: Store;
let session: Session;

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  wire = await startWire();
  clock = new FakeClock();
  calls = [];
  store = openStore({ path: "kv", auth }, { url: wire.url, clients, clock, calls });
  wire.answer = () => granted("t", { lease_duration: 600 });
  session = await store.login(statics({ jwt: "j" }), signal, facts);
  wire.asked.length = 0;
  calls.length = 0;
});
afterEach(() => wire.close());

const asked = (call: Partial<GeneratorCall>): GeneratorCall => ({
  path: "database/creds/app",
  method: "GET",
  body: {},
  query: {},
  take: "Data",
  mayBeEmpty: false,
  ...call,
});
const make = async (call: Partial<GeneratorCall>): Promise<StoreAnswer> =>
  store.fetch(store.locateCall!(asked(call)), session, signal);
const textOf = (answer: StoreAnswer): string => answer.value.reveal().toString();

const requests: readonly (readonly [what: string, call: Partial<GeneratorCall>, line: string, body: string])[] = [
  ["a GET of the path as it is, whatever the block's engine", {}, "GET database/creds/app", ""],
  ["slashes at the ends are dropped", { path: "/database/creds/app/" }, "GET database/creds/app", ""],
  [
    "a query, encoded",
    { query: { ttl: ["1 h"], role: ["a", "b&c"] } },
    "GET database/creds/app?role=a&role=b%26c&ttl=1+h",
    "",
  ],
  ["a LIST", { path: "database/roles", method: "LIST" }, "GET database/roles?list=true", ""],
  [
    "a POST with its body",
    { path: "pki/issue/a b", method: "POST", body: { ttl: "1h", n: 1, list: [null, { x: true }] } },
    "POST pki/issue/a%20b",
    '{"list":[null,{"x":true}],"n":1,"ttl":"1h"}',
  ],
  ["a PUT, which Vault takes for the same", { method: "PUT" }, "POST database/creds/app", "{}"],
];
for (const [what, call, line, body] of requests)
  test(what, async () => {
    wire.answer = () => success({ data: { a: "1" } });
    assert.equal(textOf(await make(call)), '{"a":"1"}');
    assert.deepEqual(wire.lines(), [line]);
    assert.equal(wire.asked[0]!.body, body);
    assert.equal(wire.asked[0]!.headers["x-vault-token"], "t");
    assert.deepEqual(calls, [`${line.startsWith("POST") ? "Write" : "Read"}SecretData success`]);
  });

test("every method is one that is never shared, and every argument tells two calls apart", () => {
  const variants: Partial<GeneratorCall>[] = [
    {},
    { method: "POST" },
    { method: "PUT" },
    { method: "LIST" },
    { query: { a: ["1"] } },
    { method: "POST", body: { a: 1 } },
    { take: "Raw" },
    { mayBeEmpty: true },
  ];
  const found = variants.map((call) => store.locateCall!(asked(call)));
  assert.ok(found.every(({ method }) => method !== "GET"));
  assert.deepEqual(new Set(found.map(({ address }) => address)), new Set(["database/creds/app"]));
  assert.equal(new Set(found.map(({ method, arguments: args }) => `${method} ${args}`)).size, variants.length);
  assert.notEqual(store.locate(ref("database/creds/app")).arguments, found[0]!.arguments);
});

for (const path of ["", "/", "a//b", "a/../b", "a\u0000"])
  test(`no request for ${JSON.stringify(path)}`, () => {
    assert.throws(() => store.locateCall!(asked({ path })), { code: "ref_invalid" });
  });

const token = { client_token: "hvs.x", policies: ["a"], lease_duration: 60 };
const raw = success({ data: { a: "1" }, auth: token });
const parts: readonly (readonly [take: GeneratorCall["take"], value: RegExp])[] = [
  ["Data", /^\{"a":"1"\}$/],
  ["Auth", /^\{"client_token":"hvs.x","lease_duration":60,"policies":\["a"\]\}$/],
  ["Raw", /^\{"auth":\{.*\},"data":\{"a":"1"\},.*"request_id":/],
];
for (const [take, value] of parts)
  test(`resultType ${take}`, async () => {
    wire.answer = () => raw;
    assert.match(textOf(await make({ take })), value);
  });

test("a lease is told, with its end; without one the answer has none", async () => {
  wire.answer = () => success({ lease_id: "x/1", lease_duration: 60, renewable: true, data: { a: "1" } });
  for (const take of ["Data", "Raw"] as const) {
    const { lease, expiresAtMs, requestId } = await make({ take });
    assert.deepEqual([lease, expiresAtMs], [{ id: "x/1", renewable: true }, clock.nowMs() + 60_000]);
    assert.ok(requestId);
  }
  wire.answer = () => success({ lease_id: "x/1", lease_duration: 3_600, renewable: true, data: { a: "1" } });
  assert.equal((await make({})).expiresAtMs, clock.nowMs() + 600_000, "it ends with the token that made it");
  wire.answer = () => success({ data: { a: "1" } });
  assert.deepEqual([(await make({})).lease, (await make({})).expiresAtMs], [undefined, undefined]);
});

const gone = refusal(404);
const none = success({ data: null });
for (const [what, answer] of [
  ["204", success({}, 204)],
  ["no such thing", gone],
  ["no data", none],
] as const)
  test(`${what} is empty where that is no failure`, async () => {
    wire.answer = () => answer;
    assert.equal(textOf(await make({ mayBeEmpty: true })), "{}");
  });

const refusals: readonly (readonly [answer: VaultAnswer, call: Partial<GeneratorCall>, code: string, words: RegExp])[] =
  [
    [success({}, 204), {}, "answer_invalid", /holds no data; allowEmptyResponse: true/],
    [success({ data: null, auth: token }), {}, "answer_invalid", /holds no data; resultType: Auth takes a token/],
    [success({ data: { a: "1" } }), { take: "Auth" }, "answer_invalid", /holds no auth; resultType: Data takes/],
    [gone, {}, "ref_not_found", /no secret at "database\/creds\/app"/],
    [refusal(400, "canary"), { method: "POST" }, "store_invalid", /POST of "database\/creds\/app" \(400\).*parameters/],
    [refusal(403, "canary"), {}, "store_denied", /policies lack read on it/],
    [refusal(403, "canary"), { method: "LIST" }, "store_denied", /policies lack list on it/],
    [refusal(403, "canary"), { method: "PUT" }, "store_denied", /policies lack update on it/],
    [refusal(405, "canary"), { method: "POST" }, "store_invalid", /knows no POST \(405\)/],
    [refusal(404, "canary"), {}, "store_invalid", /no engine at/],
    [refusal(503, "Vault is sealed"), {}, "store_sealed", /unseal/],
    [refusal(429, "canary"), {}, "store_throttled", /429/],
  ];
for (const [answer, call, code, words] of refusals)
  test(`${answer.status} to a ${call.method ?? "GET"} of ${call.take ?? "Data"} is ${code}`, async () => {
    wire.answer = () => answer;
    await assert.rejects(make(call), (thrown) => {
      const failure = thrown as { code: string; message: string };
      assert.equal(failure.code, code);
      assert.match(failure.message, words);
      assert.doesNotMatch(failure.message, /canary|hvs/);
      return true;
    });
  });

test("problems of its block, and its references, have the paths of a generator", () => {
  const deps = { clock, http: () => clients.send({}), watchPath: () => () => undefined, plainHttp: true };
  const place = { ...inShop, field: "spec.provider" };
  const opened = vault.open({ server: wire.url, auth }, place, { ...deps, countCall: () => undefined });
  assert.ok(opened.ok);
  const { proofNeed } = opened.value.store;
  assert.ok(proofNeed.kind === "static");
  assert.deepEqual(
    Object.values(proofNeed.secrets).map(({ field }) => field),
    ["spec.provider.auth.jwt.secretRef"],
  );
});
