/**
 * The promises of the read path, checked on a plan: what every reader gets is compared with what the store would have
 * said to that reader's own request. The model knows the wire, and nothing of keys and caches.
 */
import assert from "node:assert/strict";
import { Failure, ReadFailure } from "../../plugin/core/failure.ts";
import type { Caller } from "../../plugin/read/caller.ts";
import type { KeyPart } from "../../plugin/read/key.ts";
import type { SecretBundle } from "../../plugin/read/request.ts";
import type { Located } from "../../plugin/stores/contract.ts";
import { storePolicy, tokenOf } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireRequest } from "./fake-server.ts";
import { accounts, namespaces } from "./isolation-plan.ts";
import { manifestOf, textOf, toldIn, wireText } from "./isolation-wire.ts";
import type { Told, Wire } from "./isolation-wire.ts";
import type { ConsumerPlan, Happening, Plan, ReadPlan, Step, StorePlan } from "./isolation-plan.ts";
import { entry, externalSecret, readBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

/** One entry of a read, as the model expects it. */
interface Expected {
  readonly wire: Wire;
  /** The part of the answer that it gets; undefined = the whole. */
  readonly part: string | undefined;
  /** Who may share an answer: the wire, with the caller facts that the kind declares, and who asked for a plain read. */
  readonly shareable: string;
}

interface Running {
  readonly plan: ReadPlan;
  readonly startMs: number;
  readonly consumer: string;
  /** Undefined: must fail. */
  readonly expected: readonly Expected[] | undefined;
  readonly ended: Promise<SecretBundle | Error>;
  aborted: boolean;
}

const limitMs = 2_000;

export async function checkPlan(plan: Plan, keyParts: readonly KeyPart[]): Promise<void> {
  const model = new Model(plan, keyParts);
  for (const step of plan.steps) await model.take(step);
}

class Model {
  readonly #bench: Bench;
  readonly #stores: readonly StorePlan[];
  readonly #opaque: boolean;
  readonly #policies: Extract<Step, { what: "policy" }>[] = [];
  readonly #rotations = { x: 0, y: 0 };
  readonly #down = new Set<string>();
  readonly #denied = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #loginRefused = new Set<string>();
  #changes = 0;
  #serial = 0;
  /** Answers of the store that were no values. */
  #troubles = 0;
  /** Serial of an answer to a read that is not plain → its one consumer. */
  readonly #ownerOf = new Map<number, string>();
  /** Whole results that were delivered fresh, by request. */
  readonly #results = new Map<string, Set<string>>();
  /** Wire → when the store was last asked and said no. */
  readonly #saidNoAtMs = new Map<string, number>();
  /** Shareable → when the last no was asked for that a reader heard. */
  readonly #refusedAtMs = new Map<string, number>();
  /** Shareable → the youngest answer delivered, and how many troubles there had been. */
  readonly #delivered = new Map<string, { sentAtMs: number; troubles: number }>();

  constructor(plan: Plan, keyParts: readonly KeyPart[]) {
    this.#bench = readBench({ keyParts });
    this.#opaque = plan.opaque;
    // Of two stores with one name the later counts.
    const byName = new Map(plan.stores.map((store) => [`${store.scope}/${store.name}`, store]));
    this.#stores = [...byName.values()];
    const { cluster, server, clock } = this.#bench;
    for (const store of this.#stores) cluster.putStore(manifestOf(store));
    for (const namespace of namespaces) {
      cluster.secrets.set(`${namespace}/creds`, `secret of ${namespace}`);
      for (const account of accounts) this.#createAccount(namespace, account);
    }
    cluster.tokenExpiresAtMs = clock.nowMs() + 86_400_000;
    server.onLogin = (shown) => this.#logIn(shown);
    server.onRead = (request) => this.#answer(request);
  }

  async take(step: Step): Promise<void> {
    const { cluster, clock, path } = this.#bench;
    switch (step.what) {
      case "reads":
        return this.#readAll(step);
      case "happens":
        return this.#happen(step.happening);
      case "recreateAccount":
        this.#createAccount(step.namespace, step.account);
        return path.forgetAccountTokens();
      case "annotate":
        return void cluster.annotations.set(`${step.namespace}/${step.account}`, { role: step.role });
      case "changeSecret":
        return void cluster.secrets.set(`${step.namespace}/creds`, `secret ${++this.#changes} of ${step.namespace}`);
      case "policy":
        this.#policies.push(step);
        return void cluster.policies.push(this.#policyOf(step));
      case "dropPolicies":
        this.#policies.length = 0;
        return void (cluster.policies.length = 0);
      case "wait":
        return clock.advance(step.ms);
    }
  }

  #createAccount(namespace: string, account: string): void {
    const uid = this.#opaque ? "opaque" : `uid ${++this.#changes}`;
    this.#bench.cluster.accounts.set(`${namespace}/${account}`, uid);
  }

  #happen(happening: Happening): void {
    switch (happening.what) {
      case "rotate":
        return void this.#rotations[happening.server]++;
      case "outage":
        return void this.#down.add(happening.server);
      case "recovery":
        return void this.#down.delete(happening.server);
      case "deny":
        return void this.#denied.add(happening.address);
      case "remove":
        return void this.#removed.add(happening.address);
      case "restore":
        this.#denied.delete(happening.address);
        return void this.#removed.delete(happening.address);
      case "refuseLogin":
        return void this.#loginRefused.add(happening.account);
      case "admitLogin":
        return void this.#loginRefused.delete(happening.account);
    }
  }

  #logIn(shown: string): number {
    if ([...this.#loginRefused].some((account) => shown.includes(`"name":"${account}"`))) {
      this.#troubles++;
      throw new Failure("store_login_denied", "login refused");
    }
    return this.#bench.clock.nowMs() + 60_000;
  }

  #answer({ server, facts, shown, located, atMs }: WireRequest): ReturnType<typeof answerOf> {
    const problem = this.#down.has(server)
      ? "store_unreachable"
      : this.#denied.has(located.address)
        ? "store_denied"
        : this.#removed.has(located.address)
          ? "ref_not_found"
          : undefined;
    if (problem) {
      this.#troubles++;
      if (problem !== "store_unreachable") this.#saidNoAtMs.set(wireText({ server, facts, shown, located }), atMs);
      throw new Failure(problem, "no value");
    }
    const rotation = this.#rotations[server as "x" | "y"];
    const told: Told = { server, facts, shown, located, rotation, serial: ++this.#serial, sentAtMs: atMs };
    return answerOf(JSON.stringify(told), { version: String(rotation) });
  }

  async #readAll(step: Extract<Step, { what: "reads" }>): Promise<void> {
    const { clock, server } = this.#bench;
    const sentBefore = server.requests.length;
    const troublesBefore = this.#troubles;
    const leaving = new AbortController();
    server.latencyMs = step.latencyMs;
    const running = step.reads.map((plan, i) => this.#start(plan, i === 0 ? leaving : new AbortController()));
    await clock.advance(50);
    if (step.meanwhile?.what === "abort") {
      leaving.abort(new Error("gone"));
      running[0]!.aborted = true;
    } else if (step.meanwhile) this.#happen(step.meanwhile);
    server.latencyMs = step.laterLatencyMs;
    running.push(...step.laterReads.map((plan) => this.#start(plan, new AbortController())));
    await clock.advance(limitMs);
    const ended = await Promise.all(running.map(async (read) => ({ read, outcome: await read.ended })));
    for (const { read, outcome } of ended) this.#checkOwn(read, outcome);
    for (const { read, outcome } of ended) if (!(outcome instanceof Error)) this.#checkAge(read, outcome);
    const smooth = this.#troubles === troublesBefore && running.every((read) => read.expected && !read.aborted);
    if (smooth) this.#checkCount(running, sentBefore);
    for (const { read, outcome } of ended) this.#remember(read, outcome);
  }

  #start(plan: ReadPlan, leaving: AbortController): Running {
    const { clock, read } = this.#bench;
    const store = this.#stores[plan.store % this.#stores.length]!;
    const caller = this.#callerOf(plan.consumer);
    const startMs = clock.monotonicMs();
    const request = {
      entries: plan.refs.map(({ key, version }, i) =>
        entry(key, {
          field: `spec.data[${i}]`,
          store: { kind: store.scope === "cluster" ? "ClusterSecretStore" : "SecretStore", name: store.name },
          ref: { key, metadataPolicy: "None", ...(version === "" ? {} : { version }) },
          take: { as: "value", name: String(i) },
        }),
      ),
    };
    const terms = {
      caller,
      identity: plan.identity,
      acceptBegunFromMs: startMs - plan.acceptMs,
      maxStaleMs: plan.maxStaleMs,
      limitMs,
    };
    const ended = read(request, terms, leaving.signal).catch((thrown: unknown) => thrown as Error);
    const consumer = JSON.stringify([caller.kind, caller.namespace, caller.name, caller.uid]);
    return { plan, startMs, consumer, expected: this.#expect(plan, consumer), ended, aborted: false };
  }

  /** A pod brings tokens of both audiences, as its account is now. */
  #callerOf({ kind, namespace, account, name }: ConsumerPlan): Caller {
    if (kind === "ExternalSecret") return externalSecret(namespace, name);
    const serviceAccountUid = this.#bench.cluster.accounts.get(`${namespace}/${account}`)!;
    const tokens = ["vault", "other"].map((audience) => ({
      audience,
      token: tokenOf(namespace, account, serviceAccountUid, audience),
      serviceAccountUid,
    }));
    // A pod has one account for life.
    return { kind, namespace, name, uid: `${name} of ${account}`, serviceAccountName: account, proven: true, tokens };
  }

  /** What this reader's own requests would look like on the wire, or undefined when it may not read. */
  #expect(plan: ReadPlan, consumer: string): readonly Expected[] | undefined {
    const asked = this.#stores[plan.store % this.#stores.length]!;
    const scope = asked.scope === "cluster" ? "cluster" : plan.consumer.namespace;
    const store = this.#stores.find((candidate) => candidate.scope === scope && candidate.name === asked.name);
    if (!store) return undefined;
    const shown = this.#shownBy(plan, store);
    if (shown === undefined) return undefined;
    const kind = store.scope === "cluster" ? ("ClusterSecretStore" as const) : ("SecretStore" as const);
    const facts =
      store.provider === "plain"
        ? undefined
        : { scope: kind, name: store.name, namespace: store.scope === "cluster" ? "" : store.scope };
    const reads = plan.refs.map(({ key, version }): { address: string; wire: Wire; part: string | undefined } => {
      const [address = "", method = "GET", args = ""] = key.split("|");
      const [whole, part] = address.split("#");
      const located = { address: whole, method, arguments: args, version } as Located;
      const wire = { server: store.server, facts, shown, located };
      return { address, wire, part: part === undefined ? undefined : address };
    });
    if (!reads.every(({ address }) => this.#allowed(plan, store, address))) return undefined;
    const callerFacts = facts ? plan.consumer.namespace : "";
    return reads.map(({ wire, part }) => ({
      wire,
      part,
      shareable: JSON.stringify([wire, store.auth, callerFacts, wire.located.method === "GET" ? "" : consumer]),
    }));
  }

  #shownBy({ consumer, identity }: ReadPlan, store: StorePlan): string | undefined {
    if (store.auth === "none") return "";
    const own = consumer.kind === "Pod" && identity === "Pod";
    if (store.auth === "static" && own && !store.beside) return undefined;
    const refers = !own || store.beside;
    // A SecretStore never looks outside of its namespace.
    if (refers && store.scope !== "cluster" && store.referred !== undefined && store.referred !== store.scope)
      return undefined;
    const referred = store.scope === "cluster" ? (store.referred ?? consumer.namespace) : store.scope;
    const secret = this.#bench.cluster.secrets.get(`${referred}/creds`)!;
    if (store.auth === "static") return secret;
    const namespace = own ? consumer.namespace : referred;
    const account = own ? consumer.account : store.account;
    const uid = this.#bench.cluster.accounts.get(`${namespace}/${account}`)!;
    const role = this.#bench.cluster.annotations.get(`${namespace}/${account}`)?.["role"] ?? "";
    const besideIt = store.beside ? secret : "";
    return tokenOf(namespace, account, uid, store.audience).reveal().toString("utf8") + role + besideIt;
  }

  #allowed({ consumer, identity }: ReadPlan, store: StorePlan, address: string): boolean {
    const policies = this.#policies.filter((policy) => this.#stores[policy.store % this.#stores.length] === store);
    const needsRight = consumer.kind === "Pod";
    if (policies.length === 0) return !needsRight || identity === "Pod" || store.scope !== "cluster";
    return policies.some(
      (policy) =>
        policy.namespace === consumer.namespace &&
        (policy.keys?.includes(address) ?? true) &&
        (!needsRight || policy.identities.includes(identity)),
    );
  }

  #policyOf({ store: index, namespace, keys, identities }: Extract<Step, { what: "policy" }>) {
    const { scope, name } = this.#stores[index % this.#stores.length]!;
    const ref =
      scope === "cluster"
        ? { kind: "ClusterSecretStore" as const, name }
        : { kind: "SecretStore" as const, name, namespace: scope };
    return storePolicy("policy", ref, [{ namespaces: [namespace], ...(keys ? { keys } : {}) }], identities);
  }

  /** Whose is it? Notes whole fresh results, which may stand in later. */
  #checkOwn(read: Running, outcome: SecretBundle | Error): void {
    if (outcome instanceof Error) {
      assert.ok(outcome instanceof ReadFailure || read.aborted, `a read ended with ${outcome.stack}`);
      return;
    }
    assert.ok(read.expected, "a value was released to somebody who may not read it");
    const told = toldIn(outcome);
    read.expected.forEach(({ wire, part }, i) => {
      const { rotation: _, serial, sentAtMs: __, ...answered } = told[i]!;
      assert.equal(wireText(answered), wireText(wire), "a value was released that its reader did not ask for");
      assert.equal(answered.part, part, "another part was released than its reader asked for");
      if (wire.located.method === "GET") return;
      const owner = this.#ownerOf.get(serial) ?? read.consumer;
      assert.equal(owner, read.consumer, "an answer that is one consumer's was released to another");
      this.#ownerOf.set(serial, owner);
    });
    if (outcome.stale) return;
    const request = requestOf(read);
    this.#results.set(request, (this.#results.get(request) ?? new Set()).add(textOf(told)));
  }

  /** Is it still good? */
  #checkAge(read: Running, outcome: SecretBundle): void {
    const told = toldIn(outcome);
    read.expected!.forEach(({ shareable }, i) => {
      const { sentAtMs } = told[i]!;
      assert.ok(sentAtMs >= (this.#refusedAtMs.get(shareable) ?? 0), "what was refused was released later");
      const { cache } = outcome.sources[outcome.values.get(String(i))!.source!]!;
      if (!outcome.stale) this.#checkFresh(read, shareable, sentAtMs, cache);
    });
    if (!outcome.stale) return;
    assert.ok(this.#results.get(requestOf(read))?.has(textOf(told)), "a stale result was never read as a whole");
    const oldestMs = Math.min(...told.map(({ sentAtMs }) => sentAtMs));
    assert.ok(read.startMs - oldestMs <= read.plan.maxStaleMs, "a stale result is older than its consumer takes");
  }

  #checkFresh({ startMs, plan }: Running, shareable: string, sentAtMs: number, cache: string): void {
    const acceptMs = startMs - plan.acceptMs;
    assert.ok(sentAtMs >= acceptMs, "an answer is older than its reader takes");
    const known = this.#delivered.get(shareable);
    if (known && known.sentAtMs >= acceptMs && known.troubles === this.#troubles)
      assert.equal(cache, "hit", "a key was read twice within one window");
  }

  /** Readers that take one age share a fetch. */
  #checkCount(running: readonly Running[], sentBefore: number): void {
    const ages = new Map<string, Set<string>>();
    for (const { expected, plan, startMs } of running)
      for (const { wire, shareable } of expected!) {
        const text = wireText(wire);
        ages.set(text, (ages.get(text) ?? new Set()).add(`${shareable} ${startMs - plan.acceptMs}`));
      }
    const sent = new Map<string, number>();
    for (const { server, facts, shown, located } of this.#bench.server.requests.slice(sentBefore)) {
      const text = wireText({ server, facts, shown, located });
      sent.set(text, (sent.get(text) ?? 0) + 1);
    }
    for (const [text, count] of sent)
      assert.ok(count <= (ages.get(text)?.size ?? count), "readers of one key at one time did not share a fetch");
  }

  #remember(read: Running, outcome: SecretBundle | Error): void {
    if (outcome instanceof ReadFailure) {
      for (const { code, field } of outcome.parts)
        if (code === "store_denied" || code === "ref_not_found") {
          const expected = read.expected?.[Number(/\d+/.exec(field!)![0])];
          // Readers of one wire who share nothing cannot be told apart from the store's side.
          const saidNoAtMs = expected && this.#saidNoAtMs.get(wireText(expected.wire));
          if (saidNoAtMs !== undefined && expected!.wire.facts === undefined && expected!.wire.located.method === "GET")
            this.#refusedAtMs.set(expected!.shareable, saidNoAtMs);
        }
      return;
    }
    if (outcome instanceof Error || outcome.stale) return;
    const told = toldIn(outcome);
    read.expected!.forEach(({ shareable }, i) => {
      const { sentAtMs } = told[i]!;
      if ((this.#delivered.get(shareable)?.sentAtMs ?? -1) < sentAtMs)
        this.#delivered.set(shareable, { sentAtMs, troubles: this.#troubles });
    });
  }
}

function requestOf({ expected }: Running): string {
  return JSON.stringify(expected!.map(({ shareable, part }) => [shareable, part]));
}
