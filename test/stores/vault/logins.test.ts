/** The logins beyond tokens, roles and service accounts: what each of them sends, checked as the other side checks it. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { importSPKI, jwtVerify } from "jose";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { refusal } from "../../fakes/vault-answers.ts";
import { facts } from "../facts.ts";
import { granted, openStore, startWire, statics } from "./wire.ts";
import type { Asked, Wire } from "./wire.ts";

const { signal } = new AbortController();
const clock = new FakeClock(Date.UTC(2026, 4, 5, 6, 7, 8));
const key = (name: string) => ({ name: "s", key: name });
const calls: string[] = [];
let clients: HttpClients;
let wire: Wire;

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  wire = await startWire();
  wire.answer = ({ body }) => granted(`token-of-${Buffer.from(body).toString("base64url")}`);
  calls.length = 0;
});
afterEach(() => wire.close());

const open = (auth: object) =>
  openStore({ auth }, { url: wire.url, clients, clock, calls, endpoints: { AWS_STS_ENDPOINT: `${wire.url}/sts` } });
const bodyOf = ({ body }: Asked) => JSON.parse(body) as Record<string, string>;

suite("logins by password", () => {
  const rows: readonly (readonly [name: string, auth: object, password: string, path: string, sent: string])[] = [
    ["userPass", { userPass: { username: "ferry", secretRef: key("p") } }, "pass", "auth/userpass/login/ferry", "pass"],
    ["ldap", { ldap: { username: "ferry", secretRef: key("p") } }, "pass", "auth/ldap/login/ferry", "pass"],
    [
      "another mount",
      { ldap: { path: "/corp/ad/", username: " ferry ", secretRef: key("p") } },
      "pass",
      "auth/corp/ad/login/ferry",
      "pass",
    ],
    [
      "a name that a path would misread",
      { userPass: { username: "fe rry?x#y@corp", secretRef: key("p") } },
      "pass",
      "auth/userpass/login/fe%20rry%3Fx%23y%40corp",
      "pass",
    ],
    [
      "a password that an editor saved",
      { userPass: { username: "ferry", secretRef: key("p") } },
      " pass \r\n",
      "auth/userpass/login/ferry",
      " pass ",
    ],
  ];
  for (const [name, auth, password, path, sent] of rows)
    test(name, async () => {
      await open(auth).login(statics({ password }), signal, facts);
      assert.deepEqual(wire.lines(), [`POST ${path}`]);
      assert.deepEqual(bodyOf(wire.asked[0]!), { password: sent });
      assert.deepEqual(calls, ["Login success"]);
    });
  test("a refusal names the method, the mount and what to look at", async () => {
    wire.answer = () => refusal(400, "canary: invalid username or password");
    await assert.rejects(
      open({ userPass: { username: "ferry", secretRef: key("p") } }).login(statics({ password: "x" }), signal, facts),
      {
        code: "store_login_denied",
        message: "vault refused the userPass login at auth/userpass (400): check the mount, user name and password",
      },
    );
  });
  test("a second factor cannot be given", async () => {
    wire.answer = () => granted("", { mfa_requirement: { mfa_request_id: "canary" } });
    await assert.rejects(
      open({ ldap: { username: "ferry", secretRef: key("p") } }).login(statics({ password: "x" }), signal, facts),
      { code: "store_login_denied", message: /second factor/ },
    );
  });
});

interface Signed {
  readonly url: URL;
  readonly method: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What Vault would ask of AWS. */
function questionOf(request: Asked): Signed {
  const sent = bodyOf(request);
  const text = (name: string): string => Buffer.from(sent[name]!, "base64").toString("utf8");
  const headers = JSON.parse(text("iam_request_headers")) as Record<string, string[]>;
  return {
    url: new URL(text("iam_request_url")),
    method: sent["iam_http_request_method"]!,
    body: text("iam_request_body"),
    headers: Object.fromEntries(Object.entries(headers).map(([name, [value]]) => [name, value!])),
  };
}

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The signature that AWS's own code makes for the same request and the same time. */
async function vendorsAuthorization({ url, method, body, headers }: Signed, keys: Keys): Promise<string> {
  const region = /\/\d{8}\/([\w-]+)\/sts\/aws4_request/.exec(headers["authorization"]!)![1]!;
  const client = new SecretsManagerClient({ region, credentials: { ...keys } });
  const scheme = {
    schemeId: "aws.auth#sigv4",
    signingProperties: {},
    identityProvider: () => undefined,
    signer: {},
  } as never;
  const signer = await (client.config.signer as unknown as (scheme: never) => Promise<VendorsSigner>)(scheme);
  const { authorization, "x-amz-date": date, ...unsigned } = headers;
  assert.ok(authorization);
  const signingDate = new Date(date!.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  const request = { method, protocol: "https:", hostname: url.host, path: url.pathname, query: {}, body };
  const signed = await signer.sign(
    { ...request, headers: unsigned },
    // A header that only some of AWS's services want.
    { signingDate, signingRegion: region, signingService: "sts", unsignableHeaders: new Set(["x-amz-content-sha256"]) },
  );
  return signed.headers["authorization"]!;
}

interface VendorsSigner {
  sign(request: object, options: object): Promise<{ headers: Record<string, string> }>;
}

suite("the login by AWS", () => {
  const keysRef = { accessKeyIDSecretRef: key("id"), secretAccessKeySecretRef: key("key") };
  const keys: Keys = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "sec/ret+Key" };
  const sts = (id: string): string =>
    `<R><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>secret-of-${id}</SecretAccessKey>` +
    `<SessionToken>session-of-${id}//w==</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></R>`;

  test("with keys: a question to STS that AWS's own code signs the same way", async () => {
    const auth = { iam: { vaultRole: "payments", secretRef: keysRef } };
    await open(auth).login(statics({ ...keys }), signal, facts);
    assert.deepEqual(wire.lines(), ["POST auth/aws/login"]);
    assert.equal(bodyOf(wire.asked[0]!)["role"], "payments");
    const question = questionOf(wire.asked[0]!);
    assert.equal(question.url.href, "https://sts.amazonaws.com/");
    assert.equal(question.method, "POST");
    assert.equal(question.body, "Action=GetCallerIdentity&Version=2011-06-15");
    assert.equal(question.headers["host"], "sts.amazonaws.com");
    assert.equal(question.headers["x-amz-date"], "20260505T060708Z");
    assert.match(question.headers["authorization"]!, /Credential=AKIAEXAMPLE\/20260505\/us-east-1\/sts\/aws4_request/);
    assert.equal(question.headers["authorization"], await vendorsAuthorization(question, keys));
  });
  test("the verifier tells another key from this one", async () => {
    await open({ iam: { vaultRole: "r", secretRef: keysRef } }).login(statics({ ...keys }), signal, facts);
    const question = questionOf(wire.asked[0]!);
    const other = await vendorsAuthorization(question, { ...keys, secretAccessKey: "another" });
    assert.notEqual(question.headers["authorization"], other);
  });
  test("the session token, the server id and another region are all signed", async () => {
    const session = { ...keysRef, sessionTokenSecretRef: key("token") };
    const iam = { vaultRole: "r", region: "eu-central-1", path: "aws/prod", vaultAwsIamServerID: "vault.example.com" };
    const proof = statics({ ...keys, sessionToken: "tok//en==\n" });
    await open({ iam: { ...iam, secretRef: session } }).login(proof, signal, facts);
    assert.deepEqual(wire.lines(), ["POST auth/aws/prod/login"]);
    const question = questionOf(wire.asked[0]!);
    assert.equal(question.url.href, "https://sts.eu-central-1.amazonaws.com/");
    assert.equal(question.headers["x-vault-aws-iam-server-id"], "vault.example.com");
    assert.equal(question.headers["x-amz-security-token"], "tok//en==");
    const names = /SignedHeaders=([^,]+)/.exec(question.headers["authorization"]!)![1]!.split(";");
    for (const name of ["host", "x-amz-date", "x-amz-security-token", "x-vault-aws-iam-server-id"])
      assert.ok(names.includes(name), name);
    const expected = await vendorsAuthorization(question, { ...keys, sessionToken: "tok//en==" });
    assert.equal(question.headers["authorization"], expected);
  });
  test("with a service account: its token is traded for the role that it is annotated with", async () => {
    wire.answer = ({ path }) => (path === "/sts" ? { status: 200, text: sts("ASIAWEB") } : granted("t"));
    const proof: Proof = {
      kind: "token",
      token: SecretValue.fromText("jwt-of-shop"),
      annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/shop" },
    };
    const auth = { iam: { vaultRole: "r", region: "eu-west-1", jwt: { serviceAccountRef: { name: "shop" } } } };
    await open(auth).login(proof, signal, facts);
    assert.deepEqual(wire.lines(), ["POST /sts", "POST auth/aws/login"]);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(wire.asked[0]!.body)), {
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: "arn:aws:iam::123456789012:role/shop",
      RoleSessionName: "external-secrets-provider-vault",
      WebIdentityToken: "jwt-of-shop",
    });
    assert.equal(wire.asked[0]!.headers["authorization"], undefined, "the token is the proof");
    const question = questionOf(wire.asked[1]!);
    const taken = {
      accessKeyId: "ASIAWEB",
      secretAccessKey: "secret-of-ASIAWEB",
      sessionToken: "session-of-ASIAWEB//w==",
    };
    assert.equal(question.headers["authorization"], await vendorsAuthorization(question, taken));
    assert.deepEqual(calls, ["AWS/STS AssumeRoleWithWebIdentity success", "Login success"]);
  });
  test("a role is taken first, with its external id, signed by the keys", async () => {
    wire.answer = ({ path }) => (path === "/sts" ? { status: 200, text: sts("ASIAROLE") } : granted("t"));
    const role = "arn:aws:iam::123456789012:role/vault";
    const iam = { vaultRole: "r", role, externalID: "ext id&x", secretRef: keysRef };
    await open({ iam }).login(statics({ ...keys }), signal, facts);
    const [assumed, login] = wire.asked;
    const form = Object.fromEntries(new URLSearchParams(assumed!.body));
    assert.deepEqual([form["Action"], form["RoleArn"], form["ExternalId"]], ["AssumeRole", role, "ext id&x"]);
    const {
      authorization,
      host,
      "x-amz-date": date,
      "content-type": type,
      "content-length": length,
    } = assumed!.headers;
    const sent: Signed = {
      url: new URL(`${wire.url}/sts`),
      method: "POST",
      body: assumed!.body,
      headers: {
        authorization: authorization!,
        host: host!,
        "x-amz-date": date!,
        "content-type": type!,
        "content-length": length!,
      },
    };
    assert.equal(authorization, await vendorsAuthorization(sent, keys));
    assert.match(questionOf(login!).headers["authorization"]!, /Credential=ASIAROLE\//);
  });
  const refusals: readonly (readonly [name: string, said: { status: number; text: string }, code: string])[] = [
    [
      "a refusal",
      { status: 403, text: "<E><Code>AccessDenied</Code><Message>canary</Message></E>" },
      "store_login_denied",
    ],
    ["a wrong token", { status: 400, text: "<E><Code>InvalidIdentityToken</Code></E>" }, "store_login_denied"],
    ["throttling", { status: 400, text: "<E><Code>Throttling</Code></E>" }, "store_throttled"],
    ["an outage", { status: 503, text: "canary" }, "store_error"],
    ["what is not STS", { status: 200, text: "<html>canary</html>" }, "answer_invalid"],
    ["credentials with a line in them", { status: 200, text: sts("A\nB") }, "answer_invalid"],
  ];
  for (const [name, said, code] of refusals)
    test(`${name} of STS is ${code}, and Vault is not asked`, async () => {
      wire.answer = () => said;
      const iam = { vaultRole: "r", role: "arn:aws:iam::1:role/x", secretRef: keysRef };
      await assert.rejects(open({ iam }).login(statics({ ...keys }), signal, facts), (thrown: Error) => {
        assert.equal((thrown as Error & { code: string }).code, code);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
      assert.deepEqual(wire.lines(), ["POST /sts"]);
    });
  test("nothing of the environment is used", async (t) => {
    const variables = {
      AWS_ACCESS_KEY_ID: "canary",
      AWS_SECRET_ACCESS_KEY: "canary",
      AWS_SESSION_TOKEN: "canary",
      AWS_REGION: "us-west-2",
    };
    for (const [name, value] of Object.entries(variables)) {
      const before = process.env[name];
      process.env[name] = value;
      t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
    }
    await open({ iam: { vaultRole: "r", secretRef: keysRef } }).login(statics({ ...keys }), signal, facts);
    assert.doesNotMatch(JSON.stringify(questionOf(wire.asked[0]!)), /canary|us-west-2/);
  });
  test("identities that log in at once each sign with their own keys", async () => {
    const store = open({ iam: { vaultRole: "r", secretRef: keysRef } });
    const all = ["A", "B", "C"].map((id) => ({ accessKeyId: `AKIA${id}`, secretAccessKey: `secret-${id}` }));
    for (let round = 0; round < 3; round++)
      await Promise.all(all.map((one) => store.login(statics(one), signal, facts)));
    assert.equal(wire.asked.length, 9);
    for (const request of wire.asked) {
      const question = questionOf(request);
      const owner = all.find(({ accessKeyId }) => question.headers["authorization"]!.includes(`${accessKeyId}/`))!;
      assert.equal(question.headers["authorization"], await vendorsAuthorization(question, owner));
    }
  });
  test("keys that cannot be sent are store_invalid before anything is", async () => {
    const proof = statics({ ...keys, accessKeyId: "AKIA canary" });
    await assert.rejects(open({ iam: { vaultRole: "r", secretRef: keysRef } }).login(proof, signal, facts), {
      code: "store_invalid",
      message: /auth\.iam\.secretRef/,
    });
    assert.equal(wire.asked.length, 0);
  });
});

suite("the login by Google", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const email = "payments@project.iam.gserviceaccount.com";
  const account = { type: "service_account", client_email: email, private_key_id: "key-1", private_key: pem };
  const auth = {
    gcp: { role: "payments", projectID: "project", secretRef: { secretAccessKeySecretRef: key("json") } },
  };

  test("a statement for this role, signed with the account's key, for ten minutes", async () => {
    await open(auth).login(statics({ key: JSON.stringify(account) }), signal, facts);
    assert.deepEqual(wire.lines(), ["POST auth/gcp/login"]);
    const { role, jwt } = bodyOf(wire.asked[0]!);
    assert.equal(role, "payments");
    const verifier = await importSPKI(publicKey.export({ type: "spki", format: "pem" }).toString(), "RS256");
    const { payload, protectedHeader } = await jwtVerify(jwt!, verifier, {
      audience: "vault/payments",
      subject: email,
      currentDate: new Date(clock.nowMs()),
    });
    assert.deepEqual(protectedHeader, { alg: "RS256", typ: "JWT", kid: "key-1" });
    assert.equal(payload.exp! - Math.floor(clock.nowMs() / 1_000), 600);
  });
  const faults: readonly (readonly [name: string, text: string, words: RegExp])[] = [
    ["no JSON", "canary", /is no JSON key/],
    ["another type", JSON.stringify({ ...account, type: "authorized_user" }), /is no JSON key/],
    ["no key", JSON.stringify({ ...account, private_key: undefined }), /is no JSON key/],
    ["a broken key", JSON.stringify({ ...account, private_key: "canary" }), /private_key that cannot be read/],
  ];
  for (const [name, text, words] of faults)
    test(`${name} is store_invalid before anything is sent`, async () => {
      await assert.rejects(open(auth).login(statics({ key: text }), signal, facts), (thrown: Error) => {
        assert.equal((thrown as Error & { code: string }).code, "store_invalid");
        assert.match(thrown.message, words);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
      assert.equal(wire.asked.length, 0);
    });
});
