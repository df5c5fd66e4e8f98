/** A whole read path over a fake server, a fake cluster and a fake clock, with short words for reading through it. */
import { Failure, ReadFailure } from "../../plugin/core/failure.ts";
import type { AuditEntry } from "../../plugin/observe/audit.ts";
import type { ExternalSecretCaller, PodCaller } from "../../plugin/read/caller.ts";
import type { KeyPart } from "../../plugin/read/key.ts";
import { createLane } from "../../plugin/read/lane/lane.ts";
import type { LaneOptions } from "../../plugin/read/lane/lane.ts";
import { createReadPath } from "../../plugin/read/read-path.ts";
import type { ReadPathDeps } from "../../plugin/read/read-path.ts";
import type { RefEntry, ReadRequest, ReadTerms, SecretBundle } from "../../plugin/read/request.ts";
import type { StoreDeps } from "../../plugin/stores/contract.ts";
import { createRenderer } from "../../plugin/template/render.ts";
import { FakeClock, settle } from "../fakes/clock.ts";
import { FakeCluster, storeManifest, tokenOf } from "./fake-cluster.ts";
import { FakeServer, wireKind } from "./fake-server.ts";

export interface BenchOptions {
  readonly keyParts?: readonly KeyPart[];
  readonly limits?: Partial<ReadPathDeps["limits"]>;
  readonly strict?: boolean;
  readonly lane?: Partial<LaneOptions>;
}

export function readBench({ keyParts, limits, strict = false, lane = {} }: BenchOptions = {}) {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const cluster = new FakeCluster();
  const audited: AuditEntry[] = [];
  const counted = { answers: [] as string[], authFailures: [] as string[] };
  const audit = { fails: false };
  const renderer = createRenderer(clock);
  const deps: ReadPathDeps = {
    cluster,
    clock,
    audit: {
      async record(entries) {
        if (audit.fails) throw new Failure("audit_unavailable", "the audit log is full");
        audited.push(...entries);
      },
    },
    metrics: {
      cacheAnswer: (result) => void counted.answers.push(result),
      authFailure: (store) => void counted.authFailures.push(store),
    },
    kinds: new Map(
      [
        wireKind("plain", server, ["namespace", "storeName", "storeKind"]),
        wireKind("factful", server),
        wireKind("owning", server, ["namespace", "storeName", "storeKind"], "own"),
      ].map((kind) => [kind.name, () => Promise.resolve(kind)]),
    ),
    // The fake kinds use nothing of the world.
    storeDeps: () => ({}) as StoreDeps,
    loadRenderer: () => Promise.resolve(renderer),
    openLane: () =>
      createLane({ clock, ratePerSecond: 1_000, burst: 1_000, maxInFlight: 16, attemptMs: 5_000, ...lane }),
    tokenAudience: "vault",
    controllerClass: "default",
    controllerClassStrict: strict,
    digestKey: Buffer.alloc(32, 7),
    limits: { cacheEntries: 1_000, cacheBytes: 1_000_000, sessions: 100, ...limits },
  };
  const path = createReadPath(deps, ...(keyParts ? [keyParts] : []));

  /** As `path.reader.read`, with terms that suit most tests: a sync that demands a new answer, no last-good. */
  function read(
    request: ReadRequest,
    terms: Partial<ReadTerms> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<SecretBundle> {
    const caller = terms.caller ?? externalSecret();
    return path.reader.read(
      request,
      {
        caller,
        delivery: caller.kind === "Pod" ? "mount" : "sync",
        identity: caller.kind === "Pod" ? "Pod" : "Store",
        priority: "mount",
        acceptBegunFromMs: clock.monotonicMs(),
        maxStaleMs: 0,
        limitMs: 20_000,
        ...terms,
      },
      signal,
    );
  }

  return { clock, server, cluster, audited, audit, counted, path, read };
}

export type Bench = ReturnType<typeof readBench>;

/** A bench with the one store that most tests need: ClusterSecretStore `main`, no login. */
export function simpleBench(options?: BenchOptions): Bench {
  const bench = readBench(options);
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }));
  return bench;
}

export function entry(key: string, overrides: Partial<RefEntry> = {}): RefEntry {
  return {
    field: `spec.data[0]`,
    store: { kind: "ClusterSecretStore", name: "main" },
    ref: { key, metadataPolicy: "None" },
    take: { as: "value", name: key },
    decoding: "None",
    nullBytes: "Ignore",
    optional: false,
    ...overrides,
  };
}

/** Entries of the store `main`, each under its own name and field. */
export function requestFor(...keys: readonly string[]): ReadRequest {
  return { entries: keys.map((key, i) => entry(key, { field: `spec.data[${i}]` })) };
}

export function externalSecret(namespace = "shop", name = "db"): ExternalSecretCaller {
  return { kind: "ExternalSecret", namespace, name, uid: `uid of ${namespace}/${name}` };
}

export function pod(namespace = "shop", account = "app", audiences: readonly string[] = ["vault"]): PodCaller {
  const uid = `uid of ${account}`;
  return {
    kind: "Pod",
    namespace,
    name: "web-0",
    uid: "pod-uid",
    serviceAccountName: account,
    proven: true,
    tokens: audiences.map((audience) => ({
      audience,
      token: tokenOf(namespace, account, uid, audience),
      serviceAccountUid: uid,
    })),
  };
}

export function textOf(bundle: SecretBundle, name: string): string {
  const found = bundle.values.get(name);
  if (!found) throw new Error(`no value ${name}; there are ${[...bundle.values.keys()].join(", ")}`);
  return found.value.reveal().toString("utf8");
}

/** The failure that a promise ends with; lets the clock run while it takes its time. */
export async function failureOf(reading: Promise<unknown>, clock?: FakeClock, forMs = 0): Promise<ReadFailure> {
  const ended = reading.then(
    () => new Error("the read did not fail"),
    (thrown: unknown) => thrown,
  );
  if (clock) await clock.advance(forMs);
  const thrown = await ended;
  if (thrown instanceof ReadFailure) return thrown;
  throw thrown as Error;
}

export { settle };
