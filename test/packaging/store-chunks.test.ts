/** A store's library is a part of the bundle that is loaded when such a store is first used, and not before. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type * as BuildTool from "../../tools/build.mjs";
import { launch, layOut } from "../scenario/program.ts";
import { startFakeAws } from "../stores/aws/fake-aws.ts";
import { idOf, startFakeAzure } from "../stores/azure/fake-azure.ts";
import { byAccount, cloudAt } from "../stores/azure/opened.ts";

let dist: string;

before(async () => {
  dist = await mkdtemp(join(tmpdir(), "keyferry-dist-"));
  const tool = pathToFileURL(join(import.meta.dirname, "../../tools/build.mjs")).href;
  const { buildKeyferry } = (await import(tool)) as typeof BuildTool;
  await buildKeyferry(dist);
});
after(() => rm(dist, { recursive: true, force: true }));

const store = (provider: string): string => `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: main}
spec: {provider: ${provider}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop
  namespace: shop
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/first"
    azure.workload.identity/client-id: client
    azure.workload.identity/tenant-id: tenant
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: token, namespace: shop, annotations: {kubernetes.io/service-account.name: shop}}
stringData: {token: jwt}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef: {name: main, kind: ClusterSecretStore}
  data: [{secretKey: value, remoteRef: {key: db}}]
`;
const aws = (service: string): string =>
  `{aws: {service: ${service}, region: eu-central-1, role: "arn:aws:iam::123456789012:role/last", ` +
  "auth: {jwt: {serviceAccountRef: {name: shop}}}}}";

async function syncOnce(manifest: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await layOut({ manifests: { "all.yaml": manifest } });
  try {
    const args = ["standalone", "--once", "--manifests", join(folder, "manifests"), "--out", join(folder, "out")];
    const { ended, printed } = launch([join(dist, "keyferry.mjs"), ...args], env);
    assert.equal(await ended, 0, printed().stderr);
    const text = await readFile(join(folder, "out/secrets/shop/db.yaml"), "utf8");
    return Buffer.from(/value: (\S+)/.exec(text)![1]!, "base64").toString();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("the AWS SDK works as a part of the bundle", async (t) => {
  const server = await startFakeAws();
  t.after(server.close);
  const names = ["AWS_SECRETSMANAGER_ENDPOINT", "AWS_SSM_ENDPOINT", "AWS_STS_ENDPOINT"];
  const env = Object.fromEntries(names.map((name) => [name, server.url]));
  for (const service of ["SecretsManager", "ParameterStore"])
    assert.equal(await syncOnce(store(aws(service)), env), "db as jwt@first>last");
});

test("Azure's client works as a part of the bundle", async (t) => {
  const server = await startFakeAzure();
  t.after(server.close);
  server.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "db as {who}" } }]);
  const azurekv = { ...cloudAt(server.url), ...byAccount };
  assert.equal(await syncOnce(store(JSON.stringify({ azurekv }))), "db as client@jwt");
});

test("who has no AWS store never loads it", async () => {
  const names = await readdir(dist);
  const texts = await Promise.all(names.map((name) => readFile(join(dist, name), "utf8")));
  const chunks = names.filter((_, i) => /node_modules\/@aws-sdk\//.test(texts[i]!));
  assert.ok(chunks.length > 0, "no part of the bundle holds the SDK");
  for (const name of chunks) await rename(join(dist, name), join(dist, `${name}.away`));
  assert.equal(await syncOnce(store("{fake: {data: [{key: db, value: here}]}}")), "here");
});
