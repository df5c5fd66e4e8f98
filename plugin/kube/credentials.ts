/**
 * What is referred to by name: Secrets, ConfigMaps and service accounts by stores and templates, generators by
 * ExternalSecrets.
 *
 * Of a Secret or ConfigMap that is referred to, the values are kept for a minute, with the labels of a Secret, or for as
 * long as a watch says that they are the newest. Whoever may not make a token is told which right is missing.
 */
import { LRUCache } from "lru-cache";
import { Failure } from "../core/failure.ts";
import { isMap } from "../manifests/fields.ts";
import { parseGenerator } from "../manifests/generator.ts";
import { readMeta } from "../manifests/object-meta.ts";
import type { Generator, Parsed } from "../manifests/objects.ts";
import type { ClusterView, SecretData } from "../read/ports.ts";
import { KubeFailure, type MirrorChange, type ResourceKind } from "./contract.ts";
import { createFetched, type Fetched, type FetchedDeps } from "./fetched.ts";
import type { NamedWatches } from "./named-watches.ts";
import { configMaps, secrets, serviceAccounts, vaultDynamicSecrets } from "./resources.ts";
import { decodeData } from "./secret-object.ts";
import { requestToken } from "./service-account-token.ts";

type Referred =
  | "secretData"
  | "secretValue"
  | "configMapValue"
  | "serviceAccountToken"
  | "serviceAccountAnnotations"
  | "findGenerator";

export interface Credentials extends Required<Pick<ClusterView, Referred>> {
  /** What a named watch saw, and whether somebody was given something that does not hold any more. */
  saw(
    kind: ResourceKind,
    change: MirrorChange<undefined>,
  ): "nothing" | "account" | "secret" | "configMap" | "generator";
}

export interface CredentialDeps extends FetchedDeps {
  /** Absent in role mount, which has no right to watch. */
  readonly watches?: NamedWatches;
}

/** As many as tokens are kept of. */
const accountsMax = 1_000;

export function createCredentials(deps: CredentialDeps): Credentials {
  const { api, watches } = deps;
  /** For whom a token was asked for → the account's uid then; empty when there was none. */
  const accounts = new LRUCache<string, string>({ max: accountsMax });
  const fetched: Fetched<SecretData> = createFetched(deps, {
    kind: secrets,
    keep: (object) => ({ labels: readMeta(object).labels, values: decodeData(object["data"]) }),
    isCurrent: (name, resourceVersion) => watches?.confirms(secrets, name, resourceVersion),
  });
  const texts: Fetched<ReadonlyMap<string, string>> = createFetched(deps, {
    kind: configMaps,
    keep: (object) => textsIn(object["data"]),
    isCurrent: (name, resourceVersion) => watches?.confirms(configMaps, name, resourceVersion),
  });
  const generators: Fetched<Parsed<Generator>> = createFetched(deps, {
    kind: vaultDynamicSecrets,
    keep: parseGenerator,
    isCurrent: (name, resourceVersion) => watches?.confirms(vaultDynamicSecrets, name, resourceVersion),
  });
  const annotations = createFetched(deps, {
    kind: serviceAccounts,
    keep: (object): Readonly<Record<string, string>> => readMeta(object).annotations,
  });
  function secretData(namespace: string, name: string, signal: AbortSignal): Promise<SecretData | undefined> {
    watches?.follow(secrets, { namespace, name });
    return fetched.get({ namespace, name }, signal);
  }

  function heldOf(kind: ResourceKind): readonly [Fetched<unknown>, "secret" | "configMap" | "generator"] {
    if (kind === configMaps) return [texts, "configMap"];
    return kind === vaultDynamicSecrets ? [generators, "generator"] : [fetched, "secret"];
  }

  return {
    async serviceAccountAnnotations(namespace, name, signal) {
      return (await annotations.get({ namespace, name }, signal)) ?? {};
    },
    async configMapValue(namespace, name, key, signal) {
      watches?.follow(configMaps, { namespace, name });
      return (await texts.get({ namespace, name }, signal))?.get(key);
    },
    findGenerator(_, namespace, name, signal) {
      watches?.follow(vaultDynamicSecrets, { namespace, name });
      return generators.get({ namespace, name }, signal);
    },
    secretData,
    async secretValue(namespace, name, key, signal) {
      return (await secretData(namespace, name, signal))?.values.get(key);
    },
    async serviceAccountToken(namespace, name, audience, signal) {
      watches?.follow(serviceAccounts, { namespace, name });
      try {
        const token = await requestToken(api, { namespace, name }, audience, signal);
        accounts.set(`${namespace}/${name}`, token?.serviceAccountUid ?? "");
        return token;
      } catch (thrown) {
        // The right is given account by account, so that it is missing is said of the account, not of the API server.
        const isForbidden = thrown instanceof KubeFailure && thrown.status === 403;
        throw isForbidden ? noRight(namespace, name, audience, !watches) : thrown;
      }
    },
    saw(kind, { type, entry }) {
      const { key, uid, resourceVersion } = entry;
      if (kind === serviceAccounts) {
        annotations.forget(key);
        const known = accounts.get(`${key.namespace}/${key.name}`);
        return known === undefined || known === (type === "removed" ? "" : uid) ? "nothing" : "account";
      }
      const [held, news] = heldOf(kind);
      const known = held.versionOf(key);
      if (known === undefined || known === (type === "removed" ? "" : resourceVersion)) return "nothing";
      held.forget(key);
      return news;
    },
  };
}

function textsIn(data: unknown): ReadonlyMap<string, string> {
  const members = Object.entries(isMap(data) ? data : {});
  return new Map(members.filter((member): member is [string, string] => typeof member[1] === "string"));
}

function noRight(namespace: string, name: string, audience: string, forMount: boolean): Failure {
  const orElse = forMount ? ", or set identity: Pod in the class" : "";
  return new Failure(
    "credential_missing",
    `this process may not make a token with audience "${audience}" for service account ${namespace}/${name}; grant it create on serviceaccounts/token in a Role of that namespace${orElse}`,
  );
}
