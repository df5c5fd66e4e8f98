/** How many single objects are followed, and which give way. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createNamedWatches } from "../../plugin/kube/named-watches.ts";
import { secrets } from "../../plugin/kube/resources.ts";
import { openBench, until } from "./client/bench.ts";

async function openTwo(t: TestContext) {
  const bench = await openBench(t);
  const watches = createNamedWatches({ ...bench, onChange: () => undefined, most: 2 });
  t.after(() => watches.stop());
  const follow = (name: string): void => watches.follow(secrets, { namespace: "shop", name });
  const followed = (): string[] =>
    bench.server.watches.map(({ query }) => query.get("fieldSelector")!.replace("metadata.name=", "")).sort();
  const isFollowed = (name: string): boolean =>
    watches.confirms(secrets, { namespace: "shop", name }, "") !== undefined;
  return { ...bench, watches, follow, followed, isFollowed };
}

test("beyond the number nothing more is followed while the others are in use", async (t) => {
  const { follow, followed, isFollowed, clock } = await openTwo(t);
  for (const name of ["a", "b", "c", "a"]) follow(name);
  await until(() => followed().length === 2);
  assert.deepEqual(followed(), ["a", "b"]);
  assert.deepEqual([isFollowed("a"), isFollowed("c")], [true, false]);
  await clock.advance(9 * 60_000);
  follow("c");
  assert.equal(isFollowed("c"), false);
});

test("one that nobody asked for in ten minutes gives way", async (t) => {
  const { follow, followed, clock, server } = await openTwo(t);
  follow("a");
  follow("b");
  await until(() => followed().length === 2);
  await clock.advance(5 * 60_000);
  follow("a");
  await clock.advance(5 * 60_000);
  follow("c");
  await until(() => followed().includes("c") && !followed().includes("b"));
  follow("d");
  assert.deepEqual(
    server.requests.filter(({ query }) => query.get("fieldSelector") === "metadata.name=d"),
    [],
  );
});

test("a watch of a hundred objects is one request each, and all end", async (t) => {
  const bench = await openBench(t);
  const watches = createNamedWatches({ ...bench, onChange: () => undefined });
  for (let n = 0; n < 501; n++) watches.follow(secrets, { namespace: "shop", name: `s${n % 500}` });
  watches.follow(secrets, { namespace: "shop", name: "one-too-many" });
  await until(() => bench.server.watches.length === 500);
  await watches.stop();
  await until(() => bench.server.watches.length === 0);
  assert.equal(bench.clock.pending, 0);
});

test("what cannot be a name is not asked for", async (t) => {
  const { follow, server } = await openTwo(t);
  for (const name of ["a,metadata.namespace=kube-system", "", "A"]) follow(name);
  follow("a");
  await until(() => server.watches.length === 1);
  assert.deepEqual(
    server.requestsTo({ verb: "list" }).map(({ query }) => query.get("fieldSelector")),
    ["metadata.name=a"],
  );
});
