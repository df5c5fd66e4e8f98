/** What a mirror holds and tells while all goes well. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import type { KubeObject } from "../../../plugin/kube/contract.ts";
import { externalSecrets, openBench, secrets, until } from "./bench.ts";
import { openMirror, secret } from "./mirror-bench.ts";

const ab = {
  prepare: ({ server }: { server: { put: (kind: typeof secrets, object: object) => unknown } }): void => {
    server.put(secrets, secret("a", "1"));
    server.put(secrets, secret("b", "1"));
  },
};

test("the first list is told object by object, then the mirror is synced", async (t) => {
  const { mirror, news, held } = await openMirror(t, ab);
  assert.deepEqual(mirror.health(), { synced: false, freshAtMs: undefined });
  await mirror.synced;
  assert.deepEqual(news(), ["added shop/a=1", "added shop/b=1"]);
  assert.deepEqual(held(), ["shop/a=1", "shop/b=1"]);
  assert.equal(mirror.size, 2);
  assert.deepEqual(mirror.health(), { synced: true, freshAtMs: 0 });
});

test("every later change is held before it is told", async (t) => {
  const { mirror, put, remove, news, told1, server } = await openMirror(t, ab);
  await mirror.synced;
  news();
  const seen: (string | undefined)[] = [];
  mirror.onChange(({ entry }) => void seen.push(mirror.get(entry.key)?.value));
  await server.watch("secrets");
  for (const act of [() => put("c"), () => put("a", "2"), () => remove("b")]) {
    act();
    await told1();
    assert.equal(news().length, 1);
  }
  assert.deepEqual(seen, ["1", "2", undefined]);
});

test("an object that was deleted and made anew is another object", async (t) => {
  const { mirror, put, remove, news, server } = await openMirror(t, ab);
  await mirror.synced;
  news();
  const watch = await server.watch("secrets");
  remove("a");
  put("a", "2");
  await until(() => mirror.get({ namespace: "shop", name: "a" })?.value === "2");
  assert.deepEqual(news(), ["removed shop/a=1", "added shop/a=2"]);
  assert.ok(watch.open);
});

test("a change tells what was held before", async (t) => {
  const { mirror, put, server, told1, news } = await openMirror(t, ab);
  await mirror.synced;
  news();
  const pairs: string[] = [];
  mirror.onChange(
    (change) => void (change.type === "changed" && pairs.push(`${change.before.value}→${change.entry.value}`)),
  );
  await server.watch("secrets");
  put("a", "2");
  await told1();
  assert.deepEqual(pairs, ["1→2"]);
});

test("a label that moves an object into or out of the selection adds or removes it", async (t) => {
  const { mirror, put, told1, news, server, held } = await openMirror(t, { ...ab, labelSelector: "v=1" });
  await mirror.synced;
  news();
  await server.watch("secrets");
  put("a", "2");
  await told1();
  assert.deepEqual(
    news(),
    ["removed shop/a=2"].map(() => "removed shop/a=1"),
  );
  put("a", "1");
  await told1();
  assert.deepEqual([news(), held()], [["added shop/a=1"], ["shop/a=1", "shop/b=1"]]);
});

test("a single object is mirrored by its name", async (t) => {
  const wish = { ...ab, namespace: "shop", fieldSelector: "metadata.name=b" };
  const { mirror, put, told1, news, server, held } = await openMirror(t, wish);
  await mirror.synced;
  news();
  await server.watch("secrets");
  put("a", "2");
  put("b", "2");
  await told1();
  assert.deepEqual([news(), held()], [["changed shop/b=2"], ["shop/b=2"]]);
  const [list, watch] = server.requests;
  assert.equal(list?.path, "/api/v1/namespaces/shop/secrets");
  assert.equal(watch?.query.get("fieldSelector"), "metadata.name=b");
});

test("a watch asks for bookmarks, goes on from the list, and ends between 5 and 10 minutes", async (t) => {
  const { server, mirror } = await openMirror(t, { ...ab, labelSelector: "v" });
  await mirror.synced;
  const { query } = await server.watch("secrets");
  assert.deepEqual(Object.fromEntries(query), {
    watch: "true",
    allowWatchBookmarks: "true",
    labelSelector: "v",
    resourceVersion: server.resourceVersion,
    timeoutSeconds: "450",
  });
});

test("nothing of an object stays but what is kept of it", async (t) => {
  const { mirror, put, told1, server, news } = await openMirror(t, ab);
  await mirror.synced;
  news();
  await server.watch("secrets");
  put("a", "2");
  await told1();
  assert.doesNotMatch(inspect([...mirror.entries()], { depth: 10, showHidden: true }), /aHVudGVyMg|password/);
});

for (const managedFields of [false, true]) {
  test(`managedFields are ${managedFields ? "kept when asked for" : "dropped"}`, async (t) => {
    const seen: KubeObject[] = [];
    const keep = (object: KubeObject): string => String(seen.push(object));
    const { mirror, put, told1, server, news } = await openMirror(t, { ...ab, keep, managedFields });
    await mirror.synced;
    news();
    await server.watch("secrets");
    put("a", "2");
    await told1();
    assert.deepEqual(
      seen.map(({ metadata }) => metadata.managedFields !== undefined),
      [managedFields, managedFields, managedFields],
    );
  });
}

test("a listener that throws is logged, and everybody still hears of everything", async (t) => {
  const { mirror, put, told1, server, lines, news } = await openMirror(t, ab);
  mirror.onChange(() => {
    throw new TypeError("hunter2-canary");
  });
  const others: string[] = [];
  mirror.onChange(({ entry }) => void others.push(entry.key.name));
  await mirror.synced;
  news();
  await server.watch("secrets");
  put("a", "2");
  await told1();
  assert.deepEqual(others, ["a", "b", "a"]);
  assert.deepEqual(lines[0], {
    level: "error",
    sentence: "a listener of watched objects failed",
    kind: "secrets",
    namespace: "shop",
    name: "a",
    reason: "TypeError",
  });
});

test("an object that cannot be taken in is logged, and what was kept of it before stays", async (t) => {
  const keep = (object: KubeObject): string => {
    const value = object.metadata.labels?.["v"] ?? "";
    if (value === "bad") throw new Error("hunter2-canary");
    return value;
  };
  const { mirror, put, told1, server, clock, lines, news, held } = await openMirror(t, { ...ab, keep });
  await mirror.synced;
  news();
  const watch = await server.watch("secrets");
  put("a", "bad");
  put("b", "2");
  await told1();
  assert.deepEqual([news(), held()], [["changed shop/b=2"], ["shop/a=1", "shop/b=2"]]);
  assert.deepEqual(
    lines.map(({ sentence, name }) => [sentence, name]),
    [["a watched object could not be taken in", "a"]],
  );
  // A list that names it does not make it vanish either.
  server.put({ group: "", plural: "pods" }, { kind: "Pod", metadata: { namespace: "shop", name: "p" } });
  server.compact("answer");
  watch.end();
  await clock.pass(375);
  await until(() => lines.length === 2);
  assert.deepEqual([news(), held()], [[], ["shop/a=1", "shop/b=2"]]);
});

test("a listener that has left hears nothing more", async (t) => {
  const { mirror, put, told1, server, news } = await openMirror(t, ab);
  const heard: string[] = [];
  const leave = mirror.onChange(({ entry }) => void heard.push(entry.key.name));
  await mirror.synced;
  leave();
  news();
  await server.watch("secrets");
  put("a", "2");
  await told1();
  assert.deepEqual(heard, ["a", "b"]);
});

test("a mirror follows custom resources across pages", async (t) => {
  const { client, server } = await openBench(t);
  for (let i = 0; i < 1_100; i++)
    server.put(externalSecrets, { kind: "ExternalSecret", metadata: { namespace: "shop", name: `e${i}` } });
  const mirror = client.mirror({ kind: externalSecrets, keep: (object) => object.kind });
  t.after(() => mirror.stop());
  await mirror.synced;
  assert.equal(mirror.size, 1_100);
  assert.equal(server.requestsTo({ verb: "list" }).length, 3);
});

test("stop ends the watch, its connection and every timer; what is held stays", async (t) => {
  const { mirror, server, clock, held } = await openMirror(t, ab);
  await mirror.synced;
  const watch = await server.watch("secrets");
  await mirror.stop();
  await watch.closed;
  assert.equal(clock.pending, 0);
  assert.deepEqual(held(), ["shop/a=1", "shop/b=1"]);
});

test("stop while the list is awaited, or while it pauses, ends it too", async (t) => {
  const { mirror, server, clock } = await openMirror(t, {
    prepare: ({ server }) => server.fail({ verb: "list" }, "hold"),
  });
  await server.requested({ verb: "list" }, 1);
  await mirror.stop();
  assert.equal(clock.pending, 0);
  const other = await openMirror(t, { prepare: ({ server }) => server.deny({ verb: "list" }) });
  await until(() => other.mirror.health().problem !== undefined);
  await other.mirror.stop();
  assert.equal(other.clock.pending, 0);
});
