/** What a login makes of its proof, and that nothing else is ever shown. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { after, suite, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Session } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { startKubeServer } from "../../fakes/kube-server.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import { facts } from "../facts.ts";
import {
  byAccount,
  byKubeconfig,
  fails,
  logIn,
  openKubernetes,
  read,
  readText,
  shownSecrets,
  signal,
} from "./opened.ts";
import { startWorld } from "./world.ts";

const { server, clients, block, open, put } = await startWorld();

suite("a login", () => {
  test("with a service account's token lasts as long as the token, and sends nothing", async () => {
    const issuer = await createTokenIssuer();
    const account = { namespace: "shop", serviceAccountName: "reader", serviceAccountUid: "uid-1" };
    const token = await issuer.sign(account, { audience: issuer.issuer });
    const before = server.requests.length;
    const store = open({ ...block, ...byAccount });
    const session = await store.login({ kind: "token", token: SecretValue.fromText(token) }, signal, facts);
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as { exp: number };
    assert.equal(session.expiresAtMs, exp * 1_000);
    assert.equal(server.requests.length, before);
    put("db", { data: { a: "1" } });
    await read(store, {}, session);
    assert.equal(server.requests.at(-1)!.token, token);
  });
  test("by kubeconfig goes where that says", async () => {
    put("db", { data: { a: "1" } });
    const store = open({ ...byKubeconfig, remoteNamespace: "prod" });
    const session = await store.login(shownSecrets({ kubeconfig: server.kubeconfig("from-config") }), signal, facts);
    assert.equal(await readText(store, {}, session), '{"a":"1"}');
    assert.equal(server.requests.at(-1)!.token, "from-config");
  });
  test("with what is no credential is refused, in words that do not repeat it", async () => {
    const token = open();
    await fails(logIn(token, "canary a"), "store_invalid", /auth.token.bearerToken: the Secret's value is no token/);
    const config = open(byKubeconfig);
    const login = config.login(shownSecrets({ kubeconfig: "canary: [" }), signal, facts);
    const { message } = await fails(
      login,
      "store_invalid",
      /provider.kubernetes.authRef: the Secret's kubeconfig cannot/,
    );
    assert.doesNotMatch(message, /canary/);
    const cert = open({
      server: block.server,
      auth: { cert: { clientCert: { name: "a" }, clientKey: { name: "a" } } },
    });
    const pair = cert.login(shownSecrets({ certificate: "canary", key: "canary" }), signal, facts);
    await fails(pair, "store_invalid", /auth.cert.clientCert: the Secret's value is no PEM certificate/);
  });
});

suite("the API server of this process", () => {
  const careful = createHttpClients({
    allowLoopback: true,
    allowPlainHttp: true,
    apiServer: ["127.0.0.1"],
    exemptCidrs: [],
  });
  after(careful.close);
  test("is reached by the sender for it alone", async () => {
    put("db", { data: { a: "1" } });
    await fails(
      read(openKubernetes(block, { clients: careful })),
      "store_unreachable",
      /the address of the API server/,
    );
    const store = openKubernetes(block, { clients: careful, apiServerClients: clients });
    assert.equal(await readText(store), '{"a":"1"}');
  });
});

test("two identities never share a credential, however their reads are mixed", async () => {
  const names = ["alpha", "beta", "gamma"];
  for (const name of names) put(name, { data: { name } });
  const store = open();
  const sessions: Session[] = await Promise.all(names.map((name) => logIn(store, `token-of-${name}`)));
  const before = server.requests.length;
  for (let round = 0; round < 5; round++)
    await Promise.all(sessions.map((session, i) => readText(store, { key: names[i]! }, session)));
  for (const { name, token } of server.requests.slice(before)) assert.equal(token, `token-of-${name}`);
  assert.equal(server.requests.length - before, 15);
  assert.doesNotMatch(inspect(sessions, { depth: 12, showHidden: true }), /token-of/);
});

test("nothing of the environment is used", async (t) => {
  const bystander = await startKubeServer();
  const { hostname, port } = new URL(bystander.url);
  const variables = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, KUBECONFIG: "/nowhere" };
  const proxies = { HTTP_PROXY: bystander.url, http_proxy: bystander.url, ALL_PROXY: bystander.url };
  for (const [name, value] of Object.entries({ ...variables, ...proxies })) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
  }
  t.after(async () => {
    await bystander.close();
  });
  put("db", { data: { a: "1" } });
  assert.equal(await readText(open()), '{"a":"1"}');
  assert.equal(bystander.connections, 0);
});
