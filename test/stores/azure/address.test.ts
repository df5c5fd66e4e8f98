import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { locate } from "../../../plugin/stores/azure/address.ts";

suite("the address of a key in a vault", () => {
  const good: readonly (readonly [key: string, address: string])[] = [
    ["db", "secrets/db"],
    ["secret/db", "secrets/db"],
    ["key/db", "keys/db"],
    ["cert/db", "certificates/db"],
    ["My-Db-1", "secrets/My-Db-1"],
    ["secret/key", "secrets/key"],
    ["a".repeat(127), `secrets/${"a".repeat(127)}`],
  ];
  for (const [key, address] of good)
    test(`${key.slice(0, 20)} is ${address.slice(0, 24)}`, () => {
      const located = locate({ key, metadataPolicy: "None" });
      assert.deepEqual(located, { address, method: "GET", arguments: "", version: "" });
    });
  const bad = [
    "",
    "secret/",
    "secrets/db",
    "keys/db",
    "toString/db",
    "secret/a/b",
    "/db",
    "a b",
    "a_b",
    "a.b",
    "..",
    "é",
  ];
  for (const key of [...bad, "cert/..", "key/a?b", "db#1", "a%2Fb", "a".repeat(128)])
    test(`"${key.slice(0, 20)}" has none`, () =>
      assert.throws(() => locate({ key, metadataPolicy: "None" }), { code: "ref_invalid", message: /^the key/ }));
  test("a version is beside it, and metadata are another read", () => {
    const version = "0123456789abcdef0123456789abcdef";
    const { address, ...others } = locate({ key: "db", version, metadataPolicy: "Fetch" });
    assert.deepEqual([address, others], ["secrets/db", { method: "GET", arguments: "metadata", version }]);
    for (const none of ["a/b", "../x", "a b", "a?b", "x".repeat(65)])
      assert.throws(() => locate({ key: "db", version: none, metadataPolicy: "None" }), { code: "ref_invalid" });
  });
});
