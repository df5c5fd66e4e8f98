/** Lists: pages, selectors, and what happens when a page cannot be had. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../../plugin/kube/contract.ts";
import type { FakeKube } from "../../fakes/kube-server.ts";
import { externalSecrets, failureOf, openBench, secrets, until } from "./bench.ts";

const nameOf = (object: KubeObject): string => object.metadata.name;

function fill(server: FakeKube, count: number, more: object = {}): readonly string[] {
  const names = Array.from({ length: count }, (_, i) => `s${String(i).padStart(4, "0")}`);
  for (const name of names) server.put(secrets, { kind: "Secret", metadata: { namespace: "shop", name }, ...more });
  return names;
}

test("a list comes in pages of 500 and is whole", async (t) => {
  const { client, server, signal } = await openBench(t);
  const names = fill(server, 1_201);
  assert.deepEqual(await client.listAll(secrets, {}, nameOf, signal), names);
  assert.deepEqual(
    server.requests.map(({ query }) => query.get("limit")),
    ["500", "500", "500"],
  );
});

test("no page but a continued one may come from the past", async (t) => {
  const { client, server, signal } = await openBench(t);
  fill(server, 501);
  await client.listAll(secrets, {}, nameOf, signal);
  assert.deepEqual(
    server.requests.map(({ query }) => [query.has("resourceVersion"), query.has("continue")]),
    [
      [false, false],
      [false, true],
    ],
  );
});

const selections = [
  { name: "a namespace", selection: { namespace: "shop" }, found: ["a", "b"] },
  { name: "a label", selection: { labelSelector: "app=web" }, found: ["a", "c"] },
  { name: "a set of labels", selection: { labelSelector: "app in (web,db),!old" }, found: ["a", "b"] },
  { name: "a field", selection: { namespace: "shop", fieldSelector: "metadata.name=b" }, found: ["b"] },
];
for (const { name, selection, found } of selections) {
  test(`a list of ${name} holds that alone`, async (t) => {
    const { client, server, signal } = await openBench(t);
    const put = (namespace: string, name: string, labels: object): unknown =>
      server.put(secrets, { kind: "Secret", metadata: { namespace, name, labels } });
    put("shop", "a", { app: "web" });
    put("shop", "b", { app: "db" });
    put("other", "c", { app: "web", old: "1" });
    assert.deepEqual([...(await client.listAll(secrets, selection, nameOf, signal))].sort(), found);
  });
}

test("a list whose continue token expires begins again", async (t) => {
  const { client, server, signal } = await openBench(t);
  const names = fill(server, 700);
  server.fail({ verb: "list" }, "hold", 1);
  const listing = client.listAll(secrets, {}, nameOf, signal);
  await server.requested({ verb: "list" }, 1);
  server.fail({ verb: "list" }, "hold", 1);
  server.release();
  await server.requested({ verb: "list" }, 2);
  server.expireContinueTokens();
  server.release();
  assert.deepEqual(await listing, names);
  assert.equal(server.requests[2]!.query.has("continue"), false);
});

test("a list that expires twice comes in one piece", async (t) => {
  const { client, server, signal } = await openBench(t);
  const names = fill(server, 700);
  server.fail({ verb: "list" }, "hold", 4);
  const listing = client.listAll(secrets, {}, nameOf, signal);
  for (const count of [1, 2, 3, 4]) {
    await server.requested({ verb: "list" }, count);
    server.expireContinueTokens();
    server.release();
  }
  assert.deepEqual(await listing, names);
  assert.deepEqual(
    server.requests.map(({ query }) => query.get("limit")),
    ["500", "500", "500", "500", null],
  );
});

test("pages that are too large are asked for again in smaller ones", async (t) => {
  const { client, server, signal } = await openBench(t, { answerBytes: 20_000 });
  const names = fill(server, 10, { data: { blob: "A".repeat(4_000) } });
  assert.deepEqual(await client.listAll(secrets, {}, nameOf, signal), names);
  const limits = server.requests.map(({ query }) => query.get("limit"));
  assert.deepEqual(limits.slice(0, 5), ["500", "125", "31", "7", "1"]);
});

test("a single object that is too large is a failure, not half an object", async (t) => {
  const { client, server, signal } = await openBench(t, { answerBytes: 20_000 });
  fill(server, 1, { data: { blob: "A".repeat(40_000) } });
  const failure = await failureOf(client.listAll(secrets, {}, nameOf, signal));
  assert.match(failure.message, /^list secrets: the answer is larger than 20000 bytes$/);
});

test("a page that fails for good fails the list", async (t) => {
  const { client, server, signal, clock } = await openBench(t);
  fill(server, 501);
  server.fail({ verb: "list" }, "hold", 1);
  const listing = failureOf(client.listAll(secrets, {}, nameOf, signal));
  await server.requested({ verb: "list" }, 1);
  server.fail({ verb: "list" }, { status: 500 }, Infinity);
  server.release();
  for (const ms of [375, 750, 1_500]) await clock.pass(ms);
  assert.equal((await listing).status, 500);
});

test("items of a list say what they are", async (t) => {
  const { client, server, signal } = await openBench(t);
  server.fail(
    { verb: "list" },
    {
      status: 200,
      body: { metadata: { resourceVersion: "7" }, items: [{ metadata: { name: "a" } }] },
    },
  );
  const [item] = (await client.listPage(externalSecrets, {}, signal)).items;
  assert.deepEqual([item?.apiVersion, item?.kind], ["external-secrets.io/v1", "ExternalSecret"]);
});

const strange = [
  { name: "no list", body: { hello: 1 } },
  { name: "no resourceVersion", body: { metadata: {}, items: [] } },
  { name: "an item without a name", body: { metadata: { resourceVersion: "7" }, items: [{ metadata: {} }] } },
  { name: "no JSON", body: "<html>" },
];
for (const { name, body } of strange) {
  test(`an answer with ${name} is a failure`, async (t) => {
    const { client, server, signal, clock } = await openBench(t);
    server.fail({ verb: "list" }, { status: 200, body }, Infinity);
    const failing = failureOf(client.listPage(secrets, {}, signal));
    if (typeof body === "string") for (const ms of [375, 750, 1_500]) await clock.pass(ms);
    assert.match((await failing).message, /^list secrets: the answer is not/);
  });
}

test("an aborted list ends at once with the caller's reason, and so does its connection", async (t) => {
  const { client, server } = await openBench(t);
  const caller = new AbortController();
  server.fail({ verb: "list" }, "hold", 1);
  const listing = client.listAll(secrets, {}, nameOf, caller.signal);
  await server.requested({ verb: "list" }, 1);
  const reason = new Error("no longer wanted");
  caller.abort(reason);
  await assert.rejects(listing, reason);
  await until(() => server.openConnections === 0);
});
