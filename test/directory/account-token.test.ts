import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { chooseToken, type TokenSecret } from "../../plugin/directory/account-token.ts";

const nowMs = Date.UTC(2026, 0, 1);
const laterS = nowMs / 1_000 + 3_600;

function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2ln`;
}

const vault = jwt({
  aud: ["vault", "x"],
  exp: laterS,
  "kubernetes.io": { serviceaccount: { name: "sa", uid: "u-bound" } },
});
const aws = jwt({ aud: "sts.amazonaws.com", exp: laterS });
const expired = jwt({ aud: "vault", exp: nowMs / 1_000 - 1 });
const legacy = jwt({ "kubernetes.io/serviceaccount/service-account.uid": "u-legacy" });

const asSecret = (text: string, annotatedUid?: string): TokenSecret => ({
  token: SecretValue.fromText(text),
  ...(annotatedUid === undefined ? {} : { annotatedUid }),
});

const rows: readonly (readonly [
  name: string,
  secrets: readonly TokenSecret[],
  token: string | undefined,
  uid?: string,
  expiresAtMs?: number,
])[] = [
  ["none", [], undefined],
  [
    "the JWT for the audience",
    [asSecret(aws), asSecret("opaque-1"), asSecret(vault)],
    vault,
    "u-bound",
    laterS * 1_000,
  ],
  ["one audience as text", [asSecret(vault), asSecret(aws)], vault, "u-bound", laterS * 1_000],
  ["an opaque token serves any audience", [asSecret(aws), asSecret("opaque-1", "u-1")], "opaque-1", "u-1"],
  ["an opaque token of nobody in particular", [asSecret("opaque-1")], "opaque-1", "opaque"],
  ["a JWT of another audience before nothing: the store decides", [asSecret(aws)], aws, "opaque", laterS * 1_000],
  ["an expired JWT comes last", [asSecret(expired), asSecret(aws)], aws, "opaque", laterS * 1_000],
  ["the claim before the annotation", [asSecret(legacy, "u-annotated")], legacy, "u-legacy"],
  ["the annotation where there is no claim", [asSecret(aws, "u-annotated")], aws, "u-annotated", laterS * 1_000],
  ["three parts that are no JWT are opaque", [asSecret("a.b.c")], "a.b.c", "opaque"],
];

suite("the token of a service account", () => {
  for (const [name, secrets, token, uid, expiresAtMs] of rows)
    test(name, () => {
      const chosen = chooseToken(secrets, "vault", nowMs);
      assert.equal(chosen?.token.reveal().toString(), token);
      assert.equal(chosen?.serviceAccountUid, uid);
      assert.equal(chosen?.expiresAtMs, expiresAtMs);
    });
});
