/** A cluster in memory: objects are put in and taken out between reads. */
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type {
  Generator,
  GeneratorRef,
  Parsed,
  StoreCondition,
  StoreManifest,
  StorePolicy,
  StoreRefKind,
} from "../../plugin/manifests/objects.ts";
import type { ClusterView, SecretData, ServiceAccountToken, StorePolicyItem } from "../../plugin/read/ports.ts";
import { storeId } from "../../plugin/read/store-id.ts";

export class FakeCluster implements ClusterView {
  readonly stores = new Map<string, Parsed<StoreManifest>>();
  /** By the text of `storeId`. */
  readonly generators = new Map<string, Parsed<Generator>>();
  readonly policies: StorePolicyItem[] = [];
  readonly labels = new Map<string, Readonly<Record<string, string>>>();
  /** By `namespace/name`, key `password`. */
  readonly secrets = new Map<string, string>();
  /** Labels of Secrets, by `namespace/name`. */
  readonly secretLabels = new Map<string, Readonly<Record<string, string>>>();
  /** By `namespace/name/key`. */
  readonly configMaps = new Map<string, string>();
  /** By `namespace/name`; its uid. */
  readonly accounts = new Map<string, string>();
  /** Of accounts, by `namespace/name`. */
  readonly annotations = new Map<string, Readonly<Record<string, string>>>();
  tokenExpiresAtMs: number | undefined;
  /** True: the API server does not answer. */
  down = false;
  tokenRequests = 0;

  putStore(store: StoreManifest): void {
    this.stores.set(storeId(store.kind, store.meta.namespace, store.meta.name), { ok: true, value: store });
  }

  async findStore(kind: StoreRefKind, namespace: string, name: string): Promise<Parsed<StoreManifest> | undefined> {
    this.#answer();
    return this.stores.get(storeId(kind, namespace, name));
  }

  async findGenerator(
    kind: GeneratorRef["kind"],
    namespace: string,
    name: string,
  ): Promise<Parsed<Generator> | undefined> {
    this.#answer();
    return this.generators.get(storeId(kind, namespace, name));
  }

  async storePolicies(): Promise<readonly StorePolicyItem[]> {
    this.#answer();
    return [...this.policies];
  }

  async namespaceLabels(namespace: string): Promise<Readonly<Record<string, string>>> {
    this.#answer();
    return this.labels.get(namespace) ?? { "kubernetes.io/metadata.name": namespace };
  }

  async secretData(namespace: string, name: string): Promise<SecretData | undefined> {
    this.#answer();
    const text = this.secrets.get(`${namespace}/${name}`);
    if (text === undefined) return undefined;
    const labels = this.secretLabels.get(`${namespace}/${name}`) ?? {};
    return { labels, values: new Map([["password", SecretValue.fromText(text)]]) };
  }

  async secretValue(namespace: string, name: string, key: string): Promise<SecretValue | undefined> {
    this.#answer();
    const text = key === "password" ? this.secrets.get(`${namespace}/${name}`) : undefined;
    return text === undefined ? undefined : SecretValue.fromText(text);
  }

  async configMapValue(namespace: string, name: string, key: string): Promise<string | undefined> {
    this.#answer();
    return this.configMaps.get(`${namespace}/${name}/${key}`);
  }

  async serviceAccountToken(
    namespace: string,
    name: string,
    audience: string,
  ): Promise<ServiceAccountToken | undefined> {
    this.tokenRequests++;
    this.#answer();
    const serviceAccountUid = this.accounts.get(`${namespace}/${name}`);
    if (serviceAccountUid === undefined) return undefined;
    return {
      token: tokenOf(namespace, name, serviceAccountUid, audience),
      serviceAccountUid,
      ...(this.tokenExpiresAtMs === undefined ? {} : { expiresAtMs: this.tokenExpiresAtMs }),
    };
  }

  async serviceAccountAnnotations(namespace: string, name: string): Promise<Readonly<Record<string, string>>> {
    this.#answer();
    return this.annotations.get(`${namespace}/${name}`) ?? {};
  }

  #answer(): void {
    if (this.down) throw new Failure("kube_unavailable", "the API server does not answer");
  }
}

/** A token is what it says. */
export function tokenOf(namespace: string, name: string, uid: string, audience: string): SecretValue {
  return SecretValue.fromText(JSON.stringify({ namespace, name, uid, audience }));
}

export interface StoreOptions {
  readonly kind?: StoreRefKind;
  readonly namespace?: string;
  readonly provider?: string;
  readonly controller?: string;
  readonly conditions?: readonly StoreCondition[];
}

export function storeManifest(name: string, raw: unknown, options: StoreOptions = {}): StoreManifest {
  const { kind = "ClusterSecretStore", namespace = "", provider = "plain", controller, conditions = [] } = options;
  return {
    kind,
    meta: meta(namespace, name),
    provider: { kind: provider, raw },
    conditions,
    refreshIntervalMs: 0,
    ...(controller === undefined ? {} : { controller }),
  };
}

export function storePolicy(
  name: string,
  storeRef: StorePolicy["storeRef"],
  rules: readonly Partial<StorePolicy["rules"][number]>[],
  identity: StorePolicy["identity"] = ["Pod"],
): StorePolicyItem {
  const full = rules.map((rule) => ({ namespaces: [], ...rule }));
  return { ok: true, value: { meta: meta("", name), storeRef, rules: full, identity, hosts: [] } };
}

function meta(namespace: string, name: string): StoreManifest["meta"] {
  return { namespace, name, uid: `${namespace}/${name}`, generation: 1, labels: {}, annotations: {} };
}
