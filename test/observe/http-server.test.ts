import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { startHttpServer, type HttpServer, type HttpServerOptions } from "../../plugin/observe/http-server.ts";

async function start(t: TestContext, options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    metrics: { render: async () => "up 1\n" },
    livez: async () => [{ name: "loop", ok: true, note: "" }],
    readyz: async () => [],
    ...options,
  });
  t.after(() => server.close());
  return server;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(server: HttpServer, path: string, method = "GET"): Promise<Answer> {
  const request = http.request(`http://${server.address}${path}`, { method, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const chunks = (await response.toArray()) as Buffer[];
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString("utf8") };
}

test("metrics come in the text exposition format", async (t) => {
  const { status, headers, body } = await ask(await start(t), "/metrics?x=1");
  assert.deepEqual([status, body], [200, "up 1\n"]);
  assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
});

test("checks that all hold answer ok", async (t) => {
  const server = await start(t);
  for (const path of ["/livez", "/readyz"]) {
    const { status, body } = await ask(server, path);
    assert.deepEqual([status, body], [200, "ok\n"]);
  }
});

test("checks that fail are named, with why, and only those", async (t) => {
  const server = await start(t, {
    readyz: async () => [
      { name: "cache", ok: true, note: "filled" },
      { name: "socket", ok: false, note: "not listening" },
      { name: "watch", ok: false, note: "stale" },
    ],
  });
  const { status, body } = await ask(server, "/readyz");
  assert.deepEqual([status, body], [503, "socket: not listening\nwatch: stale\n"]);
});

test("a check that breaks is an answer without its words", async (t) => {
  const server = await start(t, { livez: () => Promise.reject(new Error("CANARY")) });
  const { status, body } = await ask(server, "/livez");
  assert.deepEqual([status, body], [500, "internal error\n"]);
});

test("other paths are 404, other methods 405", async (t) => {
  const server = await start(t);
  for (const path of ["/", "/metrics/", "/constructor", "//metrics"])
    assert.equal((await ask(server, path)).status, 404, path);
  for (const method of ["POST", "HEAD", "DELETE"]) {
    const { status, headers } = await ask(server, "/metrics", method);
    assert.deepEqual([status, headers.allow], [405, "GET"]);
  }
});

test("an address in use is a line for the user", async (t) => {
  const { address } = await start(t);
  const port = Number(address.split(":")[1]);
  await assert.rejects(start(t, { port }), {
    message: `--http-addr: ${address} is in use; choose another address, or stop the program that listens there`,
  });
});

test("an address of another machine is a line for the user", async (t) => {
  await assert.rejects(start(t, { host: "192.0.2.1", port: 8080 }), {
    message: "--http-addr: 192.0.2.1:8080 is no address of this machine; choose another, such as 127.0.0.1:8080",
  });
});

test("junk on the line harms nobody", async (t) => {
  const server = await start(t);
  const [host, port] = server.address.split(":");
  const socket = net.connect(Number(port), host);
  socket.on("error", () => {});
  socket.write("\0\0\0 junk\r\n\r\n");
  socket.resume();
  await once(socket, "close");
  assert.equal((await ask(server, "/livez")).status, 200);
});

test("closing ends open connections, those that wait for an answer too", async (t) => {
  const asked = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  const livez = (): Promise<never> => (asked.resolve(), never);
  const server = await start(t, { livez });
  const request = http.get(`http://${server.address}/livez`, { agent: false });
  const ended = once(request, "error");
  await asked.promise;
  await server.close();
  const [error] = (await ended) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
});
