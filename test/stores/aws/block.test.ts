import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseAwsBlock } from "../../../plugin/stores/aws/block.ts";
import { factsIn } from "../../../plugin/stores/aws/config.ts";
import type { AwsConfig } from "../../../plugin/stores/aws/config.ts";
import type { ProofNeed, StoreContext } from "../../../plugin/stores/contract.ts";

const namespaced: StoreContext = { scope: "SecretStore", name: "aws", namespace: "shop" };
const clusterWide: StoreContext = { scope: "ClusterSecretStore", name: "aws", namespace: "" };
const base = { service: "SecretsManager", region: "eu-central-1" };
const role = "arn:aws:iam::123456789012:role/reader";
const other = "arn:aws-us-gov:iam::123456789012:role/path/other";

function configOf(block: object, context = namespaced): AwsConfig {
  const parsed = parseAwsBlock({ ...base, ...block }, context);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function problemsOf(block: object, context = namespaced): readonly string[] {
  const parsed = parseAwsBlock(block, context);
  return parsed.ok ? [] : parsed.problems.map(({ path, problem }) => `${path}: ${problem}`);
}

const selector = (more: object = {}) => ({ name: "keys", key: "id", ...more });
const secretRef = { accessKeyIDSecretRef: selector(), secretAccessKeySecretRef: selector({ key: "secret" }) };

suite("an aws block", () => {
  for (const service of ["SecretsManager", "ParameterStore", "CertificateManager"] as const)
    test(`may be for ${service}`, () => {
      const config = configOf({ service, prefix: "team-a/", secretsManager: { recoveryWindowInDays: 7 } });
      assert.equal(config.service, service);
      assert.equal(config.prefix, "team-a/");
    });
  for (const region of [
    "us-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "us-isob-east-1",
    "eusc-de-east-1",
    "ap-southeast-5",
  ])
    test(`may be in ${region}`, () => assert.equal(configOf({ region }).region, region));

  test("roles are assumed in their order, and the last one alone carries the external id and the tags", () => {
    const config = configOf({
      role,
      additionalRoles: [other],
      externalID: "x1",
      sessionTags: [{ key: "team", value: "a" }],
      transitiveTagKeys: ["team"],
    });
    assert.deepEqual(config.roles, [
      { roleArn: other },
      { roleArn: role, externalId: "x1", tags: [{ key: "team", value: "a" }], transitiveTagKeys: ["team"] },
    ]);
  });
  test("sessionTagsPolicy Simple says who reads, in place of the list", () => {
    const tags = [
      { key: "esoNamespace", value: "shop" },
      { key: "esoStoreName", value: "aws" },
      { key: "esoStoreKind", value: "SecretStore" },
    ];
    const sessionTags = [{ key: "team", value: "a" }];
    assert.deepEqual(configOf({ role, sessionTags, sessionTagsPolicy: "Simple" }).roles[0]!.tags, tags);
    const custom = configOf({ role, sessionTags, sessionTagsPolicy: "Custom", customSessionTags: { env: "prod" } });
    assert.deepEqual(custom.roles[0]!.tags, [...tags, { key: "env", value: "prod" }]);
  });
  test("sessionTagsPolicy of a ClusterSecretStore leaves the namespace to whoever reads", () => {
    const { roles } = configOf({ role, sessionTagsPolicy: "Simple" }, clusterWide);
    assert.deepEqual(roles[0]!.tags, [
      { key: "esoNamespace", fact: "namespace" },
      { key: "esoStoreName", value: "aws" },
      { key: "esoStoreKind", value: "ClusterSecretStore" },
    ]);
    assert.deepEqual(factsIn(roles), ["namespace"]);
    assert.deepEqual(factsIn(configOf({ role, sessionTagsPolicy: "Simple" }).roles), []);
  });
});

type Token = Extract<ProofNeed, { kind: "token" }>;
const needOf = (block: object, context = namespaced): Token => {
  const { login } = configOf(block, context);
  assert.ok(login.method === "webIdentity" && login.proof.kind === "token");
  return login.proof;
};
const roleKey = "eks.amazonaws.com/role-arn";

suite("a login by service account", () => {
  const jwt = (account: object) => ({ auth: { jwt: { serviceAccountRef: { name: "reader", ...account } } } });

  test("shows a token for sts.amazonaws.com, or for what the account says, and needs the account's role", () => {
    const need = needOf(jwt({}));
    assert.deepEqual(need.serviceAccount, { name: "reader" });
    assert.equal(need.audience, "sts.amazonaws.com");
    assert.equal(need.annotations?.audience, "eks.amazonaws.com/audience");
    assert.deepEqual(need.annotations.shown, [roleKey]);
    assert.match(need.annotations.required[roleKey]!, /annotate the account.*or set spec\.provider\.aws\.role/);
  });
  test("shows one for the store's audience when it has one, whatever the account says", () => {
    const need = needOf(jwt({ audiences: ["sts.amazonaws.com.cn", "second"] }));
    assert.equal(need.audience, "sts.amazonaws.com.cn");
    assert.equal(need.annotations?.audience, undefined);
  });
  test("may name another namespace in a ClusterSecretStore", () => {
    assert.deepEqual(needOf(jwt({ namespace: "infra" }), clusterWide).serviceAccount, {
      name: "reader",
      namespace: "infra",
    });
    assert.deepEqual(needOf(jwt({}), clusterWide).serviceAccount, { name: "reader" });
  });
  test("names no account without an auth: a mounting pod shows its own token", () => {
    assert.equal(needOf({}).serviceAccount, undefined);
    assert.equal(needOf({ auth: {} }).audience, "sts.amazonaws.com");
    assert.equal(needOf({ auth: { jwt: {} } }).serviceAccount, undefined);
  });
  test("may do without the account's role when the store's plain role can be had for the token", () => {
    const config = configOf({ ...jwt({}), role });
    assert.ok(config.login.method === "webIdentity");
    assert.equal(config.login.role, role);
    assert.deepEqual(needOf({ ...jwt({}), role }).annotations?.required, {});
  });
  for (const [what, more] of Object.entries({
    "a chain": { additionalRoles: [other] },
    "an external id": { externalID: "x" },
    "session tags": { sessionTags: [{ key: "a", value: "b" }] },
  }))
    test(`needs the account's role before ${what}`, () => {
      const need = needOf({ ...jwt({}), role, ...more });
      assert.doesNotMatch(need.annotations?.required[roleKey] ?? "", /spec.provider.aws.role/);
      assert.notEqual(need.annotations?.required[roleKey], undefined);
    });
});

suite("a login as this process", () => {
  const role = { AWS_ROLE_ARN: other, AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token" };
  const agent = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/agent-token",
  };
  const loginOf = (block: object, context: StoreContext, own: Readonly<Record<string, string>>) => {
    const parsed = parseAwsBlock({ ...base, ...block }, context, own);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.value.login;
  };
  const asAgent = {
    kind: "agent",
    url: "http://169.254.170.23/v1/credentials",
    tokenFile: "/var/run/agent-token",
  };
  const asRole = { kind: "role", roleArn: other, tokenFile: "/var/run/token" };
  const rows: readonly (readonly [
    name: string,
    block: object,
    context: StoreContext,
    own: Readonly<Record<string, string>>,
    want: object | undefined,
  ])[] = [
    ["of a ClusterSecretStore without auth, by the agent", {}, clusterWide, agent, asAgent],
    ["of a ClusterSecretStore without auth, by a role", {}, clusterWide, role, asRole],
    ["of a ClusterSecretStore with an empty auth", { auth: {} }, clusterWide, role, asRole],
    ["by a role before the agent", {}, clusterWide, { ...agent, ...role }, asRole],
    ["not of a SecretStore", {}, namespaced, { ...agent, ...role }, undefined],
    ["not where the store names a login", { auth: { jwt: {} } }, clusterWide, role, undefined],
    ["not where the process is nobody to AWS", {}, clusterWide, {}, undefined],
  ];
  for (const [name, block, context, own, want] of rows)
    test(name, () => {
      const login = loginOf(block, context, own);
      assert.deepEqual(login.method === "own" ? login.identity : undefined, want);
      // What a pod's identity is never shown.
      if (want) assert.deepEqual(login.proof, { kind: "static", method: "this process's own identity", secrets: {} });
      else assert.equal(login.proof.kind, "token");
    });
});

suite("a login by keys", () => {
  test("asks for what the references name", () => {
    const { login } = configOf({
      auth: { secretRef: { ...secretRef, sessionTokenSecretRef: selector({ key: "t" }) } },
    });
    assert.ok(login.proof.kind === "static");
    const at = "spec.provider.aws.auth.secretRef";
    assert.deepEqual(login.proof.secrets, {
      accessKeyId: { field: `${at}.accessKeyIDSecretRef`, name: "keys", key: "id" },
      secretAccessKey: { field: `${at}.secretAccessKeySecretRef`, name: "keys", key: "secret" },
      sessionToken: { field: `${at}.sessionTokenSecretRef`, name: "keys", key: "t" },
    });
  });
  test("may name another namespace in a ClusterSecretStore", () => {
    const ref = { ...secretRef, accessKeyIDSecretRef: selector({ namespace: "infra" }) };
    const { login } = configOf({ auth: { secretRef: ref } }, clusterWide);
    assert.ok(login.proof.kind === "static");
    assert.equal(login.proof.secrets["accessKeyId"]!.namespace, "infra");
    assert.equal(login.proof.secrets["secretAccessKey"]!.namespace, undefined);
  });
});

const refused: readonly (readonly [name: string, block: object, problem: RegExp, context?: StoreContext])[] = [
  ["without a service", { region: "eu-central-1" }, /^service: /],
  ["without a region", { service: "SecretsManager" }, /^region: /],
  [
    "of another service",
    { ...base, service: "S3" },
    /^service: must be SecretsManager, ParameterStore or CertificateManager/,
  ],
  [
    "with a region that leads elsewhere",
    { ...base, region: "eu-1.evil.example" },
    /^region: is not a name that a region/,
  ],
  ["with a region with a slash", { ...base, region: "eu-central-1/x" }, /^region: /],
  ["with a region of no number", { ...base, region: "localhost" }, /^region: /],
  ["with a mistyped field", { ...base, externalId: "x" }, /^externalId: unknown field; did you mean externalID\?/],
  ["with a role that is no ARN", { ...base, role: "reader" }, /^role: is not a role's ARN/],
  [
    "with a chain that has no ARN",
    { ...base, role, additionalRoles: [role, "x"] },
    /^additionalRoles\[1\]: is not a role's ARN/,
  ],
  ["with a user's ARN as role", { ...base, role: "arn:aws:iam::123456789012:user/x" }, /^role: /],
  ["with an external id for no role", { ...base, externalID: "x" }, /^externalID: has no effect without role/],
  [
    "with tags for no role",
    { ...base, additionalRoles: [role], sessionTags: [{ key: "a", value: "b" }] },
    /^sessionTags: has no effect without role/,
  ],
  [
    "with a tag policy for no role",
    { ...base, sessionTagsPolicy: "Simple" },
    /^sessionTagsPolicy: has no effect without role/,
  ],
  [
    "with a custom tag that would forge the namespace",
    { ...base, role, sessionTagsPolicy: "Custom", customSessionTags: { esoNamespace: "bank" } },
    /^customSessionTags.esoNamespace: is set by the policy itself/,
  ],
  ["with two logins", { ...base, auth: { jwt: {}, secretRef } }, /^auth: has several logins.*ESO would use secretRef/],
  [
    "with half a key pair",
    { ...base, auth: { secretRef: { accessKeyIDSecretRef: selector() } } },
    /^auth.secretRef.secretAccessKeySecretRef: is missing/,
  ],
  [
    "with a reference without a key",
    { ...base, auth: { secretRef: { ...secretRef, accessKeyIDSecretRef: { name: "keys" } } } },
    /^auth.secretRef.accessKeyIDSecretRef.key: is missing/,
  ],
  [
    "with a Secret of another namespace",
    { ...base, auth: { secretRef: { ...secretRef, accessKeyIDSecretRef: selector({ namespace: "bank" }) } } },
    /^auth.secretRef.accessKeyIDSecretRef.namespace: a SecretStore may use only its own/,
  ],
  [
    "with an account of another namespace",
    { ...base, auth: { jwt: { serviceAccountRef: { name: "a", namespace: "bank" } } } },
    /^auth.jwt.serviceAccountRef.namespace: a SecretStore may use only its own/,
  ],
];

suite("an aws block is refused", () => {
  for (const [name, block, problem, context] of refused)
    test(name, () => {
      const problems = problemsOf(block, context);
      assert.ok(
        problems.some((one) => problem.test(one)),
        problems.join("\n"),
      );
    });
});
