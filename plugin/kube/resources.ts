/** The resources that are read and written here. Both versions of a store or ExternalSecret are one schema: v1 is used. */
import type { ResourceKind } from "./contract.ts";

const external = { group: "external-secrets.io", version: "v1" } as const;
const core = { group: "", version: "v1" } as const;

export const externalSecrets: ResourceKind = {
  ...external,
  plural: "externalsecrets",
  kind: "ExternalSecret",
  namespaced: true,
};
export const secretStores: ResourceKind = {
  ...external,
  plural: "secretstores",
  kind: "SecretStore",
  namespaced: true,
};
export const clusterSecretStores: ResourceKind = {
  ...external,
  plural: "clustersecretstores",
  kind: "ClusterSecretStore",
  namespaced: false,
};
export const vaultDynamicSecrets: ResourceKind = {
  group: "generators.external-secrets.io",
  version: "v1alpha1",
  plural: "vaultdynamicsecrets",
  kind: "VaultDynamicSecret",
  namespaced: true,
};
export const storePolicies: ResourceKind = {
  group: "keyferry.dev",
  version: "v1alpha1",
  plural: "storepolicies",
  kind: "StorePolicy",
  namespaced: false,
};
export const secrets: ResourceKind = { ...core, plural: "secrets", kind: "Secret", namespaced: true };
export const configMaps: ResourceKind = { ...core, plural: "configmaps", kind: "ConfigMap", namespaced: true };
export const namespaces: ResourceKind = { ...core, plural: "namespaces", kind: "Namespace", namespaced: false };
export const serviceAccounts: ResourceKind = {
  ...core,
  plural: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};
export const events: ResourceKind = { ...core, plural: "events", kind: "Event", namespaced: true };
export const leases: ResourceKind = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
};

/** As objects and references carry it. */
export function apiVersionOf({ group, version }: ResourceKind): string {
  return group === "" ? version : `${group}/${version}`;
}

/** For messages, as in RBAC rules: `externalsecrets.external-secrets.io`, `secrets`. */
export function resourceName({ group, plural }: ResourceKind): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** The name under which this process writes everything but target Secrets. */
export const ownManager = "keyferry";
