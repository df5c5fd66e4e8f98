/** Of Secrets that keyferry does not manage nothing arrives; of those that it manages nothing but whose they are stays. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { claimIndex, followManagedSecrets } from "../../../plugin/kube/managed-secrets.ts";
import { until } from "../../scenario/program.ts";
import { connectionOf, openClient } from "./client-bench.ts";
import { startWatchWorld, type WatchWorld } from "./client-watching.ts";
import { objectPath } from "./objects.ts";

let world: WatchWorld;
const namespace = "shop";
const label = "reconcile.external-secrets.io/managed";
const canary = "hunter2-canary";

before(async () => {
  world = await startWatchWorld();
  await world.admin.createNamespace(namespace);
});
after(() => world?.stop());

interface Wish {
  readonly count: number;
  readonly bytes: number;
  readonly managed: boolean;
}

/** `PREFIX-0` and so on, at most eight writes at a time. */
async function make(prefix: string, { count, bytes, managed }: Wish): Promise<void> {
  const value = Buffer.from(canary.padEnd(bytes, "x")).toString("base64");
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const name = `${prefix}-${next++}`;
      const owner = { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", name, uid: `uid-${name}` };
      const ours = { labels: { [label]: "true" }, ownerReferences: [{ ...owner, controller: true }] };
      const metadata = { name, namespace, ...(managed ? ours : { labels: { team: "payments" } }) };
      await world.admin.create({ apiVersion: "v1", kind: "Secret", metadata, data: { password: value } });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function memoryBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("500 foreign Secrets of 20 KB: none of their bytes arrives, by list or by watch", async (t) => {
  await make("foreign", { count: 250, bytes: 20_000, managed: false });
  await make("ours", { count: 3, bytes: 100, managed: true });
  const bench = await openClient(t, world.cluster, await connectionOf(world.account));
  const mirror = followManagedSecrets(bench.client);
  t.after(() => mirror.stop());
  await mirror.synced;
  await make("foreign-later", { count: 250, bytes: 20_000, managed: false });
  const patch = { metadata: { annotations: { touched: "yes" } } };
  await world.admin.patch(objectPath("v1", "secrets", namespace, "foreign-1"), patch);
  await make("ours-later", { count: 1, bytes: 100, managed: true });
  await until(() => mirror.size === 4);
  assert.deepEqual(
    [...mirror.entries()].map(({ key, value }) => `${key.name} ${inspect(value)}`).sort(),
    ["ours-0", "ours-1", "ours-2", "ours-later-0"].map((name) => `${name} { owner: '${namespace}/${name}' }`),
  );
  assert.ok(bench.received() < 20_000, `${bench.received()} bytes arrived`);
  const asked = (await bench.asked()).filter(({ resource }) => resource === "secrets");
  assert.deepEqual([...new Set(asked.map(({ verb }) => verb))].sort(), ["list", "watch"]);
  for (const { uri } of asked)
    assert.equal(new URLSearchParams(uri.split("?")[1]).get("labelSelector"), `${label}=true`, uri);
});

test("a Secret comes and goes with its label", async (t) => {
  const bench = await openClient(t, world.cluster, await connectionOf(world.account));
  const mirror = followManagedSecrets(bench.client);
  t.after(() => mirror.stop());
  const claims = claimIndex(mirror);
  await mirror.synced;
  await make("labelled", { count: 1, bytes: 100, managed: true });
  const owner = { namespace, name: "labelled-0" };
  await until(() => claims(owner).length === 1);
  const path = objectPath("v1", "secrets", namespace, "labelled-0");
  await world.admin.patch(path, { metadata: { labels: { [label]: null } } });
  await until(() => mirror.get(owner) === undefined);
  assert.deepEqual(claims(owner), []);
  await world.admin.patch(path, { metadata: { labels: { [label]: "true" } } });
  await until(() => claims(owner).length === 1);
});

test("200 managed Secrets of 150 KB: their values arrive, and none of their bytes stays", async (t) => {
  await make("large", { count: 200, bytes: 150_000, managed: true });
  const bench = await openClient(t, world.cluster, await connectionOf(world.account));
  const before = memoryBytes();
  const mirror = followManagedSecrets(bench.client);
  t.after(() => mirror.stop());
  await mirror.synced;
  assert.ok(mirror.size >= 200);
  assert.ok(bench.received() > 200 * 150_000, "the values did not arrive");
  // The last page may still be on its way through what awaits it.
  await until(() => {
    const grown = memoryBytes() - before;
    assert.ok(grown < 8_000_000, `${grown} bytes stay`);
    return true;
  });
  assert.ok(!inspect([...mirror.entries()], { depth: 9, showHidden: true }).includes(canary));
});
