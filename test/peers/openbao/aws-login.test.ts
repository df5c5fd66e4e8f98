/**
 * The login by AWS, judged by an AWS emulator that checks signatures: a server of ours does what Vault does with the
 * signed question, and goes by what the emulator says of who signed it. OpenBao has no such login.
 */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { systemClock } from "../../../plugin/core/clock.ts";
import type { Proof } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { createTokenIssuer, type TokenIssuer } from "../../fakes/token-issuer.ts";
import { refusal, success } from "../../fakes/vault-answers.ts";
import { facts } from "../../stores/facts.ts";
import { granted, openStore, ref, startWire, statics, type Wire } from "../../stores/vault/wire.ts";
import { type AccessKey, accountId, type Ministack, region, startMinistack } from "../aws/ministack.ts";

const { signal } = new AbortController();
const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
const key = (name: string) => ({ name: "s", key: name });
const secretRef = { accessKeyIDSecretRef: key("id"), secretAccessKeySecretRef: key("key") };
let stack: Ministack;
let issuer: TokenIssuer;
let wire: Wire;
let alpha: AccessKey;
let beta: AccessKey;
let shopRole: string;
let jwt: string;

before(async () => {
  [stack, issuer, wire] = await Promise.all([startMinistack(), createTokenIssuer(), startWire()]);
  const account = { namespace: "shop", serviceAccountName: "checkout", serviceAccountUid: "6c2c9f3c-7d38" };
  jwt = await issuer.sign(account, { audience: "sts.amazonaws.com", plainAudience: true });
  await stack.iam("CreateOpenIDConnectProvider", { Url: issuer.issuer, "ClientIDList.member.1": "sts.amazonaws.com" });
  const host = issuer.issuer.replace("https://", "");
  const trust = {
    Principal: { Federated: `arn:aws:iam::${accountId}:oidc-provider/${host}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${host}:sub`]: "system:serviceaccount:shop:checkout" } },
  };
  const identity = { Effect: "Allow", Action: "sts:GetCallerIdentity", Resource: "*" } as const;
  shopRole = await stack.role("shop", trust, [identity]);
  alpha = await stack.user("alpha", [identity]);
  beta = await stack.user("beta", [identity]);
});

after(async () => {
  await Promise.all([clients.close(), wire.close(), stack.stop()]);
});

interface Question {
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** The ARN of whoever signed it, or undefined when the emulator does not accept the signature. */
function whoSigned({ headers, body }: Question): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const flat = Object.fromEntries(Object.entries(headers).map(([name, [value]]) => [name, value!]));
    const asked = request(stack.url, { method: "POST", headers: flat, path: "/" }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve(answer.statusCode === 200 ? /<Arn>([^<]+)<\/Arn>/.exec(text)?.[1] : undefined));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const decoded = (text: string): string => Buffer.from(text, "base64").toString("utf8");

function questionIn(body: string): Question {
  const sent = JSON.parse(body) as Record<string, string>;
  return {
    headers: JSON.parse(decoded(sent["iam_request_headers"]!)) as Question["headers"],
    body: decoded(sent["iam_request_body"]!),
  };
}

async function tokenFor(proof: Proof, iam: object): Promise<string | undefined> {
  wire.asked.length = 0;
  wire.answer = ({ method }) => (method === "POST" ? granted("t") : success({ data: {} }));
  const options = { url: wire.url, clients, clock: systemClock, endpoints: { AWS_STS_ENDPOINT: stack.url } };
  const store = openStore({ version: "v1", auth: { iam: { vaultRole: "r", region, ...iam } } }, options);
  const session = await store.login(proof, signal, facts);
  await store.fetch(store.locate(ref("x/y")), session, signal);
  return whoSigned(questionIn(wire.asked[0]!.body));
}

const keysOf = ({ id, secret }: AccessKey): Proof => statics({ accessKeyId: id, secretAccessKey: secret });

test("keys: the emulator knows whose they are", async () => {
  assert.equal(await tokenFor(keysOf(alpha), { secretRef }), `arn:aws:iam::${accountId}:user/alpha`);
  assert.equal(
    await tokenFor(keysOf(beta), { secretRef, vaultAwsIamServerID: "vault.example.com" }),
    `arn:aws:iam::${accountId}:user/beta`,
  );
});

test("a wrong key, or a header changed on the way, is not accepted", async () => {
  assert.equal(await tokenFor(keysOf({ ...alpha, secret: "wrong" }), { secretRef }), undefined);
  await tokenFor(keysOf(alpha), { secretRef, vaultAwsIamServerID: "vault.example.com" });
  const question = questionIn(wire.asked[0]!.body);
  const headers = { ...question.headers, "x-vault-aws-iam-server-id": ["another.example.com"] };
  assert.equal(await whoSigned({ ...question, headers }), undefined);
});

test("a service account's token: the emulator knows the role", async () => {
  const annotations = { "eks.amazonaws.com/role-arn": shopRole };
  const proof: Proof = { kind: "token", token: SecretValue.fromText(jwt), annotations };
  const arn = await tokenFor(proof, { jwt: { serviceAccountRef: { name: "checkout" } } });
  assert.match(arn ?? "", /:assumed-role\/shop\/external-secrets-provider-vault$/);
});

test("a token of another account is a refused login", async () => {
  const other = { namespace: "shop", serviceAccountName: "other", serviceAccountUid: "6c2c9f3c-7d39" };
  const token = await issuer.sign(other, { audience: "sts.amazonaws.com", plainAudience: true });
  const annotations = { "eks.amazonaws.com/role-arn": shopRole };
  const proof: Proof = { kind: "token", token: SecretValue.fromText(token), annotations };
  wire.answer = () => refusal(500, "not to be asked");
  const attempt = tokenFor(proof, { jwt: { serviceAccountRef: { name: "other" } } });
  await assert.rejects(attempt, { code: "store_login_denied", message: /trust policy/ });
});
