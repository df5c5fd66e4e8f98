import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { locate } from "../../../plugin/stores/kubernetes/address.ts";
import { parseKubernetesBlock } from "../../../plugin/stores/kubernetes/block.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly provider: { readonly kubernetes: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string } }[];
  };
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  "kubernetes-cluster.yaml": ["shared/postgres", "shared/postgres", "shared/postgres"],
  "kubernetes-namespace.yaml": ["shared/registry"],
};
const folder = join(import.meta.dirname, "../../../crds/examples");
const files = (await readdir(folder)).filter((file) => file.startsWith("kubernetes-"));

suite("the kubernetes examples", () => {
  test("are all known here", () => assert.deepEqual(files.sort(), Object.keys(addresses)));
  for (const file of files)
    test(`${file}: the store is understood and every key has its address`, async () => {
      const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"));
      const [store, secret] = documents.map((document) => document.toJS() as Example);
      assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret");
      const context = { scope: "SecretStore", ...store.metadata } as const;
      const parsed = parseKubernetesBlock(store.spec.provider.kubernetes, context, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.deepEqual(
        secret.spec.data?.map(
          ({ remoteRef }) => locate(parsed.value.namespace, { metadataPolicy: "None", ...remoteRef }).address,
        ),
        addresses[file],
      );
    });
});
