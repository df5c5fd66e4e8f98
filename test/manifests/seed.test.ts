/** The manifests that the project promises to take as they are, in both API versions. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseExternalSecret } from "../../plugin/manifests/external-secret.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import { accepted, yaml } from "./outcome.ts";

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, "../../crds/examples", `seed-${name}.yaml`), "utf8");
const vaultProd = example("vault-store");
const awsProd = example("aws-store");
const paymentsStore = example("namespace-store");
const paymentsDb = example("workload");
const postgresConnection = example("template");
// It names no namespace; whoever reads a folder fills in "default" before.
const apiKey = example("immediate").replace("metadata:", "metadata:\n  namespace: default");

for (const version of ["v1", "v1beta1"]) {
  const read = (text: string): unknown =>
    yaml(text.replace("external-secrets.io/v1beta1", `external-secrets.io/${version}`));

  test(`${version}: the stores, each with its block as it stands`, () => {
    const stores = [vaultProd, awsProd, paymentsStore].map((text) => accepted(parseStore(read(text))));
    assert.deepEqual(
      stores.map(({ kind, meta, provider }) => [kind, meta.namespace, meta.name, provider.kind]),
      [
        ["ClusterSecretStore", "", "vault-prod", "vault"],
        ["ClusterSecretStore", "", "aws-secrets-prod", "aws"],
        ["SecretStore", "payments", "payments-secrets", "vault"],
      ],
    );
    assert.deepEqual(stores[1]!.provider.raw, {
      service: "SecretsManager",
      region: "us-east-1",
      auth: { jwt: { serviceAccountRef: { name: "external-secrets", namespace: "external-secrets-system" } } },
    });
  });

  test(`${version}: an ExternalSecret per workload`, () => {
    const { spec } = accepted(parseExternalSecret(read(paymentsDb)));
    assert.deepEqual(
      spec.data.map(({ secretKey, remoteRef, storeRef }) => [secretKey, remoteRef.key, remoteRef.property, storeRef]),
      [
        ["DB_USERNAME", "secret/payments/db", "username", { kind: "ClusterSecretStore", name: "vault-prod" }],
        ["DB_PASSWORD", "secret/payments/db", "password", { kind: "ClusterSecretStore", name: "vault-prod" }],
      ],
    );
  });

  test(`${version}: one that refreshes at once`, () => {
    const { spec } = accepted(parseExternalSecret(read(apiKey)));
    assert.deepEqual([spec.target.immediate, spec.refreshIntervalMs], [true, 86_400_000]);
  });

  test(`${version}: each refresh interval, the integer 0 among them`, () => {
    for (const [text, ms] of [
      ["0", 0],
      ["1m", 60_000],
      ["1h", 3_600_000],
      ["24h", 86_400_000],
    ] as const) {
      const document = read(paymentsDb.replace("refreshInterval: 1h", `refreshInterval: ${text}`));
      assert.equal(accepted(parseExternalSecret(document)).spec.refreshIntervalMs, ms);
    }
  });

  test(`${version}: a connection string made of two values`, () => {
    const { template } = accepted(parseExternalSecret(read(postgresConnection))).spec.target;
    assert.deepEqual(template, {
      type: "Opaque",
      engine: "go",
      mergePolicy: "Replace",
      labels: {},
      annotations: {},
      finalizers: [],
      data: {
        DATABASE_URL: "postgresql://{{ .username }}:{{ .password }}@db-prod.internal:5432/payments?sslmode=require\n",
        POSTGRES_PASSWORD: "{{ .password }}",
      },
      templateFrom: [],
    });
  });
}
