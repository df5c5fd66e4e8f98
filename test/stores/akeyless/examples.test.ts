import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { folderOf, locate } from "../../../plugin/stores/akeyless/address.ts";
import { parseAkeylessBlock } from "../../../plugin/stores/akeyless/block.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly provider: { readonly akeyless: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly version?: string } }[];
    readonly dataFrom?: readonly { readonly find: { readonly path: string } }[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");

/** What is read, and the folders that are listed. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  "akeyless-access-key.yaml": ["/payments/"],
  "akeyless-kubernetes.yaml": ["/payments/db", "/payments/db"],
};

suite("the akeyless examples", async () => {
  const files = (await readdir(folder)).filter((file) => file.startsWith("akeyless-"));
  test("are all known here", () => assert.deepEqual(files.sort(), Object.keys(addresses)));
  for (const file of files)
    test(`${file}: the store is understood and every key has its address`, async () => {
      const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"));
      const [store, secret] = documents.map((document) => document.toJS() as Example);
      assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret");
      const { name, namespace } = store.metadata;
      const parsed = parseAkeylessBlock(store.spec.provider.akeyless, { scope: "SecretStore", name, namespace }, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const { data = [], dataFrom = [] } = secret.spec;
      const read = data.map(({ remoteRef }) => locate({ ...remoteRef, metadataPolicy: "None" }).address);
      assert.deepEqual([...read, ...dataFrom.map(({ find }) => folderOf(find))], addresses[file]);
    });
});
