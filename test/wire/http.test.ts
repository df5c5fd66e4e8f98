import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo, LookupFunction } from "node:net";
import { after, suite, test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { HttpRequest, HttpSend } from "../../plugin/stores/http.ts";
import { createHttpClients } from "../../plugin/wire/http.ts";
import { makeCertificate } from "../fakes/certificate.ts";
import type { Certificate } from "../fakes/certificate.ts";
import { canned, raw, startHostileServer } from "../fakes/hostile-server.ts";

const never = new AbortController().signal;
const get = (url: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url: new URL(url),
  headers: {},
  ...rest,
});

suite("requests", () => {
  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  after(clients.close);
  const send = clients.send({});

  test("header names come back in lower case, repeated ones joined", async (t) => {
    const server = await startHostileServer(() =>
      raw("HTTP/1.1 200 OK\r\nX-One: 1\r\nx-TWO: a\r\nX-Two: b\r\ncontent-length: 2\r\n\r\nhi"),
    );
    t.after(server.close);
    const answer = await send(get(server.url), never);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["x-one"], "1");
    assert.equal(answer.headers["x-two"], "a, b");
    assert.equal(answer.body.reveal().toString(), "hi");
  });
  test("secret headers and bodies leave as plain text, method, path and query as given", async (t) => {
    const server = await startHostileServer(() => canned({ status: 204 }));
    t.after(server.close);
    await send(
      {
        method: "POST",
        url: new URL(`${server.url}/v1/a%2Fb?version=3`),
        headers: { "x-token": SecretValue.fromText("s3cret"), accept: "application/json" },
        body: SecretValue.fromText('{"a":1}'),
      },
      never,
    );
    const [asked] = server.requests;
    assert.equal(asked?.method, "POST");
    assert.equal(asked?.path, "/v1/a%2Fb?version=3");
    assert.equal(asked?.headers["x-token"], "s3cret");
    assert.equal(asked?.body, '{"a":1}');
  });
  test("a header that HTTP does not allow is store_invalid and sends nothing", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200 }));
    t.after(server.close);
    const headers = { "x-token": SecretValue.fromText("canary\r\nx-evil: 1") };
    const failure = await fails(send(get(server.url, { headers }), never), "store_invalid");
    assert.doesNotMatch(failure.message, /canary/);
    assert.equal(server.requests.length, 0);
  });
  test("every redirect is refused without repeating where it leads", async (t) => {
    for (const status of [300, 301, 302, 303, 307, 308]) {
      const server = await startHostileServer(() => canned({ status, headers: { location: "http://canary/" } }));
      t.after(server.close);
      const failure = await fails(send(get(server.url), never), "answer_invalid");
      assert.match(failure.message, new RegExp(`\\(${status}\\)`));
      assert.doesNotMatch(failure.message, /canary/);
      assert.equal(server.requests.length, 1);
    }
  });
  test("a signal that has already ended sends nothing", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200 }));
    t.after(server.close);
    const reason = new Failure("store_timeout", "late");
    await assert.rejects(send(get(server.url), AbortSignal.abort(reason)), reason);
    assert.equal(server.connections, 0);
  });
  test("a signal ends a request with its own reason, whatever that is", async (t) => {
    const server = await startHostileServer();
    t.after(server.close);
    const wait = new AbortController();
    const reason = new Error("the caller went away");
    const rejected = assert.rejects(send(get(server.url), wait.signal), (thrown) => thrown === reason);
    await server.requested(1);
    wait.abort(reason);
    await rejected;
  });
  // The bound is below that of a connection, which would end it too.
  test("a signal ends a request that has no connection yet", { timeout: 4_000 }, async () => {
    const rules = { allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] };
    const own = createHttpClients({ ...rules, lookup: () => undefined });
    const wait = new AbortController();
    const reason = new Error("the caller went away");
    const rejected = assert.rejects(
      own.send({})(get("http://store.test/"), wait.signal),
      (thrown) => thrown === reason,
    );
    wait.abort(reason);
    await rejected;
    await own.close();
  });
  test("two requests at once never share a connection", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200, body: "{}" }));
    t.after(server.close);
    await Promise.all([send(get(server.url), never), send(get(server.url), never)]);
    assert.equal(server.connections, 2);
  });
  test("proxy variables of the environment change nothing", async (t) => {
    const [server, proxy] = [await startHostileServer(() => canned({ status: 200 })), await startHostileServer()];
    t.after(server.close);
    t.after(proxy.close);
    const before = process.env["HTTP_PROXY"];
    process.env["HTTP_PROXY"] = proxy.url;
    t.after(() => (before === undefined ? delete process.env["HTTP_PROXY"] : (process.env["HTTP_PROXY"] = before)));
    const own = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    t.after(own.close);
    await own.send({})(get(server.url), never);
    assert.equal(proxy.connections, 0);
  });
  test("closing ends requests in flight and refuses later ones", async (t) => {
    const server = await startHostileServer();
    t.after(server.close);
    const own = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    const hanging = fails(own.send({})(get(server.url), never), "store_unreachable");
    await server.requested(1);
    await own.close();
    await hanging;
    await fails(own.send({})(get(server.url), never), "store_unreachable");
  });
});

suite("addresses at connect time", () => {
  const resolvesTo =
    (...addresses: readonly string[]): LookupFunction =>
    (_host, options, done) => {
      const all = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
      if (options.all) done(null, all);
      else done(null, all[0]!.address, all[0]!.family);
    };
  const refusing = async (url: string, lookup?: LookupFunction): Promise<Failure> => {
    const clients = createHttpClients({
      allowLoopback: false,
      allowPlainHttp: true,
      apiServer: [],
      exemptCidrs: [],
      ...(lookup ? { lookup } : {}),
    });
    try {
      return await fails(clients.send({})(get(url), never), "store_unreachable");
    } finally {
      await clients.close();
    }
  };
  const cases: readonly [name: string, url: string, lookup: LookupFunction | undefined, rule: RegExp][] = [
    ["a link-local address", "http://169.254.169.254/latest", undefined, /link-local/],
    ["a link-local address in hexadecimal", "http://0xa9fea9fe/", undefined, /169\.254\.169\.254 is a link-local/],
    ["a mapped link-local address", "http://[::ffff:169.254.169.254]/", undefined, /link-local/],
    ["loopback", "http://127.0.0.1:1/", undefined, /loopback.*--unsafe-store-addresses 127\.0\.0\.1/],
    ["loopback over https", "https://[::1]:1/", undefined, /loopback/],
    [
      "a name for a metadata address",
      "http://vault.example.com/",
      resolvesTo("fd00:ec2::254"),
      /vault\.example\.com.*metadata/,
    ],
    [
      "a name with one good and one bad address",
      "http://vault.example.com/",
      resolvesTo("10.0.0.1", "169.254.1.1"),
      /link-local/,
    ],
    ["a name for a bad address over https", "https://vault.example.com/", resolvesTo("127.0.0.1"), /loopback/],
  ];
  for (const [name, url, lookup, rule] of cases)
    test(`${name} is refused, saying which rule`, async () =>
      assert.match((await refusing(url, lookup)).message, rule));

  test("no connection is made to a refused address", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200 }));
    t.after(server.close);
    await refusing(server.url);
    const port = new URL(server.url).port;
    await refusing(`http://vault.example.com:${port}/`, resolvesTo("127.0.0.1"));
    assert.equal(server.connections, 0);
  });
  test("an exempt address is reached", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200, body: "{}" }));
    t.after(server.close);
    const clients = createHttpClients({
      allowLoopback: false,
      allowPlainHttp: true,
      apiServer: [],
      exemptCidrs: ["127.0.0.1/32"],
    });
    t.after(clients.close);
    assert.equal((await clients.send({})(get(server.url), never)).status, 200);
  });
  test("plain http reaches an exempt address, and no other, where it is not allowed", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200, body: "{}" }));
    t.after(server.close);
    const rules = { allowLoopback: true, allowPlainHttp: false, apiServer: [] };
    const strict = createHttpClients({ ...rules, exemptCidrs: [] });
    const exempting = createHttpClients({ ...rules, exemptCidrs: ["127.0.0.0/8"] });
    t.after(() => Promise.all([strict.close(), exempting.close()]));
    const named = `http://vault.example.com:${new URL(server.url).port}/`;
    const refusal = /is reached without TLS \(http:\/\/\), which stores may not use; exempt it with/;
    assert.match((await fails(strict.send({})(get(server.url), never), "store_unreachable")).message, refusal);
    const byName = createHttpClients({ ...rules, exemptCidrs: [], lookup: resolvesTo("127.0.0.1") });
    t.after(() => byName.close());
    assert.match((await fails(byName.send({})(get(named), never), "store_unreachable")).message, refusal);
    assert.equal(server.connections, 0);
    assert.equal((await exempting.send({})(get(server.url), never)).status, 200);
  });
  test("a name that does not resolve is store_unreachable", async () => {
    const unknown: LookupFunction = (_host, _options, done) =>
      done(Object.assign(new Error("canary"), { code: "ENOTFOUND" }), []);
    assert.match((await refusing("http://vault.example.com/", unknown)).message, /^vault\.example\.com: .*ENOTFOUND/);
  });
});

suite("TLS", () => {
  const nowMs = Date.now();
  const dayMs = 86_400_000;
  const valid = { notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs };
  const authority = makeCertificate({ name: "test authority", ...valid, isAuthority: true });
  const made = (subjects: readonly string[], times: { notBeforeMs: number; notAfterMs: number } = valid) =>
    makeCertificate({ name: "store", subjects, ...times, issuer: authority });
  const ask = async (shown: Certificate, ca: string | undefined): ReturnType<HttpSend> => {
    const server = createServer({ cert: shown.certificate, key: shown.key }, (_request, response) =>
      response.end("{}"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    try {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      return await clients.send(ca === undefined ? {} : { ca })(get(url), never);
    } finally {
      await clients.close();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  test("a certificate of the given authority is accepted", async () => {
    assert.equal((await ask(made(["127.0.0.1"]), authority.certificate)).status, 200);
  });
  const cases: readonly [name: string, shown: Certificate, ca: string | undefined, words: RegExp][] = [
    ["an unknown authority", made(["127.0.0.1"]), undefined, /not trusted here; give the CA in caBundle/],
    ["a certificate for another name", made(["store.example.com"]), authority.certificate, /another name/],
    [
      "an expired certificate",
      made(["127.0.0.1"], { notBeforeMs: nowMs - 2 * dayMs, notAfterMs: nowMs - dayMs }),
      authority.certificate,
      /expired/,
    ],
    [
      "a certificate from the future",
      made(["127.0.0.1"], { notBeforeMs: nowMs + dayMs, notAfterMs: nowMs + 2 * dayMs }),
      authority.certificate,
      /not valid yet/,
    ],
  ];
  for (const [name, shown, ca, words] of cases)
    test(`${name} is store_unreachable with its reason`, async () => {
      assert.match((await fails(ask(shown, ca), "store_unreachable")).message, words);
    });
  test("http to a port that speaks TLS is no answer", async (t) => {
    const server = createServer({ cert: authority.certificate, key: authority.key });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    t.after(clients.close);
    await fails(
      clients.send({})(get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), never),
      "store_unreachable",
    );
  });
});

async function fails(attempt: Promise<unknown>, code: FailureCode): Promise<Failure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail(`resolved instead of failing with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  return thrown;
}
