import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { locate, looksDoubled, wirePath } from "../../../plugin/stores/vault/path.ts";

type Version = "v1" | "v2";
const at = (version: Version, path: string, key: string, asked?: string) =>
  locate({ version, path }, { key, metadataPolicy: "None", ...(asked === undefined ? {} : { version: asked }) });

suite("ESO's path rules", () => {
  const cases: readonly [rule: string, version: Version, path: string, key: string, address: string][] = [
    ["prepend", "v2", "secret/path", "foo", "secret/path/data/foo"],
    ["inherit", "v2", "secret/path", "secret/path/foo", "secret/path/data/foo"],
    ["inherit with data", "v2", "secret/path", "secret/path/data/foo", "secret/path/data/foo"],
    ["a key that begins like the mount", "v2", "secret", "secrets/foo", "secret/data/secrets/foo"],
    ["data of its own below the mount", "v2", "kv", "data/foo", "kv/data/data/foo"],
    ["the seed's doubled path", "v2", "kv", "secret/payments/db", "kv/data/secret/payments/db"],
    ["a repeated mount name", "v2", "kv", "kv/kv/foo", "kv/data/kv/foo"],
    ["the mount name alone", "v2", "kv", "kv", "kv/data/kv"],
    ["v1 prepend", "v1", "secret/path", "foo", "secret/path/foo"],
    ["v1 inherit", "v1", "secret/path", "secret/path/foo", "secret/path/foo"],
    ["v1 keeps data", "v1", "secret", "secret/data/foo", "secret/data/foo"],
    ["no store path", "v2", "", "secret/test/big/path", "secret/data/test/big/path"],
    ["no store path, data inside", "v2", "", "secret/team/data/foo", "secret/team/data/foo"],
    ["no store path, v1", "v1", "", "database/creds/app", "database/creds/app"],
  ];
  for (const [rule, version, path, key, address] of cases)
    test(`${rule}: ${version} "${path}" + "${key}" is ${address}`, () =>
      assert.equal(at(version, path, key).address, address));

  test("all spellings of one secret are one address", () => {
    const spellings = ["foo", "secret/path/foo", "secret/path/data/foo"];
    const addresses = spellings.map((key) => at("v2", "secret/path", key).address);
    assert.deepEqual([...new Set(addresses)], ["secret/path/data/foo"]);
  });
  test("a read is a plain GET without arguments", () => {
    assert.deepEqual(at("v2", "kv", "foo"), { address: "kv/data/foo", method: "GET", arguments: "", version: "" });
  });
});

suite("reads that may make something", () => {
  const cases: readonly [version: Version, path: string, key: string, shared: boolean][] = [
    ["v2", "", "database/creds/app", true],
    ["v1", "secret", "payments/db", true],
    ["v1", "secret", "creds", false],
    ["v1", "database", "creds/app", false],
    ["v1", "aws", "sts/deploy", false],
    ["v1", "gcp", "roleset/app/key", false],
    ["v1", "", "database/creds/app", false],
    ["v1", "", "secret/payments/db", false],
  ];
  for (const [version, path, key, shared] of cases)
    test(`${version} "${path}" + "${key}" is ${shared ? "shared" : "for one reader alone"}`, () =>
      assert.equal(at(version, path, key).method === "GET", shared));
});

suite("metadata", () => {
  const metadata = (path: string, key: string, version: Version = "v2") =>
    locate({ version, path }, { key, metadataPolicy: "Fetch", version: "7" });
  const cases: readonly [path: string, key: string, address: string][] = [
    ["secret/path", "foo", "secret/path/metadata/foo"],
    ["secret/path", "secret/path/foo", "secret/path/metadata/foo"],
    ["secret/path", "secret/path/data/foo", "secret/path/metadata/foo"],
    ["", "secret/big/foo", "secret/metadata/big/foo"],
    ["", "team/kv/data/foo", "team/kv/metadata/foo"],
  ];
  for (const [path, key, address] of cases)
    test(`"${path}" + "${key}" is at ${address}, of no version`, () => {
      const { version, ...rest } = metadata(path, key);
      assert.deepEqual(rest, { address, method: "GET", arguments: '{"metadata":true}' });
      assert.equal(version, "");
    });
  test("KV v1 has none", () => void refuses(() => metadata("kv", "foo", "v1"), /KV v2 alone/));
});

suite("versions", () => {
  const good: readonly [version: Version, asked: string | undefined, located: string][] = [
    ["v2", undefined, ""],
    ["v2", "", ""],
    ["v2", "7", "7"],
    ["v2", "007", "7"],
    ["v2", "0", ""],
    ["v1", "7", ""],
    ["v1", "latest", ""],
  ];
  for (const [version, asked, located] of good)
    test(`${version} "${asked}" is "${located}"`, () => assert.equal(at(version, "kv", "foo", asked).version, located));
  for (const asked of ["-1", "1.5", "latest", "v3", "1e3", " 7", "7&list=true", "9".repeat(30)])
    test(`"${asked}" is ref_invalid`, () => void refuses(() => at("v2", "kv", "foo", asked), /version/));
});

suite("keys that are refused", () => {
  const keys: readonly [key: string, words: RegExp][] = [
    ["", /empty/],
    ["/foo", /empty segment/],
    ["foo/", /empty segment/],
    ["a//b", /empty segment/],
    ["..", /"\.\."/],
    ["app/../../../sys/policies", /"\.\."/],
    ["a/./b", /"\."/],
    ["a\u0000b", /control character/],
    ["a\nb", /control character/],
    ["a\u0085b", /control character/],
    ["a\ud800b", /Unicode/],
  ];
  for (const version of ["v1", "v2"] as const)
    for (const [key, words] of keys)
      test(`${version} ${JSON.stringify(key)}`, () => void refuses(() => at(version, "kv", key), words));
  test("a mount alone, when the store has no path", () => void refuses(() => at("v2", "", "secret"), /mount\/name/));
  test("a refusal does not repeat the key", () => {
    const failure = refuses(() => at("v2", "kv", "canary/../x"), /segment/);
    assert.doesNotMatch(failure.message, /canary/);
  });
});

suite("what goes on the wire", () => {
  const cases: readonly [address: string, wire: string][] = [
    ["kv/data/foo", "kv/data/foo"],
    ["kv/data/a b", "kv/data/a%20b"],
    ["kv/data/a?list=true", "kv/data/a%3Flist%3Dtrue"],
    ["kv/data/a#b", "kv/data/a%23b"],
    ["kv/data/%2e%2e/x", "kv/data/%252e%252e/x"],
    ["kv/data/a%2Fb", "kv/data/a%252Fb"],
    ["kv/data/&#x2F;x", "kv/data/%26%23x2F%3Bx"],
    ["kv/data/a\\..\\b", "kv/data/a%5C..%5Cb"],
    ["kv/data/schlüssel", "kv/data/schl%C3%BCssel"],
    ["kv/data/..a", "kv/data/..a"],
  ];
  for (const [address, wire] of cases)
    test(`${address} is sent as ${wire}`, () => {
      assert.equal(wirePath(address), wire);
      assert.equal(
        new URL(`https://vault/v1/${wirePath(address)}`).pathname,
        `/v1/${wire}`,
        "and no URL parser folds it",
      );
    });
});

suite("doubled paths", () => {
  const cases: readonly [version: Version, path: string, address: string, doubled: boolean][] = [
    ["v2", "kv", "kv/data/secret/payments/db", true],
    ["v2", "kv", "kv/data/kv/foo", true],
    ["v2", "kv", "kv/data/data/foo", true],
    ["v2", "team/kv", "team/kv/data/team/foo", true],
    ["v1", "kv", "kv/secret/foo", true],
    ["v2", "kv", "kv/data/payments/db", false],
    ["v2", "kv", "kv/data/secret", false],
    ["v2", "", "secret/data/secret/foo", false],
  ];
  for (const [version, path, address, doubled] of cases)
    test(`${address} ${doubled ? "looks" : "does not look"} doubled`, () =>
      assert.equal(looksDoubled({ version, path }, address), doubled));
});

function refuses(act: () => unknown, words: RegExp): Failure {
  try {
    act();
  } catch (thrown) {
    assert.ok(thrown instanceof Failure);
    assert.equal(thrown.code, "ref_invalid");
    assert.match(thrown.message, words);
    return thrown;
  }
  assert.fail("accepted");
}
