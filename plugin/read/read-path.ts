/**
 * Builds the read path of one process and wires its parts: who tells whom when a store says no, changes, or brings
 * something new.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { StoreManifest, StoreRef } from "../manifests/objects.ts";
import type { Audit } from "../observe/audit.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { LoadKind, StoreDeps, StoreKind } from "../stores/contract.ts";
import { createAccountTokens } from "./account-tokens.ts";
import { createAnswerCache } from "./cache.ts";
import { createCatalog } from "./catalog.ts";
import { createConsumers } from "./consumers.ts";
import type { Consumers } from "./consumers.ts";
import { createFetching } from "./fetching.ts";
import { keyParts } from "./key.ts";
import type { KeyPart } from "./key.ts";
import { keyedDigest } from "./keyed-digest.ts";
import type { Lane } from "./lane/lane.ts";
import { createLastGood, tagOf } from "./last-good.ts";
import { createLeases } from "./leases.ts";
import type { ClusterView } from "./ports.ts";
import { createReader } from "./reader.ts";
import type { LoadRenderer } from "./rendering.ts";
import type { Reader } from "./request.ts";
import { createSessions } from "./sessions.ts";
import { checkStore } from "./store-check.ts";
import type { StoreStatus } from "./store-check.ts";
import { createTemplating } from "./templating.ts";

export interface ReadPathDeps {
  readonly cluster: ClusterView;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly metrics: Pick<Metrics, "cacheAnswer" | "authFailure">;
  /** By the key under spec.provider. */
  readonly kinds: ReadonlyMap<string, LoadKind>;
  readonly storeDeps: (kind: StoreKind, manifest: StoreManifest) => StoreDeps;
  /** Called when the first template is met. */
  readonly loadRenderer: LoadRenderer;
  /** Called once for each opened store. */
  readonly openLane: (manifest: StoreManifest) => Lane;
  readonly tokenAudience: string;
  readonly controllerClass: string;
  /** Stores that name no class are left alone too. */
  readonly controllerClassStrict?: boolean;
  /** Key of the digests in audit lines, at least 32 bytes. */
  readonly digestKey: Uint8Array;
  readonly limits: {
    readonly cacheEntries: number;
    /** Of answers, and as much again of earlier results. */
    readonly cacheBytes: number;
    readonly sessions: number;
  };
}

export interface ReadPath {
  readonly reader: Reader;
  readonly consumers: Consumers;
  /** See store-check.ts. */
  storeStatus(ref: StoreRef, namespace: string, signal: AbortSignal): Promise<StoreStatus>;
  /** Accounts, or Secrets with their tokens, changed: tokens are asked for anew. */
  forgetAccountTokens(): void;
  /** Stops every watch, and leaves leases to run out. */
  close(): void;
}

/** `parts`: the table that the cache key is made from. */
export function createReadPath(deps: ReadPathDeps, parts: readonly KeyPart[] = keyParts): ReadPath {
  const { clock, cluster, limits, metrics } = deps;
  const bounds = { entries: limits.cacheEntries, bytes: limits.cacheBytes };
  const consumers = createConsumers(clock);
  const lastGood = createLastGood(clock, bounds);
  const digest = (value: SecretValue): string => keyedDigest(deps.digestKey, [value]);
  const cache = createAnswerCache({
    clock,
    limits: bounds,
    digest,
    onAnswer: (access, answer, callers) => consumers.answered(access, answer, callers),
    onNo: (access) => lastGood.refuse(tagOf.answer(access.answerKey)),
  });
  const sessions = createSessions({
    clock,
    sessionsMax: limits.sessions,
    onLoginRefused: (store) => metrics.authFailure(store),
    onVerdict(sessionKey) {
      cache.dropSession(sessionKey);
      lastGood.refuse(tagOf.session(sessionKey));
    },
  });
  const catalog = createCatalog({
    ...deps,
    onChange(configHash) {
      cache.dropStore(configHash);
      consumers.storeChanged(configHash);
    },
  });
  const leases = createLeases({
    clock,
    cache,
    sessions,
    onDue: (answerKey) => consumers.leaseDue(answerKey),
    onRevoked(answerKey) {
      cache.drop(answerKey);
      lastGood.refuse(tagOf.answer(answerKey));
    },
  });
  const fetching = createFetching({ clock, sessions, leases });
  const accountTokens = createAccountTokens({ cluster, clock });
  const prover = { cluster, accountTokens, tokenAudience: deps.tokenAudience, subjectKey: randomBytes(32) };
  const admission = { cluster, catalog, prover, keyParts: parts, refuse: (tag: string) => lastGood.refuse(tag) };

  const templating = createTemplating(cluster, deps.loadRenderer);

  return {
    reader: createReader({ ...deps, cache, fetching, leases, admission, lastGood, consumers, templating, digest }),
    consumers: {
      ...consumers,
      release(consumer) {
        consumers.forget(consumer);
        leases.release(consumer);
      },
    },
    storeStatus: (ref, namespace, signal) => checkStore(ref, namespace, { admission, sessions }, signal),
    forgetAccountTokens: () => accountTokens.forgetAll(),
    close() {
      leases.close();
      catalog.close();
    },
  };
}
