/** Several reads in one call: each has the outcome that it would have had alone. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { TestContext } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { BatchOutcome, Ref, StoreAnswer } from "../../../plugin/stores/contract.ts";
import { openAsked, signal } from "./asked.ts";
import type { Answering, AskedStore } from "./asked.ts";
import { json } from "./fake-aws.ts";
import { ref, textOf } from "./opened.ts";

async function opened(t: TestContext, service: string, answering: Answering): Promise<AskedStore> {
  const open = await openAsked({ service }, answering);
  t.after(open.close);
  return open;
}

const readAll = ({ store, session }: AskedStore, keys: readonly string[]) =>
  store.batch!.fetch(
    keys.map((key) => store.locate(ref(key))),
    session,
    signal,
  );
function told(outcome: BatchOutcome): string {
  if (outcome === "alone") return outcome;
  return outcome instanceof Failure ? outcome.code : `${textOf(outcome)} at ${outcome.version}`;
}

const secretArn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf";
const parameterArn = "arn:aws:ssm:eu-central-1:123456789012:parameter/db";
const takes: readonly (readonly [name: string, service: string, asked: Ref, want: boolean])[] = [
  ["a name", "SecretsManager", ref("db"), true],
  ["the current version", "SecretsManager", ref("db", { version: "AWSCURRENT" }), true],
  ["another stage", "SecretsManager", ref("db", { version: "AWSPREVIOUS" }), false],
  ["a version id", "SecretsManager", ref("db", { version: "uuid/1" }), false],
  ["tags", "SecretsManager", ref("db", { metadataPolicy: "Fetch" }), false],
  ["an ARN", "SecretsManager", ref(secretArn), false],
  ["a parameter", "ParameterStore", ref("/db"), true],
  ["a parameter's version", "ParameterStore", ref("/db:3"), false],
  ["a parameter's tags", "ParameterStore", ref("/db", { metadataPolicy: "Fetch" }), false],
  ["a parameter's ARN", "ParameterStore", ref(parameterArn), false],
];

suite("a call for several", { timeout: 30_000 }, () => {
  for (const [name, service, asked, want] of takes)
    test(`${want ? "takes" : "does not take"} ${name}`, async (t) => {
      const { store } = await opened(t, service, () => json(200, {}));
      assert.equal(store.batch!.takes(store.locate(asked)), want);
    });
  test("holds what AWS allows", async (t) => {
    assert.equal((await opened(t, "SecretsManager", () => json(200, {}))).store.batch!.most, 20);
    assert.equal((await opened(t, "ParameterStore", () => json(200, {}))).store.batch!.most, 10);
    const { store } = await opened(t, "CertificateManager", () => json(200, {}));
    assert.equal(store.batch, undefined);
    assert.equal(store.find, undefined);
  });

  test("brings each secret its outcome, by name and in their order", async (t) => {
    const value = (Name: string, more: object) => ({ Name, ARN: `arn:${Name}`, VersionId: `v-${Name}`, ...more });
    const error = (SecretId: string, ErrorCode: string, Message = "canary") => ({ SecretId, ErrorCode, Message });
    const open = await opened(t, "SecretsManager", () =>
      json(200, {
        SecretValues: [
          value("blob", { SecretBinary: Buffer.from("bytes").toString("base64") }),
          value("db", { SecretString: "one" }),
        ],
        Errors: [
          error("gone", "ResourceNotFoundException"),
          error("deleted", "InvalidRequestException", "the secret was marked for deletion"),
          error("odd", "InvalidRequestException"),
          error("key", "DecryptionFailure"),
          error("arn:aws:secretsmanager:eu-central-1:123456789012:secret:secret-AbCdEf", "AccessDeniedException"),
        ],
      }),
    );
    const keys = ["db", "gone", "secret", "blob", "deleted", "odd", "key", "silence", "db"];
    const outcomes = await readAll(open, keys);
    assert.deepEqual(outcomes.map(told), [
      "one at v-db",
      "ref_not_found",
      "store_denied",
      "bytes at v-blob",
      "ref_not_found",
      "store_error",
      "store_error",
      "answer_invalid",
      "one at v-db",
    ]);
    const said = outcomes.map((outcome) => (outcome instanceof Failure ? outcome.message : "")).join("\n");
    assert.doesNotMatch(said, /canary/);
    assert.match(said, /lack secretsmanager:GetSecretValue on it, or kms:Decrypt/);
    assert.deepEqual(open.asked, [["BatchGetSecretValue", { SecretIdList: [...new Set(keys)] }]]);
    assert.deepEqual(open.counted, ["AWS/SecretsManager BatchGetSecretValue success"]);
    assert.equal((outcomes[0] as StoreAnswer).requestId, "0c1d2e3f-1111");
  });
  test("goes to the last page", async (t) => {
    const open = await opened(t, "SecretsManager", (_, { NextToken }) =>
      json(200, {
        SecretValues: [{ Name: NextToken === undefined ? "a" : "b", SecretString: "v", VersionId: "1" }],
        ...(NextToken === undefined ? { NextToken: "2" } : {}),
      }),
    );
    assert.deepEqual((await readAll(open, ["a", "b"])).map(told), ["v at 1", "v at 1"]);
  });
  test("brings each parameter its outcome, decrypted", async (t) => {
    const open = await opened(t, "ParameterStore", () =>
      json(200, { Parameters: [{ Name: "/b", Value: "two", Version: 2 }], InvalidParameters: ["/gone"] }),
    );
    const outcomes = await readAll(open, ["/gone", "/b", "/silence"]);
    assert.deepEqual(outcomes.map(told), ["ref_not_found", "two at 2", "answer_invalid"]);
    assert.deepEqual(open.asked, [["GetParameters", { Names: ["/gone", "/b", "/silence"], WithDecryption: true }]]);
    assert.deepEqual(open.counted, ["AWS/ParameterStore GetParameters success"]);
  });

  const refused: readonly (readonly [service: string, type: string, code: string, says: RegExp])[] = [
    ["SecretsManager", "AccessDeniedException", "store_denied", /lack secretsmanager:BatchGetSecretValue/],
    ["ParameterStore", "AccessDeniedException", "store_denied", /lack ssm:GetParameters on it, or kms:Decrypt/],
    ["ParameterStore", "ExpiredTokenException", "store_denied", /credentials/],
    ["ParameterStore", "ThrottlingException", "store_throttled", /throttling a read of several/],
    ["SecretsManager", "InternalServiceError", "store_error", /failed a read of several/],
    // One of them spoils the call for the others, which is no outage: each is then read alone.
    ["ParameterStore", "InvalidKeyId", "ref_invalid", /check their keys/],
    ["ParameterStore", "ValidationException", "ref_invalid", /check their keys/],
  ];
  for (const [service, type, code, says] of refused)
    test(`to ${service} fails as a whole after ${type}`, async (t) => {
      const open = await opened(t, service, () => json(400, { __type: type, message: "canary" }));
      await assert.rejects(readAll(open, ["/a", "/b"]), (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
      assert.equal(open.asked.length, 1);
    });
});
