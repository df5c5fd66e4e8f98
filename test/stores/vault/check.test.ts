/** Whether a session still stands, asked without reading anything. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, Session, Store } from "../../../plugin/stores/contract.ts";
import { vault } from "../../../plugin/stores/vault/kind.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { startVaultServer, type FakeVault } from "../../fakes/vault-server.ts";
import { facts } from "../facts.ts";

const { signal } = new AbortController();
const clock = new FakeClock();
const calls: string[] = [];
let clients: HttpClients;
let server: FakeVault;

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  server = await startVaultServer({ clock });
  calls.length = 0;
  server.role("kubernetes", "payments", { policies: [], ttlSeconds: 600 });
});
afterEach(() => server.close());

const jwt: Proof = { kind: "token", token: SecretValue.fromText("jwt") };
const token = (text: string): Proof => ({ kind: "static", secrets: { token: SecretValue.fromText(text) } });

async function loggedIn(auth: object, proof: Proof, more: object = {}): Promise<[Store, Session]> {
  const opened = vault.open(
    { server: server.url, path: "secret", auth, ...more },
    { scope: "SecretStore", name: "vault", namespace: "shop" },
    {
      clock,
      http: (tls) => clients.send(tls),
      watchPath: () => () => undefined,
      fileStore: { base: "/" },
      plainHttp: true,
      countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
    },
  );
  if (!opened.ok) assert.fail(JSON.stringify(opened.problems));
  const { store } = opened.value;
  return [store, await store.login(proof, signal, facts)];
}

const byRole = { kubernetes: { role: "payments" } };
const byToken = { tokenSecretRef: { name: "t", key: "token" } };

suite("a check of a Vault session", { timeout: 30_000 }, () => {
  test("is one question of the token about itself", async () => {
    const [store, session] = await loggedIn(byRole, jwt);
    await store.check!(session, signal);
    assert.deepEqual(
      server.requests.map(({ method, path }) => `${method} ${path}`),
      ["POST auth/kubernetes/login", "GET auth/token/lookup-self"],
    );
    assert.deepEqual(calls, ["Login success", "LookupSelf success"]);
    assert.equal(session.given, undefined);
  });
  test("is asked where the token comes from", async () => {
    server.addNamespace("logins");
    server.role("kubernetes", "payments", { policies: [] }, "logins");
    const [store, session] = await loggedIn({ ...byRole, namespace: "logins" }, jwt);
    await store.check!(session, signal);
    assert.equal(server.requests.at(-1)?.namespace, "logins");
  });
  const refusals: readonly (readonly [name: string, put: () => void, code: string, says: RegExp])[] = [
    ["a revoked token", () => server.revokeIssued(), "store_denied", /does not accept the token \(403\).*lookup-self/],
    ["a sealed store", () => server.seal(), "store_sealed", /sealed/],
    ["a quota", () => server.throttle({ retryAfterSeconds: 7 }), "store_throttled", /throttling a token's question/],
  ];
  for (const [name, put, code, says] of refusals)
    test(`tells of ${name}`, async () => {
      const [store, session] = await loggedIn(byRole, jwt);
      put();
      await assert.rejects(store.check!(session, signal), (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, code);
        assert.match(thrown.message, says);
        return true;
      });
      assert.equal(calls.at(-1), "LookupSelf error");
    });
  test("is all that can tell whether a token from a Secret is any good", async () => {
    const [store, session] = await loggedIn(byToken, token("no-such-token"));
    assert.equal(session.given, true);
    await assert.rejects(store.check!(session, signal), { code: "store_denied" });
    const [good, goodSession] = await loggedIn(byToken, token("root"));
    await good.check!(goodSession, signal);
  });
});
