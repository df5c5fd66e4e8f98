/** A mounting pod's own token at the Pod Identity agent of its node. */
import assert from "node:assert/strict";
import { after, afterEach, before, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { Store } from "../../../plugin/stores/contract.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer, HostileServer } from "../../fakes/hostile-server.ts";
import { facts } from "../facts.ts";
import { startFakeAws } from "./fake-aws.ts";
import type { FakeAws } from "./fake-aws.ts";
import { clock, clusterWide, inShop, openAws, ref, textOf, tokenProof } from "./opened.ts";

const { signal } = new AbortController();
const ipv4 = "http://169.254.170.23/v1/credentials";
const ipv6 = "http://[fd00:ec2::23]/v1/credentials";
const podIdentity = { auth: { podIdentity: {} } };

const issuedFor = (token: string): CannedAnswer => ({
  status: 200,
  body: JSON.stringify({
    AccessKeyId: `AKIA${token.toUpperCase()}`,
    SecretAccessKey: "secret",
    Token: `session-of-${token}`,
    Expiration: "2026-01-01T06:00:00Z",
  }),
});

suite("a pod's identity at the agent", { timeout: 30_000 }, () => {
  let clients: HttpClients;
  let server: FakeAws;
  let agent: HostileServer;
  let answer: (token: string) => CannedAnswer = issuedFor;
  /** Where the agent listens on this node, and what was asked for. */
  let listening = [ipv4];
  let asked: string[] = [];
  let calls: string[] = [];
  before(async () => {
    clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    server = await startFakeAws();
    agent = await startHostileServer(({ headers }) => canned(answer(headers["authorization"] ?? "")));
  });
  after(async () => {
    await clients.close();
    await server.close();
    await agent.close();
  });
  afterEach(() => {
    answer = issuedFor;
    listening = [ipv4];
    [asked, calls] = [[], []];
  });

  /** The node: what the agent is asked for arrives at the fake one, and nothing else does. */
  const machine: HttpClients = {
    close: () => Promise.resolve(),
    send: () => async (request, until) => {
      asked.push(request.url.href);
      if (!listening.includes(request.url.href)) throw new Failure("store_unreachable", "nobody answers");
      return clients.send({})({ ...request, url: new URL(`${agent.url}/v1/credentials`) }, until);
    },
  };
  const open = (block: object = podIdentity, context = inShop, ownIdentity = {}): Store =>
    openAws(block, { url: server.url, clients, machine, calls, context, ownIdentity });
  const login = (store: Store, token: string) => store.login(tokenProof(token), signal, facts);

  test("is asked for with the token that came with the mount, and with no other", async () => {
    const store = open();
    assert.deepEqual(store.proofNeed, {
      kind: "token",
      field: "spec.provider.aws.auth.podIdentity",
      audience: "pods.eks.amazonaws.com",
    });
    const pods = ["cart", "mail", "shop"];
    const sessions = await Promise.all(pods.map(async (pod) => [pod, await login(store, pod)] as const));
    for (let round = 0; round < 3; round++)
      for (const [pod, session] of sessions) {
        const read = await store.fetch(store.locate(ref("db")), session, signal);
        assert.equal(textOf(read), `db as AKIA${pod.toUpperCase()}+session-of-${pod}`);
        assert.equal(session.expiresAtMs, Date.UTC(2026, 0, 1, 6));
      }
    assert.deepEqual(asked, [ipv4, ipv4, ipv4]);
    assert.equal(calls[0], "AWS/EKSAuth AssumeRoleForPodIdentity success");
  });

  const families: readonly { addressType?: string; listens: string[]; asks: string[]; fails?: true }[] = [
    { listens: [ipv4, ipv6], asks: [ipv4] },
    { listens: [ipv6], asks: [ipv4, ipv6] },
    { listens: [], asks: [ipv4, ipv6], fails: true },
    { addressType: "auto", listens: [ipv6], asks: [ipv4, ipv6] },
    { addressType: "ipv4", listens: [ipv6], asks: [ipv4], fails: true },
    { addressType: "ipv6", listens: [ipv4], asks: [ipv6], fails: true },
    { addressType: "ipv6", listens: [ipv6], asks: [ipv6] },
  ];
  for (const { addressType, listens, asks, fails } of families)
    test(`${addressType ?? "no family"}: ${asks.join(" then ")}${fails ? ", in vain" : ""}`, async () => {
      listening = listens;
      const attempt = login(open({ auth: { podIdentity: addressType ? { addressType } : {} } }), "shop");
      if (fails) await assert.rejects(attempt, { code: "store_unreachable" });
      else await attempt;
      assert.deepEqual(asked, asks);
    });

  test("is refused in words for the pod, and no other address is tried", async () => {
    answer = () => ({ status: 403, body: "canary" });
    listening = [ipv4, ipv6];
    await assert.rejects(login(open(), "shop"), {
      code: "store_login_denied",
      message: /the pod's own identity.*service account of the pod has a Pod Identity association/,
    });
    assert.deepEqual(asked, [ipv4]);
  });

  test("goes before what the cloud calls this process, and stands beside no other login", () => {
    const own = { AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/own", AWS_WEB_IDENTITY_TOKEN_FILE: "/none" };
    assert.equal(open(podIdentity, clusterWide, own).proofNeed.kind, "token");
    const opened = aws.open(
      { service: "SecretsManager", region: "eu-central-1", auth: { podIdentity: {}, jwt: {} } },
      inShop,
      {
        clock,
        http: (tls) => clients.send(tls),
        watchPath: () => () => undefined,
        plainHttp: true,
        countCall: () => undefined,
      },
    );
    assert.ok(!opened.ok);
    assert.deepEqual(
      opened.problems.map(({ path, problem }) => [path, problem]),
      [["auth", "has several logins (podIdentity, jwt); keep one"]],
    );
  });
});
