/**
 * Our store, and the whole program, against a vault whose requests and answers are read and written by Azure's own
 * code; and our vault for tests beside it.
 */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SecretClient } from "@azure/keyvault-secrets";
import type { SetSecretOptions } from "@azure/keyvault-secrets";
import { untilRefused, synced } from "../../scenario/checkout.ts";
import { type Program, startProgram, until } from "../../scenario/program.ts";
import { createFakeAzure, vaultResource } from "../../stores/azure/fake-azure.ts";
import { type KeyVault, startKeyVault } from "./key-vault.ts";

let vault: KeyVault;
let theirs: SecretClient;
let caFile: string;
const idOf = (version: number): string => String(version).padStart(32, "0");
const expiresOn = new Date("2030-01-01T00:00:00Z");

interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly body: unknown;
}

/** Without any client of a library. */
function ask(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, vault.url), { method, headers, ca: vault.ca }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode: status = 0, headers: answered } = response;
        const challenge = answered["www-authenticate"];
        resolve({ status, challenge, body: JSON.parse(Buffer.concat(chunks).toString()) });
      });
    });
    sent.on("error", reject).end(body);
  });
}

const form = (id: string): string =>
  new URLSearchParams({
    grant_type: "client_credentials",
    client_id: id,
    client_secret: `secret-${id}`,
    scope: `${vaultResource}/.default`,
  }).toString();

async function tokenOf(id: string): Promise<string> {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  const { body } = await ask("POST", "/tenant/oauth2/v2.0/token", type, form(id));
  return (body as { access_token: string }).access_token;
}

before(async () => {
  vault = await startKeyVault();
  caFile = join(tmpdir(), `keyferry-azure-${process.pid}.pem`);
  await writeFile(caFile, vault.ca);
  const getToken = async () => ({ token: await tokenOf("admin"), expiresOnTimestamp: Date.now() + 3_600_000 });
  theirs = new SecretClient(
    vault.url,
    { getToken },
    { tlsOptions: { ca: vault.ca }, retryOptions: { maxRetries: 0 }, disableChallengeResourceVerification: true },
  );
  const secrets: readonly (readonly [string, string, SetSecretOptions])[] = [
    ["db", '{"user":"ferry","password":"first"}', {}],
    ["db", '{"user":"ferry","password":"second"}', { tags: { env: "prod", conf: '{"port":5432}' }, expiresOn }],
    ["api-key", "k", { tags: { env: "prod" } }],
    ["off", "v", { enabled: false, tags: { env: "prod" } }],
    ["api-url", "u", { tags: { env: "test" } }],
    ["plain", "p", {}],
  ];
  for (const [name, value, options] of secrets) await theirs.setSecret(name, value, options);
});
after(async () => {
  await vault.stop();
  await rm(caFile, { force: true });
});

/** keyferry on one store of the namespace shop, with one ExternalSecret. */
async function withWorld(spec: string, work: (world: Program) => Promise<void>, client = "reader", secret?: string) {
  const world = await startProgram({
    env: { NODE_EXTRA_CA_CERTS: caFile, AZURE_CLIENT_ID: "canary", AZURE_TENANT_ID: "canary" },
    manifests: {
      "all.yaml": `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: azure, namespace: shop}
spec:
  provider:
    azurekv:
      vaultUrl: ${vault.url}
      tenantId: tenant
      environmentType: AzureStackCloud
      customCloudConfig:
        activeDirectoryEndpoint: ${vault.url}
        keyVaultEndpoint: ${vaultResource}
        keyVaultDNSSuffix: 127.0.0.1
      useAzureSDK: true
      authSecretRef:
        clientId: {name: principal, key: id}
        clientSecret: {name: principal, key: secret}
---
apiVersion: v1
kind: Secret
metadata: {name: principal, namespace: shop}
stringData: {id: ${client}, secret: ${secret ?? `secret-${client}`}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: azure}
  ${spec.trim()}
`,
    },
  });
  try {
    await work(world);
  } finally {
    await world.stop();
  }
}

test("secrets, versions, properties, keys, tags and dates; a rotated value arrives", async () => {
  const data = `data:
    - {secretKey: password, remoteRef: {key: db, property: password}}
    - {secretKey: first, remoteRef: {key: secret/db, property: password, version: "${idOf(1)}"}}
    - {secretKey: env, remoteRef: {key: db, metadataPolicy: Fetch, property: env}}
    - {secretKey: port, remoteRef: {key: db, metadataPolicy: Fetch, property: conf.port}}
    - {secretKey: ends, remoteRef: {key: db, metadataPolicy: Fetch, property: attribute.expires}}
    - {secretKey: modulus, remoteRef: {key: key/signing, property: "n"}}
    - {secretKey: use, remoteRef: {key: key/signing, metadataPolicy: Fetch, property: use}}`;
  await withWorld(data, async (world) => {
    const want = {
      first: "first",
      env: "prod",
      port: "5432",
      ends: "2030-01-01T00:00:00Z",
      modulus: "wwEC",
      use: "jwt",
    };
    assert.deepEqual(await synced(world), { ...want, password: "second" });
    await theirs.setSecret("db", '{"password":"third"}', { tags: { env: "prod", conf: '{"port":5432}' }, expiresOn });
    await until(async () => (await world.secret("shop", "db"))["password"] === "third");
    const { text } = await world.get("/metrics");
    assert.match(text, /api_calls_count\{(?=[^}]*provider="Azure\/KeyVault")(?=[^}]*call="GetSecret")/);
  });
});

test("extract, and find by name and tags over pages, without what is disabled", async () => {
  const dataFrom = `dataFrom:
    - {extract: {key: db, version: "${idOf(1)}"}}
    - {find: {name: {regexp: "^api-"}}}
    - {find: {tags: {env: prod}, name: {regexp: "key$"}}}`;
  await withWorld(dataFrom, async (world) => {
    assert.deepEqual(await synced(world), { user: "ferry", password: "first", "api-key": "k", "api-url": "u" });
  });
});

test("what is not there, disabled, not allowed or not logged in is told apart", async () => {
  const one = (key: string): string => `data: [{secretKey: a, remoteRef: {key: ${key}}}]`;
  await withWorld(one("none"), async (world) => {
    assert.match(await untilRefused(world, "ref_not_found"), /the vault has no secret "none"/);
  });
  await withWorld(one("key/none"), async (world) => {
    assert.match(await untilRefused(world, "ref_not_found"), /the vault has no key "none"/);
  });
  await withWorld(one("off"), async (world) => {
    assert.match(await untilRefused(world, "store_denied"), /"off" is disabled/);
  });
  const asStranger = async (world: Program): Promise<void> => {
    assert.match(await untilRefused(world, "store_denied"), /give the identity secrets\/get/);
  };
  await withWorld(one("db"), asStranger, "stranger");
  const asNobody = async (world: Program): Promise<void> => {
    assert.match(await untilRefused(world, "store_login_denied"), /AADSTS7000215\).*write its value, not its id/);
  };
  await withWorld(one("db"), asNobody, "reader", "wrong");
});

test("our own vault for tests answers as this one does", async () => {
  const fake = createFakeAzure({ pageSize: 2 });
  fake.objects.set("secrets/db", [
    { id: idOf(1), content: { value: '{"user":"ferry","password":"first"}' } },
    {
      id: idOf(2),
      tags: { env: "prod", conf: '{"port":5432}' },
      dates: { exp: expiresOn.getTime() / 1_000 },
      content: { value: '{"user":"ferry","password":"second"}' },
    },
  ]);
  fake.objects.set("secrets/off", [{ id: idOf(1), enabled: false, content: { value: "v" } }]);
  const key = { kty: "RSA", n: "wwEC", e: "AQAB", key_ops: ["sign"] };
  fake.objects.set("keys/signing", [{ id: idOf(1), tags: { use: "jwt" }, content: { key } }]);

  const askFake = (method: string, path: string, headers: Record<string, string>, body = ""): Answer => {
    const { status, headers: answered = {}, body: text } = fake.answer({ method, path, headers, body }, vault.url);
    return { status, challenge: answered["www-authenticate"], body: JSON.parse(String(text)) };
  };
  const login = askFake("POST", "/tenant/oauth2/v2.0/token", {}, form("reader")).body as { access_token: string };
  const ours = { authorization: `Bearer ${login.access_token}` };
  const their = { authorization: `Bearer ${await tokenOf("reader")}` };
  const paths = [`/secrets/db/${idOf(1)}`, `/secrets/db/${idOf(2)}`, `/secrets/db/${idOf(9)}`, "/secrets/none/"];
  for (const path of [...paths, "/secrets/off/", "/keys/signing/", "/keys/none/"]) {
    const at = `${path}?api-version=7.4`;
    assert.deepEqual(askFake("GET", at, ours), await ask("GET", at, their), path);
  }
  const unproven = askFake("GET", "/secrets/db/?api-version=7.4", {});
  const { status, challenge } = await ask("GET", "/secrets/db/?api-version=7.4");
  assert.deepEqual([unproven.status, unproven.challenge], [status, challenge]);
  // Of lists the shape: what else is in the two vaults differs.
  const shapes = [
    askFake("GET", "/secrets?api-version=7.4", ours),
    await ask("GET", "/secrets?api-version=7.4", their),
  ];
  for (const { body } of shapes) {
    const { value, nextLink } = body as { value: Record<string, unknown>[]; nextLink: string | null };
    assert.deepEqual(Object.keys(value[0]!).sort(), ["attributes", "id", "tags"]);
    assert.equal(value[0]!["id"], `${vault.url}/secrets/db`);
    if (nextLink !== null) assert.equal(nextLink, `${vault.url}/secrets?api-version=7.4&$skiptoken=2`);
  }
});
