import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { folderOf, locate } from "../../../plugin/stores/akeyless/address.ts";
import { parseAkeylessBlock } from "../../../plugin/stores/akeyless/block.ts";
import { examplesOf } from "../example-files.ts";

interface Spec {
  readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly version?: string } }[];
  readonly dataFrom?: readonly { readonly find: { readonly path: string } }[];
}

const examples = examplesOf<Spec>("akeyless");

/** What is read, and the folders that are listed. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  "akeyless-access-key.yaml": ["/payments/"],
  "akeyless-kubernetes.yaml": ["/payments/db", "/payments/db"],
};

suite("the akeyless examples", () => {
  test("are all known here", () =>
    assert.deepEqual(
      examples.map(({ file }) => file),
      Object.keys(addresses),
    ));
  for (const { file, block, context, spec } of examples)
    test(`${file}: the store is understood and every key has its address`, () => {
      const parsed = parseAkeylessBlock(block, context, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const { data = [], dataFrom = [] } = spec;
      const read = data.map(({ remoteRef }) => locate({ ...remoteRef, metadataPolicy: "None" }).address);
      assert.deepEqual([...read, ...dataFrom.map(({ find }) => folderOf(find))], addresses[file]);
    });
});
