import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { locate } from "../../../plugin/stores/onepassword/address.ts";
import { parseConnectBlock } from "../../../plugin/stores/onepassword/block.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly provider: { readonly onepassword: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly property?: string } }[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");
const files = (await readdir(folder)).filter((file) => file.startsWith("onepassword-"));

suite("the onepassword examples", () => {
  test("are there", () => assert.ok(files.length >= 1));
  for (const file of files)
    test(`${file}: the store is understood and every key has an address`, async () => {
      const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"));
      const [store, secret] = documents.map((document) => document.toJS() as Example);
      assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret");
      const { name, namespace } = store.metadata;
      const parsed = parseConnectBlock(
        store.spec.provider.onepassword,
        { scope: "SecretStore", name, namespace },
        false,
      );
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.deepEqual(parsed.value.vaults, ["payments", "shared"]);
      for (const { remoteRef } of secret.spec.data ?? [])
        assert.equal(locate({ ...remoteRef, metadataPolicy: "None" }).address, "payments-db");
    });
});
