/** The fault proxy in front of the API server: each fault is what it claims to be, and ends when it is told to. */
import assert from "node:assert/strict";
import { type ClientRequest, type IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { after, afterEach, before, test } from "node:test";
import { until } from "../../scenario/program.ts";
import { type FaultProxy, startFaultProxy } from "../fault-proxy.ts";
import { requestToken } from "./account.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { objectPath } from "./objects.ts";
import { settleRoles } from "./roles.ts";

let cluster: Cluster;
let token: string;
/** Forwards TLS as it is. */
let wire: FaultProxy;
/** Reads the requests. */
let reading: FaultProxy;

before(async () => {
  cluster = await startCluster();
  await cluster.admin.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: watcher, namespace: default}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: watcher, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
`);
  await settleRoles(cluster.admin);
  token = await requestToken(cluster.admin, { namespace: "default", name: "default" });
  wire = await startFaultProxy(cluster.url);
  reading = await startFaultProxy(cluster.url, { tls: cluster.serving });
});

after(async () => {
  await wire.close();
  await reading.close();
  await cluster.stop();
});

afterEach(async () => {
  for (const proxy of [wire, reading]) {
    proxy.delay(0);
    proxy.pass();
    proxy.cut();
    await until(() => proxy.connections() === 0);
  }
});

const maps = objectPath("v1", "configmaps", "default");
const watch = `${maps}?watch=1`;

interface Asked {
  readonly sent: ClientRequest;
  readonly answer: Promise<IncomingMessage>;
}

function ask(proxy: FaultProxy, path: string, agent: Agent | false = false): Asked {
  const sent = request(`${proxy.url}${path}`, {
    ca: cluster.authority,
    agent,
    headers: { authorization: `Bearer ${token}` },
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on("response", resolve);
    sent.on("error", reject);
  });
  sent.end();
  return { sent, answer };
}

async function whole(asked: Asked): Promise<{ status: number; headers: IncomingMessage["headers"]; text: string }> {
  const answer = await asked.answer;
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

/** A watch whose text and end can be looked at. */
async function startWatch(proxy: FaultProxy): Promise<{ text(): string; ended(): boolean; stop(): void }> {
  const { sent, answer } = ask(proxy, watch);
  const stream = await answer;
  let text = "";
  let ended = false;
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  for (const event of ["end", "error", "close"]) stream.on(event, () => (ended = true));
  sent.on("error", () => (ended = true));
  return { text: () => text, ended: () => ended, stop: () => sent.destroy() };
}

let made = 0;
async function makeMap(): Promise<string> {
  const name = `map-${++made}`;
  await cluster.admin.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
  return name;
}

const both = [
  ["forwarding TLS", () => wire],
  ["reading requests", () => reading],
] as const;

for (const [name, proxyOf] of both) {
  test(`${name}: passes requests and a running watch`, async () => {
    const proxy = proxyOf();
    assert.equal((await whole(ask(proxy, maps))).status, 200);
    const running = await startWatch(proxy);
    const map = await makeMap();
    await until(() => running.text().includes(`"${map}"`));
    assert.equal(running.ended(), false);
    running.stop();
    const empty = ask(proxy, `${watch}&fieldSelector=metadata.name=nobody`);
    assert.equal((await empty.answer).statusCode, 200, "a watch without events has no head");
    empty.sent.destroy();
    await until(() => proxy.connections() === 0);
  });

  test(`${name}: a silenced watch says nothing more and stays open, a new one works`, async () => {
    const proxy = proxyOf();
    const old = await startWatch(proxy);
    await until(() => old.text() !== "");
    proxy.silenceOpen();
    const fresh = await startWatch(proxy);
    const map = await makeMap();
    await until(() => fresh.text().includes(`"${map}"`));
    assert.ok(!old.text().includes(`"${map}"`));
    assert.equal(old.ended(), false);
    assert.equal(proxy.connections(), 2);
    proxy.cut();
    await until(() => old.ended() && fresh.ended());
  });

  test(`${name}: while all is silent a new connection gets nothing; after pass new ones work`, async () => {
    const proxy = proxyOf();
    proxy.silenceAll();
    const lost = ask(proxy, maps);
    let settled = false;
    lost.answer.then(
      () => (settled = true),
      () => (settled = true),
    );
    await until(() => proxy.connections() === 1);
    proxy.pass();
    assert.equal((await whole(ask(proxy, maps))).status, 200);
    assert.equal(settled, false);
    lost.sent.destroy();
  });

  test(`${name}: cut resets what is open, refuse also what comes`, async () => {
    const proxy = proxyOf();
    const running = await startWatch(proxy);
    proxy.cut();
    await until(() => running.ended());
    assert.equal((await whole(ask(proxy, maps))).status, 200);
    proxy.refuse();
    await assert.rejects(ask(proxy, maps).answer, { code: "ECONNRESET" });
    proxy.pass();
    assert.equal((await whole(ask(proxy, maps))).status, 200);
  });

  test(`${name}: delay makes an answer late by both ways, and keeps the order of the pieces`, async () => {
    const proxy = proxyOf();
    const agent = new Agent({ keepAlive: true });
    const expected = (await whole(ask(proxy, maps, agent))).text;
    const beganMs = performance.now();
    proxy.delay(60);
    assert.equal((await whole(ask(proxy, maps, agent))).text, expected);
    assert.ok(performance.now() - beganMs >= 110);
    agent.destroy();
  });
}

test("answers of its own: status, Retry-After, a Status body; as often as asked; the rest reaches the server", async () => {
  reading.requests.length = 0;
  reading.intercept({
    method: "GET",
    path: /^\/api\/v1\/.*configmaps$/,
    times: 2,
    answer: { status: 429, retryAfterSeconds: 3 },
  });
  const { status, headers, text } = await whole(ask(reading, maps));
  assert.deepEqual([status, headers["retry-after"]], [429, "3"]);
  assert.deepEqual([(JSON.parse(text) as { reason: string }).reason], ["TooManyRequests"]);
  assert.equal((await whole(ask(reading, "/version"))).status, 200);
  assert.equal((await whole(ask(reading, maps))).status, 429);
  assert.equal((await whole(ask(reading, maps))).status, 200);
  assert.deepEqual(
    reading.requests.map((request) => request.status),
    [429, 200, 429, 200],
  );
});

test("a rule is lifted; a newer rule goes first", async () => {
  const older = reading.intercept({ path: /./, answer: { status: 503 } });
  const newer = reading.intercept({ path: /configmaps/, answer: { status: 410 } });
  assert.equal((await whole(ask(reading, maps))).status, 410);
  newer();
  assert.equal((await whole(ask(reading, maps))).status, 503);
  older();
  assert.equal((await whole(ask(reading, maps))).status, 200);
});

test("a body that is left open, one that is torn off, a request that is never answered, one that is cut", async () => {
  const torn = `{"type":"ADDED","obj`;
  const lift = reading.intercept({ path: /watch=1/, answer: { status: 200, body: torn, then: "silence" } });
  const open = await startWatch(reading);
  await until(() => open.text() === torn);
  assert.equal(open.ended(), false);
  lift();
  reading.intercept({ path: /watch=1/, times: 1, answer: { status: 200, body: torn, then: "cut" } });
  await assert.rejects(whole(ask(reading, watch)), { code: "ECONNRESET" });
  reading.intercept({ path: /watch=1/, times: 1, answer: "cut" });
  await assert.rejects(ask(reading, watch).answer, { code: "ECONNRESET" });
  const before = reading.requests.length;
  reading.intercept({ path: /watch=1/, times: 1, answer: "silence" });
  const unanswered = ask(reading, watch);
  await until(() => reading.requests.length === before + 1);
  assert.equal(reading.requests.at(-1)!.status, 0);
  unanswered.answer.catch(() => undefined);
  unanswered.sent.destroy();
});

test("a proxy that forwards TLS as it is says that it cannot read requests", () => {
  assert.throws(() => wire.intercept({ path: /./, answer: "cut" }), /give it `tls`/);
});
