import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { canned, silence, startHostileServer } from "../../fakes/hostile-server.ts";
import type { HostileServer, Reply } from "../../fakes/hostile-server.ts";
import { facts } from "../facts.ts";
import { nobody, openWebhook, read, readText, secretsProof } from "./opened.ts";
import type { Asked } from "./opened.ts";

const { signal } = new AbortController();
const clock = new FakeClock();
const calls: string[] = [];
let clients: HttpClients;
let server: HostileServer;

before(() => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
});
after(() => clients.close());
beforeEach(async () => {
  calls.length = 0;
  server = await startHostileServer(() => canned({ status: 200, body: "value" }));
});
afterEach(() => server.close());

/** `block.url` stands below the server. */
const open = (block: { readonly url?: string; readonly [field: string]: unknown }) =>
  openWebhook({ ...block, url: `${server.url}${block.url ?? "/"}` }, { clients, clock, calls });
const secrets = [{ name: "auth", secretRef: { name: "api-token" } }];
const answers = (body: string): void => server.answer(() => canned({ status: 200, body }));

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

const urls: readonly [name: string, url: string, asked: Asked, path: string][] = [
  ["a plain key", "/s/{{ .remoteRef.key }}", { key: "db" }, "/s/db"],
  ["a key with slashes", "/s/{{ .remoteRef.key }}", { key: "a/b" }, "/s/a%2Fb"],
  [
    "a key of a query's characters",
    "/?k={{ .remoteRef.key }}",
    { key: "a b&c=d?e#f+g" },
    "/?k=a+b%26c%3Dd%3Fe%23f%2Bg",
  ],
  ["characters that browsers leave", "/{{ .remoteRef.key }}", { key: "a'(b)*!~" }, "/a%27%28b%29%2A%21~"],
  ["other scripts", "/{{ .remoteRef.key }}", { key: "é名" }, "/%C3%A9%E5%90%8D"],
  [
    "version and property",
    "/{{ .remoteRef.version }}/{{ .remoteRef.property }}",
    { version: "1 2", property: "a/b" },
    "/1+2/a%2Fb",
  ],
  ["the namespace", "/{{ .remoteRef.namespace }}", { namespace: "payments" }, "/payments"],
  ["a key that is opened on purpose", '/{{ .remoteRef.key | replace "%2F" "/" }}', { key: "a/b" }, "/a/b"],
  [
    "a variable that is not there",
    "/{{ .remoteRef.nothing }}/{{ .nobody.token }}",
    {},
    "/%3Cno%20value%3E/%3Cno%20value%3E",
  ],
  ["functions", "/{{ .remoteRef.key | upper | sha256sum | trunc 8 }}", { key: "db" }, "/cf3abc83"],
];

suite("a webhook's url", () => {
  for (const [name, url, asked, path] of urls)
    test(`holds ${name}`, async () => {
      await read(open({ url }), asked);
      assert.equal(server.requests[0]?.path, path);
    });
  const hostile = ["../admin", "..", "a/../../b", "a/./b", "a\\..\\b", "%2e%2e", "a\r\nb", "a\u0000b", "\ud800"];
  for (const key of hostile)
    test(`takes no key ${JSON.stringify(key)}`, async () => {
      await fails(read(open({ url: "/s/{{ .remoteRef.key }}" }), { key }), "ref_invalid");
      assert.equal(server.connections, 0);
    });
  test("takes no such property and no such version", async () => {
    await fails(read(open({}), { property: "../x" }), "ref_invalid", /property/);
    await fails(read(open({}), { version: ".." }), "ref_invalid", /version/);
  });
  test("cannot be led away by a Secret", async () => {
    const store = open({ url: "/s/{{ .auth.token }}/db", secrets });
    const failure = await fails(read(store, {}, secretsProof({ token: "../.." })), "ref_invalid", /segment/);
    assert.doesNotMatch(failure.message, /\.\.\/\.\./);
    assert.equal(server.connections, 0);
  });
  test("is not quoted in a failure, as it may hold a secret", async () => {
    server.answer(() => canned({ status: 500 }));
    const store = open({ url: "/?token={{ .auth.token }}", secrets });
    const failure = await fails(read(store, {}, secretsProof({ token: "canary-token" })), "store_error");
    assert.doesNotMatch(failure.message, /canary/);
  });
});

suite("a webhook's request", () => {
  test("has headers and body as rendered, with nothing escaped, and its own method", async () => {
    const block = {
      method: "POST",
      headers: { Authorization: "Bearer {{ .auth.token }}", "X-Key": "{{ .remoteRef.key }}" },
      body: '{"key": {{ .remoteRef.key | quote }}, "p": "{{ .auth.token | b64enc }}"}',
      secrets,
    };
    await read(open(block), { key: "a/b" }, secretsProof({ token: "t0p" }));
    const [request] = server.requests;
    assert.equal(request?.method, "POST");
    assert.equal(request.headers["authorization"], "Bearer t0p");
    assert.equal(request.headers["x-key"], "a/b");
    assert.equal(request.body, '{"key": "a/b", "p": "dDBw"}');
    assert.deepEqual(calls, ["HTTPRequest success"]);
  });
  test("is GET without a body unless the store says so", async () => {
    await read(open({}));
    assert.deepEqual([server.requests[0]?.method, server.requests[0]?.body], ["GET", ""]);
    assert.equal(server.requests[0]?.headers["content-length"], undefined);
  });
  test("sees the keys of two Secrets of one name together", async () => {
    const both = [...secrets, { name: "auth", secretRef: { name: "other" } }];
    const store = open({ headers: { a: "{{ .auth.token }}-{{ .auth.more }}" }, secrets: both });
    await read(store, {}, secretsProof({ token: "1", more: "x" }, { more: "2" }));
    assert.equal(server.requests[0]?.headers["a"], "1-2");
  });
  const broken: readonly [name: string, token: string][] = [
    ["a line break", "a\r\nX-Evil: 1"],
    ["a bare line feed", "a\nb"],
    ["a null byte", "a\u0000b"],
    ["other characters than ASCII", "é"],
  ];
  for (const [name, token] of broken)
    test(`has no header with ${name}`, async () => {
      const store = open({ headers: { Authorization: "{{ .auth.token }}" }, secrets });
      const failure = await fails(
        read(store, {}, secretsProof({ token })),
        "template_failed",
        /headers\.authorization/,
      );
      assert.ok(!failure.message.includes(token));
      assert.equal(server.connections, 0);
    });
  test("is not sent when a template fails, and says no value", async () => {
    const store = open({ body: "{{ .auth.token | mustFromJson }}", secrets });
    const failure = await fails(
      read(store, {}, secretsProof({ token: "canary-token" })),
      "template_failed",
      /\[secret\]/,
    );
    assert.doesNotMatch(failure.message, /canary/);
    assert.equal(server.connections, 0);
  });
  test("is not sent when a template works for too long", async () => {
    const store = open({ body: "{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}" });
    await fails(read(store), "template_failed", /budget "steps"/);
    assert.equal(server.connections, 0);
  });
  test("is not sent when a template becomes too large", async () => {
    await fails(read(open({ body: '{{ repeat 900000 "xx" }}' })), "template_failed", /budget "output"/);
  });
  for (const [word, text] of [
    ["genPrivateKey", '{{ genPrivateKey "rsa" }}'],
    ["htpasswd", '{{ htpasswd "a" "b" }}'],
  ] as const)
    test(`has no ${word}: that is known at the login`, async () => {
      const store = open({ body: text });
      await fails(
        store.login(nobody, signal, facts),
        "store_invalid",
        new RegExp(`spec.provider.webhook.body: ${word} is too heavy`),
      );
    });
  test("has no function that does not exist: that is known at the login", async () => {
    await fails(
      open({ body: "{{ uper .x }}" }).login(nobody, signal, facts),
      "store_invalid",
      /function "uper" not defined/,
    );
  });
});

const results: readonly [name: string, jsonPath: string | undefined, body: string, asked: Asked, value: string][] = [
  ["the body without a path", undefined, "plain\n", {}, "plain\n"],
  ["a JSON body without a path, byte for byte", undefined, '{ "a" : 1 }', {}, '{ "a" : 1 }'],
  ["text without its quotes", "$.a", '{"a":"x"}', {}, "x"],
  ["a number with its digits", "$.a", '{"a":12345678901234567890}', {}, "12345678901234567890"],
  ["a truth value", "$.a", '{"a":true}', {}, "true"],
  ["null as nothing", "$.a", '{"a":null}', {}, ""],
  ["an object in Go's spelling", "$.a", '{"a":{"c":"<","b":1}}', {}, '{"b":1,"c":"\\u003c"}'],
  ["the first of a list", "$.a", '{"a":["x","y"]}', {}, "x"],
  [
    "what a filter selects",
    '$.s[?(@.n=="{{ .remoteRef.property }}")].v',
    '{"s":[{"n":"a","v":"1"},{"n":"b","v":"2"}]}',
    { property: "b" },
    "2",
  ],
  ["what the property names", "$.data.{{ .remoteRef.property }}", '{"data":{"user":"u"}}', { property: "user" }, "u"],
  ["a path of several lines", "$.a\n", '{"a":"x"}', {}, "x"],
  ["text that is JSON, for its members", "$.a", '{"a":"{\\"k\\":1}"}', { members: true }, '{"k":1}'],
  ["a body that is JSON in a text, for its members", undefined, '"{\\"k\\":1}"', { members: true }, '{"k":1}'],
  ["the same as one value", undefined, '"{\\"k\\":1}"', {}, '"{\\"k\\":1}"'],
];

suite("a webhook's result", () => {
  for (const [name, jsonPath, body, asked, value] of results)
    test(`is ${name}`, async () => {
      answers(body);
      assert.equal(await readText(open(jsonPath === undefined ? {} : { result: { jsonPath } }), asked), value);
    });
  test("has no version, and the server's request id", async () => {
    server.answer(() => canned({ status: 200, headers: { "x-request-id": "r-1" }, body: "v" }));
    const { version, requestId } = await read(open({}));
    assert.deepEqual([version, requestId], ["", "r-1"]);
  });
  const invalid: readonly [name: string, jsonPath: string | undefined, body: string, words: RegExp][] = [
    ["nothing at the path", "$.b", '{"a":"canary"}', /nothing at result.jsonPath/],
    ["an empty list at the path", "$.a", '{"a":[]}', /nothing at result.jsonPath/],
    ["no JSON for a path", "$.b", "canary", /not valid JSON/],
    ["an empty body", undefined, "", /empty body/],
  ];
  for (const [name, jsonPath, body, words] of invalid)
    test(`is refused: ${name}`, async () => {
      answers(body);
      const failure = await fails(read(open(jsonPath ? { result: { jsonPath } } : {})), "answer_invalid", words);
      assert.doesNotMatch(failure.message, /canary/);
    });
  test("a path that is none is known at the login", async () => {
    const store = open({ result: { jsonPath: "a.b" } });
    await fails(store.login(nobody, signal, facts), "store_invalid", /result.jsonPath is no JSONPath/);
  });
  test("a path that becomes none asks nothing, and is not quoted", async () => {
    const store = open({ result: { jsonPath: "$.{{ .remoteRef.property }}" } });
    const failure = await fails(read(store, { property: "canary[" }), "template_failed", /no JSONPath/);
    assert.doesNotMatch(failure.message, /canary/);
    assert.equal(server.connections, 0);
  });
});

const statuses: readonly [status: number, code: FailureCode, words: RegExp][] = [
  [201, "answer_invalid", /./],
  [204, "answer_invalid", /without a body/],
  [302, "answer_invalid", /redirect/],
  [304, "answer_invalid", /If-None-Match/],
  [400, "answer_invalid", /does not take the request/],
  [401, "store_denied", /credential/],
  [403, "store_denied", /credential/],
  [404, "ref_not_found", /key "db"/],
  [408, "store_timeout", /./],
  [410, "answer_invalid", /does not take the request/],
  [429, "store_throttled", /./],
  [500, "store_error", /./],
  [504, "store_timeout", /./],
];

suite("a status", () => {
  for (const [status, code, words] of statuses)
    test(`${status} is ${code}`, async () => {
      server.answer(() => canned({ status }));
      await fails(read(open({})), code, words);
    });
  test("206 with a body is an answer", async () => {
    server.answer(() => canned({ status: 206, body: "x" }));
    assert.equal(await readText(open({})), "x");
  });
});

suite("where a webhook may go", () => {
  const places: readonly [url: string, words: RegExp][] = [
    ["http://169.254.169.254/latest/meta-data", /link-local/],
    ["https://[fd00:ec2::254]/", /metadata/],
    ["https://[::ffff:169.254.169.254]/", /link-local/],
    ["https://127.0.0.1:1/", /loopback/],
    ["https://2130706433:1/", /loopback/],
  ];
  const strict = () =>
    createHttpClients({ allowLoopback: false, allowPlainHttp: false, apiServer: [], exemptCidrs: [] });
  for (const [url, words] of places)
    test(`not to ${url}`, async (t) => {
      const guarded = strict();
      t.after(() => guarded.close());
      const store = openWebhook({ url }, { clients: guarded, clock });
      await fails(read(store), "store_unreachable", words);
    });
  test("not to where a name of metadata leads", async (t) => {
    const guarded = createHttpClients({
      allowLoopback: false,
      allowPlainHttp: false,
      apiServer: [],
      exemptCidrs: [],
      lookup: (_name, _options, done) => done(null, [{ address: "169.254.169.254", family: 4 }]),
    });
    t.after(() => guarded.close());
    const store = openWebhook({ url: "https://metadata.google.internal/" }, { clients: guarded, clock });
    await fails(read(store), "store_unreachable", /link-local/);
  });
});

suite("sharing and identity", () => {
  test("each reader's Secret goes with its own reads, also when they read at once and in turns", async () => {
    server.answer(({ path, headers }) => canned({ status: 200, body: `${path} ${headers["authorization"]}` }));
    const store = open({ url: "/{{ .remoteRef.key }}", headers: { Authorization: "{{ .auth.token }}" }, secrets });
    const readers = await Promise.all(
      ["alpha", "beta", "gamma"].map(async (token) => ({
        token,
        session: await store.login(secretsProof({ token }), signal, facts),
      })),
    );
    for (let round = 0; round < 4; round++)
      await Promise.all(
        readers.map(async ({ token, session }) => {
          const { value } = await store.fetch(store.locate({ key: token, metadataPolicy: "None" }), session, signal);
          assert.equal(value.reveal().toString(), `/${token} ${token}`);
        }),
      );
    assert.equal(server.requests.length, 12);
  });
  test("each namespace sees itself", async () => {
    const store = open({ url: "/{{ .remoteRef.namespace }}" });
    for (const namespace of ["a", "b", "a"]) await read(store, { namespace });
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ["/a", "/b", "/a"],
    );
  });
  test("a read is known by all that goes into its request", () => {
    const store = open({});
    const located = (asked: Asked) => store.locate({ key: "db", metadataPolicy: "None", ...asked });
    assert.deepEqual(located({ version: "1", property: "p" }), {
      address: "db",
      method: "GET",
      arguments: '{"property":"p"}',
      version: "1",
    });
    assert.equal(located({ property: "" }).arguments, "");
    assert.equal(located({ members: true }).arguments, '{"members":true}');
    assert.equal(open({ method: "PUT" }).locate({ key: "db", metadataPolicy: "None" }).method, "PUT");
  });
  test("metadata cannot be asked for", async () => {
    await fails(read(open({}), { metadataPolicy: "Fetch" }), "ref_invalid", /metadataPolicy/);
  });
});

suite("time", () => {
  const hang: Reply = silence();
  test("the store's own timeout ends the request and its socket", async () => {
    server.answer(() => hang);
    const failed = fails(read(open({ timeout: "2s" })), "store_timeout", /the webhook: no answer within 2000 ms/);
    await server.requested(1);
    await clock.advance(2_000);
    await failed;
    await server.requests[0]!.disconnected;
    assert.equal(clock.pending, 0);
  });
  test("and leaves nothing behind when there is an answer", async () => {
    assert.equal(await readText(open({ timeout: "2s" })), "value");
    assert.equal(clock.pending, 0);
  });
});
