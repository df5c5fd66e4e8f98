import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseAzureBlock } from "../../../plugin/stores/azure/block.ts";
import { byAccount, byCertificate, byMachine, bySecret, forAll, inShop } from "./opened.ts";

const vaultUrl = "https://shop.vault.azure.net";
const configOf = (block: object, context: StoreContext = inShop, plainHttp = false) => {
  const parsed = parseAzureBlock({ vaultUrl, ...block }, context, plainHttp);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
};
const problemsOf = (block: unknown, context: StoreContext = inShop): string[] => {
  const parsed = parseAzureBlock(block, context, false);
  return parsed.ok ? [] : parsed.problems.map(({ path, problem }) => `${path}: ${problem}`);
};

suite("the login that an azurekv block asks for", () => {
  const annotations = {
    shown: ["azure.workload.identity/client-id", "azure.workload.identity/tenant-id"],
    required: {
      "azure.workload.identity/client-id": "annotate the account with the client id of its identity",
      "azure.workload.identity/tenant-id":
        "annotate the account with its tenant's id, or set spec.provider.azurekv.tenantId",
    },
  };
  const field = "spec.provider.azurekv.serviceAccountRef";
  test("by service account: its token for Azure, and what it is annotated with", () => {
    assert.deepEqual(configOf(byAccount).login, {
      method: "workloadIdentity",
      proof: {
        kind: "token",
        field,
        serviceAccount: { name: "shop" },
        audience: "api://AzureADTokenExchange",
        annotations,
      },
    });
  });
  test("by service account: ids that the store has are not asked of the account", () => {
    const authSecretRef = { clientId: { name: "ids", key: "c" }, tenantId: { name: "ids", key: "t" } };
    const { proof } = configOf({ authType: "WorkloadIdentity", authSecretRef }).login;
    assert.ok(proof.kind === "token");
    assert.equal(proof.serviceAccount, undefined);
    assert.deepEqual(proof.annotations?.required, {});
    assert.deepEqual(Object.keys(proof.secrets ?? {}), ["clientId", "tenantId"]);
    const named = configOf({ ...byAccount, tenantId: "t" }).login.proof;
    assert.ok(named.kind === "token");
    assert.deepEqual(Object.keys(named.annotations?.required ?? {}), ["azure.workload.identity/client-id"]);
  });
  test("by service account: another audience and, for all, another namespace", () => {
    const serviceAccountRef = { name: "reader", namespace: "ops", audiences: ["api://AzureADTokenExchangeUSGov", "x"] };
    const { proof } = configOf({ authType: "WorkloadIdentity", serviceAccountRef }, forAll).login;
    assert.ok(proof.kind === "token");
    assert.deepEqual(
      [proof.serviceAccount, proof.audience],
      [{ name: "reader", namespace: "ops" }, "api://AzureADTokenExchangeUSGov"],
    );
  });
  test("by service principal, which is what a block without authType means", () => {
    const at = "spec.provider.azurekv.authSecretRef";
    assert.deepEqual(configOf(bySecret).login, {
      method: "clientSecret",
      tenantId: "tenant",
      proof: {
        kind: "static",
        method: "client secret",
        secrets: {
          clientId: { field: `${at}.clientId`, name: "sp", key: "id" },
          clientSecret: { field: `${at}.clientSecret`, name: "sp", key: "secret" },
        },
      },
    });
    const { method, proof } = configOf({ ...byCertificate, authType: "ServicePrincipal" }).login;
    assert.ok(proof.kind === "static");
    assert.deepEqual([method, Object.keys(proof.secrets)], ["clientCertificate", ["clientId", "clientCertificate"]]);
  });
  test("by the machine's identity", () => {
    const proof = { kind: "static", method: "the machine's own identity", secrets: {} };
    assert.deepEqual(configOf(byMachine, forAll).login, { method: "managedIdentity", proof });
    const { login } = configOf({ ...byMachine, identityId: "mine" }, forAll);
    assert.deepEqual(login, { method: "managedIdentity", proof, identityId: "mine" });
  });
});

suite("the cloud of an azurekv block", () => {
  const clouds: readonly (readonly [type: string | undefined, vault: string, authority: string, resource: string])[] = [
    [undefined, vaultUrl, "https://login.microsoftonline.com", "https://vault.azure.net"],
    ["PublicCloud", `${vaultUrl}/`, "https://login.microsoftonline.com", "https://vault.azure.net"],
    ["PublicCloud", "https://SHOP.Vault.Azure.NET:443", "https://login.microsoftonline.com", "https://vault.azure.net"],
    [
      "USGovernmentCloud",
      "https://s.vault.usgovcloudapi.net",
      "https://login.microsoftonline.us",
      "https://vault.usgovcloudapi.net",
    ],
    ["ChinaCloud", "https://s.vault.azure.cn", "https://login.chinacloudapi.cn", "https://vault.azure.cn"],
    [
      "GermanCloud",
      "https://s.vault.microsoftazure.de",
      "https://login.microsoftonline.de",
      "https://vault.microsoftazure.de",
    ],
  ];
  for (const [type, vault, authority, resource] of clouds)
    test(`${type ?? "none named"}: ${vault}`, () => {
      const { login: _, ...reach } = configOf({
        ...bySecret,
        vaultUrl: vault,
        ...(type ? { environmentType: type } : {}),
      });
      const { origin } = new URL(vault);
      assert.deepEqual(reach, { vaultUrl: origin, authority, resource });
    });
  const custom = (config: object, more: object = {}) => ({
    ...bySecret,
    environmentType: "AzureStackCloud",
    vaultUrl: "https://shop.vault.stack.example",
    customCloudConfig: { activeDirectoryEndpoint: "https://login.stack.example/", ...config },
    ...more,
  });
  test("one's own: the vault says what tokens are for, unless the block does", () => {
    const { login: _, ...reach } = configOf(
      custom({ keyVaultDNSSuffix: ".vault.stack.example", keyVaultEndpoint: "" }),
    );
    assert.deepEqual(reach, { vaultUrl: "https://shop.vault.stack.example", authority: "https://login.stack.example" });
    const named = configOf(custom({ keyVaultEndpoint: "https://vault.stack.example/0f0e/" }));
    assert.equal(named.resource, "https://vault.stack.example/0f0e");
    assert.equal(configOf(custom({ resourceManagerEndpoint: "https://manage.stack.example" })).resource, undefined);
  });
  test("a known one with another login", () => {
    const { authority, resource } = configOf(custom({}, { environmentType: "PublicCloud", vaultUrl }));
    assert.deepEqual([authority, resource], ["https://login.stack.example", "https://vault.azure.net"]);
  });
  test("plain http is for standalone", () => {
    const plain = custom({ activeDirectoryEndpoint: "http://127.0.0.1:1" }, { vaultUrl: "http://127.0.0.1:1" });
    assert.equal(configOf(plain, inShop, true).vaultUrl, "http://127.0.0.1:1");
    assert.deepEqual(problemsOf(plain), [
      "vaultUrl: must be https://; plain http is for standalone use only",
      "customCloudConfig.activeDirectoryEndpoint: must be https://; plain http is for standalone use only",
    ]);
  });
});

const bad: readonly (readonly [name: string, block: unknown, want: RegExp, context?: StoreContext])[] = [
  ["no block", undefined, /^: .*required/],
  ["no vault", bySecret, /^vaultUrl: is missing/],
  [
    "a field that is near another",
    { vaultUrl, ...bySecret, tenantID: "t" },
    /^tenantID: unknown field; did you mean tenantId/,
  ],
  ["an unknown login", { vaultUrl, authType: "Password" }, /^authType: must be one of ServicePrincipal, Man/],
  ["an unknown cloud", { vaultUrl, ...bySecret, environmentType: "Mars" }, /^environmentType: must be one of Pub/],
  [
    "a host that only looks like a vault",
    { ...bySecret, vaultUrl: "https://vault.azure.net.evil.example" },
    /^vaultUrl: is no vault of this cloud, whose vaults are called NAME\.vault\.azure\.net/,
  ],
  [
    "a host that only ends like a vault",
    { ...bySecret, vaultUrl: "https://evilvault.azure.net" },
    /^vaultUrl: is no vault/,
  ],
  ["another cloud's vault", { ...bySecret, vaultUrl: "https://s.vault.azure.cn" }, /^vaultUrl: is no vault/],
  [
    "a vault with a path",
    { ...bySecret, vaultUrl: `${vaultUrl}/secrets` },
    /^vaultUrl: must be the vault's address alone/,
  ],
  [
    "a vault with a user",
    { ...bySecret, vaultUrl: "https://a:b@shop.vault.azure.net" },
    /^vaultUrl: must not hold a user/,
  ],
  ["a vault with a query", { ...bySecret, vaultUrl: `${vaultUrl}?x=1` }, /^vaultUrl: must not have a query/],
  ["a vault that is no URL", { ...bySecret, vaultUrl: "shop" }, /^vaultUrl: must be a URL such as/],
  ["a vault of another scheme", { ...bySecret, vaultUrl: "file:///etc" }, /^vaultUrl: must be a URL such as/],
  [
    "a cloud of one's own without its endpoints",
    { vaultUrl, ...bySecret, environmentType: "AzureStackCloud" },
    /^customCloudConfig: is missing/,
  ],
  [
    "a cloud of one's own without a login",
    { vaultUrl, ...bySecret, customCloudConfig: {} },
    /^customCloudConfig\.activeDirectoryEndpoint: is missing/,
  ],
  ["a tenant that would leave its place", { vaultUrl, ...bySecret, tenantId: "../common" }, /^tenantId: is no id/],
  ["no principal", { vaultUrl, tenantId: "t" }, /^authSecretRef\.clientId: is missing/],
  ["a principal without a tenant", { vaultUrl, authSecretRef: bySecret.authSecretRef }, /^tenantId: is missing/],
  [
    "a principal without a proof",
    { vaultUrl, tenantId: "t", authSecretRef: { clientId: { name: "a", key: "b" } } },
    /^authSecretRef\.clientSecret: is missing; name it, or clientCertificate/,
  ],
  [
    "a principal with two",
    { vaultUrl, tenantId: "t", authSecretRef: { ...bySecret.authSecretRef, ...byCertificate.authSecretRef } },
    /^authSecretRef\.clientCertificate: stands beside clientSecret; keep one/,
  ],
  [
    "a Secret without a key",
    { vaultUrl, tenantId: "t", authSecretRef: { ...bySecret.authSecretRef, clientId: { name: "a" } } },
    /^authSecretRef\.clientId\.key: is missing/,
  ],
  [
    "a Secret of another namespace",
    {
      vaultUrl,
      ...bySecret,
      authSecretRef: { ...bySecret.authSecretRef, clientId: { name: "a", key: "b", namespace: "x" } },
    },
    /^authSecretRef\.clientId\.namespace: a SecretStore may use only its own namespace \(shop\)/,
  ],
  [
    "an account of another namespace",
    { vaultUrl, authType: "WorkloadIdentity", serviceAccountRef: { name: "a", namespace: "x" } },
    /^serviceAccountRef\.namespace: a SecretStore/,
  ],
  [
    "a client id where another one logs in",
    { vaultUrl, ...bySecret, clientId: "own" },
    /^clientId: is for WorkloadIdentity alone/,
  ],
  [
    "the machine's identity for a namespace",
    { vaultUrl, ...byMachine },
    /^authType: ManagedIdentity is for a ClusterSecretStore alone/,
  ],
];
suite("an azurekv block with a fault", () => {
  for (const [name, block, want, context] of bad)
    test(name, () => {
      const problems = problemsOf(block, context);
      assert.ok(
        problems.some((problem) => want.test(problem)),
        problems.join("\n") || "no problem",
      );
    });
  test("has all of them told at once", () => {
    assert.equal(problemsOf({ vaultUrl: "x", environmentType: "PublicCloud", authSecretRef: {} }).length, 2);
  });
});
