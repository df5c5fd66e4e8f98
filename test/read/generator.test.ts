/** A generator in place of a store: looked up beside whoever reads, ruled by no policy, and made for one reader alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GeneratorCall, GeneratorRef, StorePolicy } from "../../plugin/manifests/objects.ts";
import type { RefEntry } from "../../plugin/read/request.ts";
import { storeManifest, storePolicy } from "./fake-cluster.ts";
import type { StoreOptions } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireBlock } from "./fake-server.ts";
import { entry, externalSecret, failureOf, pod, readBench, textOf } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

const ref: GeneratorRef = { kind: "VaultDynamicSecret", name: "app" };
const asked = (rewrite?: RefEntry["take"] & { as: "map" }): RefEntry =>
  entry("app", {
    field: "spec.dataFrom[0]",
    store: ref,
    take: rewrite ?? { as: "map", conversion: "Default" },
  });
const request = { entries: [asked()] };

interface Scene extends Bench {
  /** Puts the generator `app` into this namespace. */
  put(namespace: string, block?: Partial<WireBlock>, call?: Partial<GeneratorCall>, more?: StoreOptions): void;
  readonly made: string[];
}

function scene(): Scene {
  const bench = readBench();
  const { server, clock, cluster } = bench;
  const made: string[] = [];
  server.onRead = ({ located }) => {
    const id = String(made.push(located.address));
    const lease = { id, renewable: true };
    const value = JSON.stringify({ username: `u${id}`, password: `p${id}` });
    return answerOf(value, { lease, expiresAtMs: clock.nowMs() + 3_600_000 });
  };
  server.onLeaseRenew = () => clock.nowMs() + 3_600_000;
  return {
    ...bench,
    made,
    put(namespace, block = {}, call = {}, more = {}) {
      const raw = { server: "x", auth: "none", leases: true, ...block };
      const store = storeManifest("app", raw, { kind: "SecretStore", namespace, ...more });
      const whole = { path: "creds/app", method: "GET", body: {}, query: {}, take: "Data", mayBeEmpty: false } as const;
      cluster.generators.set(`VaultDynamicSecret/${namespace}/app`, {
        ok: true,
        value: { store, call: { ...whole, ...call } },
      });
    },
  };
}

const shop = externalSecret("shop", "db");

test("its whole answer is the result, and the audit names it and its path", async () => {
  const s = scene();
  s.put("shop");
  const bundle = await s.read(request);
  assert.deepEqual([textOf(bundle, "username"), textOf(bundle, "password")], ["u1", "p1"]);
  assert.deepEqual(
    s.audited.map(({ store, address }) => [store, address]),
    [["VaultDynamicSecret/shop/app", "creds/app"]],
  );
  const { storeNamespace, leased } = bundle.sources[0]!;
  assert.deepEqual([storeNamespace, leased], ["shop", true]);
});

test("one credential for each reader, and the same one at each refresh while its lease lives", async () => {
  const s = scene();
  s.put("shop");
  const user = async (name: string): Promise<string> =>
    textOf(await s.read(request, { caller: externalSecret("shop", name) }), "username");
  assert.deepEqual([await user("a"), await user("b"), await user("a"), await user("b")], ["u1", "u2", "u1", "u2"]);
  await s.clock.advance(40 * 60_000);
  assert.equal(await user("a"), "u1");
  assert.deepEqual(s.server.leaseCalls, ["renew 1 with 1"]);
  s.path.consumers.release(externalSecret("shop", "b"));
  await s.clock.advance(0);
  assert.deepEqual(s.server.leaseCalls, ["renew 1 with 1", "revoke 2 with 1"]);
});

test("two entries of one object share what was made for it, under names of their own", async () => {
  const s = scene();
  s.put("shop");
  const named = asked({
    as: "map",
    conversion: "Default",
    rewrite: [{ by: "regexp", source: "^", target: "db_" }],
  });
  const bundle = await s.read({ entries: [asked(), { ...named, field: "spec.dataFrom[1]" }] });
  assert.deepEqual([...bundle.values.keys()].sort(), ["db_password", "db_username", "password", "username"]);
  assert.equal(s.made.length, 1);
});

test("another call is another credential", async () => {
  const s = scene();
  s.put("shop");
  await s.read(request);
  s.put("shop", {}, { method: "POST", body: { ttl: "1h" } });
  assert.equal(textOf(await s.read(request), "username"), "u2");
});

test("it is looked up in the namespace of whoever reads, and nowhere else", async () => {
  const s = scene();
  s.put("billing");
  const failure = await failureOf(s.read(request, { caller: shop }));
  assert.equal(failure.code, "store_not_found");
  assert.match(failure.message, /VaultDynamicSecret\/shop\/app does not exist/);
  assert.equal(s.made.length, 0);
});

test("its references stay in that namespace", async () => {
  const s = scene();
  s.cluster.secrets.set("billing/token", "theirs").set("shop/token", "ours");
  s.put("shop", { auth: "static", secret: { name: "token", namespace: "billing" } });
  const failure = await failureOf(s.read(request, { caller: shop }));
  assert.equal(failure.code, "store_invalid");
  s.put("shop", { auth: "static", secret: { name: "token" } });
  await s.read(request, { caller: shop });
  assert.deepEqual(
    s.server.logins.map(({ shown }) => shown),
    ["ours"],
  );
});

const closed = { kind: "SecretStore", name: "app", namespace: "shop" } as const satisfies StorePolicy["storeRef"];
test("a policy for the store of the same name is not about it", async () => {
  const s = scene();
  s.put("shop");
  s.cluster.policies.push(storePolicy("p", closed, []));
  assert.equal(textOf(await s.read(request), "username"), "u1");
  s.cluster.putStore(storeManifest("app", { server: "x", auth: "none" }, { kind: "SecretStore", namespace: "shop" }));
  const ofStore = { entries: [entry("creds/app", { store: { kind: "SecretStore", name: "app" } })] };
  assert.equal((await failureOf(s.read(ofStore))).code, "not_allowed");
});
test("a policy that does not say what it is about closes it too", async () => {
  const s = scene();
  s.put("shop");
  s.cluster.policies.push({ ok: false, problems: [{ path: "spec.storeRef", problem: "must be set" }] });
  assert.equal((await failureOf(s.read(request))).code, "not_allowed");
});

test("what is wrong with it is told by its own paths", async () => {
  const s = scene();
  s.cluster.generators.set("VaultDynamicSecret/shop/app", {
    ok: false,
    problems: [{ path: "spec.path", problem: "must be set" }],
  });
  const unparsed = await failureOf(s.read(request));
  assert.equal(unparsed.code, "store_invalid");
  assert.match(unparsed.message, /VaultDynamicSecret\/shop\/app: spec\.path: must be set/);

  const raw = { server: "x", auth: "none", broken: "is odd" };
  const store = storeManifest("app", raw, { kind: "SecretStore", namespace: "shop" });
  const provider = { ...store.provider, field: "spec.provider" };
  const call = { path: "a", method: "GET", body: {}, query: {}, take: "Data", mayBeEmpty: false } as const;
  s.cluster.generators.set("VaultDynamicSecret/shop/app", { ok: true, value: { store: { ...store, provider }, call } });
  const block = await failureOf(s.read(request));
  assert.match(block.message, /spec\.provider\.auth\.role: is odd/);
});

test("one of another controller class is not asked", async () => {
  const s = scene();
  s.put("shop", {}, {}, { controller: "another" });
  assert.equal((await failureOf(s.read(request))).code, "store_not_ready");
});

test("a pod that shows what the generator names is refused, should it come this far", async () => {
  const s = scene();
  s.put("shop");
  assert.equal((await failureOf(s.read(request, { caller: pod(), identity: "Store" }))).code, "not_allowed");
});
