import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseConnectBlock } from "../../../plugin/stores/onepassword/block.ts";
import { auth, inShop } from "./opened.ts";

const good = { connectHost: "https://connect.example.com", vaults: { prod: 1 }, auth };
const inCluster: StoreContext = { scope: "ClusterSecretStore", name: "connect", namespace: "" };
const token = (selector: object) => ({ secretRef: { connectTokenSecretRef: selector } });

suite("a onepassword block that is taken", () => {
  test("has its vaults in the order of their numbers and its host without a slash", () => {
    const block = { ...good, connectHost: "https://connect.example.com/base/", vaults: { b: 20, a: 3, c: -1 } };
    const parsed = parseConnectBlock(block, inShop, false);
    assert.ok(parsed.ok);
    assert.equal(parsed.value.host, "https://connect.example.com/base");
    assert.deepEqual(parsed.value.vaults, ["c", "a", "b"]);
    assert.deepEqual(parsed.value.proof, {
      kind: "static",
      method: "connect token",
      secrets: {
        token: {
          field: "spec.provider.onepassword.auth.secretRef.connectTokenSecretRef",
          name: "connect-token",
          key: "token",
        },
      },
    });
  });
  test("of a ClusterSecretStore may name a namespace, or means that of whoever reads", () => {
    const selector = { name: "connect-token", key: "token" };
    for (const namespace of ["ops", undefined]) {
      const block = { ...good, auth: token({ ...selector, ...(namespace && { namespace }) }) };
      const parsed = parseConnectBlock(block, inCluster, false);
      assert.ok(parsed.ok && parsed.value.proof.kind === "static");
      assert.equal(parsed.value.proof.secrets["token"]?.namespace, namespace);
    }
  });
  test("may have a plain http host in standalone alone", () => {
    const block = { ...good, connectHost: "http://localhost:8080" };
    assert.ok(parseConnectBlock(block, inShop, true).ok);
    assert.ok(!parseConnectBlock(block, inShop, false).ok);
  });
});

suite("a onepassword block that is refused", () => {
  const rows: readonly [what: string, block: unknown, path: string, problem: RegExp][] = [
    ["no host", { ...good, connectHost: undefined }, "connectHost", /./],
    ["a host without a scheme", { ...good, connectHost: "connect:8080" }, "connectHost", /must be a URL/],
    ["a host with a user", { ...good, connectHost: "https://a:b@c" }, "connectHost", /must not hold a user/],
    ["a host with a query", { ...good, connectHost: "https://c/?x" }, "connectHost", /query/],
    ["no vaults", { ...good, vaults: undefined }, "vaults", /place in the order/],
    ["an empty map of vaults", { ...good, vaults: {} }, "vaults", /name at least one/],
    ["two vaults at one place", { ...good, vaults: { a: 1, b: 1 } }, "vaults", /same place/],
    ["a vault without a name", { ...good, vaults: { " ": 1 } }, "vaults", /no vault has/],
    ["a place that is no number", { ...good, vaults: { a: "first" } }, "vaults.a", /whole number/],
    ["no auth", { ...good, auth: undefined }, "auth", /missing/],
    [
      "a token without a key",
      { ...good, auth: token({ name: "x" }) },
      "auth.secretRef.connectTokenSecretRef.key",
      /name a key/,
    ],
    [
      "a token of another namespace",
      { ...good, auth: token({ name: "x", key: "y", namespace: "ops" }) },
      "auth.secretRef.connectTokenSecretRef.namespace",
      /only its own namespace \(shop\)/,
    ],
    ["a misspelt field", { ...good, vault: { a: 1 } }, "vault", /did you mean vaults\?/],
  ];
  for (const [what, block, path, problem] of rows)
    test(what, () => {
      const parsed = parseConnectBlock(block, inShop, false);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.problems.map((one) => one.path),
        [path],
      );
      assert.match(parsed.problems[0].problem, problem);
    });
});
