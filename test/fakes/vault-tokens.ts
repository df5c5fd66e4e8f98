/** Who may read what from the fake Vault: tokens, policies, and the logins that hand tokens out. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../plugin/core/clock.ts";
import { refusal, success } from "./vault-answers.ts";
import type { VaultAnswer } from "./vault-answers.ts";

export interface Role {
  readonly policies: readonly string[];
  /** Of the tokens it hands out; 0 = they do not end. Default 3600. */
  readonly ttlSeconds?: number;
  /** Which JWTs may log in; every one unless given. */
  readonly accepts?: (jwt: string) => boolean;
}

export interface VaultTokens {
  /** May read everything in every namespace. */
  readonly rootToken: string;
  /** Tokens handed out by logins, oldest first. */
  readonly issued: readonly string[];
  /** Wire paths that may be read: `secret/data/payments/db`; a `*` at the end stands for anything. */
  policy(name: string, paths: readonly string[]): void;
  removePolicy(name: string): void;
  /** A token without a login. */
  addToken(token: string, policies: readonly string[], options?: { namespace?: string; ttlSeconds?: number }): void;
  revoke(token: string): void;
  /** Revokes everything that logins handed out. */
  revokeIssued(): void;
  /** A role of a kubernetes or jwt method mounted at `auth/<mount>`. */
  role(mount: string, name: string, role: Role, namespace?: string): void;
  removeRole(mount: string, name: string, namespace?: string): void;
  appRole(
    mount: string,
    role: { roleId: string; secretId: string; policies: readonly string[]; ttlSeconds?: number },
    namespace?: string,
  ): void;
}

interface Token {
  readonly namespace: string;
  readonly policies: readonly string[];
  readonly endsAtMs: number;
}

export interface TokenRoom {
  readonly controls: VaultTokens;
  isAlive(token: string, namespace: string): boolean;
  mayRead(token: string, namespace: string, path: string): boolean;
  /** `path` is that of the request, below `/v1/`. */
  login(namespace: string, path: string, body: string): VaultAnswer;
}

const rootToken = "root";

export function createVaultTokens(clock: Clock): TokenRoom {
  const policies = new Map<string, readonly string[]>();
  const tokens = new Map<string, Token>();
  /** By `namespace mount name`; of an appRole the name is `roleId secretId`. */
  const roles = new Map<string, Role>();
  const appRoleMounts = new Set<string>();
  const issued: string[] = [];

  const grant = (namespace: string, { policies: names, ttlSeconds = 3_600 }: Role): VaultAnswer => {
    const token = `hvs.${randomUUID()}`;
    const endsAtMs = ttlSeconds === 0 ? Infinity : clock.nowMs() + ttlSeconds * 1_000;
    tokens.set(token, { namespace, policies: names, endsAtMs });
    issued.push(token);
    return success({
      auth: {
        client_token: token,
        accessor: randomUUID(),
        policies: names,
        lease_duration: ttlSeconds,
        renewable: true,
      },
    });
  };

  const controls: VaultTokens = {
    rootToken,
    issued,
    policy: (name, paths) => void policies.set(name, paths),
    removePolicy: (name) => void policies.delete(name),
    addToken: (token, names, { namespace = "", ttlSeconds = 0 } = {}) =>
      void tokens.set(token, {
        namespace,
        policies: names,
        endsAtMs: ttlSeconds === 0 ? Infinity : clock.nowMs() + ttlSeconds * 1_000,
      }),
    revoke: (token) => void tokens.delete(token),
    revokeIssued: () => issued.forEach((token) => tokens.delete(token)),
    role: (mount, name, role, namespace = "") => void roles.set(`${namespace} ${mount} ${name}`, role),
    removeRole: (mount, name, namespace = "") => void roles.delete(`${namespace} ${mount} ${name}`),
    appRole(mount, { roleId, secretId, ...role }, namespace = "") {
      appRoleMounts.add(`${namespace} ${mount}`);
      roles.set(`${namespace} ${mount} ${roleId} ${secretId}`, role);
    },
  };

  const isAlive = (token: string, namespace: string): boolean => {
    if (token === rootToken) return true;
    const found = tokens.get(token);
    return found !== undefined && found.namespace === namespace && found.endsAtMs > clock.nowMs();
  };

  return {
    controls,
    isAlive,
    mayRead(token, namespace, path) {
      if (token === rootToken) return true;
      const found = tokens.get(token);
      if (!found || !isAlive(token, namespace)) return false;
      const allowed = found.policies.flatMap((name) => policies.get(name) ?? []);
      return allowed.some((rule) => (rule.endsWith("*") ? path.startsWith(rule.slice(0, -1)) : path === rule));
    },
    login(namespace, path, body) {
      const mount = /^auth\/(.+)\/login$/.exec(path)?.[1];
      const isMounted = [...roles.keys()].some((key) => key.startsWith(`${namespace} ${mount} `));
      if (mount === undefined || !isMounted) return refusal(403, "permission denied");
      const given = JSON.parse(body) as Readonly<Record<string, string>>;
      if (appRoleMounts.has(`${namespace} ${mount}`)) {
        const role = roles.get(`${namespace} ${mount} ${given["role_id"]} ${given["secret_id"]}`);
        return role ? grant(namespace, role) : refusal(400, "invalid role or secret ID");
      }
      const role = roles.get(`${namespace} ${mount} ${given["role"]}`);
      if (!role) return refusal(400, `invalid role name "${given["role"]}"`);
      const jwt = given["jwt"] ?? "";
      return jwt !== "" && (role.accepts?.(jwt) ?? true) ? grant(namespace, role) : refusal(403, "permission denied");
    },
  };
}
