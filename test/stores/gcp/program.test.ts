/**
 * The main job against servers that stand in for Google's, which vendor.test.ts holds against Google's own
 * clients: through a pool to Secret and volume, a rotated value, a find, and what is told when Google says no.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mountAsDriver } from "../../fakes/driver-client.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { startGcpRest, type GcpRest } from "../../fakes/gcp-rest.ts";
import { createGcpSecrets } from "../../fakes/gcp-secrets.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import { account, pod, untilRefused, synced, accountTokenSecret } from "../../scenario/checkout.ts";
import { type Program, startProgram, until } from "../../scenario/program.ts";

const email = "checkout@payments.iam.gserviceaccount.com";
const audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/main";
const subject = "pool:system:serviceaccount:shop:checkout";

const secrets = createGcpSecrets();
const identities = createGcpIdentities();
let google: GcpRest;
let accountToken: string;
let podToken: string;
let strangeToken: string;

before(async () => {
  const [rest, issuer] = await Promise.all([startGcpRest(secrets, identities), createTokenIssuer()]);
  google = rest;
  const { jwks, issuer: name } = issuer;
  const tokenAudiences = [`https:${audience}`];
  identities.trust({ audience, jwks, issuer: name, tokenAudiences, principal: (who) => `pool:${who}` });
  identities.letIn(email, [subject]);
  accountToken = await issuer.sign(account, { audience: `https:${audience}` });
  podToken = await issuer.sign(
    { ...account, pod: { name: pod.podName, uid: pod.podUid } },
    { audience: `https:${audience}` },
  );
  strangeToken = await issuer.sign(account, { audience: "elsewhere" });
});
after(() => google.close());

const setPassword = (...passwords: readonly string[]): void =>
  secrets.set("db", { versions: passwords.map((password) => JSON.stringify({ username: "ferry", password })) });

interface Wish {
  /** Lines of spec.data or spec.dataFrom. */
  readonly entries: string;
  readonly annotated?: boolean;
  readonly token?: string;
}

async function withWorld(wish: Wish, work: (world: Program) => Promise<void>): Promise<void> {
  const world = await startProgram({
    env: {
      CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: google.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: google.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STS: google.url,
      GOOGLE_SDK_NODE_LOGGING: "all",
    },
    manifests: {
      "all.yaml": `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: gcp, namespace: shop}
spec:
  provider:
    gcpsm:
      projectID: shop
      auth:
        workloadIdentityFederation:
          serviceAccountRef: {name: checkout}
          audience: ${audience}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: checkout
  namespace: shop
  annotations: {${wish.annotated ? `iam.gke.io/gcp-service-account: ${email}` : ""}}
---
${accountTokenSecret(wish.token ?? accountToken)}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: gcp}
  ${wish.entries}
`,
    },
  });
  try {
    await work(world);
    assert.doesNotMatch(world.printed().stderr, /secret-manager|ya29|Bearer/, "Google's client prints nothing");
  } finally {
    await world.stop();
  }
}

const password = "data: [{secretKey: password, remoteRef: {key: db, property: password}}]";

test("a service account: one login for Secret and volume, and a rotated value reaches both", async () => {
  setPassword("first");
  const before = google.requests.length;
  await withWorld({ entries: password, annotated: true }, async (world) => {
    const mount = async (): Promise<string | undefined> => {
      const { files } = await mountAsDriver(world.socket, {
        ...pod,
        tokens: { [`https:${audience}`]: podToken },
        parameters: {
          secretStoreRef: "{name: gcp, kind: SecretStore}",
          data: "- {secretKey: db/password, remoteRef: {key: db, property: password}}",
          refreshInterval: "1s",
        },
      });
      return files.get("db/password")?.contents.toString();
    };
    assert.deepEqual(await synced(world), { password: "first" });
    assert.equal(await mount(), "first");
    setPassword("first", "second");
    await until(async () => (await world.secret("shop", "db"))["password"] === "second");
    await until(async () => (await mount()) === "second");
    assert.ok(secrets.calls.every(({ principal }) => principal === `serviceAccount:${email}`));
    const logins = google.requests.slice(before).filter(({ path }) => path === "/v1/token");
    assert.equal(logins.length, 1);
    const { text } = await world.get("/metrics");
    for (const call of ["AccessSecretVersion", "GenerateAccessToken"])
      assert.match(
        text,
        new RegExp(`api_calls_count\\{(?=[^}]*provider="GCP/SecretManager")(?=[^}]*call="${call}")(?=[^}]*"success")`),
      );
  });
});

test("a find brings every secret that has the label", async () => {
  for (const id of ["team-a", "team-b", "team-c"])
    secrets.set(id, { labels: { team: id === "team-b" ? "x" : "shop" } });
  await withWorld({ entries: "dataFrom: [{find: {path: team-, tags: {team: shop}}}]" }, async (world) => {
    assert.deepEqual(await synced(world), { "team-a": "value of team-a", "team-c": "value of team-c" });
  });
});

test("a token for another audience: the message names the knob", async () => {
  setPassword("first");
  await withWorld({ entries: password, token: strangeToken }, async (world) => {
    assert.match(await untilRefused(world, "store_login_denied"), /invalid_grant.*expects its audience/);
  });
});

test("a secret that is not there is told from one that may not be read", async () => {
  const missing = "data: [{secretKey: a, remoteRef: {key: none}}]";
  await withWorld({ entries: missing }, async (world) => {
    assert.match(await untilRefused(world, "ref_not_found"), /no secret "projects\/shop\/secrets\/none"/);
  });
  setPassword("first");
  secrets.limit(subject, []);
  await withWorld({ entries: password }, async (world) => {
    assert.match(await untilRefused(world, "store_denied"), /secretmanager\.versions\.access/);
  });
});
