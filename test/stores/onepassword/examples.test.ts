import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { locate } from "../../../plugin/stores/onepassword/address.ts";
import { parseConnectBlock } from "../../../plugin/stores/onepassword/block.ts";
import { examplesOf } from "../example-files.ts";

interface Spec {
  readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly property?: string } }[];
}

const examples = examplesOf<Spec>("onepassword");

suite("the onepassword examples", () => {
  test("are there", () => assert.ok(examples.length >= 1));
  for (const { file, block, context, spec } of examples)
    test(`${file}: the store is understood and every key has an address`, () => {
      const parsed = parseConnectBlock(block, context, false);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.deepEqual(parsed.value.vaults, ["payments", "shared"]);
      for (const { remoteRef } of spec.data ?? [])
        assert.equal(locate({ ...remoteRef, metadataPolicy: "None" }).address, "payments-db");
    });
});
