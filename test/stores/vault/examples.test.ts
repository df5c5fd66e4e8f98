import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { parseOpenBaoBlock, parseVaultBlock } from "../../../plugin/stores/vault/block.ts";
import { locate } from "../../../plugin/stores/vault/path.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly provider: { readonly vault?: unknown; readonly openBao?: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly version?: string } }[];
    readonly dataFrom?: readonly object[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");
const files = (await readdir(folder)).filter((file) => /^vault-/.test(file));
const addresses: Readonly<Record<string, string>> = { "vault-dynamic.yaml": "database/creds/payments" };

suite("the vault examples", () => {
  test("are there", () => assert.ok(files.length >= 5));
  for (const file of files)
    test(`${file}: the store is understood and every key has an address`, async () => {
      const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"));
      const [store, secret] = documents.map((document) => document.toJS() as Example);
      assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret");
      const { name, namespace } = store.metadata;
      const { vault, openBao } = store.spec.provider;
      const context = { scope: "SecretStore", name, namespace } as const;
      const parsed = vault ? parseVaultBlock(vault, context, false) : parseOpenBaoBlock(openBao, context, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.ok(secret.spec.data ?? secret.spec.dataFrom);
      for (const { remoteRef } of secret.spec.data ?? [])
        assert.equal(
          locate(parsed.value, { ...remoteRef, metadataPolicy: "None" }).address,
          addresses[file] ?? "kv/data/payments/db",
        );
    });
});
