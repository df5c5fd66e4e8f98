/** The custom resource definitions: names, versions, columns, and the schemas of plugin/manifests/ inside of them. */
import type * as v from "valibot";
import { externalSecretSpec } from "../../plugin/manifests/external-secret.ts";
import { generatorSpec } from "../../plugin/manifests/generator.ts";
import { storePolicySpec } from "../../plugin/manifests/store-policy.ts";
import { storeSpec } from "../../plugin/manifests/store.ts";
import { externalSecretStatus, storeStatus } from "./status.ts";
import { structuralSchema, type Structural } from "./structural.ts";

interface Column {
  readonly name: string;
  readonly type: "string" | "date";
  readonly jsonPath: string;
}

export interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly additionalPrinterColumns: readonly Column[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
  readonly subresources?: { readonly status: object };
  readonly schema: { readonly openAPIV3Schema: Structural };
}

export interface Definition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly conversion: { readonly strategy: "None" };
    readonly versions: readonly Version[];
  };
}

/** What is told of one kind of object; `versions[0]` is the stored one. */
interface Resource {
  readonly group: string;
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly shortName?: string;
  readonly category: string;
  readonly scope: "Namespaced" | "Cluster";
  readonly description: string;
  readonly spec: v.GenericSchema;
  readonly specDescription: string;
  readonly status?: v.GenericSchema;
  readonly columns: readonly Column[];
  readonly selectable: readonly string[];
}

const ready = (field: "reason" | "status"): string => `.status.conditions[?(@.type=="Ready")].${field}`;

/** Name, group, versions, short names, category and columns are those that users of ESO know. */
const eso = {
  group: "external-secrets.io",
  versions: ["v1", "v1beta1"],
  category: "external-secrets",
} as const;

const storeResource = {
  ...eso,
  spec: storeSpec,
  specDescription: "Which store it is, how to log in, and who may use it.",
  status: storeStatus,
  columns: [
    { name: "AGE", type: "date", jsonPath: ".metadata.creationTimestamp" },
    { name: "Status", type: "string", jsonPath: ready("reason") },
    { name: "Capabilities", type: "string", jsonPath: ".status.capabilities" },
    { name: "Ready", type: "string", jsonPath: ready("status") },
  ],
  selectable: [],
} as const;

const resources: readonly Resource[] = [
  {
    ...eso,
    kind: "ExternalSecret",
    plural: "externalsecrets",
    shortName: "es",
    scope: "Namespaced",
    description: "Reads values from stores and keeps a Secret equal to them.",
    spec: externalSecretSpec,
    specDescription: "What is read, how often, and where it is written.",
    status: externalSecretStatus,
    columns: [
      { name: "StoreType", type: "string", jsonPath: ".spec.secretStoreRef.kind" },
      { name: "Store", type: "string", jsonPath: ".spec.secretStoreRef.name" },
      { name: "Refresh Interval", type: "string", jsonPath: ".spec.refreshInterval" },
      { name: "Status", type: "string", jsonPath: ready("reason") },
      { name: "Ready", type: "string", jsonPath: ready("status") },
      { name: "Last Sync", type: "date", jsonPath: ".status.refreshTime" },
    ],
    selectable: [".spec.secretStoreRef.name", ".spec.secretStoreRef.kind", ".spec.target.name"],
  },
  {
    ...storeResource,
    kind: "SecretStore",
    plural: "secretstores",
    shortName: "ss",
    scope: "Namespaced",
    description: "A place that secrets are read from, for the ExternalSecrets and pods of its namespace.",
  },
  {
    ...storeResource,
    kind: "ClusterSecretStore",
    plural: "clustersecretstores",
    shortName: "css",
    scope: "Cluster",
    description: "A place that secrets are read from, for every namespace that its conditions let in.",
  },
  {
    group: "generators.external-secrets.io",
    versions: ["v1alpha1"],
    kind: "VaultDynamicSecret",
    plural: "vaultdynamicsecrets",
    category: "external-secrets-generators",
    scope: "Namespaced",
    description: "What one call to Vault makes, for the ExternalSecrets of its namespace that name it in dataFrom.",
    spec: generatorSpec,
    specDescription: "Which Vault, how to log in, and what to call.",
    columns: [{ name: "AGE", type: "date", jsonPath: ".metadata.creationTimestamp" }],
    selectable: [],
  },
  {
    group: "keyferry.dev",
    versions: ["v1alpha1"],
    kind: "StorePolicy",
    plural: "storepolicies",
    shortName: "stp",
    category: "keyferry",
    scope: "Cluster",
    description:
      "Which namespaces may read which addresses of a store. A store that has a policy is closed to everybody else.",
    spec: storePolicySpec,
    specDescription: "The store, and who may read what of it.",
    columns: [
      { name: "StoreType", type: "string", jsonPath: ".spec.storeRef.kind" },
      { name: "Store", type: "string", jsonPath: ".spec.storeRef.name" },
      { name: "Store Namespace", type: "string", jsonPath: ".spec.storeRef.namespace" },
      { name: "AGE", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
    selectable: [],
  },
];

export const definitions: readonly Definition[] = resources.map((resource) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: `${resource.plural}.${resource.group}`,
    labels: { "app.kubernetes.io/name": "keyferry", "app.kubernetes.io/component": "crds" },
  },
  spec: {
    group: resource.group,
    scope: resource.scope,
    names: {
      kind: resource.kind,
      listKind: `${resource.kind}List`,
      plural: resource.plural,
      singular: resource.kind.toLowerCase(),
      ...(resource.shortName === undefined ? {} : { shortNames: [resource.shortName] }),
      categories: [resource.category],
    },
    conversion: { strategy: "None" },
    versions: resource.versions.map((name, i) => ({
      name,
      served: true,
      storage: i === 0,
      additionalPrinterColumns: resource.columns,
      ...(resource.selectable.length > 0
        ? { selectableFields: resource.selectable.map((jsonPath) => ({ jsonPath })) }
        : {}),
      ...(resource.status ? { subresources: { status: {} } } : {}),
      schema: { openAPIV3Schema: objectSchema(resource) },
    })),
  },
}));

function objectSchema({ description, spec, specDescription, status }: Resource): Structural {
  return {
    description,
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: { description: "Group and version that this object is written in.", type: "string" },
      kind: { description: "Kind of this object.", type: "string" },
      // The API server has its own description of metadata and lets no other stand here.
      metadata: { type: "object" },
      spec: { description: specDescription, ...structuralSchema(spec) },
      ...(status ? { status: { description: "What became of it.", ...structuralSchema(status) } } : {}),
    },
  };
}
