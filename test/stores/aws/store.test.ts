/** What goes to AWS and comes back: logins, reads, refusals, and whose credentials are used. */
import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { Failure } from "../../../plugin/core/failure.ts";
import type { Proof, Ref, Store, StoreAnswer } from "../../../plugin/stores/contract.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer, HostileServer } from "../../fakes/hostile-server.ts";
import { json, startFakeAws } from "./fake-aws.ts";
import { arnOf, byAccount, byKeys, clock, keysProof, openAws, ref, textOf, tokenProof } from "./opened.ts";
import { facts } from "../facts.ts";

const { signal } = new AbortController();
let clients: HttpClients;
before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());

suite("a login at aws", { timeout: 30_000 }, () => {
  const opened = async (block: object) => {
    const server = await startFakeAws();
    const calls: string[] = [];
    return { server, calls, store: openAws(block, { url: server.url, clients, calls }) };
  };
  const readAs = async (store: Store, proof: Proof): Promise<string> =>
    textOf(await store.fetch(store.locate(ref("db")), await store.login(proof, signal, facts), signal));

  test("trades the account's token for the role that it is annotated with, unsigned", async (t) => {
    const { server, store, calls } = await opened(byAccount);
    t.after(server.close);
    const session = await store.login(tokenProof("jwt\n", "reader"), signal, facts);
    assert.deepEqual(server.logins, [
      {
        Action: "AssumeRoleWithWebIdentity",
        Version: "2011-06-15",
        RoleArn: arnOf("reader"),
        RoleSessionName: "external-secrets-provider-aws",
        WebIdentityToken: "jwt",
      },
    ]);
    assert.equal(server.requests[0]!.headers["authorization"], undefined);
    assert.equal(session.expiresAtMs, Date.UTC(2026, 0, 1, 1));
    assert.equal(session.given, undefined);
    assert.equal(textOf(await store.fetch(store.locate(ref("db")), session, signal)), "db as jwt@reader");
    assert.deepEqual(calls, ["AWS/STS AssumeRoleWithWebIdentity success", "AWS/SecretsManager GetSecretValue success"]);
  });
  test("assumes the store's roles with the account's", async (t) => {
    const block = {
      role: arnOf("last"),
      additionalRoles: [arnOf("second")],
      externalID: "x1",
      sessionTags: [{ key: "team", value: "a" }],
      transitiveTagKeys: ["team"],
    };
    const { server, store } = await opened({ ...byAccount, ...block });
    t.after(server.close);
    assert.equal(await readAs(store, tokenProof("jwt", "first")), "db as jwt@first>second>last");
    const [, second, last] = server.logins;
    assert.equal(second!["ExternalId"], undefined);
    assert.deepEqual(
      [
        last!["ExternalId"],
        last!["Tags.member.1.Key"],
        last!["Tags.member.1.Value"],
        last!["TransitiveTagKeys.member.1"],
      ],
      ["x1", "team", "a", "team"],
    );
  });
  test("takes the store's plain role for an account that names none", async (t) => {
    const { server, store } = await opened({ ...byAccount, role: arnOf("plain") });
    t.after(server.close);
    assert.equal(await readAs(store, tokenProof("jwt")), "db as jwt@plain");
    assert.equal(await readAs(store, tokenProof("jwt", "own")), "db as jwt@own>plain");
  });
  test("with keys sends nothing; they sign the read", async (t) => {
    const { server, store, calls } = await opened(byKeys);
    t.after(server.close);
    const session = await store.login(keysProof("AKIA1\n", "secret\n", "given-session\n"), signal, facts);
    assert.equal(server.requests.length, 0);
    assert.equal(session.given, true);
    assert.equal(textOf(await store.fetch(store.locate(ref("db")), session, signal)), "db as AKIA1+given-session");
    assert.deepEqual(calls, ["AWS/SecretsManager GetSecretValue success"]);
  });
  test("with keys may assume a role", async (t) => {
    const { server, store } = await opened({ ...byKeys, role: arnOf("reader") });
    t.after(server.close);
    const session = await store.login(keysProof("AKIA1"), signal, facts);
    assert.equal(session.given, undefined);
    assert.equal(session.expiresAtMs, Date.UTC(2026, 0, 1, 1));
    assert.equal(textOf(await store.fetch(store.locate(ref("db")), session, signal)), "db as AKIA1>reader");
  });
  test("with a key that is no key is told, and not shown", async (t) => {
    const { server, store } = await opened(byKeys);
    t.after(server.close);
    await assert.rejects(store.login(keysProof("AKIA1", "two\nlines"), signal, facts), (thrown) => {
      assert.ok(thrown instanceof Failure);
      assert.equal(thrown.code, "store_invalid");
      assert.match(thrown.message, /secretAccessKey is no credential/);
      assert.doesNotMatch(thrown.message, /lines|AKIA1/);
      return true;
    });
  });
  test("identities never share credentials, however their logins and reads mingle", async (t) => {
    const { server, store } = await opened(byAccount);
    t.after(server.close);
    const who = ["ana", "ben", "cat", "dan"];
    const sessions = await Promise.all(who.map((name) => store.login(tokenProof(name, `role-${name}`), signal, facts)));
    for (let round = 0; round < 5; round++) {
      const order = round % 2 === 0 ? who : [...who].reverse();
      const seen = await Promise.all(
        order.map(async (name) =>
          textOf(await store.fetch(store.locate(ref(`of-${name}`)), sessions[who.indexOf(name)]!, signal)),
        ),
      );
      assert.deepEqual(
        seen,
        order.map((name) => `of-${name} as ${name}@role-${name}`),
      );
      // Logging in again in between changes nobody else.
      sessions[round % 4] = await store.login(tokenProof(who[round % 4]!, `role-${who[round % 4]}`), signal, facts);
    }
  });
  test("a session prints nothing of its credentials", async (t) => {
    const { server, store } = await opened(byKeys);
    t.after(server.close);
    const { inspect } = await import("node:util");
    const session = await store.login(keysProof("AKIACANARY", "canary-secret"), signal, facts);
    assert.doesNotMatch(inspect(session, { depth: 20, showHidden: true }) + JSON.stringify(session), /canary/i);
  });
});

suite("a read from aws", { timeout: 30_000 }, () => {
  let server: HostileServer;
  let calls: string[];
  before(async () => void (server = await startHostileServer()));
  after(() => server.close());
  beforeEach(() => void (calls = []));

  async function readFrom(service: string, reply: CannedAnswer, asked: Ref): Promise<[StoreAnswer, unknown]> {
    server.answer(() => canned(reply));
    const store = openAws({ service, ...byKeys }, { url: server.url, clients, calls });
    const answer = await store.fetch(store.locate(asked), await store.login(keysProof("AKIA1"), signal, facts), signal);
    return [answer, JSON.parse(server.requests.at(-1)!.body)];
  }
  const target = (): string | undefined => server.requests.at(-1)!.headers["x-amz-target"];

  test("asks Secrets Manager for the current version, and notes the request's id", async () => {
    const reply = json(200, { SecretString: "v", VersionId: "id-1" });
    const [answer, body] = await readFrom("SecretsManager", reply, ref("db"));
    assert.equal(target(), "secretsmanager.GetSecretValue");
    assert.deepEqual(body, { SecretId: "db", VersionStage: "AWSCURRENT" });
    assert.deepEqual([textOf(answer), answer.version, answer.requestId], ["v", "id-1", "0c1d2e3f-1111"]);
  });
  test("asks for a staging label, and for a version id", async () => {
    const reply = json(200, { SecretString: "v", VersionId: "id-1" });
    const [staged, byStage] = await readFrom("SecretsManager", reply, ref("db", { version: "AWSPREVIOUS" }));
    assert.deepEqual(byStage, { SecretId: "db", VersionStage: "AWSPREVIOUS" });
    assert.equal(staged.version, "id-1");
    const [, byId] = await readFrom("SecretsManager", reply, ref("db", { version: "uuid/id-1" }));
    assert.deepEqual(byId, { SecretId: "db", VersionId: "id-1" });
  });
  test("brings a binary secret as its bytes", async () => {
    const bytes = Buffer.from([0, 1, 254, 255]);
    const reply = json(200, { SecretBinary: bytes.toString("base64"), VersionId: "id-1" });
    const [{ value }] = await readFrom("SecretsManager", reply, ref("db"));
    assert.deepEqual(value.reveal(), bytes);
  });
  test("brings the tags of a secret as JSON when its metadata is asked for", async () => {
    const reply = json(200, {
      Name: "db",
      Tags: [
        { Key: "team", Value: "a" },
        { Key: "env", Value: "prod" },
      ],
    });
    const [answer] = await readFrom("SecretsManager", reply, ref("db", { metadataPolicy: "Fetch" }));
    assert.equal(target(), "secretsmanager.DescribeSecret");
    assert.equal(textOf(answer), '{"env":"prod","team":"a"}');
    assert.deepEqual(calls, ["AWS/SecretsManager DescribeSecret success"]);
    const [none] = await readFrom("SecretsManager", json(200, { Name: "db" }), ref("db", { metadataPolicy: "Fetch" }));
    assert.equal(textOf(none), "{}");
  });
  test("asks Parameter Store for the decrypted value", async () => {
    const reply = json(200, { Parameter: { Value: "v", Version: 7 } });
    const [answer, body] = await readFrom("ParameterStore", reply, ref("/db"));
    assert.equal(target(), "AmazonSSM.GetParameter");
    assert.deepEqual(body, { Name: "/db", WithDecryption: true });
    assert.deepEqual([textOf(answer), answer.version], ["v", "7"]);
    assert.deepEqual(calls, ["AWS/ParameterStore GetParameter success"]);
  });
  test("asks Parameter Store for a version or label behind the name", async () => {
    const reply = json(200, { Parameter: { Value: "v", Version: 3 } });
    const [, byNumber] = await readFrom("ParameterStore", reply, ref("/db", { version: "3" }));
    assert.deepEqual(byNumber, { Name: "/db:3", WithDecryption: true });
    const [, byLabel] = await readFrom("ParameterStore", reply, ref("/db", { version: "prod" }));
    assert.deepEqual(byLabel, { Name: "/db:prod", WithDecryption: true });
  });
  test("brings the tags of a parameter", async () => {
    const reply = json(200, { TagList: [{ Key: "team", Value: "a" }] });
    const [answer, body] = await readFrom("ParameterStore", reply, ref("/db", { metadataPolicy: "Fetch" }));
    assert.equal(target(), "AmazonSSM.ListTagsForResource");
    assert.deepEqual(body, { ResourceType: "Parameter", ResourceId: "/db" });
    assert.equal(textOf(answer), '{"team":"a"}');
  });
  test("does not take another version for the one that was asked for", async () => {
    const secret = json(200, { SecretString: "v", VersionId: "id-2" });
    await assert.rejects(readFrom("SecretsManager", secret, ref("db", { version: "uuid/id-1" })), {
      code: "answer_invalid",
    });
    const parameter = json(200, { Parameter: { Value: "v", Version: 4 } });
    await assert.rejects(readFrom("ParameterStore", parameter, ref("/db", { version: "3" })), {
      code: "answer_invalid",
    });
  });

  const sm = "SecretsManager";
  const refusals: readonly (readonly [
    service: string,
    status: number,
    type: string,
    code: FailureCode,
    says: RegExp,
  ])[] = [
    [sm, 400, "AccessDeniedException", "store_denied", /policies lack secretsmanager:GetSecretValue.*kms:Decrypt/],
    ["ParameterStore", 400, "AccessDeniedException", "store_denied", /policies lack ssm:GetParameter/],
    [sm, 400, "ExpiredTokenException", "store_denied", /does not accept the credentials \(400 ExpiredTokenException\)/],
    [sm, 400, "UnrecognizedClientException", "store_denied", /does not accept the credentials/],
    [sm, 403, "InvalidSignatureException", "store_denied", /compare the clocks/],
    [sm, 400, "ThrottlingException", "store_throttled", /throttling the read of "\/db" in Secrets Manager \(400 Thr/],
    [sm, 400, "InvalidParameterException", "ref_invalid", /does not accept key or version/],
    ["ParameterStore", 400, "ValidationException", "ref_invalid", /does not accept key or version/],
    [sm, 400, "DecryptionFailure", "store_error", /KMS key/],
    ["ParameterStore", 400, "InvalidKeyId", "store_error", /KMS key/],
    [sm, 400, "InvalidRequestException", "store_error", /failed the read/],
    [sm, 500, "InternalServiceError", "store_error", /failed the read of "\/db" in Secrets Manager \(500\)/],
    [sm, 400, "canary-Exception", "store_error", /\(400\)/],
  ];
  for (const [service, status, type, code, says] of refusals)
    test(`${service}: ${status} ${type} is ${code}`, async () => {
      const reply = json(status, { __type: `com.amazonaws#${type}`, message: "canary" }, { "retry-after": "7" });
      await assert.rejects(readFrom(service, reply, ref("/db")), (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary/);
        if (/throttled|error/.test(code) && !/KMS/.test(thrown.message)) assert.equal(thrown.retryAfterMs, 7_000);
        return true;
      });
      assert.match(calls.at(-1)!, / error$/);
    });
  test("the kind of error may stand in a header", async () => {
    const headers = { "x-amzn-errortype": "ResourceNotFoundException:http://internal.amazon.com/" };
    await assert.rejects(readFrom(sm, json(400, {}, headers), ref("db")), { code: "ref_not_found" });
    assert.match(calls.at(-1)!, / success$/, "an answer, as ESO counts it");
  });
});

suite("a login that aws refuses", { timeout: 30_000 }, () => {
  let server: HostileServer;
  before(async () => void (server = await startHostileServer()));
  after(() => server.close());

  const rows: readonly (readonly [status: number, type: string, code: FailureCode, says: RegExp])[] = [
    [
      403,
      "AccessDenied",
      "store_login_denied",
      /AssumeRoleWithWebIdentity for role ".*\/reader" \(403 AccessDenied\): .*trust policy.*\(sub\).*\(aud\)/,
    ],
    [400, "InvalidIdentityToken", "store_login_denied", /identity provider.*audience/],
    [403, "IDPRejectedClaim", "store_login_denied", /audience/],
    [400, "ExpiredTokenException", "store_login_denied", /has ended/],
    [400, "IDPCommunicationError", "store_error", /failed AssumeRoleWithWebIdentity/],
    [400, "ValidationError", "store_invalid", /role's ARN/],
    [403, "RegionDisabledException", "store_invalid", /no STS/],
    [400, "PackedPolicyTooLarge", "store_invalid", /session tags/],
    [400, "Throttling", "store_throttled", /throttling/],
    [503, "ServiceUnavailable", "store_error", /failed AssumeRoleWithWebIdentity/],
  ];
  for (const [status, type, code, says] of rows)
    test(`${status} ${type} is ${code}`, async () => {
      const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${type}</Code><Message>canary</Message></Error></ErrorResponse>`;
      server.answer(() => canned({ status, headers: { "content-type": "text/xml" }, body }));
      const calls: string[] = [];
      const store = openAws(byAccount, { url: server.url, clients, calls });
      const before = server.requests.length;
      await assert.rejects(store.login(tokenProof("jwt", "reader"), signal, facts), (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
      assert.deepEqual(calls, ["AWS/STS AssumeRoleWithWebIdentity error"]);
      assert.equal(server.requests.length - before, 1, "nothing is repeated");
    });
  test("in a chain names the role of the chain", async () => {
    server.answer(() =>
      canned({ status: 403, body: "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>" }),
    );
    const store = openAws({ ...byKeys, role: arnOf("last") }, { url: server.url, clients });
    await assert.rejects(store.login(keysProof("AKIA1"), signal, facts), {
      code: "store_login_denied",
      message: /AssumeRole for role ".*\/last".*sts:AssumeRole/,
    });
  });
});

test("no timer is left behind", () => assert.equal(clock.pending, 0));
