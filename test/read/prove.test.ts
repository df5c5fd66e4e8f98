import assert from "node:assert/strict";
import { test } from "node:test";
import type { Caller } from "../../plugin/read/caller.ts";
import type { ReadTerms } from "../../plugin/read/request.ts";
import { storeManifest, storePolicy } from "./fake-cluster.ts";
import type { StoreOptions } from "./fake-cluster.ts";
import type { WireBlock } from "./fake-server.ts";
import { entry, externalSecret, failureOf, pod, readBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

const sync = externalSecret();
const inNamespace: StoreOptions = { kind: "SecretStore", namespace: "shop" };
const token = (parts: Partial<WireBlock> = {}): WireBlock => ({ server: "x", auth: "token", ...parts });
const password = (parts: Partial<WireBlock> = {}): WireBlock => ({
  server: "x",
  auth: "static",
  secret: { name: "creds" },
  ...parts,
});

interface Case {
  readonly name: string;
  readonly block: WireBlock;
  readonly store?: StoreOptions;
  readonly caller?: Caller;
  readonly identity?: ReadTerms["identity"];
  /** What the login was shown… */
  readonly shown?: string;
  /** …or what was missing. */
  readonly missing?: readonly [code: string, message: RegExp];
}

const shown = (namespace: string, name: string, uid: string, audience: string): string =>
  JSON.stringify({ namespace, name, uid, audience });

const cases: readonly Case[] = [
  {
    name: "a pod shows its own token of the process's audience",
    block: token(),
    caller: pod("shop", "app", ["other", "vault"]),
    shown: shown("shop", "app", "uid of app", "vault"),
  },
  {
    name: "a pod shows its own token of the store's audience, whatever account the store names",
    block: token({ audience: "other", account: { name: "reader", namespace: "infra" } }),
    caller: pod("shop", "app", ["vault", "other"]),
    shown: shown("shop", "app", "uid of app", "other"),
  },
  {
    name: "a pod shows the token that is for the API server itself where the store asks for that",
    block: token({ audience: "" }),
    caller: pod("shop", "app", ["vault", ""]),
    shown: shown("shop", "app", "uid of app", ""),
  },
  {
    name: "a pod without any token",
    block: token(),
    caller: pod("shop", "app", []),
    missing: [
      "credential_missing",
      /audience "vault" of pod shop\/web-0, and no service account token came with it; add the audience to tokenRequests/,
    ],
  },
  {
    name: "a pod without a token of that audience",
    block: token({ audience: "other" }),
    caller: pod("shop", "app", ["vault", "third"]),
    missing: ["credential_missing", /audience "other".*only tokens for "vault", "third" came with it/],
  },
  {
    name: "a pod is not shown a store's credential",
    block: password(),
    caller: pod(),
    missing: ["credential_missing", /a credential of its own \(password\).*set identity: Store in the class/],
  },
  {
    name: "a pod needs no token where there is no login",
    block: { server: "x", auth: "none" },
    caller: pod("shop", "app", []),
    shown: "",
  },
  {
    name: "a class with identity Store shows the store's credential",
    block: password(),
    caller: pod(),
    identity: "Store",
    shown: "of shop",
  },
  {
    name: "a class with identity Store shows the store's account",
    block: token({ account: { name: "reader" } }),
    caller: pod(),
    identity: "Store",
    shown: shown("shop", "reader", "uid of shop/reader", "vault"),
  },
  {
    name: "sync shows the account that a ClusterSecretStore names, in its namespace",
    block: token({ account: { name: "reader", namespace: "infra" }, audience: "other" }),
    shown: shown("infra", "reader", "uid of infra/reader", "other"),
  },
  {
    name: "sync shows the account of the caller's namespace when a ClusterSecretStore names none",
    block: token({ account: { name: "reader" } }),
    caller: externalSecret("bank"),
    shown: shown("bank", "reader", "uid of bank/reader", "vault"),
  },
  {
    name: "sync shows the account of a SecretStore's own namespace",
    block: token({ account: { name: "reader" } }),
    store: inNamespace,
    shown: shown("shop", "reader", "uid of shop/reader", "vault"),
  },
  {
    name: "a SecretStore may name its own namespace",
    block: token({ account: { name: "reader", namespace: "shop" } }),
    store: inNamespace,
    shown: shown("shop", "reader", "uid of shop/reader", "vault"),
  },
  {
    name: "a SecretStore may not use an account of another namespace",
    block: token({ account: { name: "reader", namespace: "infra" } }),
    store: inNamespace,
    missing: ["store_invalid", /spec.provider.wire.auth.namespace: a SecretStore may use only its own namespace/],
  },
  {
    name: "sync with an account that is not there",
    block: token({ account: { name: "nobody", namespace: "infra" } }),
    missing: [
      "credential_missing",
      /spec.provider.wire.auth: no token with audience "vault" for service account infra\/nobody/,
    ],
  },
  {
    name: "a pod's login is shown the annotation of its own account",
    block: token({ annotated: "required", account: { name: "writer" } }),
    caller: pod("shop", "reader"),
    shown: `${shown("shop", "reader", "uid of reader", "vault")}role of shop/reader`,
  },
  {
    name: "the account that a store names is shown with its annotation",
    block: token({ annotated: "required", account: { name: "reader", namespace: "infra" } }),
    shown: `${shown("infra", "reader", "uid of infra/reader", "vault")}role of infra/reader`,
  },
  {
    name: "an annotation may say the audience",
    block: token({ annotated: "maybe", audienceByAccount: true, audience: "x", account: { name: "reader" } }),
    caller: externalSecret("bank"),
    shown: `${shown("bank", "reader", "uid of bank/reader", "audience of bank/reader")}role of bank/reader`,
  },
  {
    name: "a pod's account without an annotation that the login needs",
    block: token({ annotated: "required" }),
    caller: pod("shop", "app"),
    missing: ["credential_missing", /wire.auth: service account shop\/app has no annotation role; add it/],
  },
  {
    name: "an account that may do without the annotation",
    block: token({ annotated: "maybe", audienceByAccount: true }),
    caller: pod("shop", "app"),
    shown: shown("shop", "app", "uid of app", "vault"),
  },
  {
    name: "sync with a store that names no account",
    block: token(),
    missing: ["credential_missing", /names no service account.*set serviceAccountRef/],
  },
  {
    name: "sync shows the caller's Secret when a ClusterSecretStore names no namespace",
    block: password(),
    shown: "of shop",
  },
  {
    name: "sync shows the Secret of the namespace that a ClusterSecretStore names",
    block: password({ secret: { name: "creds", namespace: "infra" } }),
    shown: "of infra",
  },
  {
    name: "sync shows the Secret of a SecretStore's own namespace",
    block: password(),
    store: inNamespace,
    shown: "of shop",
  },
  {
    name: "a SecretStore may not use a Secret of another namespace",
    block: password({ secret: { name: "creds", namespace: "infra" } }),
    store: inNamespace,
    missing: ["store_invalid", /spec.provider.wire.auth.namespace: a SecretStore may use only its own namespace/],
  },
  {
    name: "sync with a Secret that is not there",
    block: password({ secret: { name: "lost" } }),
    missing: ["credential_missing", /spec.provider.wire.auth: Secret shop\/lost with key "password" does not exist/],
  },
  {
    name: "a Secret as a whole is the JSON of its keys with their values in base64",
    block: password({ wholeSecret: true }),
    shown: `{"password":"${Buffer.from("of shop").toString("base64")}"}`,
  },
  {
    name: "a Secret as a whole that is not there",
    block: password({ wholeSecret: true, secret: { name: "lost" } }),
    missing: ["credential_missing", /wire.auth: Secret shop\/lost does not exist; create it/],
  },
  {
    name: "a value from a ConfigMap",
    block: password({ secret: { kind: "ConfigMap", name: "settings", key: "ca" } }),
    shown: "ca of shop",
  },
  {
    name: "a ConfigMap that is not there",
    block: password({ secret: { kind: "ConfigMap", name: "settings", key: "lost" } }),
    missing: ["credential_missing", /wire.auth: ConfigMap shop\/settings with key "lost" does not exist/],
  },
  {
    name: "a ConfigMap without a key",
    block: password({ wholeSecret: true, secret: { kind: "ConfigMap", name: "settings" } }),
    missing: ["store_invalid", /wire.auth: a ConfigMap is read by key; set key/],
  },
  {
    name: "a SecretStore may not use a ConfigMap of another namespace",
    block: password({ secret: { kind: "ConfigMap", name: "settings", key: "ca", namespace: "infra" } }),
    store: inNamespace,
    missing: ["store_invalid", /spec.provider.wire.auth.namespace: a SecretStore may use only its own namespace/],
  },
  {
    name: "a Secret with the label that it needs",
    block: password({ secret: { name: "creds", label: { key: "type", value: "webhook" } } }),
    shown: "of shop",
  },
  {
    name: "a Secret with another value of that label",
    block: password({ secret: { name: "creds", label: { key: "type", value: "other" } } }),
    missing: ["credential_missing", /Secret shop\/creds is not meant for stores; set its label type: other/],
  },
  {
    name: "a Secret without that label",
    block: password({ secret: { name: "creds", label: { key: "purpose", value: "webhook" } }, wholeSecret: true }),
    missing: ["credential_missing", /set its label purpose: webhook/],
  },
  {
    name: "a credential that says nothing about who reads is shown for a pod too",
    block: password({ anonymous: true, secret: { name: "creds", namespace: "infra" } }),
    caller: pod(),
    shown: "of infra",
  },
  {
    name: "a pod shows its own token, and beside it what the store names in the pod's namespace",
    block: token({ account: { name: "reader" }, beside: { name: "creds" } }),
    caller: pod("bank", "app"),
    shown: `${shown("bank", "app", "uid of app", "vault")}of bank`,
  },
  {
    name: "sync shows the store's account, and beside it what the store names",
    block: token({ account: { name: "reader" }, beside: { name: "creds", namespace: "infra" } }),
    shown: `${shown("shop", "reader", "uid of shop/reader", "vault")}of infra`,
  },
  {
    name: "a SecretStore may not show a Secret of another namespace beside a token",
    block: token({ account: { name: "reader" }, beside: { name: "creds", namespace: "infra" } }),
    store: inNamespace,
    missing: ["store_invalid", /spec.provider.wire.ca.namespace: a SecretStore may use only its own namespace/],
  },
  {
    name: "what is shown beside a token is not there",
    block: token({ beside: { name: "lost" } }),
    caller: pod(),
    missing: ["credential_missing", /wire.ca: Secret shop\/lost with key "password" does not exist/],
  },
];

function benchFor({ block, store = {} }: Case): Bench {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", block, store));
  const ref = { kind: "ClusterSecretStore", name: "main" } as const;
  bench.cluster.policies.push(storePolicy("open", ref, [{ namespaces: ["shop", "bank"] }], ["Pod", "Store"]));
  for (const namespace of ["shop", "bank", "infra"]) {
    const name = `${namespace}/reader`;
    bench.cluster.accounts.set(name, `uid of ${name}`);
    bench.cluster.annotations.set(name, { role: `role of ${name}`, audience: `audience of ${name}` });
    bench.cluster.secrets.set(`${namespace}/creds`, `of ${namespace}`);
    bench.cluster.secretLabels.set(`${namespace}/creds`, { type: "webhook" });
    bench.cluster.configMaps.set(`${namespace}/settings/ca`, `ca of ${namespace}`);
  }
  return bench;
}

for (const c of cases)
  test(c.name, async () => {
    const bench = benchFor(c);
    const caller = c.caller ?? sync;
    const request = { entries: [entry("a", { store: { kind: c.store?.kind ?? "ClusterSecretStore", name: "main" } })] };
    const reading = bench.read(request, { caller, ...(c.identity ? { identity: c.identity } : {}) });
    if (!c.missing) {
      await reading;
      assert.deepEqual(
        bench.server.requests.map((seen) => seen.shown),
        [c.shown],
      );
      return;
    }
    const failure = await failureOf(reading);
    assert.equal(failure.code, c.missing[0]);
    assert.match(failure.message, c.missing[1]);
    assert.equal(bench.server.logins.length, 0, "nothing was shown to the store");
  });

function accountBench(): Bench {
  const bench = benchFor({ name: "", block: token({ account: { name: "reader", namespace: "infra" } }) });
  bench.cluster.tokenExpiresAtMs = bench.clock.nowMs() + 100_000;
  return bench;
}

test("a store's account token is asked for once for all, and again after 80 % of its life", async () => {
  const bench = accountBench();
  await Promise.all(["a", "b", "c"].map((key) => bench.read({ entries: [entry(key)] })));
  await bench.clock.advance(79_999);
  await bench.read({ entries: [entry("a")] });
  assert.equal(bench.cluster.tokenRequests, 1);
  await bench.clock.advance(1);
  await bench.read({ entries: [entry("a")] });
  assert.equal(bench.cluster.tokenRequests, 2);
});

test("a kept account token rides out an API server that does not answer, to its end and no further", async () => {
  const bench = accountBench();
  const tokens = () => bench.read({ entries: [entry("a")] });
  await tokens();
  await bench.clock.advance(90_000);
  const ask = bench.cluster.serviceAccountToken.bind(bench.cluster);
  bench.cluster.serviceAccountToken = (...account) => {
    bench.cluster.down = true;
    return ask(...account).finally(() => (bench.cluster.down = false));
  };
  await tokens();
  await bench.clock.advance(10_000);
  assert.equal((await failureOf(tokens())).code, "kube_unavailable");
});

test("a token without an end is asked for each time", async () => {
  const bench = accountBench();
  bench.cluster.tokenExpiresAtMs = undefined;
  await bench.read({ entries: [entry("a")] });
  await bench.read({ entries: [entry("a")] });
  assert.equal(bench.cluster.tokenRequests, 2);
});

test("an account that was recreated is another identity: nothing of the old one is served to it", async () => {
  const bench = accountBench();
  await bench.read({ entries: [entry("a")] });
  bench.cluster.accounts.set("infra/reader", "a new uid");
  bench.path.forgetAccountTokens();
  await bench.read({ entries: [entry("a")] }, { acceptBegunFromMs: 0 });
  assert.deepEqual(
    bench.server.requests.map((seen) => (JSON.parse(seen.shown) as { uid: string }).uid),
    ["uid of infra/reader", "a new uid"],
  );
});

test("a token asked for before the accounts changed is not kept after it", async () => {
  const bench = accountBench();
  const reading = bench.read({ entries: [entry("a")] });
  while (bench.cluster.tokenRequests === 0) await Promise.resolve();
  bench.path.forgetAccountTokens();
  await reading;
  await bench.read({ entries: [entry("a")] });
  assert.equal(bench.cluster.tokenRequests, 2);
});

test("a pod and sync with one account share a read", async () => {
  const bench = benchFor({ name: "", block: token({ account: { name: "reader" } }) });
  bench.cluster.accounts.set("shop/reader", "uid of reader");
  await bench.read({ entries: [entry("a")] });
  const bundle = await bench.read({ entries: [entry("a")] }, { caller: pod("shop", "reader"), acceptBegunFromMs: 0 });
  assert.equal(bundle.sources[0]!.cache, "hit");
  assert.equal(bench.server.requests.length, 1);
});
