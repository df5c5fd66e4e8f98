/**
 * The kinds of store that are measured: how each is opened on its server, what one identity shows and reads there, and
 * the fewest calls that reading it takes.
 */

/** Where a kind's server is, and the addresses that stand in place of its own ones. */
export interface ServerPlace {
  readonly url: string;
  readonly endpoints: Readonly<Record<string, string>>;
  /** What identities show, by their numbers; absent = `credentialOf`. */
  readonly tokens?: readonly string[];
}

export interface Wanted {
  readonly key: string;
  readonly property?: string;
}

export interface Minimum {
  /** Calls when nothing is known, the login apart. */
  readonly first: number;
  /** Calls when nothing has changed since. */
  readonly refresh: number;
  /** Why no fewer: with the right to read these secrets and no more. */
  readonly reason: string;
}

export interface BenchedKind {
  /** The key under spec.provider. */
  readonly provider: string;
  readonly block: (place: ServerPlace) => object;
  /** Of each service account that shows its token. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly minimum: Minimum;
  /** The n-th of `refs`. */
  readonly wanted: (n: number) => Wanted;
}

/** What a server calls everything that it gets beside reads. */
export const loginCall = "login";

/** Read by one identity. */
export const refs = 100;
/** In 1Password, where several fields of one item come together. */
export const fieldsOfItem = 10;

export const account = { name: "app" } as const;
/** The Secret of each namespace that stores without tokens take their credential from. */
export const credential = { name: "credential", key: "token" } as const;
export const credentialOf = (identity: number): string => `token-${identity}`;
export const secretName = (n: number): string => `app-${n}`;
export const upperName = (n: number): string => `APP_${n}`;
export const poolAudience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k";

const one = { name: account.name };
const eachAlone = (reason: string): Minimum => ({ first: refs, refresh: refs, reason });
const byName = (n: number): Wanted => ({ key: secretName(n) });

function aws(service: string, batchOf: number, call: string): BenchedKind {
  const calls = Math.ceil(refs / batchOf);
  return {
    provider: "aws",
    block: () => ({ service, region: "eu-central-1", auth: { jwt: { serviceAccountRef: one } } }),
    annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/app" },
    minimum: { first: calls, refresh: calls, reason: `${call} takes ${batchOf} names; nothing cheaper takes several` },
    wanted: byName,
  };
}

export const benchedKinds = {
  vault: {
    provider: "vault",
    block: ({ url }) => ({
      server: url,
      path: "secret",
      version: "v2",
      auth: { kubernetes: { mountPath: "kubernetes", role: "app", serviceAccountRef: one } },
    }),
    minimum: eachAlone("KV v2 reads one path in one call, and no listing has versions"),
    wanted: (n) => ({ key: secretName(n), property: "value" }),
  },
  aws_secrets_manager: aws("SecretsManager", 20, "BatchGetSecretValue"),
  aws_parameter_store: aws("ParameterStore", 10, "GetParameters"),
  gcp: {
    provider: "gcpsm",
    block: () => ({
      projectID: "shop",
      auth: { workloadIdentityFederation: { serviceAccountRef: one, audience: poolAudience } },
    }),
    minimum: eachAlone("AccessSecretVersion takes one version, and asking which is the latest takes a call as well"),
    wanted: byName,
  },
  azure: {
    provider: "azurekv",
    block: ({ url }) => ({
      vaultUrl: url,
      environmentType: "AzureStackCloud",
      customCloudConfig: {
        activeDirectoryEndpoint: `${url}/`,
        keyVaultEndpoint: "https://vault.azure.net",
        keyVaultDNSSuffix: new URL(url).hostname,
      },
      authType: "WorkloadIdentity",
      serviceAccountRef: one,
    }),
    annotations: {
      "azure.workload.identity/client-id": "client",
      "azure.workload.identity/tenant-id": "tenant",
    },
    minimum: eachAlone("GetSecret takes one name; a listing takes the right to list the whole vault"),
    wanted: byName,
  },
  onepassword: {
    provider: "onepassword",
    block: ({ url }) => ({
      connectHost: url,
      vaults: { prod: 1 },
      auth: { secretRef: { connectTokenSecretRef: credential } },
    }),
    minimum: {
      first: 1 + refs / fieldsOfItem,
      refresh: 1,
      reason: `one listing finds all titles and tells versions; an item brings its ${fieldsOfItem} fields`,
    },
    wanted: (n) => ({ key: secretName(Math.floor(n / fieldsOfItem)), property: `field-${n % fieldsOfItem}` }),
  },
  doppler: {
    provider: "doppler",
    block: () => ({ auth: { secretRef: { dopplerToken: credential } } }),
    minimum: { first: 1, refresh: 1, reason: "a config is downloaded whole, or with its ETag not at all" },
    wanted: (n) => ({ key: upperName(n) }),
  },
  akeyless: {
    provider: "akeyless",
    block: ({ url }) => ({
      akeylessGWApiURL: url,
      authSecretRef: { kubernetesAuth: { accessID: "p-1", k8sConfName: "conf", serviceAccountRef: one } },
    }),
    minimum: {
      first: refs + 1,
      refresh: 1,
      reason:
        "get-secret-value takes a list of names, of static secrets: which they are, describe-item tells one by one",
    },
    wanted: (n) => ({ key: `/${secretName(n)}` }),
  },
  webhook: {
    provider: "webhook",
    block: ({ url }) => ({
      url: `${url}/secrets/{{ .remoteRef.key }}`,
      headers: { Authorization: `Bearer {{ .auth.${credential.key} }}` },
      result: { jsonPath: "$.value" },
      secrets: [{ name: "auth", secretRef: { name: credential.name } }],
    }),
    minimum: eachAlone("the store says what is sent for one ref"),
    wanted: byName,
  },
  kubernetes: {
    provider: "kubernetes",
    block: ({ url }) => ({ server: { url }, remoteNamespace: "shop", auth: { serviceAccount: one } }),
    minimum: eachAlone("get takes one name; a list or a watch takes the right to read the whole namespace"),
    wanted: (n) => ({ key: secretName(n), property: "value" }),
  },
} as const satisfies Record<string, BenchedKind>;

export type BenchedName = keyof typeof benchedKinds;
