import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseDopplerBlock } from "../../../plugin/stores/doppler/block.ts";
import { byAccount, bySecret, inShop } from "./opened.ts";

const server = "https://api.doppler.com";
const inCluster: StoreContext = { scope: "ClusterSecretStore", name: "doppler", namespace: "" };
const account = (more: object) => ({
  auth: { oidcConfig: { identity: "id-1", serviceAccountRef: { name: "shop", ...more } } },
});
const configOf = (block: object, context = inShop) => {
  const parsed = parseDopplerBlock(block, context, server);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
};

suite("a doppler block that is taken", () => {
  test("with a token, whose key is dopplerToken where none is named", () => {
    const { login, ...rest } = configOf(bySecret);
    assert.deepEqual(rest, { server, project: "", config: "" });
    const field = "spec.provider.doppler.auth.secretRef.dopplerToken";
    const token = { field, name: "doppler-token", key: "dopplerToken" };
    assert.deepEqual(login.proof, { kind: "static", method: "doppler token", secrets: { token } });
  });
  test("with all of its fields", () => {
    const more = { project: "shop", config: "prd", format: "env", nameTransformer: "camel" };
    const { login: _, server: __, ...rest } = configOf({ ...bySecret, ...more });
    assert.deepEqual(rest, more);
  });
  test("with empty fields, which say nothing", () => {
    const { login: _, ...rest } = configOf({ ...bySecret, project: "", format: "", nameTransformer: null });
    assert.deepEqual(rest, { server, project: "", config: "" });
  });
  const audiences: readonly [what: string, block: object, context: StoreContext, audience: string][] = [
    ["the store's own", byAccount, inShop, "secretStore:shop:doppler"],
    ["a cluster store's own", account({ namespace: "ops" }), inCluster, "clusterSecretStore:doppler"],
    ["the first that is named", account({ audiences: ["a", "b"] }), inShop, "a"],
  ];
  for (const [what, block, context, audience] of audiences)
    test(`with a service account, for ${what} audience`, () => {
      const { login } = configOf(block, context);
      assert.ok(login.method === "oidc" && login.proof.kind === "token");
      assert.equal(login.identity, "id-1");
      assert.equal(login.proof.audience, audience);
      const namespace = context === inCluster ? { namespace: "ops" } : {};
      assert.deepEqual(login.proof.serviceAccount, { name: "shop", ...namespace });
    });
  test("with the life of the token that ESO asks for", () => {
    const { auth } = byAccount;
    assert.ok(configOf({ auth: { oidcConfig: { ...auth.oidcConfig, expirationSeconds: 600 } } }));
  });
});

suite("a doppler block that is refused", () => {
  const rows: readonly [what: string, block: object, path: string, problem: RegExp][] = [
    ["no auth", {}, "auth", /missing/],
    ["no login", { auth: {} }, "auth", /give one of secretRef, oidcConfig/],
    ["two logins", { auth: { ...bySecret.auth, ...byAccount.auth } }, "auth", /several logins/],
    ["no identity", { auth: { oidcConfig: { serviceAccountRef: { name: "x" } } } }, "auth.oidcConfig.identity", /./],
    ["a format that there is not", { ...bySecret, format: "toml" }, "format", /one of json, dotnet-json, env/],
    ["a transformer that there is not", { ...bySecret, nameTransformer: "x" }, "nameTransformer", /one of upper-camel/],
    ["a control character", { ...bySecret, project: "a\nb" }, "project", /no name/],
    [
      "a misspelt field",
      { ...bySecret, nameTransformers: "camel" },
      "nameTransformers",
      /did you mean nameTransformer\?/,
    ],
    [
      "a token of another namespace",
      { auth: { secretRef: { dopplerToken: { name: "x", namespace: "ops" } } } },
      "auth.secretRef.dopplerToken.namespace",
      /only its own namespace/,
    ],
    [
      "an account of another namespace",
      account({ namespace: "ops" }),
      "auth.oidcConfig.serviceAccountRef.namespace",
      /only its own namespace/,
    ],
  ];
  for (const [what, block, path, problem] of rows)
    test(what, () => {
      const parsed = parseDopplerBlock(block, inShop, server);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.problems.map((one) => one.path),
        [path],
      );
      assert.match(parsed.problems[0].problem, problem);
    });
});
