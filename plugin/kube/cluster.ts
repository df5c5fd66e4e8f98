/**
 * The API server behind the ports of read, mount and sync.
 *
 * Role sync follows what it serves with watches and answers from them; role mount has no right to list
 * ExternalSecrets, stores or namespaces, so it gets the few objects that its pods name and keeps them for a minute.
 * Where both run in one process, mount is answered from the watches too.
 */
import type { Clock } from "../core/clock.ts";
import type { MountView } from "../mount/ports.ts";
import type { Check } from "../observe/http-server.ts";
import type { Log } from "../observe/log.ts";
import type { TokenKeySource } from "../read/pod-token-keys.ts";
import type { ClusterView } from "../read/ports.ts";
import type { KubeClient, Mirror, MirrorHealth } from "./contract.ts";
import { createCredentials } from "./credentials.ts";
import { followPolicies, policyReader } from "./policies.ts";
import { openSyncSide, type SyncCluster } from "./sync-cluster.ts";
import { createTokenKeys } from "./token-keys.ts";
import { createViews } from "./views.ts";

export type { SyncCluster } from "./sync-cluster.ts";

export interface ClusterOptions {
  readonly client: KubeClient;
  readonly roles: readonly ("mount" | "sync")[];
  /** Namespace of the leases and of the digest key. */
  readonly namespace: string;
  /** Who reports events, e.g. the pod's name. */
  readonly instance: string;
  /** How long what was last read of an object may serve while the API server does not answer. */
  readonly maxStaleMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Cluster {
  readonly view: ClusterView;
  readonly mounts: MountView;
  /** The keys that pod tokens are signed with, as the API server publishes them. */
  readonly tokenKeys: TokenKeySource;
  /** Present with role sync. Start syncing after `synced`. */
  readonly sync?: SyncCluster;
  /** After the first complete list of everything that is followed; pending for as long as one of them fails. */
  readonly synced: Promise<void>;
  /** A service account that a token was made for is gone or another one: forget its tokens. Returns the stop function. */
  onAccountChange(listener: () => void): () => void;
  /** For /readyz: each watch has its objects and is not silent for too long. */
  ready(): readonly Check[];
  /** Ends watches and timers; events that wait are sent for up to a second. */
  close(): Promise<void>;
}

/** Follows from this moment on. */
export function openCluster(options: ClusterOptions): Cluster {
  const { client, clock, roles, maxStaleMs } = options;
  const ended = new AbortController();
  const base = { api: client, clock, maxStaleMs, ended: ended.signal };
  const accountListeners = new Set<() => void>();
  const onAccountChange = (): void => {
    for (const listener of [...accountListeners]) listener();
  };
  const policies = followPolicies(client);
  const side = roles.includes("sync") ? openSyncSide({ ...options, ...base, policies, onAccountChange }) : undefined;
  const credentials = side?.credentials ?? createCredentials(base);
  const mirrors = side && { mirrors: side.mirrors };
  const followed: Readonly<Record<string, Mirror<unknown>>> = { ...side?.followed, StorePolicies: policies };
  const all = Object.values(followed);
  return {
    ...createViews({ ...base, ...mirrors, credentials, storePolicies: policyReader(policies, clock) }),
    tokenKeys: createTokenKeys(base),
    ...(side && { sync: side.ports }),
    synced: Promise.all(all.map((mirror) => mirror.synced)).then(() => undefined),
    onAccountChange(listener) {
      accountListeners.add(listener);
      return () => void accountListeners.delete(listener);
    },
    ready: () => Object.entries(followed).map(([name, mirror]) => check(name, mirror.health(), clock)),
    async close() {
      await side?.close();
      ended.abort(new Error("the process ends"));
      await Promise.all(all.map((mirror) => mirror.stop()));
    },
  };
}

/** Bookmarks come about once a minute. */
const silenceMs = 3 * 60_000;

function check(name: string, { synced, freshAtMs, problem }: MirrorHealth, clock: Clock): Check {
  const ageMs = clock.monotonicMs() - (freshAtMs ?? -Infinity);
  const state = !synced ? "not listed yet" : `confirmed ${Math.round(ageMs / 1_000)} s ago`;
  const note = problem ? `${state}: ${problem.message}` : state;
  return { name: `watch of ${name}`, ok: synced && ageMs < silenceMs, note };
}
