import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { entry, failureOf, readBench, requestFor, simpleBench, textOf } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

const ref = { kind: "ClusterSecretStore", name: "main" } as const;

async function statusOf(bench: Bench): Promise<Failure | undefined> {
  return (await bench.path.storeStatus(ref, "shop", new AbortController().signal)).failure;
}

const cases: readonly {
  name: string;
  put: (bench: Bench) => void;
  want: readonly [code: string, field: string | undefined, message: RegExp];
}[] = [
  {
    name: "a store that is not there",
    put: () => undefined,
    want: ["store_not_found", undefined, /^ClusterSecretStore\/main does not exist; create it/],
  },
  {
    name: "a kind that is not supported",
    put: ({ cluster }) => cluster.putStore(storeManifest("main", {}, { provider: "gitlab" })),
    want: ["store_invalid", undefined, /^provider "gitlab" is not supported; supported: factful, owning, plain$/],
  },
  {
    name: "a block with problems names the whole path of each",
    put: ({ cluster }) => cluster.putStore(storeManifest("main", { broken: "is missing" })),
    want: ["store_invalid", "spec.provider.plain.auth.role", /^is missing; spec.provider.plain: second$/],
  },
  {
    name: "a manifest that does not parse",
    put: ({ cluster }) =>
      cluster.stores.set("ClusterSecretStore/main", {
        ok: false,
        problems: [{ path: "spec.provider", problem: "has no block" }],
      }),
    want: ["store_invalid", "spec.provider", /^has no block$/],
  },
  {
    name: "a store of another controller class",
    put: ({ cluster }) => cluster.putStore(storeManifest("main", {}, { controller: "other" })),
    want: ["store_not_ready", undefined, /controller class "other" and this process serves "default"/],
  },
  {
    name: "an API server that does not answer",
    put: ({ cluster }) => (cluster.down = true),
    want: ["kube_unavailable", undefined, /./],
  },
];

for (const { name, put, want } of cases)
  test(name, async () => {
    const bench = readBench();
    put(bench);
    const [code, field, message] = want;
    const status = await statusOf(bench);
    assert.deepEqual([status?.code, status?.field], [code, field]);
    assert.match(status!.message, message);

    const failure = await failureOf(bench.read({ entries: [entry("a")] }));
    assert.deepEqual([failure.code, failure.parts[0]!.field], [code, "spec.data[0]"]);
    if (field) assert.ok(failure.message.includes(`ClusterSecretStore/main: ${field}: `), failure.message);
  });

test("a store of this process's class is read", async () => {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }, { controller: "default" }));
  assert.match(textOf(await bench.read(requestFor("a")), "a"), /"server":"x"/);
});

test("a store is opened once for each content of its block, and closed when it is gone", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"));
  const [first] = bench.server.watchers;
  bench.cluster.putStore(storeManifest("main", { auth: "none", server: "x" }));
  await bench.read(requestFor("a"));
  assert.deepEqual([...bench.server.watchers], [first], "the same block is not opened again");

  bench.cluster.putStore(storeManifest("main", { server: "y", auth: "none" }));
  assert.match(textOf(await bench.read(requestFor("a")), "a"), /"server":"y"/);
  assert.equal(bench.server.watchers.size, 1);
  assert.ok(!bench.server.watchers.has(first!), "the watch of the old block has ended");

  bench.cluster.stores.clear();
  await failureOf(bench.read(requestFor("a")));
  assert.equal(bench.server.watchers.size, 0);
});

test("another proxy is another store: opened anew, and nothing of it is shared", async () => {
  const bench = simpleBench();
  const main = storeManifest("main", { server: "x", auth: "none" });
  const way = async (proxyUrl?: string): Promise<string> => {
    bench.cluster.putStore({ ...main, ...(proxyUrl === undefined ? {} : { proxyUrl }) });
    await bench.read(requestFor("a"));
    const [watcher] = bench.server.watchers;
    return `${[...watchers.add(watcher!)].indexOf(watcher!)} ${bench.server.requests.length}`;
  };
  const watchers = new Set<unknown>();
  assert.deepEqual(
    [await way(), await way("http://proxy:1"), await way("http://proxy:2"), await way(""), await way("")],
    ["0 1", "1 2", "2 3", "3 4", "3 4"],
  );
});

test("a broken edit closes the store", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"));
  bench.cluster.putStore(storeManifest("main", { broken: "is missing" }));
  assert.equal((await failureOf(bench.read(requestFor("a")))).code, "store_invalid");
  assert.equal(bench.server.watchers.size, 0);
});

test("close ends every watch", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"));
  bench.path.close();
  assert.equal(bench.server.watchers.size, 0);
});

test("what a watched store reports is not served from the cache, nor kept from a read under way", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  const change = (): void => bench.server.watchers.forEach((changed) => changed());
  const readOnce = async (meanwhile = (): void => undefined): Promise<number> => {
    const before = bench.server.requests.length;
    const reading = bench.read(requestFor("a"), { acceptBegunFromMs: 0 });
    await bench.clock.advance(50);
    meanwhile();
    await bench.clock.advance(50);
    await reading;
    return bench.server.requests.length - before;
  };
  bench.server.latencyMs = 100;
  assert.equal(await readOnce(change), 1);
  assert.equal(await readOnce(), 1, "the answer was on its way when the store changed");
  assert.equal(await readOnce(), 0);
  change();
  assert.equal(await readOnce(), 1);
});

test("a read after the change does not join one from before it", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("warm"));
  bench.server.latencyMs = 100;
  const readings = [bench.read(requestFor("a"), { acceptBegunFromMs: 0 })];
  await bench.clock.advance(50);
  for (const changed of bench.server.watchers) changed();
  readings.push(bench.read(requestFor("a"), { acceptBegunFromMs: 0 }));
  await bench.clock.advance(100);
  assert.deepEqual(
    (await Promise.all(readings)).map(({ sources }) => sources[0]!.cache),
    ["miss", "miss"],
  );
});

test("the status of a store that does not answer says so without calling it", async () => {
  const bench = simpleBench();
  assert.equal(await statusOf(bench), undefined);
  bench.server.onRead = () => {
    throw new Failure("store_sealed", "secret/data/of-another-tenant is sealed");
  };
  await failureOf(bench.read(requestFor("a")), bench.clock, 20_000);
  const calls = bench.server.requests.length;
  const status = await statusOf(bench);
  assert.equal(status?.code, "store_sealed");
  assert.match(status.message, /^calls to this store are paused after store_sealed; next attempt in \d+ s$/);
  assert.equal(bench.server.requests.length, calls);
});

test("strict: a store without a class is nobody's, one of our class is served", async () => {
  const bench = readBench({ strict: true });
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }));
  const failure = await statusOf(bench);
  assert.equal(failure?.code, "store_not_ready");
  assert.match(
    failure.message,
    /names no controller class and this process serves only "default"; set spec\.controller/,
  );
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }, { controller: "default" }));
  assert.equal(await statusOf(bench), undefined);
});
