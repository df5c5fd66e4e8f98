/** What a check of a store finds out, and what it costs the store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { StoreRefKind } from "../../plugin/manifests/objects.ts";
import type { StoreStatus } from "../../plugin/read/store-check.ts";
import { settle } from "../fakes/clock.ts";
import { storeManifest } from "./fake-cluster.ts";
import type { WireBlock } from "./fake-server.ts";
import { entry, readBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

const never = new AbortController().signal;

function benchWith(block: Partial<WireBlock>, kind: StoreRefKind = "SecretStore"): Bench {
  const bench = readBench();
  const namespace = kind === "SecretStore" ? "shop" : "";
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none", ...block }, { kind, namespace }));
  return bench;
}

async function check(bench: Bench, kind: StoreRefKind = "SecretStore"): Promise<StoreStatus> {
  const checking = bench.path.storeStatus({ kind, name: "main" }, kind === "SecretStore" ? "shop" : "", never);
  await settle();
  return checking;
}

const words = ({ failure, unchecked }: StoreStatus): string | undefined => failure?.code ?? unchecked;
const byToken = { auth: "token", account: { name: "reader" } } as const;
const byPassword = { auth: "static", secret: { name: "login" } } as const;

const cases: readonly {
  name: string;
  block: Partial<WireBlock>;
  kind?: StoreRefKind;
  put?: (bench: Bench) => void;
  want: RegExp | undefined;
  logins: number;
}[] = [
  { name: "a store without a login", block: {}, want: undefined, logins: 0 },
  {
    name: "a login with the store's service account",
    block: byToken,
    put: ({ cluster }) => void cluster.accounts.set("shop/reader", "u"),
    want: undefined,
    logins: 1,
  },
  { name: "a service account that is not there", block: byToken, want: /^credential_missing$/, logins: 0 },
  {
    name: "no service account",
    block: { auth: "token" },
    want: /^it names no service account, so only a pod/,
    logins: 0,
  },
  {
    name: "a login with the store's credential",
    block: byPassword,
    put: ({ cluster }) => void cluster.secrets.set("shop/login", "pw"),
    want: undefined,
    logins: 1,
  },
  { name: "a credential that is not there", block: byPassword, want: /^credential_missing$/, logins: 0 },
  {
    name: "a ClusterSecretStore that names the account's namespace",
    block: { auth: "token", account: { name: "reader", namespace: "infra" } },
    kind: "ClusterSecretStore",
    put: ({ cluster }) => void cluster.accounts.set("infra/reader", "u"),
    want: undefined,
    logins: 1,
  },
  {
    name: "a ClusterSecretStore that logs in as whoever reads",
    block: byToken,
    kind: "ClusterSecretStore",
    want: /^it logs in with what lies in the namespace of whoever reads$/,
    logins: 0,
  },
  {
    name: "a ClusterSecretStore with a credential of whoever reads",
    block: byPassword,
    kind: "ClusterSecretStore",
    want: /^it logs in with what lies/,
    logins: 0,
  },
  {
    name: "a ClusterSecretStore with a CA of whoever reads beside its account",
    block: { auth: "token", account: { name: "reader", namespace: "infra" }, beside: { name: "ca" } },
    kind: "ClusterSecretStore",
    want: /^it logs in with what lies/,
    logins: 0,
  },
  {
    name: "a SecretStore that reaches into another namespace",
    block: { auth: "token", account: { name: "reader", namespace: "infra" } },
    want: /^store_invalid$/,
    logins: 0,
  },
  {
    name: "a login that the store refuses",
    block: byToken,
    put({ cluster, server }) {
      cluster.accounts.set("shop/reader", "u");
      server.onLogin = () => {
        throw new Failure("store_login_denied", "no such role");
      };
    },
    want: /^store_login_denied$/,
    logins: 1,
  },
  {
    name: "a store that does not answer",
    block: byToken,
    put({ cluster, server }) {
      cluster.accounts.set("shop/reader", "u");
      server.onLogin = () => {
        throw new Failure("store_sealed", "sealed");
      };
    },
    want: /^store_sealed$/,
    logins: 1,
  },
  {
    name: "an API server that does not answer",
    block: byToken,
    put: ({ cluster }) => void (cluster.down = true),
    want: /^kube_unavailable$/,
    logins: 0,
  },
];

for (const { name, block, kind, put, want, logins } of cases)
  test(`a check finds: ${name}`, async () => {
    const bench = benchWith(block, kind);
    put?.(bench);
    const status = await check(bench, kind);
    if (want) assert.match(words(status) ?? "nothing", want);
    else assert.deepEqual(status, { kindName: "plain" });
    assert.equal(bench.server.logins.length, logins);
    assert.deepEqual(bench.server.requests, [], "no secret was asked for");
    assert.deepEqual(bench.audited, []);
    bench.path.close();
  });

async function benchLoggedIn(block: Partial<WireBlock> = byToken): Promise<Bench> {
  const bench = benchWith(block);
  bench.cluster.accounts.set("shop/reader", "u");
  bench.cluster.secrets.set("shop/login", "pw");
  assert.equal(words(await check(bench)), undefined);
  return bench;
}

test("reads and checks share one login; a kept session is only asked about", async () => {
  const bench = await benchLoggedIn();
  const store = { kind: "SecretStore", name: "main" } as const;
  await bench.read({ entries: [entry("a", { store })] });
  for (let i = 0; i < 3; i++) assert.equal(words(await check(bench)), undefined);
  assert.equal(bench.server.logins.length, 1);
  assert.equal(bench.server.checks.length, 3);
});

test("a session that the store no longer knows is replaced by one login, which decides", async () => {
  const bench = await benchLoggedIn();
  bench.server.onCheck = () => {
    throw new Failure("store_denied", "revoked");
  };
  assert.equal(words(await check(bench)), undefined);
  assert.equal(bench.server.logins.length, 2);
  bench.server.onLogin = () => {
    throw new Failure("store_login_denied", "role gone");
  };
  assert.equal(words(await check(bench)), "store_login_denied");
  assert.deepEqual(bench.counted.authFailures, ["main"]);
});

test("a credential that is shown as it is proves nothing by itself: the store is asked each time", async () => {
  const bench = await benchLoggedIn({ ...byPassword, given: true });
  assert.equal(bench.server.checks.length, 1);
  bench.server.onCheck = () => {
    throw new Failure("store_denied", "no such token");
  };
  assert.equal(words(await check(bench)), "store_denied");
  assert.equal(bench.server.checks.length, 2);
});

test("a store that has stopped answering is not Ready although a session is kept, and is not asked while calls are paused", async () => {
  const bench = await benchLoggedIn();
  bench.server.onCheck = () => {
    throw new Failure("store_unreachable", "refused");
  };
  for (let i = 0; i < 8; i++) assert.equal(words(await check(bench)), "store_unreachable");
  assert.equal(bench.server.checks.length, 5, "the breaker opened");
  bench.server.onCheck = () => undefined;
  await bench.clock.advance(1_000);
  assert.equal(words(await check(bench)), undefined);
});

for (const block of [byToken, { auth: "none" } as const])
  test(`a check does not wait out a Retry-After: ${block.auth}`, async () => {
    const bench = await benchLoggedIn(block);
    const store = { kind: "SecretStore", name: "main" } as const;
    bench.server.onRead = () => {
      throw new Failure("store_throttled", "slow down", { retryAfterMs: 600_000 });
    };
    await bench.read({ entries: [entry("a", { store })] }, { once: true }).catch(() => undefined);
    const { failure } = await check(bench);
    assert.equal(failure?.code, "store_throttled");
    assert.ok(failure.retryAfterMs! > 590_000);
  });

test("an aborted check rejects instead of telling tales about the store", async () => {
  const bench = benchWith(byToken);
  bench.cluster.accounts.set("shop/reader", "u");
  const end = new AbortController();
  end.abort(new Error("stop"));
  await assert.rejects(bench.path.storeStatus({ kind: "SecretStore", name: "main" }, "shop", end.signal), /stop/);
});
