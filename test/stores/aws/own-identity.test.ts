/** The process's own identity at AWS: for ClusterSecretStores, by the agent of EKS or by a role for its service account. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import type { Proof, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer } from "../../fakes/hostile-server.ts";
import { facts } from "../facts.ts";
import { startFakeAws } from "./fake-aws.ts";
import type { FakeAws } from "./fake-aws.ts";
import { arnOf, clusterWide, openAws, ref, textOf } from "./opened.ts";

const { signal } = new AbortController();
const nobody: Proof = { kind: "static", secrets: {} };
const issued = {
  AccessKeyId: "AKIAAGENT",
  SecretAccessKey: "secret",
  Token: "agent-session",
  Expiration: "2026-01-01T06:00:00Z",
};
const json = (status: number, body: unknown): CannedAnswer => ({ status, body: JSON.stringify(body) });

suite("this process's own identity", { timeout: 30_000 }, () => {
  let clients: HttpClients;
  let server: FakeAws;
  let folder: string;
  let tokenFile: string;
  let calls: string[] = [];
  before(async () => {
    clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    server = await startFakeAws();
    folder = await mkdtemp(join(tmpdir(), "keyferry-own-"));
    tokenFile = join(folder, "token");
  });
  after(async () => {
    await clients.close();
    await server.close();
    await rm(folder, { recursive: true });
  });
  afterEach(() => void (calls = []));

  const open = (ownIdentity: Readonly<Record<string, string>>, block: object = {}): Store =>
    openAws(block, { url: server.url, clients, calls, context: clusterWide, ownIdentity });
  const agentAt = (url: string) => ({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
  });
  const role = () => ({ AWS_ROLE_ARN: arnOf("ferry"), AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile });

  test("comes from the agent, which is shown the token as it stands now", async (t) => {
    const agent = await startHostileServer(() => canned(json(200, issued)));
    t.after(agent.close);
    const store = open(agentAt(agent.url));
    for (const token of ["first\n", "second"]) {
      await writeFile(tokenFile, token);
      const session = await store.login(nobody, signal, facts);
      assert.equal(session.expiresAtMs, Date.UTC(2026, 0, 1, 6));
      assert.equal(session.given, undefined);
      assert.equal(
        textOf(await store.fetch(store.locate(ref("db")), session, signal)),
        "db as AKIAAGENT+agent-session",
      );
      const { method, path, headers } = agent.requests.at(-1)!;
      assert.deepEqual([method, path, headers["authorization"]], ["GET", "/v1/credentials", token.trim()]);
    }
    assert.deepEqual(calls.slice(0, 2), [
      "AWS/EKSAuth AssumeRoleForPodIdentity success",
      "AWS/SecretsManager GetSecretValue success",
    ]);
  });
  test("goes to the agent by the way to this machine, and by no other", async (t) => {
    const agent = await startHostileServer(() => canned(json(200, issued)));
    t.after(agent.close);
    const guarded = createHttpClients({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    t.after(() => guarded.close());
    await writeFile(tokenFile, "token");
    const store = openAws(
      {},
      { url: server.url, clients: guarded, context: clusterWide, ownIdentity: agentAt(agent.url), machine: clients },
    );
    assert.equal((await store.login(nobody, signal, facts)).expiresAtMs, Date.UTC(2026, 0, 1, 6));
  });
  test("is a role for its token, as it stands now", async () => {
    const store = open(role());
    for (const token of ["jwt-1", "jwt-2\n"]) {
      await writeFile(tokenFile, token);
      const session = await store.login(nobody, signal, facts);
      const who = `${token.trim()}@ferry`;
      assert.equal(textOf(await store.fetch(store.locate(ref("db")), session, signal)), `db as ${who}`);
    }
  });
  test("may assume the store's roles", async () => {
    await writeFile(tokenFile, "jwt");
    const store = open(role(), { role: arnOf("reader") });
    const session = await store.login(nobody, signal, facts);
    assert.equal(textOf(await store.fetch(store.locate(ref("db")), session, signal)), "db as jwt@ferry>reader");
  });
  for (const [name, content] of [
    ["is empty", ""],
    ["is no token", "two words"],
    ["never ends", "x".repeat(20_000)],
  ] as const)
    test(`is told when its file ${name}, and nothing is sent`, async () => {
      await writeFile(tokenFile, content);
      const before = server.requests.length;
      await assert.rejects(open(role()).login(nobody, signal, facts), {
        code: "store_invalid",
        message: /token holds no token of this process; check that its service account/,
      });
      assert.equal(server.requests.length, before);
    });
  test("is told when its file is not there", async () => {
    const own = { ...role(), AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "none") };
    await assert.rejects(open(own).login(nobody, signal, facts), { code: "store_invalid", message: /none holds no/ });
  });

  const refusals: readonly (readonly [name: string, answer: CannedAnswer, code: FailureCode, says: RegExp])[] = [
    ["a refusal", json(400, { message: "canary" }), "store_login_denied", /Pod Identity association/],
    ["no association", json(404, { message: "canary" }), "store_login_denied", /Pod Identity association/],
    ["a throttle", json(429, {}), "store_throttled", /throttling this process's own identity/],
    ["a fault", json(500, {}), "store_error", /failed this process's own identity/],
    ["a page", { status: 200, body: "<html>canary</html>" }, "answer_invalid", /no Pod Identity agent says/],
    ["half an identity", json(200, { ...issued, Token: "" }), "answer_invalid", /no Pod Identity agent says/],
    ["no end", json(200, { ...issued, Expiration: "soon" }), "answer_invalid", /no Pod Identity agent says/],
  ];
  for (const [name, answer, code, says] of refusals)
    test(`${name} of the agent is ${code}`, async (t) => {
      const agent = await startHostileServer(() => canned(answer));
      t.after(agent.close);
      await writeFile(tokenFile, "canary-token");
      await assert.rejects(open(agentAt(agent.url)).login(nobody, signal, facts), (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
      assert.deepEqual(calls, ["AWS/EKSAuth AssumeRoleForPodIdentity error"]);
    });
});
