/** When a request is repeated, how long it waits, and when it gives up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Fault } from "../../fakes/kube-server.ts";
import { failureOf, openBench, secrets, until } from "./bench.ts";
import type { Bench } from "./bench.ts";

const db = { namespace: "shop", name: "db" };

async function benchWithSecret(t: TestContext): Promise<Bench> {
  const bench = await openBench(t);
  bench.server.put(secrets, { kind: "Secret", metadata: db });
  return bench;
}

const verbs = {
  get: ({ client, signal }: Bench) => client.get(secrets, db, signal),
  create: ({ client, signal }: Bench) =>
    client.create(secrets, { metadata: { namespace: "shop", name: "new" } }, signal),
  update: ({ client, signal }: Bench) => client.replace(secrets, { metadata: db }, signal),
  delete: ({ client, signal }: Bench) => client.remove(secrets, db, signal),
};
type Verb = keyof typeof verbs;

/** `waitsMs`: the waits before the second answer, which is a good one; empty: given up at once. */
const rows: readonly { name: string; verb: Verb; fault: Fault; waitsMs: readonly number[] }[] = [
  { name: "a throttled read", verb: "get", fault: { status: 429, headers: { "retry-after": "3" } }, waitsMs: [3_000] },
  {
    name: "a throttled create",
    verb: "create",
    fault: { status: 429, headers: { "retry-after": "3" } },
    waitsMs: [3_000],
  },
  { name: "a throttled update without a wish", verb: "update", fault: { status: 429 }, waitsMs: [375] },
  { name: "a wish for no wait", verb: "get", fault: { status: 429, headers: { "retry-after": "0" } }, waitsMs: [375] },
  { name: "a read that fails on the server", verb: "get", fault: { status: 500 }, waitsMs: [375] },
  { name: "a create that fails on the server", verb: "create", fault: { status: 500 }, waitsMs: [] },
  { name: "a removal that fails on the server", verb: "delete", fault: { status: 504 }, waitsMs: [] },
  {
    name: "an announced outage before a create",
    verb: "create",
    fault: { status: 503, headers: { "retry-after": "1" } },
    waitsMs: [1_000],
  },
  { name: "a read whose connection breaks", verb: "get", fault: "reset", waitsMs: [375] },
  { name: "a read whose answer breaks off", verb: "get", fault: "cut", waitsMs: [375] },
  { name: "a create whose connection breaks", verb: "create", fault: "reset", waitsMs: [] },
  { name: "an update whose connection breaks", verb: "update", fault: "reset", waitsMs: [] },
  { name: "a refused read", verb: "get", fault: { status: 403 }, waitsMs: [] },
];
for (const { name, verb, fault, waitsMs } of rows) {
  const repeated = waitsMs.length > 0;
  test(`${name} is ${repeated ? `repeated after ${waitsMs[0]} ms` : "not repeated"}`, async (t) => {
    const bench = await benchWithSecret(t);
    bench.server.fail({ verb }, fault);
    const work = verbs[verb](bench);
    if (!repeated) assert.equal((await failureOf(work)).status, typeof fault === "string" ? 0 : fault.status);
    for (const ms of waitsMs) await bench.clock.pass(ms);
    if (repeated) assert.ok(await work);
    assert.equal(bench.server.requestsTo({ verb }).length, 1 + waitsMs.length);
    assert.equal(bench.clock.pending, 0);
  });
}

test("a create that met no server is repeated until there is one", async (t) => {
  const { client, server, clock, signal } = await openBench(t);
  await server.stop();
  const making = client.create(secrets, { metadata: { namespace: "shop", name: "new" } }, signal);
  await until(() => clock.waitsFor(375));
  await server.start();
  await clock.pass(375);
  assert.equal((await making).metadata.name, "new");
  assert.equal(server.requests.length, 1);
});

test("a read is tried four times", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.fail({ verb: "get" }, { status: 503 }, Infinity);
  const failing = failureOf(verbs.get(bench));
  for (const ms of [375, 750, 1_500]) await bench.clock.pass(ms);
  assert.equal((await failing).status, 503);
  assert.equal(bench.server.requests.length, 4);
});

test("a wish that lasts longer than the request has time is handed to the caller", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.fail({ verb: "get" }, { status: 429, headers: { "retry-after": "60" } });
  const failure = await failureOf(verbs.get(bench));
  assert.deepEqual([failure.status, failure.retryAfterMs], [429, 60_000]);
  assert.equal(bench.server.requests.length, 1);
});

test("an attempt ends after 10 s, a request after 30 s, and so do their connections", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.fail({ verb: "get" }, "hold", Infinity);
  const failing = failureOf(verbs.get(bench));
  for (const [count, ms] of [10_000, 10_000].entries()) {
    await bench.server.requested({ verb: "get" }, count + 1);
    await bench.clock.pass(ms);
    await bench.clock.pass(375 * 2 ** count);
  }
  await bench.server.requested({ verb: "get" }, 3);
  await bench.clock.pass(30_000 - 20_000 - 375 - 750);
  assert.match((await failing).message, /^get secrets shop\/db: no answer from the API server in time$/);
  assert.equal(bench.clock.pending, 0);
  await until(() => bench.server.openConnections === 0);
});

test("credentials that take too long end the attempt as an answer would", async (t) => {
  const bench = await openBench(t, {}, "/", true);
  const failing = failureOf(verbs.create(bench));
  await bench.clock.pass(10_000);
  assert.match((await failing).message, /no answer from the API server in time$/);
});

test("a create without an answer in time is not repeated", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.fail({ verb: "create" }, "hold");
  const failing = failureOf(verbs.create(bench));
  await bench.server.requested({ verb: "create" }, 1);
  await bench.clock.pass(10_000);
  assert.equal((await failing).status, 0);
  assert.equal(bench.server.requests.length, 1);
});

test("a caller that goes away while its request waits ends it with its own reason", async (t) => {
  const { server, client, clock } = await openBench(t);
  const caller = new AbortController();
  server.fail({ verb: "get" }, { status: 429 });
  const work = client.get(secrets, db, caller.signal);
  await until(() => clock.waitsFor(375));
  const reason = new Error("no longer wanted");
  caller.abort(reason);
  await assert.rejects(work, reason);
  assert.equal(clock.pending, 0);
});

for (const verb of ["get", "create"] as const) {
  test(`a token that is refused is looked up anew, once: ${verb}`, async (t) => {
    const bench = await benchWithSecret(t);
    bench.server.acceptTokens(["second-token"]);
    bench.setToken("second-token");
    assert.ok(await verbs[verb](bench));
    assert.deepEqual(
      bench.server.requests.map(({ token, status }) => [token, status]),
      [
        ["first-token", 401],
        ["second-token", verb === "get" ? 200 : 201],
      ],
    );
  });
}

test("a new token that is refused too is a failure", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.acceptTokens([]);
  bench.setToken("second-token");
  assert.equal((await failureOf(verbs.get(bench))).status, 401);
  assert.equal(bench.server.requests.length, 2);
});

test("a refused token that has not changed is not sent again", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.acceptTokens([]);
  const failure = await failureOf(verbs.get(bench));
  assert.match(failure.message, /does not accept the credentials of this process/);
  assert.equal(bench.server.requests.length, 1);
});

test("a redirect is not followed", async (t) => {
  const bench = await benchWithSecret(t);
  bench.server.fail({ verb: "get" }, { status: 302, headers: { location: `${bench.server.url}/version` } });
  assert.equal((await failureOf(verbs.get(bench))).status, 302);
  assert.equal(bench.server.requests.length, 1);
});

test("requests share connections", async (t) => {
  const bench = await benchWithSecret(t);
  for (let i = 0; i < 20; i++) await verbs.get(bench);
  // A second one, when a request begins before the last one has given its connection back.
  assert.ok(bench.server.connections <= 2, `${bench.server.connections} connections`);
});
