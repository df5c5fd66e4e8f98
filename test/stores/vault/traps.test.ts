/** What node-vault does by itself and must not do here. One test for each thing it was seen to do. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, afterEach, beforeEach, suite, test } from "node:test";
import { promisify } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { HttpAnswer } from "../../../plugin/stores/http.ts";
import { createVaultClient } from "../../../plugin/stores/vault/client.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { canned, silence, startHostileServer } from "../../fakes/hostile-server.ts";
import type { HostileServer } from "../../fakes/hostile-server.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
const send = clients.send({});
const { signal } = new AbortController();
const secret = (text: string): SecretValue => SecretValue.fromText(text);
let server: HostileServer;

after(() => clients.close());
beforeEach(async () => {
  server = await startHostileServer(() => canned({ status: 200, body: '{"data":{}}' }));
});
afterEach(() => server.close());

/** Sets variables for one test. */
function environment(t: { after(act: () => void): void }, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
  }
}

suite("traps of node-vault", () => {
  test("1: each client sends its own token, also when they read at once and in turns", async () => {
    const tokens = ["alpha", "beta", "gamma"];
    const all = await Promise.all(
      tokens.map((token) => createVaultClient({ server: server.url, namespace: "", token: secret(token) }, send)),
    );
    for (let round = 0; round < 3; round++)
      await Promise.all(all.map((client, i) => client.read(`of/${tokens[i]}`, signal)));
    assert.equal(server.requests.length, 9);
    for (const { path, headers } of server.requests) assert.equal(path, `/v1/of/${headers["x-vault-token"]}`);
  });
  test("1: a login sends no token at all, not even the stand-in", async () => {
    const client = await createVaultClient({ server: server.url, namespace: "" }, send);
    await client.write("auth/kubernetes/login", { role: "r", jwt: secret("j") }, signal);
    assert.equal(server.requests[0]?.headers["x-vault-token"], undefined);
    assert.equal(server.requests[0]?.body, '{"role":"r","jwt":"j"}');
  });
  test("2: VAULT_* variables change nothing", async (t) => {
    const other = await startHostileServer();
    t.after(other.close);
    environment(t, {
      VAULT_ADDR: other.url,
      VAULT_TOKEN: "token-of-the-environment",
      VAULT_NAMESPACE: "namespace-of-the-environment",
      VAULT_PREFIX: "/prefix",
      VAULT_SKIP_VERIFY: "true",
    });
    const login = await createVaultClient({ server: server.url, namespace: "" }, send);
    await login.write("auth/kubernetes/login", { role: "r" }, signal);
    const reader = await createVaultClient({ server: server.url, namespace: "", token: secret("own") }, send);
    await reader.read("secret/data/x", signal);
    assert.equal(other.connections, 0);
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ["/v1/auth/kubernetes/login", "/v1/secret/data/x"],
    );
    assert.deepEqual(
      server.requests.map(({ headers }) => [headers["x-vault-token"], headers["x-vault-namespace"]]),
      [
        [undefined, undefined],
        ["own", undefined],
      ],
    );
  });
  test("3: an encoded path arrives as it was given", async () => {
    const client = await createVaultClient({ server: server.url, namespace: "", token: secret("t") }, send);
    const paths = ["secret/data/a%3Fb%23c", "secret/data/%252e%252e/x", "secret/data/%26%23x2F%3B"];
    for (const path of paths) await client.read(path, signal);
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      paths.map((path) => `/v1/${path}`),
    );
  });
  test("4: the login goes to the mount that was named, with every character in its place", async () => {
    const client = await createVaultClient({ server: server.url, namespace: "" }, send);
    await client.write("auth/clusters/prod%3D1%26a/login", { role: "r" }, signal);
    assert.equal(server.requests[0]?.path, "/v1/auth/clusters/prod%3D1%26a/login");
  });
  test("5: DEBUG=node-vault prints nothing", async () => {
    server.answer(() => canned({ status: 200, body: '{"auth":{"client_token":"canary-token"}}' }));
    const room = join(import.meta.dirname, "../../../plugin");
    const program = `
      import { createVaultClient } from "${room}/stores/vault/client.ts";
      import { createHttpClients } from "${room}/wire/http.ts";
      import { SecretValue } from "${room}/core/secret-value.ts";
      const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
      const target = { server: "${server.url}", namespace: "", token: SecretValue.fromText("canary-own") };
      const client = await createVaultClient(target, clients.send({}));
      const { signal } = new AbortController();
      await client.write("auth/k/login", { jwt: SecretValue.fromText("canary-jwt"), role: "canary-role" }, signal);
      await client.read("secret/data/canary-path", signal);
      await clients.close();`;
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module-typescript", "-e", program],
      {
        env: { ...process.env, DEBUG: "*", NODE_OPTIONS: "" },
      },
    );
    assert.equal(server.requests.length, 2);
    assert.doesNotMatch(stdout + stderr, /canary/);
  });
  test("6: a redirect takes no token anywhere", async (t) => {
    const other = await startHostileServer(() => canned({ status: 200, body: "{}" }));
    t.after(other.close);
    server.answer(() => canned({ status: 307, headers: { location: `${other.url}/v1/secret/data/x` } }));
    const client = await createVaultClient({ server: server.url, namespace: "", token: secret("t") }, send);
    await assert.rejects(client.read("secret/data/x", signal), (thrown) => thrown instanceof Failure);
    assert.equal(other.connections, 0);
  });
  test("7: proxy variables change nothing", async (t) => {
    const proxy = await startHostileServer();
    t.after(proxy.close);
    environment(t, { HTTP_PROXY: proxy.url, http_proxy: proxy.url, ALL_PROXY: proxy.url });
    const client = await createVaultClient({ server: server.url, namespace: "", token: secret("t") }, send);
    await client.read("secret/data/x", signal);
    assert.equal(proxy.connections, 0);
    assert.equal(server.requests.length, 1);
  });
  test("7: the caller's signal ends the request and its socket", async () => {
    server.answer(() => silence());
    const client = await createVaultClient({ server: server.url, namespace: "", token: secret("t") }, send);
    const wait = new AbortController();
    const reason = new Failure("store_timeout", "no longer");
    const rejected = assert.rejects(client.read("secret/data/x", wait.signal), reason);
    await server.requested(1);
    wait.abort(reason);
    await rejected;
    await server.requests[0]!.disconnected;
  });
  for (const status of [201, 202, 204, 400, 403, 404, 412, 429, 472, 500, 503])
    test(`8: an answer with ${status} comes back whole, with its headers`, async () => {
      server.answer(() =>
        canned({ status, headers: { "retry-after": "3" }, body: status === 204 ? "" : '{"errors":["a","b"]}' }),
      );
      const client = await createVaultClient({ server: server.url, namespace: "", token: secret("t") }, send);
      const answer: HttpAnswer = await client.read("secret/data/sys/health", signal);
      assert.equal(answer.status, status);
      assert.equal(answer.headers["retry-after"], "3");
      assert.equal(answer.body.reveal().toString(), status === 204 ? "" : '{"errors":["a","b"]}');
    });
  test("9: two clients of one server keep their namespaces apart", async () => {
    const target = { server: server.url, token: secret("t") };
    const [login, reader, rootReader] = await Promise.all([
      createVaultClient({ ...target, namespace: "logins" }, send),
      createVaultClient({ ...target, namespace: "team/a" }, send),
      createVaultClient({ ...target, namespace: "" }, send),
    ]);
    await login.read("x", signal);
    await reader.read("x", signal);
    await rootReader.read("x", signal);
    assert.deepEqual(
      server.requests.map(({ headers }) => headers["x-vault-namespace"]),
      ["logins", "team/a", undefined],
    );
  });
});
