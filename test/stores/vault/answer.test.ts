import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Address, Located } from "../../../plugin/stores/contract.ts";
import { envelope, readGrant, readSecret } from "../../../plugin/stores/vault/answer.ts";
import { FakeClock } from "../../fakes/clock.ts";

const clock = new FakeClock();
const located = (version = ""): Located => ({ address: "kv/data/x" as Address, method: "GET", arguments: "", version });
const body = (document: unknown) =>
  envelope({ status: 200, headers: {}, body: SecretValue.fromText(JSON.stringify(document)) });
const kv2 = (data: unknown, metadata: unknown = { version: 1 }) => body({ data: { data, metadata } });

function invalid(act: () => unknown): void {
  assert.throws(act, (thrown) => {
    assert.ok(thrown instanceof Failure);
    assert.equal(thrown.code, "answer_invalid");
    assert.doesNotMatch(thrown.message, /canary/);
    return true;
  });
}

suite("KV v2 answers that are refused", () => {
  const cases: readonly [name: string, document: ReturnType<typeof body>, version: string][] = [
    ["no data", body({ data: null }), ""],
    ["the shape of KV v1", body({ data: { password: "canary" } }), ""],
    ["no metadata", body({ data: { data: { a: "canary" } } }), ""],
    ["data that is a list", kv2(["canary"]), ""],
    ["data that is text", kv2("canary"), ""],
    ["no data inside", body({ data: { metadata: { version: 1 } } }), ""],
    ["no version", kv2({}, {}), ""],
    ["a version that is text", kv2({}, { version: "canary" }), ""],
    ["a version that is no whole number", kv2({}, { version: 1.5 }), ""],
    ["another version than was asked for", kv2({ a: "canary" }, { version: 4 }), "3"],
  ];
  for (const [name, document, version] of cases)
    test(name, () => invalid(() => readSecret(document, located(version), "v2", clock)));
  test("null data with metadata is a version that is gone", () =>
    assert.equal(readSecret(kv2(null), located(), "v2", clock), "gone"));
});

suite("KV v1 answers that are refused", () => {
  for (const data of [null, "canary", ["canary"], 7])
    test(`data ${JSON.stringify(data)}`, () => invalid(() => readSecret(body({ data }), located(), "v1", clock)));
});

suite("request ids", () => {
  const idOf = (id: unknown): string | undefined => {
    const answer = readSecret(body({ request_id: id, data: {} }), located(), "v1", clock);
    return answer === "gone" ? undefined : answer.requestId;
  };
  test("one that looks like an id is kept", () => assert.equal(idOf("6f0c-1"), "6f0c-1"));
  for (const id of [undefined, null, "", 7, "a b", "canary\n", "x".repeat(65)])
    test(`${JSON.stringify(id)} is left out`, () => assert.equal(idOf(id), undefined));
});

suite("logins", () => {
  for (const auth of [undefined, null, {}, { client_token: "" }, { client_token: 7 }, { client_token: "canary\nx: y" }])
    test(`auth ${JSON.stringify(auth)} holds no token`, () => invalid(() => readGrant(body({ auth }), clock)));
  const ends: readonly [lease: unknown, endsInMs: number | undefined][] = [
    [3600, 3_600_000],
    [0, undefined],
    [-1, undefined],
    ["3600", undefined],
    [undefined, undefined],
  ];
  for (const [lease, endsInMs] of ends)
    test(`a lease of ${JSON.stringify(lease)} ends ${endsInMs === undefined ? "never" : `in ${endsInMs} ms`}`, () => {
      const { token, expiresAtMs } = readGrant(body({ auth: { client_token: "t", lease_duration: lease } }), clock);
      assert.equal(token.reveal().toString(), "t");
      assert.equal(expiresAtMs, endsInMs === undefined ? undefined : clock.nowMs() + endsInMs);
    });
});

suite("bodies that are not Vault's JSON", () => {
  const cases: readonly [name: string, bytes: Buffer][] = [
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("canary")],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
    ["a number", Buffer.from("7")],
    ["null", Buffer.from("null")],
    ["a list", Buffer.from('["canary"]')],
  ];
  for (const [name, bytes] of cases)
    test(name, () => invalid(() => envelope({ status: 200, headers: {}, body: new SecretValue(bytes) })));
});
