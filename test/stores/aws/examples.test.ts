import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { StoreRefKind } from "../../../plugin/manifests/objects.ts";
import { locate } from "../../../plugin/stores/aws/address.ts";
import { locateList } from "../../../plugin/stores/aws/find.ts";
import { parseAwsBlock } from "../../../plugin/stores/aws/block.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly provider: { readonly aws: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly version?: string } }[];
    readonly dataFrom?: readonly { readonly find: { readonly path: string } }[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");
const documentsOf = async (file: string): Promise<readonly Example[]> =>
  parseAllDocuments(await readFile(join(folder, file), "utf8")).map((document) => document.toJS() as Example);

function configOf({ kind, metadata, spec }: Example) {
  const context = { scope: kind as StoreRefKind, name: metadata.name, namespace: metadata.namespace ?? "" };
  const parsed = parseAwsBlock(spec.provider.aws, context);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  "aws-certificate.yaml": ["arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-4234-8234-123456789012"],
  "aws-find.yaml": [],
  "aws-parameter-store.yaml": ["/payments/api-url", "/payments/api-key"],
  "aws-secrets-manager.yaml": ["payments/db", "payments/db"],
};

suite("the aws examples", async () => {
  const files = (await readdir(folder)).filter((file) => file.startsWith("aws-"));
  test("are all known here", () => assert.deepEqual(files.sort(), Object.keys(addresses)));
  for (const file of files)
    test(`${file}: the store is understood and every key has its address`, async () => {
      const [store, secret] = await documentsOf(file);
      assert.ok(/^(Cluster)?SecretStore$/.test(store?.kind ?? "") && secret?.kind === "ExternalSecret");
      const config = configOf(store!);
      const { data = [], dataFrom = [] } = secret.spec;
      assert.deepEqual(
        data.map(({ remoteRef }) => locate(config, { ...remoteRef, metadataPolicy: "None" }).address),
        addresses[file],
      );
      for (const { find } of dataFrom) assert.equal(locateList(config, { path: find.path }).address, `${find.path}*`);
    });
  test("the store by service account of the first manifests ever written is understood", async () => {
    const [store] = await documentsOf("seed-aws-store.yaml");
    const { service, region, login } = configOf(store!);
    assert.deepEqual([service, region, login.method], ["SecretsManager", "us-east-1", "webIdentity"]);
    assert.ok(login.proof.kind === "token");
    assert.deepEqual(login.proof.serviceAccount, { name: "external-secrets", namespace: "external-secrets-system" });
  });
});
