/** An azurekv store opened on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import type { Proof, Store, StoreContext } from "../../../plugin/stores/contract.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { vaultResource } from "./fake-azure.ts";

export const clock = new FakeClock();

export const inShop: StoreContext = { scope: "SecretStore", name: "azure", namespace: "shop" };
export const forAll: StoreContext = { scope: "ClusterSecretStore", name: "azure", namespace: "" };

export interface OpenOptions {
  /** Of vault, authority and metadata service. */
  readonly url: string;
  readonly clients: HttpClients;
  readonly calls?: string[];
  readonly context?: StoreContext;
}

/** A cloud of one's own, on loopback, whose tokens are for `resource`. */
export function cloudAt(url: string, resource: string = vaultResource): object {
  return {
    vaultUrl: url,
    environmentType: "AzureStackCloud",
    customCloudConfig: {
      activeDirectoryEndpoint: `${url}/`,
      keyVaultEndpoint: resource,
      keyVaultDNSSuffix: new URL(url).hostname,
    },
  };
}

/** `block` goes over a cloud at `url`. */
export function openAzure(block: object, { url, clients, calls = [], context = inShop }: OpenOptions): Store {
  const opened = azurekv.open({ ...cloudAt(url), ...block }, context, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints: { AZURE_POD_IDENTITY_AUTHORITY_HOST: url },
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

export const byAccount = { authType: "WorkloadIdentity", serviceAccountRef: { name: "shop" } };
export const bySecret = {
  tenantId: "tenant",
  authSecretRef: { clientId: { name: "sp", key: "id" }, clientSecret: { name: "sp", key: "secret" } },
};
export const byCertificate = {
  tenantId: "tenant",
  authSecretRef: { clientId: { name: "sp", key: "id" }, clientCertificate: { name: "sp", key: "tls" } },
};
export const byMachine = { authType: "ManagedIdentity" };

/** A token of an account that is annotated with these ids. */
export function tokenProof(token: string, clientId?: string, tenantId?: string): Proof {
  const annotations = {
    ...(clientId === undefined ? {} : { "azure.workload.identity/client-id": clientId }),
    ...(tenantId === undefined ? {} : { "azure.workload.identity/tenant-id": tenantId }),
  };
  return { kind: "token", token: SecretValue.fromText(token), annotations };
}

export function secretsProof(texts: Readonly<Record<string, string | Buffer>>): Proof {
  const secrets = Object.entries(texts).map(([name, text]) => [name, new SecretValue(Buffer.from(text))]);
  return { kind: "static", secrets: Object.fromEntries(secrets) as Record<string, SecretValue> };
}
