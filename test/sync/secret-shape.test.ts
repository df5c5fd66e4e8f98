import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import {
  createdBy,
  dataHash,
  syncedResourceVersion,
  wantedAnnotations,
  wantedLabels,
} from "../../plugin/sync/secret-shape.ts";
import { dataOf } from "../fakes/sync-world.ts";
import { externalSecret } from "./house.ts";

const hashes: readonly { name: string; data: ReadonlyMap<string, SecretValue>; hash: string }[] = [
  {
    name: "two values, in whatever order they came",
    data: dataOf({ foo: "value1", bar: "value2" }),
    hash: "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64",
  },
  { name: "no data", data: new Map(), hash: "74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b" },
];
for (const { name, data, hash } of hashes) test(`data hash of ${name}`, () => assert.equal(dataHash(data), hash));

test("the data hash tells an empty value from none, and bytes from text", () => {
  const of = (bytes: number[]): string => dataHash(new Map([["k", new SecretValue(Uint8Array.from(bytes))]]));
  const hashes = new Set([of([]), of([0]), of([255]), of([50, 53, 53]), dataHash(new Map())]);
  assert.equal(hashes.size, 5);
});

test("created-by is the hash of namespace and name", () => {
  assert.equal(
    createdBy({ namespace: "default", name: "my-es" }),
    "b8464376b5fe3535e690594280bfe59b60be2603cb6cbb6d6c8bcbb4",
  );
});

test("synced resource version of an object without labels and annotations", () => {
  const { meta } = externalSecret({ meta: { generation: 3 } });
  assert.equal(syncedResourceVersion(meta), "3-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2");
});

test("every label and annotation changes the synced resource version", () => {
  const versions = [
    {},
    { labels: { a: "1" } },
    { annotations: { a: "1" } },
    { annotations: { "keyferry.dev/force-sync": "1" } },
  ].map((meta) => syncedResourceVersion(externalSecret({ meta }).meta));
  assert.equal(new Set(versions).size, versions.length);
});

test("labels and annotations are copied, but not those that speak to keyferry", () => {
  const { meta } = externalSecret({
    meta: {
      labels: { team: "a" },
      annotations: { note: "b", "keyferry.dev/adopt": "Merge", "kubectl.kubernetes.io/x": "c" },
    },
  });
  assert.deepEqual(wantedAnnotations(meta), { note: "b", "kubectl.kubernetes.io/x": "c" });
  assert.deepEqual(wantedLabels(meta, false), { team: "a", "reconcile.external-secrets.io/managed": "true" });
  assert.equal(wantedLabels(meta, true)["reconcile.external-secrets.io/created-by"], createdBy(meta));
});
