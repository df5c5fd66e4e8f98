import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Socket } from "node:net";
import { after, before, suite, test } from "node:test";
import type { TestContext } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { TlsOptions } from "../../plugin/stores/http.ts";
import { createHttpClients } from "../../plugin/wire/http.ts";
import type { HttpClientOptions, HttpClients } from "../../plugin/wire/http.ts";
import { makeCertificate } from "../fakes/certificate.ts";
import { startConnectProxy } from "../fakes/connect-proxy.ts";
import type { ConnectProxy, ConnectProxyWish } from "../fakes/connect-proxy.ts";
import { canned, startHostileServer } from "../fakes/hostile-server.ts";

const never = new AbortController().signal;
const dayMs = 86_400_000;
const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
const authority = makeCertificate({ name: "test authority", ...valid, isAuthority: true });
const otherAuthority = makeCertificate({ name: "other authority", ...valid, isAuthority: true });
const shown = makeCertificate({ name: "store", subjects: ["127.0.0.1", "store.test"], ...valid, issuer: authority });
const client = makeCertificate({ name: "client", ...valid, issuer: authority });
const ca = authority.certificate;
const reach = { allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] } as const;

/** A store that speaks TLS and answers with the name that the client's certificate shows. */
const store = createServer(
  { cert: shown.certificate, key: shown.key, ca, requestCert: true, rejectUnauthorized: false },
  (request, response) => response.end((request.socket as unknown as Peer).getPeerCertificate().subject?.CN ?? ""),
);
interface Peer {
  getPeerCertificate(): { readonly subject?: { readonly CN?: string } };
}
const accepted: Socket[] = [];
store.on("connection", (socket: Socket) => accepted.push(socket));
let port = 0;
before(async () => {
  await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
  port = (store.address() as AddressInfo).port;
});
after(() => {
  store.close();
  for (const socket of accepted) socket.destroy();
});

async function proxyFor(t: TestContext, wish?: ConnectProxyWish): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(wish);
  t.after(proxy.close);
  return proxy;
}

function clientsFor(t: TestContext, options: Partial<HttpClientOptions> = {}): HttpClients {
  const clients = createHttpClients({ ...reach, ...options });
  t.after(clients.close);
  return clients;
}

interface Wish {
  readonly url?: string;
  readonly own?: string;
  readonly tls?: TlsOptions;
}
const ask = (clients: HttpClients, { url = `https://127.0.0.1:${port}/`, own, tls = { ca } }: Wish = {}) =>
  clients.send(tls, own)({ method: "GET", url: new URL(url), headers: {} }, never);

suite("which way a request goes", () => {
  const rows: readonly {
    name: string;
    /** --https-proxy is given. */
    flag: boolean;
    own?: "own" | "";
    noProxy?: () => string[];
    want: "flag" | "own" | "direct";
  }[] = [
    { name: "neither flag nor annotation: direct", flag: false, want: "direct" },
    { name: "the flag's", flag: true, want: "flag" },
    { name: "the annotation's", flag: false, own: "own", want: "own" },
    { name: "the annotation's over the flag's", flag: true, own: "own", want: "own" },
    { name: "an empty annotation goes direct past the flag", flag: true, own: "", want: "direct" },
    { name: "a host of --no-proxy goes direct", flag: true, noProxy: () => ["127.0.0.1"], want: "direct" },
    {
      name: "a host and port of --no-proxy goes direct",
      flag: true,
      noProxy: () => [`127.0.0.1:${port}`],
      want: "direct",
    },
    { name: "another port of that host does not", flag: true, noProxy: () => ["127.0.0.1:1"], want: "flag" },
    { name: "--no-proxy is for the flag's proxy alone", flag: true, own: "own", noProxy: () => ["*"], want: "own" },
  ];
  for (const { name, flag, own, noProxy, want } of rows)
    test(name, async (t) => {
      const [flagged, owned] = [await proxyFor(t), await proxyFor(t)];
      const proxies = { ...(flag && { proxy: { origin: flagged.url } }), noProxy: noProxy?.() ?? [] };
      const clients = clientsFor(t, { proxies });
      const way = own === undefined ? {} : { own: own === "" ? "" : owned.url };
      assert.equal((await ask(clients, way)).status, 200);
      const target = [`127.0.0.1:${port}`];
      assert.deepEqual([flagged.asked, owned.asked], [want === "flag" ? target : [], want === "own" ? target : []]);
    });

  test("a name is looked up by the proxy, not here", async (t) => {
    const proxy = await proxyFor(t);
    const lookup = () => assert.fail("looked up here");
    const clients = clientsFor(t, { lookup });
    await ask(clients, { url: `https://store.test:${port}/`, own: proxy.url });
    assert.deepEqual(proxy.asked, [`store.test:${port}`]);
  });
  test("the port of https is added where the URL has none", async (t) => {
    const proxy = await proxyFor(t, { answer: "502 canary" });
    await fails(ask(clientsFor(t), { url: "https://store.test/", own: proxy.url }), "store_unreachable");
    assert.deepEqual(proxy.asked, ["store.test:443"]);
  });
  test("http:// goes past the flag's proxy, and is refused for a store that names one", async (t) => {
    const [proxy, server] = [await proxyFor(t), await startHostileServer(() => canned({ status: 200, body: "{}" }))];
    t.after(server.close);
    const clients = clientsFor(t, { proxies: { proxy: { origin: proxy.url }, noProxy: [] } });
    assert.equal((await ask(clients, { url: server.url })).status, 200);
    const failure = await fails(ask(clients, { url: server.url, own: proxy.url }), "store_invalid");
    assert.equal(failure.field, "metadata.annotations[keyferry.dev/proxy-url]");
    assert.equal(proxy.connections, 0);
    assert.equal(server.requests.length, 1);
  });
  test("proxy variables of the environment change nothing", async (t) => {
    const proxy = await proxyFor(t);
    for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"]) {
      const held = process.env[name];
      process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : proxy.url;
      t.after(() => (held === undefined ? delete process.env[name] : (process.env[name] = held)));
    }
    await ask(clientsFor(t));
    assert.equal(proxy.connections, 0);
    process.env["NO_PROXY"] = "*";
    t.after(() => delete process.env["NO_PROXY"]);
    await ask(clientsFor(t), { own: proxy.url });
    assert.equal(proxy.asked.length, 1);
  });
});

suite("what a tunnel keeps", () => {
  test("two requests at once never share it", async (t) => {
    const proxy = await proxyFor(t);
    const clients = clientsFor(t);
    await Promise.all([ask(clients, { own: proxy.url }), ask(clients, { own: proxy.url })]);
    assert.equal(proxy.asked.length, 2);
  });
  test("stores share a connection with those of the same way alone: the same proxy, or none", async (t) => {
    const [one, two] = [await proxyFor(t), await proxyFor(t)];
    const clients = clientsFor(t);
    const acceptedBefore = accepted.length;
    for (const own of [one.url, two.url, "", one.url, two.url, ""]) await ask(clients, { own });
    assert.deepEqual([one.asked.length, two.asked.length, accepted.length - acceptedBefore], [1, 1, 3]);
  });
  test("a store that names the flag's proxy gets nothing of its login", async (t) => {
    const proxy = await proxyFor(t);
    const login = SecretValue.fromText("Basic dTpw");
    const clients = clientsFor(t, { proxies: { proxy: { origin: proxy.url, authorization: login }, noProxy: [] } });
    await ask(clients);
    await ask(clients, { own: proxy.url });
    assert.deepEqual(proxy.logins, ["Basic dTpw", undefined]);
  });
  test("the store's certificate is checked through it", async (t) => {
    const proxy = await proxyFor(t);
    const clients = clientsFor(t);
    for (const [tls, words] of [
      [{ ca: otherAuthority.certificate }, /^127\.0\.0\.1:\d+ \(through proxy 127\.0\.0\.1:\d+\): TLS: .*caBundle/],
      [{}, /not trusted here/],
    ] as const)
      assert.match((await fails(ask(clients, { own: proxy.url, tls }), "store_unreachable")).message, words);
    const misnamed = ask(clients, { own: proxy.url, url: `https://other.test:${port}/` });
    assert.match((await fails(misnamed, "store_unreachable")).message, /another name/);
    assert.equal(proxy.asked.length, 3);
  });
  test("TLS below 1.2 is refused through it", async (t) => {
    const old = createServer({
      cert: shown.certificate,
      key: shown.key,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    t.after(() => old.close());
    const proxy = await proxyFor(t);
    const url = `https://127.0.0.1:${(old.address() as AddressInfo).port}/`;
    await fails(ask(clientsFor(t), { own: proxy.url, url }), "store_unreachable");
    assert.equal(proxy.asked.length, 1);
  });
  test("the store's client certificate is shown through it, to the store alone", async (t) => {
    const proxy = await proxyFor(t);
    const clients = clientsFor(t);
    const tls = { ca, cert: client.certificate, key: SecretValue.fromText(client.key) };
    assert.equal((await ask(clients, { own: proxy.url, tls })).body.reveal().toString(), "client");
    assert.equal((await ask(clients, { own: proxy.url })).body.reveal().toString(), "");
  });
  test("a proxy that speaks TLS shows a certificate for itself, and the store one for the store", async (t) => {
    const own = makeCertificate({ name: "proxy", subjects: ["127.0.0.1"], ...valid, issuer: otherAuthority });
    const named = makeCertificate({ name: "proxy", subjects: ["store.test"], ...valid, issuer: otherAuthority });
    const [proxy, misnamed] = [await proxyFor(t, { certificate: own }), await proxyFor(t, { certificate: named })];
    const trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, otherAuthority.certificate]);
    t.after(() => setDefaultCACertificates(trusted));
    const clients = clientsFor(t);
    const url = `https://store.test:${port}/`;
    assert.equal((await ask(clients, { url, own: proxy.url })).status, 200);
    assert.deepEqual(proxy.asked, [`store.test:${port}`]);
    const failure = await fails(ask(clients, { url, own: misnamed.url }), "store_unreachable");
    assert.match(failure.message, /^proxy 127\.0\.0\.1:\d+: TLS: its certificate is for another name/);
    assert.equal(misnamed.asked.length, 0);
  });
  test("a proxy that speaks TLS has to be trusted by this machine: the store's CA does not count for it", async (t) => {
    const proxy = await proxyFor(t, { certificate: shown });
    const failure = await fails(ask(clientsFor(t), { own: proxy.url }), "store_unreachable");
    assert.match(failure.message, /^proxy 127\.0\.0\.1:\d+: TLS: .*trust its CA on this machine/);
    assert.equal(proxy.asked.length, 0);
  });
});

suite("refusals of a proxy", () => {
  const rows: readonly [answer: NonNullable<ConnectProxyWish["answer"]>, code: FailureCode, words: RegExp][] = [
    ["407 Login Please canary", "store_unreachable", /^proxy 127\.0\.0\.1:\d+: wants a login \(407\)/],
    ["502 canary", "store_unreachable", /^proxy 127\.0\.0\.1:\d+: does not connect to store\.test:443 \(502\)/],
    ["hang up", "store_unreachable", /^proxy 127\.0\.0\.1:\d+: the connection closed/],
  ];
  for (const [answer, code, words] of rows)
    test(`${answer} is ${code}`, async (t) => {
      const proxy = await proxyFor(t, { answer });
      const failure = await fails(ask(clientsFor(t), { url: "https://store.test/", own: proxy.url }), code);
      assert.match(failure.message, words);
      assert.doesNotMatch(`${failure.message} ${failure.stack}`, /canary/);
      assert.equal(proxy.asked.length, 1);
    });
  test("a login that the proxy refuses is not repeated", async (t) => {
    const proxy = await proxyFor(t, { answer: "407 Login Please canary" });
    const login = { origin: proxy.url, authorization: SecretValue.fromText("Basic canary") };
    const failure = await fails(ask(clientsFor(t, { proxies: { proxy: login, noProxy: [] } })), "store_unreachable");
    assert.match(failure.message, /does not take its login \(407\); correct .* KEYFERRY_HTTPS_PROXY/);
    assert.doesNotMatch(failure.message, /canary/);
  });
  test("a proxy that is down", async (t) => {
    const proxy = await startConnectProxy();
    await proxy.close();
    const failure = await fails(ask(clientsFor(t), { own: proxy.url }), "store_unreachable");
    assert.match(failure.message, /^proxy 127\.0\.0\.1:\d+: no connection \(ECONNREFUSED\)/);
  });
  // The bound is below that of an attempt, which would end it too.
  test(
    "a proxy that never answers ends with the request's signal, and with the clients",
    { timeout: 4_000 },
    async (t) => {
      const proxy = await proxyFor(t, { answer: "silence" });
      const clients = createHttpClients(reach);
      const wait = new AbortController();
      const reason = new Error("the caller went away");
      const url = new URL("https://store.test/");
      const send = clients.send({ ca }, proxy.url);
      const rejected = assert.rejects(
        send({ method: "GET", url, headers: {} }, wait.signal),
        (thrown) => thrown === reason,
      );
      await proxy.met;
      wait.abort(reason);
      await rejected;
      const hanging = fails(send({ method: "GET", url, headers: {} }, never), "store_unreachable");
      await clients.close();
      await hanging;
      await proxy.left();
    },
  );
});

suite("addresses", () => {
  const inside = { allowLoopback: false, allowPlainHttp: false, apiServer: ["10.96.0.1"], exemptCidrs: [] };

  test("a proxy where stores may not be is refused before a byte is sent, by address and by name", async (t) => {
    const proxy = await proxyFor(t);
    const own = proxy.url;
    const url = "https://store.test/";
    const strict = clientsFor(t, {
      ...inside,
      lookup: (_host, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    const byAddress = await fails(ask(strict, { url, own }), "store_unreachable");
    assert.match(byAddress.message, /^127\.0\.0\.1 is a loopback address, .*--unsafe-store-addresses 127\.0\.0\.1/);
    const byName = await fails(
      ask(strict, { url, own: `http://proxy.test:${new URL(proxy.url).port}` }),
      "store_unreachable",
    );
    assert.match(byName.message, /^proxy\.test \(127\.0\.0\.1\) is a loopback address/);
    for (const [origin, rule] of [
      ["http://169.254.169.254", /link-local/],
      ["https://[fd00:ec2::254]:8443", /metadata/],
      ["http://10.96.0.1:443", /API server/],
    ] as const)
      assert.match((await fails(ask(strict, { url, own: origin }), "store_unreachable")).message, rule);
    assert.equal(proxy.connections, 0);
  });
  test("an exempt proxy is reached", async (t) => {
    const proxy = await proxyFor(t);
    const clients = clientsFor(t, { ...inside, exemptCidrs: ["127.0.0.1/32"] });
    assert.equal((await ask(clients, { own: proxy.url })).status, 200);
  });
  test("the way to a proxy may be plain http where that to a store may not", async (t) => {
    const proxy = await proxyFor(t);
    const clients = clientsFor(t, { allowPlainHttp: false });
    assert.equal((await ask(clients, { own: proxy.url })).status, 200);
  });
  const targets: readonly [url: string, rule: RegExp][] = [
    ["https://169.254.169.254/latest", /169\.254\.169\.254 is a link-local address/],
    ["https://0xa9fea9fe/", /link-local/],
    ["https://[::ffff:169.254.169.254]/", /link-local/],
    ["https://[fd00:ec2::254]/", /metadata/],
    ["https://10.96.0.1/", /API server/],
    ["https://metadata.google.internal/", /^metadata\.google\.internal is a metadata service/],
    ["https://METADATA.google.internal./", /metadata service/],
    ["https://instance-data/", /metadata service/],
    ["https://localhost:8200/", /^localhost is a name of the proxy itself/],
    ["https://vault.localhost./", /proxy itself/],
    ["https://kubernetes.default.svc.cluster.local/", /the API server/],
    ["https://127.0.0.1/", /loopback/],
  ];
  for (const [url, rule] of targets)
    test(`no proxy is asked for ${url}`, async (t) => {
      const proxy = await proxyFor(t);
      const origin = `http://proxy.test:${new URL(proxy.url).port}`;
      const clients = clientsFor(t, {
        ...inside,
        proxies: { proxy: { origin }, noProxy: [] },
        // As seen from the rules a proxy elsewhere, so that only the target can be what is refused.
        lookup: (_host, _options, done) => done(null, [{ address: "192.0.2.1", family: 4 }]),
      });
      for (const own of [undefined, origin])
        assert.match((await fails(ask(clients, { url, ...(own && { own }) }), "store_unreachable")).message, rule);
      assert.equal(proxy.connections, 0);
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
