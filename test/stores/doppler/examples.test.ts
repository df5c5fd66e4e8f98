import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { locate } from "../../../plugin/stores/doppler/address.ts";
import { parseDopplerBlock } from "../../../plugin/stores/doppler/block.ts";
import { examplesOf } from "../example-files.ts";

interface Spec {
  readonly data?: readonly { readonly remoteRef: { readonly key: string } }[];
}

const examples = examplesOf<Spec>("doppler");
const addresses: Readonly<Record<string, readonly string[]>> = {
  "doppler-config.yaml": ["DB_URL", "DB_JSON"],
  "doppler-oidc.yaml": ["DOPPLER_SECRETS_FILE"],
};

suite("the doppler examples", () => {
  test("are all known here", () =>
    assert.deepEqual(
      examples.map(({ file }) => file),
      Object.keys(addresses),
    ));
  for (const { file, block, context, spec } of examples)
    test(`${file}: the store is understood and every key has its address`, () => {
      const parsed = parseDopplerBlock(block, context, "https://api.doppler.com");
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const read = spec.data?.map(
        ({ remoteRef }) => locate(parsed.value, { ...remoteRef, metadataPolicy: "None" }).address,
      );
      assert.deepEqual(read, addresses[file]);
    });
});
