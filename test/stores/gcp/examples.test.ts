import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { StoreRefKind } from "../../../plugin/manifests/objects.ts";
import { locate, locateFind } from "../../../plugin/stores/gcp/address.ts";
import { parseGcpBlock } from "../../../plugin/stores/gcp/block.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly provider: { readonly gcpsm: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly version?: string } }[];
    readonly dataFrom?: readonly { readonly find: object }[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");
const regional = "projects/payments-prod/locations/europe-west3/secrets";
const addresses: Readonly<Record<string, readonly string[]>> = {
  "gcp-federation.yaml": [regional],
  "gcp-workload-identity.yaml": Array<string>(2).fill("projects/payments-prod/secrets/payments-db"),
};

suite("the gcp examples", async () => {
  const files = (await readdir(folder)).filter((file) => file.startsWith("gcp-"));
  test("are all known here", () => assert.deepEqual(files.sort(), Object.keys(addresses)));
  for (const file of files)
    test(`${file}: the store is understood and every key has its address`, async () => {
      const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"));
      const [store, secret] = documents.map((document) => document.toJS() as Example);
      assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret");
      const { name, namespace = "" } = store.metadata;
      const context = { scope: store.kind as StoreRefKind, name, namespace };
      const parsed = parseGcpBlock(store.spec.provider.gcpsm, context);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const { data = [], dataFrom = [] } = secret.spec;
      const located = [
        ...data.map(({ remoteRef }) => locate(parsed.value, { ...remoteRef, metadataPolicy: "None" })),
        ...dataFrom.map(({ find }) => locateFind(parsed.value, find)),
      ];
      assert.deepEqual(
        located.map(({ address }) => address),
        addresses[file],
      );
    });
});
