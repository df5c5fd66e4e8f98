import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { locate } from "../../../plugin/stores/kubernetes/address.ts";
import { parseKubernetesBlock } from "../../../plugin/stores/kubernetes/block.ts";
import { examplesOf } from "../example-files.ts";

interface Spec {
  readonly data?: readonly { readonly remoteRef: { readonly key: string } }[];
}

const examples = examplesOf<Spec>("kubernetes");
const addresses: Readonly<Record<string, readonly string[]>> = {
  "kubernetes-cluster.yaml": ["shared/postgres", "shared/postgres", "shared/postgres"],
  "kubernetes-namespace.yaml": ["shared/registry"],
};

suite("the kubernetes examples", () => {
  test("are all known here", () =>
    assert.deepEqual(
      examples.map(({ file }) => file),
      Object.keys(addresses),
    ));
  for (const { file, block, context, spec } of examples)
    test(`${file}: the store is understood and every key has its address`, () => {
      const parsed = parseKubernetesBlock(block, context, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const read = spec.data?.map(
        ({ remoteRef }) => locate(parsed.value.namespace, { metadataPolicy: "None", ...remoteRef }).address,
      );
      assert.deepEqual(read, addresses[file]);
    });
});
