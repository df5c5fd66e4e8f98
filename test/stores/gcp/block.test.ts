import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ProofNeed, StoreContext } from "../../../plugin/stores/contract.ts";
import { parseGcpBlock } from "../../../plugin/stores/gcp/block.ts";
import type { GcpConfig } from "../../../plugin/stores/gcp/config.ts";
import { byCluster, byKey, byPool, cluster, clusterWide, inShop, poolAudience } from "./opened.ts";

function configOf(block: object, context: StoreContext = inShop): GcpConfig {
  const parsed = parseGcpBlock({ projectID: "shop", ...block }, context);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function problemsOf(block: object, context: StoreContext = inShop): readonly string[] {
  const parsed = parseGcpBlock(block, context);
  return parsed.ok ? [] : parsed.problems.map(({ path, problem }) => `${path}: ${problem}`);
}

type Token = Extract<ProofNeed, { kind: "token" }>;
function tokenNeed(block: object, context?: StoreContext): Token {
  const { proof } = configOf(block, context).login;
  assert.ok(proof.kind === "token");
  return proof;
}

const account = { name: "checkout" };
const wi = (more: object = {}, reference: object = {}) => ({
  auth: { workloadIdentity: { serviceAccountRef: { ...account, ...reference }, ...cluster, ...more } },
});
const wif = (fields: object) => ({ auth: { workloadIdentityFederation: fields } });
const annotations = { shown: ["iam.gke.io/gcp-service-account"], required: {} };

suite("a gcpsm block", () => {
  for (const projectID of ["shop", "example.com:shop", "123456789012", "a-1"])
    test(`may be for project ${projectID}`, () => assert.equal(configOf({ ...byKey, projectID }).project, projectID));
  for (const location of ["europe-west3", "us", "northamerica-northeast1"])
    test(`may be in ${location}`, () => assert.equal(configOf({ ...byKey, location }).location, location));

  test("takes the cluster's project when it names none", () => {
    const parsed = parseGcpBlock(wi({ clusterProjectID: "fleet" }), inShop);
    assert.ok(parsed.ok);
    assert.equal(parsed.value.project, "fleet");
    assert.equal(configOf(wi({ clusterProjectID: "fleet" })).project, "shop");
  });
  test("falls back to an older version only when it is told to", () => {
    const policy = (secretVersionSelectionPolicy?: string) =>
      configOf({ ...byKey, ...(secretVersionSelectionPolicy ? { secretVersionSelectionPolicy } : {}) }).orNewestEnabled;
    assert.deepEqual([policy(), policy("LatestOrFail"), policy("LatestOrFetch")], [false, false, true]);
  });
});

suite("the login of a gcpsm block", () => {
  test("shows an account's token for the cluster's pool, and what the account is annotated with", () => {
    const need = tokenNeed(wi());
    assert.deepEqual(need.serviceAccount, account);
    assert.equal(need.audience, "shop.svc.id.goog");
    assert.deepEqual(need.annotations, annotations);
  });
  test("shows an account's token for a pool of one's own, by the audience that its provider expects", () => {
    const need = tokenNeed(byPool);
    assert.deepEqual([need.serviceAccount, need.audience], [account, `https:${poolAudience}`]);
    assert.deepEqual(need.annotations, annotations);
    const told = { serviceAccountRef: { ...account, audiences: ["mine", "other"] }, audience: poolAudience };
    assert.equal(tokenNeed(wif(told)).audience, "mine");
    const fleet =
      "identitynamespace:shop.svc.id.goog:https://gkehub.googleapis.com/projects/shop/locations/global/memberships/a";
    assert.equal(tokenNeed(wif({ serviceAccountRef: account, audience: fleet })).audience, "shop.svc.id.goog");
  });
  test("names the account's namespace for a ClusterSecretStore alone", () => {
    const named = { name: "checkout", namespace: "infra" };
    assert.deepEqual(tokenNeed(wi({}, { namespace: "infra" }), clusterWide).serviceAccount, named);
    assert.deepEqual(tokenNeed(wi({}, { namespace: "shop" })).serviceAccount, account);
  });
  test("shows a key from a Secret, or a file from a ConfigMap", () => {
    const key = configOf(byKey).login.proof;
    assert.ok(key.kind === "static");
    assert.deepEqual(key.secrets["key"], {
      field: "spec.provider.gcpsm.auth.secretRef.secretAccessKeySecretRef",
      name: "google",
      key: "key.json",
    });
    const { login } = configOf(
      wif({ credConfig: { name: "pool", key: "config.json" }, externalTokenEndpoint: "https://t" }),
    );
    assert.ok(login.method === "externalAccount" && login.proof.kind === "static");
    assert.equal(login.tokenEndpoint, "https://t");
    assert.deepEqual(login.proof.secrets["credConfig"], {
      field: "spec.provider.gcpsm.auth.workloadIdentityFederation.credConfig",
      name: "pool",
      key: "config.json",
      kind: "ConfigMap",
    });
    for (const { proof } of [configOf(byKey).login, login])
      assert.ok(proof.kind === "static" && proof.anonymous === undefined, "it speaks for the store");
  });
  test("takes the node's own identity, and what the metadata server says, for a ClusterSecretStore alone", () => {
    const { login } = configOf({}, clusterWide);
    assert.equal(login.method, "metadata");
    assert.ok(login.proof.kind === "static" && login.proof.anonymous === undefined, "no pod is given it as its own");
    const cluster = configOf(wi({ clusterLocation: null, clusterName: null }), clusterWide).login;
    assert.ok(cluster.method === "workloadIdentity");
    assert.deepEqual(cluster.cluster, { project: "shop" });
  });
});

const pool = { serviceAccountRef: account, audience: poolAudience };
const refused: readonly (readonly [what: string, block: object, problem: RegExp])[] = [
  ["no project", byKey, /^projectID: is missing/],
  ["a project that is none", { projectID: "../x", ...byKey }, /^projectID: is not an id/],
  ["a location that is a host", { projectID: "shop", location: "evil.example/", ...byKey }, /^location: is not a name/],
  [
    "an unknown field",
    { projectID: "shop", projectId: "x", ...byKey },
    /^projectId: unknown field; did you mean projectID/,
  ],
  [
    "another policy",
    { projectID: "shop", secretVersionSelectionPolicy: "Any", ...byKey },
    /LatestOrFail or LatestOrFetch/,
  ],
  ["no login", { projectID: "shop" }, /^auth: is missing.*ClusterSecretStore alone/],
  ["an empty login", { projectID: "shop", auth: {} }, /^auth: is missing/],
  [
    "several logins",
    { projectID: "shop", auth: { ...byKey.auth, ...byCluster.auth } },
    /^auth: has several logins \(secretRef, workloadIdentity\)/,
  ],
  [
    "a key without a key",
    { projectID: "shop", auth: { secretRef: { secretAccessKeySecretRef: { name: "a" } } } },
    /key: is missing/,
  ],
  [
    "a cluster without a project",
    { projectID: "shop", ...wi({ clusterProjectID: null }) },
    /clusterProjectID: is missing/,
  ],
  [
    "a cluster without a name",
    { projectID: "shop", ...wi({ clusterName: null }) },
    /clusterName: is missing, and the metadata/,
  ],
  ["a cluster without a place", { projectID: "shop", ...wi({ clusterLocation: null }) }, /clusterLocation: is missing/],
  ["a cluster that is a path", { projectID: "shop", ...wi({ clusterName: "a/../b" }) }, /clusterName: is not a name/],
  [
    "an account elsewhere",
    { projectID: "shop", ...wi({}, { namespace: "infra" }) },
    /serviceAccountRef.namespace: a SecretStore/,
  ],
  ["a pool without a provider", { projectID: "shop", ...wif({ serviceAccountRef: account }) }, /audience: is missing/],
  [
    "a pool without a proof",
    { projectID: "shop", ...wif({ audience: poolAudience }) },
    /needs exactly one of credConfig/,
  ],
  [
    "two proofs",
    { projectID: "shop", ...wif({ ...pool, credConfig: { name: "a", key: "b" } }) },
    /needs exactly one of/,
  ],
  ["an audience of one's own", { projectID: "shop", ...wif({ ...pool, audience: "mine" }) }, /audiences: is missing/],
  [
    "an address that is none",
    { projectID: "shop", ...wif({ ...pool, gcpServiceAccountEmail: "a@b" }) },
    /gcpServiceAccountEmail/,
  ],
  ["a ConfigMap without a key", { projectID: "shop", ...wif({ credConfig: { name: "a" } }) }, /credConfig: has no key/],
  [
    "a ConfigMap elsewhere",
    { projectID: "shop", ...wif({ credConfig: { name: "a", key: "b", namespace: "c" } }) },
    /credConfig.namespace/,
  ],
  [
    "credentials of AWS",
    { projectID: "shop", ...wif({ awsSecurityCredentials: { region: "eu-west-1" }, audience: poolAudience }) },
    /awsSecurityCredentials: not supported yet/,
  ],
];

suite("a gcpsm block is refused", () => {
  for (const [what, block, problem] of refused)
    test(`with ${what}`, () => {
      const [first, ...others] = problemsOf(block);
      assert.match(first ?? "", problem);
      assert.deepEqual(others, []);
    });
});
