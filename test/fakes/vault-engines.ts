/** The KV engines of the fake Vault. Paths begin with the mount, and have no `data/` in them: `secret/payments/db`. */
import type { Clock } from "../../plugin/core/clock.ts";
import { refusal, success } from "./vault-answers.ts";
import type { VaultAnswer } from "./vault-answers.ts";

/** May hold JSON.rawJSON numbers. */
export type VaultData = Readonly<Record<string, unknown>>;

export interface PutOptions {
  /** Absent = the root namespace. */
  readonly namespace?: string;
  /** Each read of this KV v1 path is answered with this lease, as dynamic engines do. */
  readonly lease?: { readonly id: string; readonly seconds: number };
}

export interface VaultEngines {
  /** Adds a namespace with the mounts `secret` (KV v2) and `kv1` (KV v1), as the root namespace has them. */
  addNamespace(name: string): void;
  mount(path: string, version: 1 | 2, namespace?: string): void;
  /** Returns the version written; always 1 on KV v1. */
  put(path: string, data: VaultData, options?: PutOptions): number;
  /** Soft-deletes the current version. */
  deleteCurrent(path: string, namespace?: string): void;
  destroy(path: string, version: number, namespace?: string): void;
  /** Removes the secret with all its versions. */
  remove(path: string, namespace?: string): void;
}

interface Version {
  readonly data: VaultData;
  readonly created: string;
  deleted: string;
  destroyed: boolean;
}

interface Secret {
  readonly versions: Version[];
  lease: PutOptions["lease"];
}

interface Mount {
  readonly version: 1 | 2;
  readonly secrets: Map<string, Secret>;
}

export interface EngineRoom {
  readonly controls: VaultEngines;
  hasNamespace(name: string): boolean;
  read(namespace: string, path: string, version: string): VaultAnswer;
}

export function createVaultEngines(clock: Clock): EngineRoom {
  const namespaces = new Map<string, Map<string, Mount>>();
  const now = (): string => new Date(clock.nowMs()).toISOString();
  const addNamespace = (name: string): void => {
    if (namespaces.has(name)) return;
    const mounts: [string, Mount][] = [
      ["secret", { version: 2, secrets: new Map() }],
      ["kv1", { version: 1, secrets: new Map() }],
    ];
    namespaces.set(name, new Map(mounts));
  };
  addNamespace("");

  /** The longest mount that a path lies below. */
  const find = (namespace: string, path: string): { mount: Mount; rest: string } | undefined => {
    const mounts = [...(namespaces.get(namespace) ?? [])].filter(([name]) => path.startsWith(`${name}/`));
    const longest = mounts.sort(([a], [b]) => b.length - a.length)[0];
    return longest && { mount: longest[1], rest: path.slice(longest[0].length + 1) };
  };
  const locate = (path: string, namespace: string): { mount: Mount; rest: string } => {
    const found = find(namespace, path);
    if (!found) throw new Error(`no mount for ${path}`);
    return found;
  };
  const secretAt = (path: string, namespace: string): Secret => {
    const { mount, rest } = locate(path, namespace);
    const secret = mount.secrets.get(rest);
    if (!secret) throw new Error(`no secret at ${path}`);
    return secret;
  };

  const controls: VaultEngines = {
    addNamespace,
    mount: (path, version, namespace = "") =>
      void namespaces.get(namespace)?.set(path, { version, secrets: new Map() }),
    put(path, data, { namespace = "", lease } = {}) {
      const { mount, rest } = locate(path, namespace);
      const secret = mount.secrets.get(rest) ?? { versions: [], lease };
      mount.secrets.set(rest, secret);
      if (mount.version === 1) secret.versions.length = 0;
      secret.lease = lease;
      return secret.versions.push({ data, created: now(), deleted: "", destroyed: false });
    },
    deleteCurrent: (path, namespace = "") => void (secretAt(path, namespace).versions.at(-1)!.deleted = now()),
    destroy: (path, version, namespace = "") =>
      void (secretAt(path, namespace).versions[version - 1]!.destroyed = true),
    remove(path, namespace = "") {
      const { mount, rest } = locate(path, namespace);
      mount.secrets.delete(rest);
    },
  };

  return {
    controls,
    hasNamespace: (name) => namespaces.has(name),
    read(namespace, path, version) {
      const found = find(namespace, path);
      if (!found) return refusal(404, `no handler for route "${path}". route entry not found.`);
      return found.mount.version === 1 ? readV1(found.mount, found.rest) : readV2(found.mount, found.rest, version);
    },
  };
}

function readV1(mount: Mount, path: string): VaultAnswer {
  const secret = mount.secrets.get(path);
  if (!secret) return refusal(404);
  const data = secret.versions[0]!.data;
  if (!secret.lease) return success({ data, lease_duration: 2_764_800 });
  return success({ data, lease_id: secret.lease.id, lease_duration: secret.lease.seconds, renewable: true });
}

function readV2(mount: Mount, path: string, version: string): VaultAnswer {
  if (!path.startsWith("data/"))
    return success(
      {
        warnings: [
          "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use.",
        ],
      },
      404,
    );
  const secret = mount.secrets.get(path.slice("data/".length));
  const number = version === "" || version === "0" ? (secret?.versions.length ?? 0) : Number(version);
  const found = secret?.versions[number - 1];
  if (!found) return refusal(404);
  const metadata = {
    created_time: found.created,
    custom_metadata: null,
    deletion_time: found.deleted,
    destroyed: found.destroyed,
    version: number,
  };
  const isGone = found.destroyed || found.deleted !== "";
  return success({ data: { data: isGone ? null : found.data, metadata } }, isGone ? 404 : 200);
}
