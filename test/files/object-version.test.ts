import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { objectVersion } from "../../plugin/files/object-version.ts";

const key = Buffer.alloc(32, 7);
const file = (path: string, text: string) => ({ path, mode: 0o644, contents: SecretValue.fromText(text) });
const version = (path: string, text: string, scope = "shop", versionKey = key) =>
  objectVersion(file(path, text), "", scope, versionKey).version;

suite("object versions", () => {
  test("the id is the path and the version that of the store", () => {
    assert.deepEqual(objectVersion(file("db/password", "x"), "7", "shop", key), { id: "db/password", version: "7" });
  });

  test("without a store version the content decides, the same after a restart", () => {
    assert.equal(version("a", "x"), version("a", "x"));
    assert.match(version("a", "x"), /^[A-Za-z0-9_-]{43}$/);
    assert.notEqual(version("a", "x"), version("a", "y"));
  });

  test("an empty value has a version too", () => assert.match(version("a", ""), /^.{43}$/));

  test("equal values cannot be recognised under another path, in another namespace or on another node", () => {
    const versions = [
      version("a", "x"),
      version("b", "x"),
      version("a", "x", "other"),
      version("a", "x", "shop", Buffer.alloc(32, 8)),
    ];
    assert.equal(new Set(versions).size, versions.length);
  });

  test("namespace, path and value cannot run into each other", () => {
    assert.notEqual(version("b", "x", "a"), version('b"]x', "", "a"));
    assert.notEqual(version("ab", "x", "c"), version("b", "x", "ca"));
  });
});
