/** What the read path and mount ask of the cluster: from the watches where there are some, else object by object. */
import type { StoreRefKind } from "../manifests/objects.ts";
import type { MountView } from "../mount/ports.ts";
import type { ClusterView } from "../read/ports.ts";
import type { ExternalSecretItem } from "../sync/ports.ts";
import type { Mirror } from "./contract.ts";
import type { Credentials } from "./credentials.ts";
import { readExternalSecret } from "./external-secrets.ts";
import { createFetched, type FetchedDeps } from "./fetched.ts";
import { firstList } from "./first-list.ts";
import { readNamespace, type NamespaceFacts } from "./namespaces.ts";
import { externalSecrets, namespaces } from "./resources.ts";
import { readStore, storeResources, type StoreMirrors } from "./stores.ts";

/** Role sync's. */
export interface Mirrors {
  readonly externalSecrets: Mirror<ExternalSecretItem>;
  readonly stores: StoreMirrors;
  readonly namespaces: Mirror<NamespaceFacts>;
}

export interface ViewDeps extends FetchedDeps {
  readonly mirrors?: Mirrors;
  readonly credentials: Credentials;
  readonly storePolicies: ClusterView["storePolicies"];
}

const nameLabel = "kubernetes.io/metadata.name";

export function createViews(deps: ViewDeps): { readonly view: ClusterView; readonly mounts: MountView } {
  const { clock, mirrors, credentials, storePolicies } = deps;
  const stores = {
    SecretStore: createFetched(deps, { kind: storeResources.SecretStore, keep: readStore }),
    ClusterSecretStore: createFetched(deps, { kind: storeResources.ClusterSecretStore, keep: readStore }),
  };
  const labels = createFetched(deps, { kind: namespaces, keep: readNamespace });
  const objects = createFetched(deps, { kind: externalSecrets, keep: readExternalSecret });
  return {
    view: {
      async findStore(kind: StoreRefKind, namespace, name, signal) {
        const key = { namespace: kind === "ClusterSecretStore" ? "" : namespace, name };
        const mirror = complete(mirrors?.stores[kind]);
        return mirror ? mirror.get(key)?.value.parsed : stores[kind].get(key, signal);
      },
      findGenerator: credentials.findGenerator,
      storePolicies,
      async namespaceLabels(namespace, signal) {
        const key = { namespace: "", name: namespace };
        // Role sync has no right to get one; the list of all is short.
        if (mirrors) await firstList(mirrors.namespaces, "the namespaces are not known yet", clock, signal);
        const facts = mirrors ? mirrors.namespaces.get(key)?.value : await labels.get(key, signal);
        return { ...facts?.labels, [nameLabel]: namespace };
      },
      secretData: credentials.secretData,
      secretValue: credentials.secretValue,
      configMapValue: credentials.configMapValue,
      serviceAccountToken: credentials.serviceAccountToken,
      serviceAccountAnnotations: credentials.serviceAccountAnnotations,
    },
    mounts: {
      async findExternalSecret(namespace, name, signal) {
        const key = { namespace, name };
        const mirror = complete(mirrors?.externalSecrets);
        if (!mirror) return objects.get(key, signal);
        const item = mirror.get(key)?.value;
        return item?.deleting ? undefined : item?.parsed;
      },
    },
  };
}

/** Until then single objects are asked for: the list of all may be long. */
function complete<T>(mirror: Mirror<T> | undefined): Mirror<T> | undefined {
  return mirror?.health().synced ? mirror : undefined;
}
