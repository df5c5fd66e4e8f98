/** A gcpsm store opened on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import type { Proof, Store, StoreContext, StoreDeps } from "../../../plugin/stores/contract.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { gcpsm } from "../../../plugin/stores/gcp/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";

export const clock = new FakeClock();

export interface OpenOptions {
  readonly url: string;
  readonly clients: HttpClients;
  readonly calls?: string[];
  readonly context?: StoreContext;
}

export const inShop: StoreContext = { scope: "SecretStore", name: "gcp", namespace: "shop" };
export const clusterWide: StoreContext = { scope: "ClusterSecretStore", name: "gcp", namespace: "" };

/** Every address that the kind knows, at one server. */
export function endpointsAt(url: string): NonNullable<StoreDeps["endpoints"]> {
  return {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_PARAMETERMANAGER: url,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: url,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: url,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STS: url,
    CLOUDSDK_AUTH_TOKEN_HOST: `${url}/token`,
    GAIA_TOKEN_EXCHANGE_ENDPOINT: `${url}/v1/identitybindingtoken`,
    GCE_METADATA_HOST: url,
  };
}

/** `block` may leave out the project. */
export function openGcp(block: object, { url, clients, calls = [], context = inShop }: OpenOptions): Store {
  const opened = gcpsm.open({ projectID: "shop", ...block }, context, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints: endpointsAt(url),
    countCall: (call, outcome, provider) => void calls.push(`${provider ?? "GCP/SecretManager"} ${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

/** A token of an account, which may be annotated with a Google service account. */
export function tokenProof(token: string, email?: string): Proof {
  const annotations = email === undefined ? {} : { "iam.gke.io/gcp-service-account": email };
  return { kind: "token", token: SecretValue.fromText(token), annotations };
}

export function secretProof(name: "key" | "credConfig", text: string): Proof {
  return { kind: "static", secrets: { [name]: SecretValue.fromText(text) } };
}

export const cluster = { clusterProjectID: "shop", clusterLocation: "europe-west3", clusterName: "prod" };
export const poolAudience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k";
export const byCluster = { auth: { workloadIdentity: { serviceAccountRef: { name: "checkout" }, ...cluster } } };
export const byPool = {
  auth: { workloadIdentityFederation: { serviceAccountRef: { name: "checkout" }, audience: poolAudience } },
};
export const byKey = { auth: { secretRef: { secretAccessKeySecretRef: { name: "google", key: "key.json" } } } };
/** What GKE's pool is asked for `cluster`. */
export const clusterAudience =
  "identitynamespace:shop.svc.id.goog:https://container.googleapis.com/v1/projects/shop/locations/europe-west3/clusters/prod";
