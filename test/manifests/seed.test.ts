/** The manifests that the project promises to take as they are, in both API versions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExternalSecret } from "../../plugin/manifests/external-secret.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import { accepted, refuses, yaml } from "./outcome.ts";

const vaultProd = `
kind: ClusterSecretStore
metadata:
  name: vault-prod
spec:
  provider:
    vault:
      server: "https://vault.internal.example.com:8200"
      path: "kv/data"
      version: "v2"
      auth:
        kubernetes:
          mountPath: "kubernetes"
          role: "external-secrets"
          serviceAccountRef:
            name: external-secrets
            namespace: external-secrets-system
`;
const awsProd = `
kind: ClusterSecretStore
metadata:
  name: aws-secrets-prod
spec:
  provider:
    aws:
      service: SecretsManager
      region: us-east-1
      auth:
        jwt:
          serviceAccountRef:
            name: external-secrets
            namespace: external-secrets-system
`;
const paymentsStore = `
kind: SecretStore
metadata:
  name: payments-secrets
  namespace: payments
spec:
  provider:
    vault:
      server: "https://vault.internal.example.com:8200"
      auth:
        kubernetes:
          role: "payments-namespace" # Vault role allowing only payments paths
          serviceAccountRef:
            name: payments-eso
`;
const paymentsDb = `
kind: ExternalSecret
metadata:
  name: payments-db-credentials
  namespace: payments
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: vault-prod
    kind: ClusterSecretStore
  target:
    name: payments-db-credentials
    creationPolicy: Owner
  data:
    - secretKey: DB_USERNAME
      remoteRef:
        key: secret/payments/db
        property: username
    - secretKey: DB_PASSWORD
      remoteRef:
        key: secret/payments/db
        property: password
`;
const postgresConnection = `
kind: ExternalSecret
metadata:
  name: postgres-connection
  namespace: payments
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: vault-prod
    kind: ClusterSecretStore
  target:
    name: postgres-connection
    template:
      type: Opaque
      data:
        DATABASE_URL: |
          postgresql://{{ .username }}:{{ .password }}@db-prod.internal:5432/payments?sslmode=require
        POSTGRES_PASSWORD: "{{ .password }}"
  data:
    - secretKey: username
      remoteRef:
        key: secret/payments/db
        property: username
    - secretKey: password
      remoteRef:
        key: secret/payments/db
        property: password
`;
// As written, it names no namespace; whoever reads a folder fills in "default" before.
const apiKey = `
kind: ExternalSecret
metadata:
  name: api-key
  namespace: default
spec:
  refreshInterval: 24h # fallback
  secretStoreRef:
    name: vault-prod
    kind: ClusterSecretStore
  target:
    name: api-key
    immediate: true
  data:
    - secretKey: key
      remoteRef:
        key: secret/payments/api-key
`;

for (const version of ["v1", "v1beta1"]) {
  const read = (text: string): unknown => yaml(`apiVersion: external-secrets.io/${version}${text}`);

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

  test(`${version}: a template is refused, and nothing else about it`, () => {
    refuses(parseExternalSecret(read(postgresConnection)), [
      "spec.target.template: not supported yet; remove it and let the workload read the plain keys",
    ]);
  });
}
