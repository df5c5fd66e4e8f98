/** What a user of a folder of manifests learns about the stores in it. */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startVaultServer } from "../fakes/vault-server.ts";
import { layOut, runOnce, standaloneArgs, startProgram, until } from "./program.ts";

const vaultStore = (url: string): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec:
  provider: {vault: {server: "${url}", path: secret, auth: {kubernetes: {role: app, serviceAccountRef: {name: app}}}}}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: app-token, namespace: shop, annotations: {kubernetes.io/service-account.name: app}}
stringData: {token: opaque-token}
`;

const otherStores = `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: files}
spec: {provider: {file: {path: $FOLDER/store}}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: legacy}
spec: {provider: {gitlab: {auth: {}}}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: theirs, namespace: shop}
spec: {controller: eso, provider: {gitlab: {auth: {}}}}
`;

test("each store has a Ready condition that follows the store; those of another class have none", async () => {
  const vault = await startVaultServer();
  vault.role("kubernetes", "app", { policies: [] });
  const program = await startProgram({
    manifests: { "vault.yaml": vaultStore(vault.url), "others.yaml": otherStores },
    files: { "store/db.yaml": "password: one\n" },
  });
  const statusOf = (path: string): Promise<string> => readFile(program.at("out/status", path), "utf8");
  const untilStatus = (path: string, says: RegExp): Promise<unknown> =>
    until(async () => {
      assert.match(await statusOf(path), says);
      return true;
    });
  try {
    await untilStatus("SecretStore/shop/vault.yaml", /status: "True"\n\s+reason: Valid\n\s+message: "?store validated/);
    assert.match(await statusOf("SecretStore/shop/vault.yaml"), /^capabilities: ReadOnly$/m);
    await untilStatus("ClusterSecretStore/files.yaml", /reason: Valid/);
    await untilStatus(
      "ClusterSecretStore/legacy.yaml",
      /reason: InvalidProviderConfig\n.*\[store_invalid\] provider \\"gitlab\\" is not supported; supported: .*fake, file/,
    );
    await assert.rejects(statusOf("SecretStore/shop/theirs.yaml"), { code: "ENOENT" });
    const { text } = await program.get("/metrics");
    assert.match(
      text,
      /^secretstore_status_condition\{name="vault",namespace="shop",condition="Ready",status="True"\} 1$/m,
    );
    assert.match(
      text,
      /^clustersecretstore_status_condition\{name="legacy",namespace="",condition="Ready",status="False"\} 1$/m,
    );
    await program.put(program.at("manifests/vault.yaml"), vaultStore(vault.url).replace("role: app", "role: nobody"));
    await untilStatus(
      "SecretStore/shop/vault.yaml",
      /\[store_denied\] vault refused the kubernetes login at auth\/kubernetes as role \\"nobody\\"/,
    );
    await program.put(program.at("manifests/vault.yaml"), vaultStore(vault.url));
    await untilStatus("SecretStore/shop/vault.yaml", /reason: Valid\n\s+message/);
    assert.deepEqual(vault.requestsTo("secret/"), []);
  } finally {
    assert.equal(await program.stop(), 0, program.printed().stderr);
    await vault.close();
  }
});

test("--once names each store that is not Ready, and exits 1", async () => {
  const folder = await layOut({
    manifests: { "others.yaml": otherStores },
    files: { "store/db.yaml": "password: one\n" },
  });
  try {
    const { code, stdout, stderr } = await runOnce(standaloneArgs(folder, ["--once"]));
    assert.equal(code, 1, stderr);
    const lines = (stdout + stderr).split("\n").filter((line) => line.includes("gitlab") && !line.startsWith("{"));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0]!, /ClusterSecretStore legacy: unable to create client: \[store_invalid\] provider "gitlab"/);
    assert.match(await readFile(join(folder, "out/status/ClusterSecretStore/files.yaml"), "utf8"), /reason: Valid/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("after a refusal, a seal is in the condition at the next attempt, and the refusal beside it", async () => {
  const vault = await startVaultServer();
  vault.policy("app", ["secret/data/db"]);
  vault.role("kubernetes", "app", { policies: ["app"] });
  vault.put("secret/db", { password: "one" });
  const externalSecret = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: vault}
  data: [{secretKey: password, remoteRef: {key: db, property: password}}]
`;
  const program = await startProgram({ manifests: { "vault.yaml": vaultStore(vault.url), "db.yaml": externalSecret } });
  const untilReady = (says: RegExp): Promise<unknown> =>
    until(async () => {
      const { conditions } = await program.status("shop", "db");
      assert.match(conditions.find(({ type }) => type === "Ready")?.message ?? "", says);
      return true;
    });
  try {
    await untilReady(/^secret synced$/);
    vault.removePolicy("app");
    await untilReady(/\[store_denied\]/);
    vault.seal();
    await untilReady(/\[store_sealed\] .*; before, the store had answered \[store_denied\]/);
    vault.policy("app", ["secret/data/db"]);
    vault.unseal();
    await untilReady(/^secret synced$/);
  } finally {
    assert.equal(await program.stop(), 0, program.printed().stderr);
    await vault.close();
  }
});
