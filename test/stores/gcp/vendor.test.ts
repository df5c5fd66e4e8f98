/**
 * Whether the fake servers speak as Google's do: Google's own clients read from them over REST and gRPC, and log in at
 * them. What the store is tested against elsewhere is worth what this says.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import { IdentityPoolClient, JWT, OAuth2Client } from "google-auth-library";
import * as grpc from "@grpc/grpc-js";
import { makeCertificate } from "../../fakes/certificate.ts";
import type { Certificate } from "../../fakes/certificate.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { startGcpGrpc } from "../../fakes/gcp-grpc.ts";
import type { GcpGrpc } from "../../fakes/gcp-grpc.ts";
import { startGcpRest } from "../../fakes/gcp-rest.ts";
import type { GcpRest } from "../../fakes/gcp-rest.ts";
import { createGcpSecrets } from "../../fakes/gcp-secrets.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import type { TokenIssuer } from "../../fakes/token-issuer.ts";
import { poolAudience } from "./opened.ts";

const email = "reader@shop.iam.gserviceaccount.com";
const account = { namespace: "shop", serviceAccountName: "checkout", serviceAccountUid: "u1" };
const secrets = createGcpSecrets();
const identities = createGcpIdentities();
let rest: GcpRest;
let rpc: GcpGrpc;
let tls: Certificate;
let issuer: TokenIssuer;

before(async () => {
  const day = 86_400_000;
  tls = makeCertificate({
    name: "gcp",
    subjects: ["127.0.0.1", "localhost"],
    notBeforeMs: Date.now() - day,
    notAfterMs: Date.now() + day,
    isAuthority: true,
  });
  issuer = await createTokenIssuer();
  [rest, rpc] = await Promise.all([startGcpRest(secrets, identities), startGcpGrpc(secrets, identities, tls)]);
  secrets.set("db", {
    versions: ["one", "two", "three"],
    aliases: { stable: 2 },
    labels: { team: "a" },
    annotations: { "team.owner": "ana" },
  });
  for (const id of ["db-1", "db-2", "other"]) secrets.set(id, { labels: { team: "b" } });
  secrets.setState("projects/shop/secrets/db", 1, "DESTROYED");
  identities.trust({
    audience: poolAudience,
    jwks: issuer.jwks,
    issuer: issuer.issuer,
    tokenAudiences: ["gcp-pool"],
    principal: (subject) => `principal:${subject}`,
  });
  identities.letIn(email, ["principal:system:serviceaccount:shop:checkout"]);
});
after(async () => {
  rpc.close();
  await rest.close();
});

function signedIn(): OAuth2Client {
  const client = new OAuth2Client();
  client.setCredentials({ access_token: identities.grant("user:ana") });
  return client;
}

function overRest(): SecretManagerServiceClient {
  const { hostname, port } = new URL(rest.url);
  return new SecretManagerServiceClient({
    fallback: true,
    protocol: "http",
    apiEndpoint: hostname,
    port: Number(port),
    authClient: signedIn() as never,
  });
}

function overGrpc(): SecretManagerServiceClient {
  const channel = grpc.credentials.createSsl(Buffer.from(tls.certificate));
  const token = grpc.credentials.createFromMetadataGenerator((_, done) => {
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${identities.grant("user:ana")}`);
    done(null, metadata);
  });
  return new SecretManagerServiceClient({
    apiEndpoint: "localhost",
    port: rpc.port,
    sslCreds: grpc.credentials.combineChannelCredentials(channel, token),
    authClient: signedIn() as never,
  });
}

for (const [transport, open] of Object.entries({ REST: overRest, gRPC: overGrpc }))
  suite(`Google's client reads over ${transport}`, { timeout: 30_000 }, () => {
    let client: SecretManagerServiceClient;
    before(() => void (client = open()));
    after(() => client.close());
    const accessed = async (version: string): Promise<readonly [string, string]> => {
      const [answer] = await client.accessSecretVersion({ name: `projects/shop/secrets/db/versions/${version}` });
      return [answer.name!, Buffer.from(answer.payload!.data as Uint8Array).toString()];
    };
    test("the latest version, one by number and one by alias", async () => {
      const name = "projects/123456789012/secrets/db/versions";
      assert.deepEqual(await accessed("latest"), [`${name}/3`, "three"]);
      assert.deepEqual(await accessed("3"), [`${name}/3`, "three"]);
      assert.deepEqual(await accessed("stable"), [`${name}/2`, "two"]);
    });
    const refusals = [
      ["a version that is destroyed", "projects/shop/secrets/db/versions/1", 9, /DESTROYED state/],
      ["a version that is not there", "projects/shop/secrets/db/versions/9", 5, /^(5 NOT_FOUND: )?Secret Version \[/],
      ["a secret that is not there", "projects/shop/secrets/nil/versions/latest", 5, /not found or has no versions/],
    ] as const;
    for (const [what, name, code, says] of refusals)
      test(`${what} is refused with code ${code}`, async () => {
        await assert.rejects(client.accessSecretVersion({ name }), { code, message: says });
      });
    test("labels and annotations", async () => {
      const [secret] = await client.getSecret({ name: "projects/shop/secrets/db" });
      assert.deepEqual([secret.labels, secret.annotations], [{ team: "a" }, { "team.owner": "ana" }]);
    });
    test("a filtered list, page by page", async () => {
      const [found] = await client.listSecrets({ parent: "projects/shop", filter: "name:db" });
      assert.deepEqual(
        found.map(({ name }) => name!.split("/").at(-1)),
        ["db", "db-1", "db-2"],
      );
      const [versions] = await client.listSecretVersions({
        parent: "projects/shop/secrets/db",
        filter: "state:ENABLED",
      });
      assert.deepEqual(
        versions.map(({ name, state }) => [name!.split("/").at(-1), state]),
        [
          ["3", "ENABLED"],
          ["2", "ENABLED"],
        ],
      );
    });
  });

suite("Google's authentication library logs in", { timeout: 30_000 }, () => {
  const poolClient = (token: string, more: object = {}) =>
    new IdentityPoolClient({
      type: "external_account",
      audience: poolAudience,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${rest.url}/v1/token`,
      subject_token_supplier: { getSubjectToken: () => Promise.resolve(token) },
      ...more,
    });
  test("through a pool", async () => {
    const { token } = await poolClient(await issuer.sign(account, { audience: "gcp-pool" })).getAccessToken();
    assert.equal(identities.whose(token!), "principal:system:serviceaccount:shop:checkout");
  });
  test("through a pool as a Google service account", async () => {
    const url = `${rest.url}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
    const client = poolClient(await issuer.sign(account, { audience: "gcp-pool" }), {
      service_account_impersonation_url: url,
    });
    const { token } = await client.getAccessToken();
    assert.equal(identities.whose(token!), `serviceAccount:${email}`);
  });
  test("not with a token for another audience", async () => {
    const client = poolClient(await issuer.sign(account, { audience: "elsewhere" }));
    await assert.rejects(client.getAccessToken(), /invalid_grant/);
  });
  test("with a key", async () => {
    const { client_email, private_key } = JSON.parse(identities.makeKey(email)) as Record<string, string>;
    const client = new JWT({
      email: client_email!,
      key: private_key!,
      scopes: ["https://www.googleapis.com/auth/cloud-platform"],
    });
    // The library knows one token server only.
    client.transporter.interceptors.request.add({
      resolved: (config) => Promise.resolve({ ...config, url: new URL(`${rest.url}/token`) }),
    });
    const { token } = await client.getAccessToken();
    assert.equal(identities.whose(token!), `serviceAccount:${email}`);
  });
});
