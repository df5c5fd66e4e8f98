/**
 * What one store of a real OpenBao gives a whole process: secrets found by their metadata, metadata itself, and the
 * account of a dynamic engine; by user name and password, over TLS with a CA and a client certificate from Secrets.
 */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { makeCertificate } from "../../fakes/certificate.ts";
import { type Program, startProgram, until } from "../../scenario/program.ts";
import { type Broker, startBroker } from "./broker.ts";
import { type OpenBao, startOpenBao } from "./openbao.ts";

const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
const authority = makeCertificate({ name: "authority", isAuthority: true, ...life });
const own = makeCertificate({ name: "bao", subjects: ["127.0.0.1"], issuer: authority, ...life });
const client = makeCertificate({ name: "checkout", issuer: authority, ...life });

let bao: OpenBao;
let broker: Broker;

before(async () => {
  [bao, broker] = await Promise.all([
    startOpenBao({ cert: own.certificate, key: own.key, clientCa: authority.certificate }),
    startBroker(),
  ]);
  const policy = [
    'path "secret/*" { capabilities = ["read", "list"] }',
    'path "rabbitmq/creds/app" { capabilities = ["read"] }',
    'path "sys/leases/revoke" { capabilities = ["update"] }',
  ].join("\n");
  await bao.call("PUT", "sys/policies/acl/reader", { policy });
  await bao.call("POST", "sys/auth/userpass", { type: "userpass" });
  await bao.call("POST", "auth/userpass/users/ferry", { password: "let me in", token_policies: ["reader"] });
  for (const [name, team] of [
    ["db", "shop"],
    ["api", "shop"],
    ["other", "billing"],
  ]) {
    await bao.put(`secret/data/payments/${name}`, { of: name });
    await bao.call("POST", `secret/metadata/payments/${name}`, { custom_metadata: { team } });
  }
  await broker.serve(bao);
});

after(async () => {
  await bao.stop();
  await broker.close();
});

const indented = (pem: string): string => pem.trim().replaceAll("\n", "\n    ");

const store = (name: string, block: string): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: shop}
spec:
  provider:
    vault:
      server: ${bao.tlsUrl}
      ${block}
      caProvider: {type: ConfigMap, name: ca, key: ca.crt}
      tls: {certSecretRef: {name: pair}, keySecretRef: {name: pair}}
      auth: {userPass: {username: ferry, secretRef: {name: user, key: password}}}
---`;

const manifests = (): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ca, namespace: shop}
data:
  ca.crt: |
    ${indented(authority.certificate)}
---
apiVersion: v1
kind: Secret
metadata: {name: pair, namespace: shop}
stringData:
  tls.crt: |
    ${indented(client.certificate)}
  tls.key: |
    ${indented(client.key)}
---
apiVersion: v1
kind: Secret
metadata: {name: user, namespace: shop}
stringData: {password: let me in}
---${store("kv", "path: secret")}${store("engines", "version: v1")}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: found, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: kv}
  dataFrom: [{find: {path: payments, tags: {team: shop}}}]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: metadata, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: kv}
  data: [{secretKey: team, remoteRef: {key: payments/db, metadataPolicy: Fetch, property: team}}]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: account, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: engines}
  data:
    - {secretKey: username, remoteRef: {key: rabbitmq/creds/app, property: username}}
    - {secretKey: password, remoteRef: {key: rabbitmq/creds/app, property: password}}
`;

/** The same engine by a generator. */
const generator = (): string => `
apiVersion: generators.external-secrets.io/v1alpha1
kind: VaultDynamicSecret
metadata: {name: app, namespace: shop}
spec:
  path: rabbitmq/creds/app
  provider:
    server: ${bao.tlsUrl}
    caProvider: {type: ConfigMap, name: ca, key: ca.crt}
    tls: {certSecretRef: {name: pair}, keySecretRef: {name: pair}}
    auth: {userPass: {username: ferry, secretRef: {name: user, key: password}}}
`;

const generated = (name: string): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: 1s
  dataFrom:
    - sourceRef: {generatorRef: {kind: VaultDynamicSecret, name: app}}
`;

const secretOf = (world: Program, name: string): Promise<Record<string, string>> =>
  until(() => world.secret("shop", name), 60_000);

test("found secrets, metadata and a dynamic account reach their Secrets, and follow what changes", async () => {
  const world = await startProgram({ files: {}, manifests: { "all.yaml": manifests() } });
  try {
    assert.deepEqual(await secretOf(world, "metadata"), { team: "shop" });
    assert.deepEqual(await secretOf(world, "found"), { payments_api: '{"of":"api"}', payments_db: '{"of":"db"}' });
    const { username, password } = await secretOf(world, "account");
    assert.equal(broker.users.get(username!), password, "user name and password are of one account");
    assert.equal(broker.users.size, 1, "one account for one object, whatever it takes from it");

    await bao.call("POST", "secret/metadata/payments/other", { custom_metadata: { team: "shop" } });
    await until(async () => "payments_other" in (await world.secret("shop", "found")), 60_000);
  } finally {
    assert.equal(await world.stop(), 0);
  }
});

test("a generator makes an account for each object, keeps it over refreshes and gives it back", async () => {
  const before = broker.users.size;
  const objects = { "first.yaml": generated("first"), "second.yaml": generated("second") };
  const world = await startProgram({
    files: {},
    manifests: { "all.yaml": manifests(), "generator.yaml": generator(), ...objects },
  });
  try {
    const [first, second] = await Promise.all([secretOf(world, "first"), secretOf(world, "second")]);
    for (const { username, password } of [first, second]) assert.equal(broker.users.get(username!), password);
    assert.notEqual(first["username"], second["username"]);

    const releases = async (): Promise<number> =>
      (await readFile(world.at("audit.jsonl"), "utf8")).split('"VaultDynamicSecret/shop/app"').length - 1;
    const seen = await releases();
    await until(async () => (await releases()) >= seen + 4, 60_000);
    assert.deepEqual(await world.secret("shop", "first"), first);
    assert.equal(broker.users.size, before + 3, "two of the generator, one of the store");

    await rm(world.at("manifests", "second.yaml"));
    // Well before it would end by itself.
    await until(() => !broker.users.has(second["username"]!), 20_000);
    assert.ok(broker.users.has(first["username"]!));
  } finally {
    assert.equal(await world.stop(), 0);
  }
});
