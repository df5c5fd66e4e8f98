/**
 * The main job against an AWS emulator that checks signatures and policies: by key and by service account, versions,
 * rotation to Secret and volume, and what is told when AWS says no.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mountAsDriver } from "../../fakes/driver-client.ts";
import { startRecordingProxy, type RecordingProxy } from "../../fakes/recording-proxy.ts";
import { createTokenIssuer, type TokenIssuer } from "../../fakes/token-issuer.ts";
import { account, pod, untilRefused, synced, accountTokenSecret } from "../../scenario/checkout.ts";
import { type Program, startProgram, until } from "../../scenario/program.ts";
import { type AccessKey, accountId, region, type Statement } from "./administrator.ts";
import { type Ministack, startMinistack } from "./ministack.ts";

const secretArn = (name: string): string => `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}`;
const parameterArn = (name: string): string => `arn:aws:ssm:${region}:${accountId}:parameter${name}`;
const mayRead: readonly Statement[] = [
  { Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secretArn("payments/*") },
  { Effect: "Allow", Action: "ssm:GetParameter", Resource: parameterArn("/payments/*") },
];

let stack: Ministack;
let proxy: RecordingProxy;
let issuer: TokenIssuer;
let reader: AccessKey;
let stranger: AccessKey;
let shopRole: string;
let chainRole: string;
let podToken: string;
let accountToken: string;

before(async () => {
  [stack, issuer] = await Promise.all([startMinistack(), createTokenIssuer()]);
  proxy = await startRecordingProxy(stack.url);
  const sts = { audience: "sts.amazonaws.com", plainAudience: true } as const;
  accountToken = await issuer.sign(account, sts);
  podToken = await issuer.sign({ ...account, pod: { name: pod.podName, uid: pod.podUid } }, sts);

  await stack.iam("CreateOpenIDConnectProvider", { Url: issuer.issuer, "ClientIDList.member.1": "sts.amazonaws.com" });
  const host = issuer.issuer.replace("https://", "");
  const federated = (audience: string) => ({
    Principal: { Federated: `arn:aws:iam::${accountId}:oidc-provider/${host}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: {
      StringEquals: { [`${host}:aud`]: audience, [`${host}:sub`]: "system:serviceaccount:shop:checkout" },
    },
  });
  shopRole = await stack.role("shop", federated("sts.amazonaws.com"), mayRead);
  await stack.role("elsewhere", federated("another-audience"), mayRead);
  reader = await stack.user("reader", mayRead);
  stranger = await stack.user("stranger", [
    { Effect: "Allow", Action: "sts:AssumeRole", Resource: `arn:aws:iam::${accountId}:role/chain` },
  ]);
  chainRole = await stack.role(
    "chain",
    {
      Principal: { AWS: `arn:aws:iam::${accountId}:user/stranger` },
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "sts:ExternalId": "payments" } },
    },
    mayRead,
  );
  for (const Name of ["payments/db", "admin/db"])
    await stack.call("secretsmanager.CreateSecret", { Name, SecretString: '{"username":"ferry","password":"first"}' });
  await stack.call("secretsmanager.CreateSecret", {
    Name: "payments/blob",
    SecretBinary: Buffer.from([0, 1, 254, 255]).toString("base64"),
  });
  for (const Value of ["one", "two"])
    await stack.call("AmazonSSM.PutParameter", { Name: "/payments/key", Value, Type: "SecureString", Overwrite: true });
});

after(async () => {
  await proxy.close();
  await stack.stop();
});

const putSecret = (password: string): Promise<unknown> =>
  stack.call("secretsmanager.PutSecretValue", {
    SecretId: "payments/db",
    SecretString: JSON.stringify({ username: "ferry", password }),
  });

const byKeys = `secretRef:
          accessKeyIDSecretRef: {name: aws-key, key: id}
          secretAccessKeySecretRef: {name: aws-key, key: secret}`;
const byAccount = `jwt: {serviceAccountRef: {name: checkout}}`;

interface Wish {
  readonly auth: string;
  /** Further lines of the provider block. */
  readonly block?: string;
  readonly service?: string;
  /** Items of spec.data. */
  readonly data?: readonly string[];
  /** Items of spec.dataFrom. */
  readonly dataFrom?: readonly string[];
  readonly key?: AccessKey;
  readonly role?: string;
}

/** keyferry on one store of the namespace shop, with one ExternalSecret. */
function startWorld({
  auth,
  block = "",
  service = "SecretsManager",
  data = [],
  dataFrom = [],
  key = reader,
  role,
}: Wish): Promise<Program> {
  return startProgram({
    env: {
      AWS_SECRETSMANAGER_ENDPOINT: proxy.url,
      AWS_SSM_ENDPOINT: proxy.url,
      AWS_STS_ENDPOINT: proxy.url,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    },
    manifests: {
      "all.yaml": `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws, namespace: shop}
spec:
  provider:
    aws:
      service: ${service}
      region: ${region}
      ${block}
      auth:
        ${auth}
---
apiVersion: v1
kind: Secret
metadata: {name: aws-key, namespace: shop}
stringData: {id: ${key.id}, secret: ${key.secret}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: checkout
  namespace: shop
  annotations: {${role === undefined ? "" : `eks.amazonaws.com/role-arn: "${role}"`}}
---
${accountTokenSecret(accountToken)}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: aws}
  data: [${data.join(", ")}]
  dataFrom: [${dataFrom.join(", ")}]
`,
    },
  });
}

async function withWorld(wish: Wish, work: (world: Program) => Promise<void>): Promise<void> {
  const world = await startWorld(wish);
  try {
    await work(world);
  } finally {
    await world.stop();
  }
}

const password = "{secretKey: password, remoteRef: {key: payments/db, property: password}}";

test("an access key reads values, versions, stages and bytes", async () => {
  await putSecret("second");
  const { VersionIdsToStages: stages } = await stack.call("secretsmanager.DescribeSecret", { SecretId: "payments/db" });
  const [previous] = Object.entries(stages as Record<string, string[]>).find(([, of]) => of.includes("AWSPREVIOUS"))!;
  const data = [
    password,
    "{secretKey: previous, remoteRef: {key: payments/db, property: password, version: AWSPREVIOUS}}",
    `{secretKey: by-id, remoteRef: {key: payments/db, property: password, version: uuid/${previous}}}`,
    "{secretKey: blob, remoteRef: {key: payments/blob}}",
  ];
  await withWorld({ auth: byKeys, data }, async (world) => {
    const { blob, ...values } = await synced(world);
    assert.deepEqual(values, { password: "second", previous: "first", "by-id": "first" });
    assert.equal(blob, Buffer.from([0, 1, 254, 255]).toString("utf8"));
  });
});

test("Parameter Store: decrypted, by version and behind a prefix", async () => {
  const data = [
    "{secretKey: current, remoteRef: {key: key}}",
    '{secretKey: first, remoteRef: {key: key, version: "1"}}',
    "{secretKey: second, remoteRef: {key: key:2}}",
  ];
  await withWorld({ auth: byKeys, service: "ParameterStore", block: "prefix: /payments/", data }, async (world) => {
    assert.deepEqual(await synced(world), { current: "two", first: "one", second: "two" });
  });
});

test("a find brings all that match, read together, and what comes later too", async () => {
  const finder = await stack.user("finder", [
    { Effect: "Allow", Action: ["secretsmanager:ListSecrets", "secretsmanager:BatchGetSecretValue"], Resource: "*" },
    { Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secretArn("found/*") },
  ]);
  const create = (name: string): Promise<unknown> =>
    stack.call("secretsmanager.CreateSecret", { Name: `found/${name}`, SecretString: `value of ${name}` });
  for (const name of ["one", "two", "three"]) await create(name);
  const dataFrom = ["{find: {path: found/, name: {regexp: 'e$'}}}"];
  await withWorld({ auth: byKeys, key: finder, block: "prefix: found/", dataFrom }, async (world) => {
    assert.deepEqual(await synced(world), { found_one: "value of one", found_three: "value of three" });
    const { text } = await world.get("/metrics");
    const asked = text.matchAll(/externalsecret_provider_api_calls_count\{[^}]*call="(\w+)"[^}]*\} [1-9]/g);
    assert.deepEqual([...new Set([...asked].map(([, call]) => call))].sort(), ["BatchGetSecretValue", "ListSecrets"]);
    await create("five");
    await until(async () => (await world.secret("shop", "db"))["found_five"] === "value of five");
  });
});

test("a service account: one login for Secret and volume, and a rotated value reaches both", async () => {
  await putSecret("third");
  proxy.requests.length = 0;
  await withWorld({ auth: byAccount, role: shopRole, data: [password] }, async (world) => {
    const mount = async (): Promise<string | undefined> => {
      const { files } = await mountAsDriver(world.socket, {
        ...pod,
        tokens: { "sts.amazonaws.com": podToken },
        parameters: {
          secretStoreRef: "{name: aws, kind: SecretStore}",
          data: "- {secretKey: db/password, remoteRef: {key: payments/db, property: password}}",
          refreshInterval: "1s",
        },
      });
      return files.get("db/password")?.contents.toString();
    };
    assert.deepEqual(await synced(world), { password: "third" });
    assert.equal(await mount(), "third");
    await putSecret("fourth");
    await until(async () => (await world.secret("shop", "db"))["password"] === "fourth");
    await until(async () => (await mount()) === "fourth");
    const { text } = await world.get("/metrics");
    const logins = /externalsecret_provider_api_calls_count\{[^}]*call="AssumeRoleWithWebIdentity"[^}]*\} (\d+)/.exec(
      text,
    );
    assert.equal(logins?.[1], "1");
    assert.match(
      text,
      /api_calls_count\{(?=[^}]*provider="AWS\/SecretsManager")(?=[^}]*call="GetSecretValue")(?=[^}]*status="success")/,
    );
  });
});

test("a token that the role does not admit: the message names the role and the knob", async () => {
  const role = `arn:aws:iam::${accountId}:role/elsewhere`;
  await withWorld({ auth: byAccount, role, data: [password] }, async (world) => {
    const message = await untilRefused(world, "store_login_denied");
    assert.match(message, /AssumeRoleWithWebIdentity for role ".*role\/elsewhere".*trust policy.*audience \(aud\)/);
  });
});

test("an account without a role: the message names the annotation, and nothing is sent", async () => {
  proxy.requests.length = 0;
  await withWorld({ auth: byAccount, data: [password] }, async (world) => {
    const message = await untilRefused(world, "credential_missing");
    assert.match(message, /service account shop\/checkout has no annotation eks\.amazonaws\.com\/role-arn/);
    assert.equal(proxy.requests.length, 0);
  });
});

test("a path that the policy leaves out is denied, and a secret that is not there is told from it", async () => {
  await withWorld({ auth: byKeys, data: ["{secretKey: a, remoteRef: {key: admin/db}}"] }, async (world) => {
    assert.match(await untilRefused(world, "store_denied"), /"admin\/db".*lack secretsmanager:GetSecretValue/);
  });
  await withWorld({ auth: byKeys, data: ["{secretKey: a, remoteRef: {key: payments/none}}"] }, async (world) => {
    assert.match(await untilRefused(world, "ref_not_found"), /no secret "payments\/none"/);
  });
});

test("a key whose secret is wrong is refused", async () => {
  const key = { id: reader.id, secret: "wrong" };
  await withWorld({ auth: byKeys, key, data: [password] }, async (world) => {
    assert.match(await untilRefused(world, "store_denied"), /does not accept the credentials/);
  });
});

test("a key that may only assume a role reads through it, with the external id that the role asks for", async () => {
  const block = `role: ${chainRole}`;
  const chain = { auth: byKeys, key: stranger, data: [password] };
  await withWorld({ ...chain, block: `${block}\n      externalID: payments` }, async (world) => {
    assert.deepEqual(await synced(world), { password: "fourth" });
  });
  await withWorld({ ...chain, block }, async (world) => {
    assert.match(await untilRefused(world, "store_login_denied"), /AssumeRole for role ".*role\/chain".*externalID/);
  });
});

test("a deleted secret is gone, not denied", async () => {
  await stack.call("secretsmanager.CreateSecret", { Name: "payments/gone", SecretString: "x" });
  await withWorld({ auth: byKeys, data: ["{secretKey: a, remoteRef: {key: payments/gone}}"] }, async (world) => {
    assert.deepEqual(await synced(world), { a: "x" });
    await stack.call("secretsmanager.DeleteSecret", { SecretId: "payments/gone", RecoveryWindowInDays: 7 });
    await untilRefused(world, "ref_not_found");
    assert.deepEqual(await world.secret("shop", "db"), { a: "x" }, "the Secret stays");
  });
});
