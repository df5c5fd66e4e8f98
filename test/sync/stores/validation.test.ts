/** Statuses of stores over time: on the fake clock, over a read path that says what it is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { StoreManifest } from "../../../plugin/manifests/objects.ts";
import type { StoreStatus } from "../../../plugin/read/store-check.ts";
import { classRule } from "../../../plugin/sync/stand-aside.ts";
import { createStoreValidation, type StoreValidation } from "../../../plugin/sync/stores/validation.ts";
import type { DependencyChange, ExternalSecretItem } from "../../../plugin/sync/ports.ts";
import type { StoreItem, StoreKey, StoreObjectStatus } from "../../../plugin/sync/stores/ports.ts";
import { FakeClock, settle } from "../../fakes/clock.ts";
import { externalSecret } from "../house.ts";

const minuteMs = 60_000;
const key: StoreKey = { kind: "SecretStore", namespace: "shop", name: "vault" };
const clusterKey: StoreKey = { kind: "ClusterSecretStore", namespace: "", name: "vault" };
const idOf = ({ kind, namespace, name }: StoreKey): string => [kind, namespace, name].filter(Boolean).join("/");

function storeItem(of: StoreKey = key, more: Partial<StoreManifest> = {}): StoreItem {
  const meta = { ...of, uid: "u", generation: 1, labels: {}, annotations: {} };
  const value = {
    kind: of.kind,
    meta,
    provider: { kind: "vault", raw: {} },
    conditions: [],
    refreshIntervalMs: 0,
    ...more,
  };
  return { key: of, meta, parsed: { ok: true, value } };
}

class Stores {
  readonly clock = new FakeClock();
  readonly items = new Map<string, StoreItem>();
  readonly statuses = new Map<string, StoreObjectStatus>();
  readonly externalSecrets: ExternalSecretItem[] = [];
  readonly checked: string[] = [];
  readonly writes: string[] = [];
  readonly events: string[] = [];
  readonly counted: string[] = [];
  /** What the read path says of every store. */
  verdict: StoreStatus = { kindName: "vault" };
  gate: () => Promise<void> = async () => undefined;
  statusFailure: Failure | undefined;
  readonly #listeners = new Set<(key: StoreKey) => void>();
  readonly #dependencies = new Set<(change: DependencyChange) => void>();
  validation: StoreValidation;

  constructor(options: { readonly takeOver?: boolean; readonly strict?: boolean } = {}) {
    this.validation = this.#build(options);
  }

  put(item: StoreItem): void {
    this.items.set(idOf(item.key), item);
    for (const tell of this.#listeners) tell(item.key);
  }

  delete(of: StoreKey = key): void {
    this.items.delete(idOf(of));
    for (const tell of this.#listeners) tell(of);
  }

  changeDependency(change: DependencyChange = {}): void {
    for (const tell of this.#dependencies) tell(change);
  }

  async rest(): Promise<void> {
    do await settle();
    while (!this.validation.idle());
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.rest();
  }

  /** `True Valid store validated`. */
  ready(of: StoreKey = key): string {
    const { status, reason, message } = this.statuses.get(idOf(of))?.ready ?? {};
    return [status, reason, message].join(" ");
  }

  restart(options: { readonly takeOver?: boolean } = {}): void {
    this.validation = this.#build(options);
    this.validation.start();
  }

  #build({
    takeOver = false,
    strict = false,
  }: {
    readonly takeOver?: boolean;
    readonly strict?: boolean;
  }): StoreValidation {
    const silent = (): void => undefined;
    return createStoreValidation({
      stores: {
        list: () => [...this.items.values()],
        get: (of) => this.items.get(idOf(of)),
        onChange: (listener) => (this.#listeners.add(listener), () => void this.#listeners.delete(listener)),
      },
      statuses: {
        read: async (of) => this.statuses.get(idOf(of)),
        write: async (of, status) => {
          if (this.statusFailure) throw this.statusFailure;
          this.statuses.set(idOf(of), status);
          this.writes.push(idOf(of));
        },
      },
      events: {
        emit: (of, type, reason, message) => void this.events.push(`${idOf(of)} ${type} ${reason} ${message}`),
      },
      externalSecrets: {
        list: () => this.externalSecrets,
        onDependencyChange: (listener) => {
          this.#dependencies.add(listener);
          return () => void this.#dependencies.delete(listener);
        },
      },
      readPath: {
        storeStatus: async ({ kind, name }, namespace) => {
          this.checked.push(idOf({ kind, namespace, name }));
          await this.gate();
          return this.verdict;
        },
      },
      clock: this.clock,
      metrics: {
        storeValidated: (of, ready) => void this.counted.push(`${idOf(of)} ${ready}`),
        forgetStore: (of) => void this.counted.push(`forget ${idOf(of)}`),
      },
      log: { debug: silent, info: silent, warn: silent, error: silent },
      isOurClass: classRule("default", strict),
      takeOver,
      intervalMs: 5 * minuteMs,
    });
  }
}

async function open(item = storeItem(), options: ConstructorParameters<typeof Stores>[0] = {}): Promise<Stores> {
  const stores = new Stores(options);
  stores.put(item);
  stores.validation.start();
  await stores.rest();
  return stores;
}

const fail = (code: ConstructorParameters<typeof Failure>[0], message: string, field?: string): StoreStatus => ({
  failure: new Failure(code, message, field === undefined ? {} : { field }),
});
const broken = { ok: false, problems: [{ path: "spec.conditions[0]", problem: "must be a map" }] } as const;

const verdicts: readonly { name: string; item?: StoreItem; verdict: StoreStatus; ready: RegExp; event: RegExp }[] = [
  { name: "a login works", verdict: {}, ready: /^True Valid store validated$/, event: /Normal Valid store validated$/ },
  {
    name: "nobody here can log in",
    verdict: { unchecked: "it logs in as whoever reads" },
    ready: /^True ValidationUnknown could not determine validation status: validated as far as possible; it logs in as/,
    event: /Warning ValidationUnknown could not determine/,
  },
  {
    name: "a provider that is not supported",
    verdict: fail("store_invalid", 'provider "gitlab" is not supported; supported: fake, file, vault'),
    ready:
      /^False InvalidProviderConfig unable to create client: \[store_invalid\] provider "gitlab" is not supported; supported: fake, file, vault$/,
    event: /Warning InvalidProviderConfig unable to create client/,
  },
  {
    name: "a block that is wrong",
    verdict: fail("store_invalid", "is missing", "spec.provider.vault.server"),
    ready:
      /^False InvalidProviderConfig unable to create client: \[store_invalid\] spec\.provider\.vault\.server: is missing$/,
    event: /Warning InvalidProviderConfig/,
  },
  {
    name: "a manifest that is wrong",
    item: { ...storeItem(), parsed: broken },
    verdict: fail("store_invalid", "must be a map", "spec.conditions[0]"),
    ready:
      /^False InvalidStoreConfiguration unable to validate store: \[store_invalid\] spec\.conditions\[0\]: must be a map$/,
    event: /Warning InvalidStoreConfiguration/,
  },
  {
    name: "a credential that is missing",
    verdict: fail("credential_missing", "no token for service account shop/reader"),
    ready: /^False InvalidProviderConfig unable to create client: \[credential_missing\] no token/,
    event: /Warning InvalidProviderConfig/,
  },
  {
    name: "a store that is sealed",
    verdict: fail("store_sealed", "vault is sealed (503): unseal it"),
    ready: /^False InvalidProviderConfig unable to create client: \[store_sealed\] vault is sealed/,
    event: /Warning InvalidProviderConfig/,
  },
];

for (const { name, item = storeItem(), verdict, ready, event } of verdicts)
  test(`a validation ends in a condition, capabilities, an event and a series: ${name}`, async () => {
    const stores = new Stores();
    stores.verdict = verdict;
    stores.put(item);
    stores.validation.start();
    await stores.rest();
    assert.match(stores.ready(), ready);
    const { ready: condition, capabilities } = stores.statuses.get(idOf(key))!;
    assert.deepEqual(
      [condition?.type, condition?.lastTransitionTime, capabilities],
      ["Ready", "2026-01-01T00:00:00Z", "ReadOnly"],
    );
    assert.equal(stores.events.length, 1);
    assert.match(stores.events[0]!, event);
    assert.deepEqual(stores.counted, [`SecretStore/shop/vault ${condition?.status}`]);
    await stores.validation.stop();
    assert.equal(stores.clock.pending, 0);
  });

test("a message is at most 1,024 bytes", async () => {
  const stores = new Stores();
  stores.verdict = fail("store_invalid", "ü".repeat(2_000));
  stores.put(storeItem());
  stores.validation.start();
  await stores.rest();
  assert.ok(Buffer.byteLength(stores.statuses.get(idOf(key))!.ready!.message) <= 1_024);
  await stores.validation.stop();
});

test("a store is validated every 5 minutes, and nothing is written or told while nothing changes", async () => {
  const stores = await open();
  await stores.advance(60 * minuteMs);
  assert.ok(Math.abs(stores.checked.length - 13) <= 1, String(stores.checked.length));
  assert.deepEqual([stores.writes.length, stores.events.length], [1, 1]);
  await stores.validation.stop();
});

for (const [refreshIntervalMs, want] of [
  [20 * minuteMs, 4],
  [minuteMs, 61],
  // Less than 10 s counts as 10 s.
  [1, 361],
] as const)
  test(`a store's own refreshInterval of ${refreshIntervalMs} ms is kept`, async () => {
    const stores = await open(storeItem(key, { refreshIntervalMs }));
    await stores.advance(60 * minuteMs);
    assert.ok(Math.abs(stores.checked.length - want) <= 1, String(stores.checked.length));
    await stores.validation.stop();
  });

test("stores that began together are spread from the second time on", async () => {
  const stores = new Stores();
  for (let i = 0; i < 100; i++) stores.put(storeItem({ ...key, name: `s${i}` }));
  stores.validation.start();
  await stores.rest();
  const perSecond = new Map<number, number>();
  stores.gate = async () => {
    const second = Math.floor(stores.clock.nowMs() / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  };
  await stores.advance(5 * minuteMs);
  assert.ok(Math.max(...perSecond.values()) < 10, String(Math.max(...perSecond.values())));
  await stores.validation.stop();
});

test("a change of the store is validated at once", async () => {
  const stores = await open();
  stores.verdict = fail("store_invalid", "is missing");
  stores.put(storeItem());
  await stores.rest();
  assert.match(stores.ready(), /^False/);
  await stores.validation.stop();
});

test("a credential that comes later makes the store ready at once; stores that are ready are left in peace", async () => {
  const stores = new Stores();
  stores.verdict = fail("credential_missing", "no Secret");
  stores.put(storeItem());
  stores.validation.start();
  await stores.rest();
  const tries = stores.checked.length;
  stores.changeDependency({ store: key });
  await stores.rest();
  assert.equal(stores.checked.length, tries, "the store was told of already");
  stores.verdict = {};
  stores.changeDependency();
  await stores.rest();
  assert.equal(stores.ready(), "True Valid store validated");
  const checks = stores.checked.length;
  stores.changeDependency();
  await stores.rest();
  assert.equal(stores.checked.length, checks);
  await stores.validation.stop();
});

test("an outage is looked at again soon and then rarer; the condition keeps its time and changes once each way", async () => {
  const stores = await open();
  stores.verdict = fail("store_sealed", "sealed");
  await stores.advance(5 * minuteMs);
  assert.match(stores.ready(), /^False .*store_sealed/);
  const soon = stores.checked.length;
  await stores.advance(20 * minuteMs);
  assert.ok(
    stores.checked.length - soon >= 4 && stores.checked.length - soon < 20,
    String(stores.checked.length - soon),
  );
  assert.equal(stores.writes.length, 2);
  stores.verdict = {};
  await stores.advance(5 * minuteMs);
  assert.equal(stores.ready(), "True Valid store validated");
  assert.deepEqual([stores.writes.length, stores.events.length], [3, 3]);
  await stores.validation.stop();
});

test("a refused login is not hurried", async () => {
  const stores = new Stores();
  stores.verdict = fail("store_login_denied", "no such role");
  stores.put(storeItem());
  stores.validation.start();
  await stores.advance(60 * minuteMs);
  assert.ok(stores.checked.length <= 14, String(stores.checked.length));
  await stores.validation.stop();
});

test("what is missing in the cluster is looked for again soon, and ever less often", async () => {
  const stores = new Stores();
  stores.verdict = fail("credential_missing", "no such account");
  stores.put(storeItem());
  stores.validation.start();
  await stores.advance(2_000);
  assert.match(stores.ready(), /^False InvalidProviderConfig .*\[credential_missing\]/);
  stores.verdict = {};
  await stores.advance(3_000);
  assert.equal(stores.ready(), "True Valid store validated");
  stores.verdict = fail("credential_missing", "no such account");
  stores.put(storeItem());
  const before = stores.checked.length;
  await stores.advance(60 * minuteMs);
  assert.ok(stores.checked.length - before <= 24, String(stores.checked.length - before));
  await stores.validation.stop();
});

test("lastTransitionTime moves with the status alone", async () => {
  const stores = await open();
  const at = (): string | undefined => stores.statuses.get(idOf(key))?.ready?.lastTransitionTime;
  stores.verdict = { unchecked: "it logs in as whoever reads" };
  await stores.advance(minuteMs);
  stores.put(storeItem());
  await stores.rest();
  assert.match(stores.ready(), /^True ValidationUnknown/);
  assert.equal(at(), "2026-01-01T00:00:00Z");
  stores.verdict = fail("store_invalid", "x");
  stores.put(storeItem());
  await stores.rest();
  assert.equal(at(), "2026-01-01T00:01:00Z");
  await stores.validation.stop();
});

test("an API server that does not answer says nothing about a store", async () => {
  const stores = await open();
  stores.verdict = fail("kube_unavailable", "away");
  await stores.advance(6 * minuteMs);
  assert.equal(stores.ready(), "True Valid store validated");
  assert.equal(stores.writes.length, 1);
  stores.verdict = fail("store_invalid", "x");
  await stores.advance(6 * minuteMs);
  assert.match(stores.ready(), /^False/);
  await stores.validation.stop();
});

test("a status that cannot be written is tried again", async () => {
  const stores = new Stores();
  stores.statusFailure = new Failure("kube_unavailable", "no");
  stores.put(storeItem());
  stores.validation.start();
  await stores.advance(minuteMs);
  assert.deepEqual([stores.writes, stores.events], [[], []]);
  stores.statusFailure = undefined;
  await stores.advance(2 * minuteMs);
  assert.deepEqual([stores.writes.length, stores.events.length], [1, 1]);
  await stores.validation.stop();
});

test("a restart writes and tells nothing that stands there already", async () => {
  const stores = await open();
  await stores.validation.stop();
  stores.restart();
  await stores.rest();
  assert.deepEqual([stores.checked.length, stores.writes.length, stores.events.length], [2, 1, 1]);
  await stores.validation.stop();
});

test("a status without capabilities gets them, without an event", async () => {
  const stores = await open();
  await stores.validation.stop();
  const { ready } = stores.statuses.get(idOf(key))!;
  stores.statuses.set(idOf(key), { ready: ready! });
  stores.restart();
  await stores.rest();
  assert.deepEqual([stores.statuses.get(idOf(key))?.capabilities, stores.events.length], ["ReadOnly", 1]);
  await stores.validation.stop();
});

test("a store that is gone has no series, no timer and no status any more, also when it goes while it is validated", async () => {
  const stores = await open();
  stores.delete();
  await stores.rest();
  assert.equal(stores.counted.at(-1), "forget SecretStore/shop/vault");
  stores.statuses.clear();
  stores.gate = async () => {
    stores.gate = async () => undefined;
    stores.delete();
  };
  stores.put(storeItem());
  await stores.advance(60 * minuteMs);
  assert.equal(stores.statuses.size, 0);
  await stores.validation.stop();
  assert.equal(stores.clock.pending, 0);
});

const classes = [
  { name: "another class", controller: "eso", strict: false, ours: false },
  { name: "our class", controller: "default", strict: true, ours: true },
  { name: "no class, strict", controller: undefined, strict: true, ours: false },
  { name: "no class", controller: undefined, strict: false, ours: true },
] as const;

for (const { name, controller, strict, ours } of classes)
  test(`a store of ${name} is ${ours ? "validated" : "left alone: no call, no status, no event"}`, async () => {
    const stores = await open(storeItem(key, controller === undefined ? {} : { controller }), { strict });
    await stores.advance(60 * minuteMs);
    assert.equal(stores.checked.length > 0, ours);
    assert.deepEqual([stores.writes.length, stores.events.length], ours ? [1, 1] : [0, 0]);
    assert.equal((await stores.validation.settleOnce()).length, ours ? 1 : 0);
    await stores.validation.stop();
  });

test("a store of another class that does not parse is left alone too", async () => {
  const stores = await open({ ...storeItem(), parsed: broken, controller: "eso" });
  assert.deepEqual([stores.checked, stores.writes], [[], []]);
  await stores.validation.stop();
});

/** ESO has written the status, and syncs an ExternalSecret where `syncs`. */
async function beside(syncs: boolean, options: { readonly takeOver?: boolean } = {}): Promise<Stores> {
  const stores = new Stores(options);
  const wrote = (): { manager: string; atMs: number; newest: boolean } => ({
    manager: "external-secrets",
    atMs: stores.clock.nowMs(),
    newest: true,
  });
  stores.statuses.set(idOf(key), {
    ready: {
      type: "Ready",
      status: "True",
      reason: "Valid",
      message: "store validated",
      lastTransitionTime: "2025-01-01T00:00:00Z",
    },
    capabilities: "ReadWrite",
  });
  stores.verdict = fail("store_invalid", 'provider "gitlab" is not supported');
  stores.put({ ...storeItem(), statusWriter: wrote() });
  const value = externalSecret({ spec: { refreshIntervalMs: 24 * 60 * minuteMs } });
  if (syncs)
    stores.externalSecrets.push({
      key: value.meta,
      meta: value.meta,
      parsed: { ok: true, value },
      statusWriter: wrote(),
    });
  stores.validation.start();
  await stores.rest();
  return stores;
}

test("a status that another controller keeps is not touched: its ExternalSecrets would stop at our False", async () => {
  const stores = await beside(true);
  await stores.advance(24 * 60 * minuteMs);
  assert.deepEqual([stores.writes, stores.events], [[], []]);
  await stores.advance(25 * 60 * minuteMs);
  assert.match(stores.ready(), /^False/, "until it is no longer at work");
  await stores.validation.stop();
});

test("without an ExternalSecret that it keeps up to date, two intervals are enough", async () => {
  const stores = await beside(false);
  await stores.advance(9 * minuteMs);
  assert.deepEqual(stores.writes, []);
  await stores.advance(7 * minuteMs);
  assert.match(stores.ready(), /^False/);
  await stores.validation.stop();
});

test("--sync-take-over takes the statuses of stores over too", async () => {
  const stores = await beside(true, { takeOver: true });
  assert.match(stores.ready(), /^False/);
  await stores.validation.stop();
});

test("one slow store holds up no other", async () => {
  const stores = new Stores();
  let slow = true;
  stores.gate = async () => {
    if (!slow) return;
    slow = false;
    await new Promise<void>((resolve) => stores.clock.after(60 * minuteMs, resolve));
  };
  stores.put(storeItem());
  stores.put(storeItem(clusterKey));
  stores.validation.start();
  await settle();
  assert.equal(stores.ready(clusterKey), "True Valid store validated");
  assert.equal(stores.statuses.has(idOf(key)), false);
  await stores.advance(60 * minuteMs);
  await stores.validation.stop();
});

test("a run without a loop validates each store once and says which are not ready", async () => {
  const stores = new Stores();
  stores.put(storeItem());
  stores.put(storeItem(clusterKey));
  stores.verdict = fail("store_sealed", "sealed");
  const settled = await stores.validation.settleOnce();
  assert.deepEqual(
    settled.map(({ key: of, ready, message }) => [idOf(of), ready, message]),
    [
      ["SecretStore/shop/vault", false, "unable to create client: [store_sealed] sealed"],
      ["ClusterSecretStore/vault", false, "unable to create client: [store_sealed] sealed"],
    ],
  );
  assert.equal(stores.checked.length, 2);
  await stores.validation.stop();
});
