/** Objects that use every field: all of these are fine for ESO, apart from `target.immediate`, which is ours. */

const remoteRef = {
  key: "payments/db",
  property: "password",
  version: "3",
  metadataPolicy: "Fetch",
  conversionStrategy: "Unicode",
  decodingStrategy: "Auto",
  nullBytePolicy: "Fail",
};
const items = [{ key: "a.tpl", templateAs: "KeysAndValues" }, { key: "b_c" }];

/** What ExternalSecrets can be made of and is built. */
export const fullExternalSecret = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "payments" },
  spec: {
    secretStoreRef: { name: "vault-prod", kind: "ClusterSecretStore" },
    refreshPolicy: "OnChange",
    refreshInterval: "1h30m",
    target: {
      name: "out",
      creationPolicy: "CreateOrMerge",
      deletionPolicy: "Merge",
      immutable: true,
      immediate: true,
      template: {
        type: "kubernetes.io/tls",
        engineVersion: "v2",
        mergePolicy: "Merge",
        metadata: { labels: { a: "{{ .x }}" }, annotations: { b: "" }, finalizers: ["example.com/f"] },
        data: { "app.yaml": "{{ .password }}" },
        templateFrom: [
          { configMap: { name: "templates", items }, target: "Labels", valuesDecodingStrategy: "Base64" },
          { secret: { name: "templates", items }, target: "annotations" },
          { literal: "a: {{ .b }}" },
        ],
      },
    },
    data: [
      { secretKey: "password", remoteRef, sourceRef: { storeRef: { name: "own", kind: "SecretStore" } } },
      { secretKey: "user.name", remoteRef: { key: "k" } },
    ],
    dataFrom: [
      {
        extract: remoteRef,
        rewrite: [
          { regexp: { source: "/", target: "_" } },
          { transform: { template: "{{ .value | upper }}" } },
          {
            merge: {
              into: "all",
              priority: ["a"],
              priorityPolicy: "IgnoreNotFound",
              conflictPolicy: "Ignore",
              strategy: "JSON",
            },
          },
          { merge: {} },
        ],
      },
      { extract: { key: "k" }, sourceRef: { storeRef: { name: "own", kind: "ClusterSecretStore" } } },
      {
        find: {
          path: "payments",
          name: { regexp: "^db-" },
          tags: { team: "red" },
          conversionStrategy: "Unicode",
          decodingStrategy: "Base64URL",
          nullBytePolicy: "Fail",
        },
        sourceRef: { storeRef: { name: "own" } },
        rewrite: [{ regexp: { source: "^db-", target: "" } }],
      },
      {
        sourceRef: {
          generatorRef: {
            apiVersion: "generators.external-secrets.io/v1alpha1",
            kind: "VaultDynamicSecret",
            name: "cert",
          },
        },
        rewrite: [{ regexp: { source: "^", target: "web_" } }],
      },
    ],
  },
};

/** Member of `spec` → what it holds when every field that ESO has is set. */
export const unbuiltFields = {
  syncWindows: {
    kind: "deny",
    windows: [
      { schedule: "0 22 * * 1-5", duration: "8h" },
      { schedule: "@daily", duration: "30m" },
    ],
  },
  target: {
    manifest: { apiVersion: "v1", kind: "ConfigMap" },
  },
  dataFrom: [{ sourceRef: { generatorRef: { kind: "Password", name: "p" } } }],
} as const;

export const fullGenerator = {
  apiVersion: "generators.external-secrets.io/v1alpha1",
  kind: "VaultDynamicSecret",
  metadata: { name: "cert", namespace: "payments" },
  spec: {
    controller: "mine",
    path: "pki/issue/web",
    method: "POST",
    parameters: { common_name: "web.example.com", ttl: "24h", nested: { a: [1, null] } },
    resultType: "Raw",
    provider: { server: "https://v:8200", auth: { a: [{ b: null }] }, headers: {} },
    allowEmptyResponse: true,
    retrySettings: { maxRetries: 2, retryInterval: "5s" },
  },
};

export const fullStore = {
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name: "vault-prod" },
  spec: {
    controller: "mine",
    provider: { vault: { server: "https://v:8200", auth: { a: [{ b: null }] }, headers: {} } },
    conditions: [
      { namespaces: ["a"], namespaceRegexes: ["^team-"] },
      {
        namespaceSelector: {
          matchLabels: { team: "red" },
          matchExpressions: [
            { key: "tier", operator: "In", values: ["a", "b"] },
            { key: "old", operator: "DoesNotExist" },
          ],
        },
      },
    ],
    refreshInterval: 300,
    retrySettings: { maxRetries: 3, retryInterval: "10s" },
  },
};

export const fullPolicy = {
  apiVersion: "keyferry.dev/v1alpha1",
  kind: "StorePolicy",
  metadata: { name: "vault-prod" },
  spec: {
    storeRef: { kind: "SecretStore", name: "vault", namespace: "payments" },
    rules: [
      { namespaces: ["a", "b"], keys: ["secret/data/a", "secret/data/a/*", "secret/data/a/**"] },
      { namespaceSelector: { matchLabels: { team: "red" } } },
    ],
    identity: ["Pod", "Store"],
    hosts: ["api.example.com", "10.0.0.1"],
  },
};
