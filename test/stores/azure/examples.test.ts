import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { StoreRefKind } from "../../../plugin/manifests/objects.ts";
import { locate } from "../../../plugin/stores/azure/address.ts";
import { parseAzureBlock } from "../../../plugin/stores/azure/block.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly provider: { readonly azurekv: unknown };
    readonly data: readonly { readonly remoteRef: { readonly key: string; readonly version?: string } }[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");
const wanted: Readonly<Record<string, readonly [login: string, addresses: readonly string[]]>> = {
  "azure-service-principal.yaml": ["clientCertificate", ["secrets/web"]],
  "azure-workload-identity.yaml": ["workloadIdentity", ["secrets/db", "secrets/db", "keys/signing"]],
};

suite("the azurekv examples", async () => {
  const files = (await readdir(folder)).filter((file) => file.startsWith("azure"));
  test("are all known here", () => assert.deepEqual(files.sort(), Object.keys(wanted)));
  for (const file of files)
    test(`${file}: the store is understood and every key has its address`, async () => {
      const text = await readFile(join(folder, file), "utf8");
      const [store, secret] = parseAllDocuments(text).map((document) => document.toJS() as Example);
      const { kind, metadata, spec } = store!;
      const context = { scope: kind as StoreRefKind, name: metadata.name, namespace: metadata.namespace ?? "" };
      const parsed = parseAzureBlock(spec.provider.azurekv, context, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const addresses = secret!.spec.data.map(
        ({ remoteRef }) => locate({ ...remoteRef, metadataPolicy: "None" }).address,
      );
      assert.deepEqual([parsed.value.login.method, addresses], wanted[file]);
    });
});
