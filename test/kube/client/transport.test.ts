/** The way to the API server: TLS that is always verified, certificates that change, connections that end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { KubeHttpProblem } from "../../../plugin/kube/http.ts";
import type { KubeHttpAnswer, KubeHttpRequest, KubeTls } from "../../../plugin/kube/http.ts";
import { createKubeHttp } from "../../../plugin/wire/kube-http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import type { Certificate } from "../../fakes/certificate.ts";
import { startKubeServer } from "../../fakes/kube-server.ts";
import type { FakeKube } from "../../fakes/kube-server.ts";
import { until } from "./bench.ts";

const dayMs = 86_400_000;
const validity = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
const authority = (name: string): Certificate => makeCertificate({ name, isAuthority: true, ...validity });
const ours = authority("our CA");
const other = authority("another CA");

interface Line {
  readonly server: FakeKube;
  ask: (tls: KubeTls, signal?: AbortSignal, request?: Partial<KubeHttpRequest>) => Promise<KubeHttpAnswer>;
  status: (tls: KubeTls) => Promise<number>;
}

async function openLine(t: TestContext, subjects = ["127.0.0.1"], expired = false): Promise<Line> {
  const times = expired ? { notBeforeMs: validity.notBeforeMs - dayMs, notAfterMs: validity.notBeforeMs } : validity;
  const server = await startKubeServer({ tls: makeCertificate({ name: "kube", issuer: ours, subjects, ...times }) });
  const http = createKubeHttp();
  t.after(async () => {
    await http.close();
    await server.close();
  });
  const ask: Line["ask"] = (tls, signal = new AbortController().signal, request = {}) =>
    http.send({ method: "GET", url: new URL("/version", server.url), headers: {}, tls, ...request }, signal);
  const status = async (tls: KubeTls): Promise<number> => {
    const answer = await ask(tls);
    for await (const _ of answer.body);
    return answer.status;
  };
  return { server, ask, status };
}

test("a server of our CA is spoken to, over connections that are used again", async (t) => {
  const { server, status } = await openLine(t);
  const tls = { ca: ours.certificate };
  for (let i = 0; i < 10; i++) assert.equal(await status(tls), 200);
  assert.ok(server.connections <= 2, `${server.connections} connections`);
});

const distrusted = [
  { name: "another CA", ca: other, subjects: ["127.0.0.1"], says: /authority that is not trusted here/ },
  { name: "another name", ca: ours, subjects: ["kube.example"], says: /is for another name/ },
  { name: "an expired certificate", ca: ours, subjects: ["127.0.0.1"], expired: true, says: /has expired/ },
];
for (const { name, ca, subjects, expired, says } of distrusted) {
  test(`a server with ${name} gets no request`, async (t) => {
    const { server, ask } = await openLine(t, subjects, expired);
    await assert.rejects(ask({ ca: ca.certificate }), (thrown) => {
      assert.ok(thrown instanceof KubeHttpProblem);
      assert.match(thrown.message, says);
      assert.equal(thrown.maybeArrived, false);
      return true;
    });
    assert.equal(server.requests.length, 0);
  });
}

test("a name that the connection gives is verified instead of the address", async (t) => {
  const { status } = await openLine(t, ["kube.example"]);
  assert.equal(await status({ ca: ours.certificate, serverName: "kube.example" }), 200);
});

test("another CA means new connections at once; a watch on the old ones goes on", async (t) => {
  const { server, ask, status } = await openLine(t);
  const first = { ca: ours.certificate };
  const watch = await ask(first, undefined, { url: new URL("/api/v1/secrets?watch=true", server.url) });
  const chunks = watch.body[Symbol.asyncIterator]();
  await assert.rejects(ask({ ca: other.certificate }), KubeHttpProblem);
  assert.equal(await status({ ca: `${other.certificate}${ours.certificate}` }), 200);
  const next = chunks.next();
  server.put({ group: "", plural: "secrets" }, { kind: "Secret", metadata: { name: "a", namespace: "shop" } });
  assert.match(Buffer.from((await next).value as Uint8Array).toString(), /^\{"type":"ADDED"/);
  await chunks.return?.();
});

test("leaving a body early, or aborting, ends the connection", async (t) => {
  const { server, ask } = await openLine(t);
  const tls = { ca: ours.certificate };
  const url = new URL("/api/v1/secrets?watch=true", server.url);
  server.put({ group: "", plural: "secrets" }, { kind: "Secret", metadata: { name: "a", namespace: "shop" } });
  const left = await ask(tls, undefined, { url: new URL("?watch=true&resourceVersion=1", url) });
  for await (const _ of left.body) break;
  await until(() => server.openConnections === 0);
  const caller = new AbortController();
  const reading = await ask(tls, caller.signal, { url });
  const next = reading.body[Symbol.asyncIterator]().next();
  const reason = new Error("no longer wanted");
  caller.abort(reason);
  await assert.rejects(next, reason);
  await until(() => server.openConnections === 0);
});

test("a connection that was never made is told from one that broke", async (t) => {
  const { server, ask } = await openLine(t);
  server.fail({ path: "/version" }, "reset");
  await assert.rejects(ask({ ca: ours.certificate }), { name: "KubeHttpProblem", maybeArrived: true });
  await server.stop();
  await assert.rejects(ask({ ca: ours.certificate }), (thrown) => {
    assert.ok(thrown instanceof KubeHttpProblem && !thrown.maybeArrived);
    assert.match(thrown.message, /^API server 127\.0\.0\.1:\d+: it refuses connections \(ECONNREFUSED\)$/);
    return true;
  });
});
