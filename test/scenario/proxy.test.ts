/** The whole program behind a proxy: the flag, its variable, and one store that is told to do without. */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeCertificate } from "../fakes/certificate.ts";
import { startConnectProxy } from "../fakes/connect-proxy.ts";
import { layOut, runOnce, standaloneArgs } from "./program.ts";

const dayMs = 86_400_000;
const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
const authority = makeCertificate({ name: "test authority", ...valid, isAuthority: true });
const shown = makeCertificate({ name: "store", subjects: ["127.0.0.1", "store.test"], ...valid, issuer: authority });
const caBundle = Buffer.from(authority.certificate).toString("base64");
const server = createServer({ cert: shown.certificate, key: shown.key }, (request, response) =>
  response.end(JSON.stringify({ value: `value of ${request.headers.host}` })),
);
const sockets = new Set<Socket>();
server.on("connection", (socket: Socket) => sockets.add(socket));
let port = 0;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.close();
  for (const socket of sockets) socket.destroy();
});

const storeAndSecret = (name: string, host: string, annotations = "{}"): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: shop, annotations: ${annotations}}
spec:
  provider:
    webhook: {url: "https://${host}:${port}/{{ .remoteRef.key }}", result: {jsonPath: $.value}, caBundle: ${caBundle}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  secretStoreRef: {name: ${name}}
  data: [{secretKey: a, remoteRef: {key: db}}]
`;
// Only the proxy knows where store.test is.
const manifests = (): string =>
  storeAndSecret("far", "store.test") + "---" + storeAndSecret("near", "127.0.0.1", '{keyferry.dev/proxy-url: ""}');

test("standalone reads through the proxy of its variable, and past it where a store says so", async (t) => {
  const proxy = await startConnectProxy();
  t.after(proxy.close);
  const folder = await layOut({ manifests: { "all.yaml": manifests() } });
  t.after(() => rm(folder, { recursive: true, force: true }));
  const login = proxy.url.replace("//", "//user:canary@");
  const ran = await runOnce(standaloneArgs(folder, ["--once"]), { KEYFERRY_HTTPS_PROXY: login });
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(proxy.asked, [`store.test:${port}`]);
  assert.deepEqual(proxy.logins, [`Basic ${Buffer.from("user:canary").toString("base64")}`]);
  const far = await readFile(join(folder, "out", "secrets", "shop", "far.yaml"), "utf8");
  assert.ok(far.includes(Buffer.from(`value of store.test:${port}`).toString("base64")), far);
  assert.doesNotMatch(ran.stdout + ran.stderr, /canary|dXNlcjp/);
});

test("render --live takes the flags too; HTTPS_PROXY is nobody's", async (t) => {
  const proxy = await startConnectProxy();
  t.after(proxy.close);
  const folder = await layOut({ manifests: { "all.yaml": manifests() } });
  t.after(() => rm(folder, { recursive: true, force: true }));
  const main = join(import.meta.dirname, "../../plugin/main.ts");
  const render = (args: readonly string[]) =>
    runOnce([main, "render", join(folder, "manifests", "all.yaml"), "--live", "--show-values", ...args], {
      HTTPS_PROXY: proxy.url,
      https_proxy: proxy.url,
    });
  const rendered = await render(["--https-proxy", proxy.url]);
  assert.equal(rendered.code, 0, rendered.stderr);
  assert.equal(proxy.asked.length, 1);
  for (const args of [[], ["--https-proxy", proxy.url, "--no-proxy", ".test"]])
    assert.match((await render(args)).stderr, /store\.test:\d+: its name cannot be resolved/);
  assert.equal(proxy.asked.length, 1);
});
