/** Which stores of one process go through a proxy: what the command line says, and the store's own word. */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { parseStore } from "../../plugin/manifests/store.ts";
import type { StoreDeps } from "../../plugin/stores/contract.ts";
import { openStores, type Stores } from "../../plugin/wire/stores.ts";
import { vault } from "../../plugin/stores/vault/kind.ts";
import { makeCertificate } from "../fakes/certificate.ts";
import { startConnectProxy } from "../fakes/connect-proxy.ts";
import type { ConnectProxy } from "../fakes/connect-proxy.ts";
import { accepted } from "../manifests/outcome.ts";

const never = new AbortController().signal;
const dayMs = 86_400_000;
const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
const authority = makeCertificate({ name: "test authority", ...valid, isAuthority: true });
const shown = makeCertificate({ name: "store", subjects: ["127.0.0.1"], ...valid, issuer: authority });
const tls = { ca: authority.certificate };
const server = createServer({ cert: shown.certificate, key: shown.key }, (_request, response) => response.end("{}"));
const sockets = new Set<Socket>();
server.on("connection", (socket: Socket) => sockets.add(socket));
let url: URL;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
after(() => {
  server.close();
  for (const socket of sockets) socket.destroy();
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface World {
  readonly flagged: ConnectProxy;
  readonly owned: ConnectProxy;
  readonly stores: Stores;
}

async function openWorld(t: TestContext, apiServer: readonly string[] = []): Promise<World> {
  const [flagged, owned] = [await startConnectProxy(), await startConnectProxy()];
  const stores = openStores(
    { storeRate: 50, storeBurst: 100, httpsProxy: { origin: flagged.url }, noProxy: ["excepted.test"] },
    { plainHttp: true, allowLoopback: true, allowPlainHttp: true, apiServer, exemptCidrs: [] },
    { log: silent, metrics: { storeCall: () => {} } },
  );
  t.after(() => Promise.all([flagged.close(), owned.close(), stores.close()]));
  return { flagged, owned, stores };
}

function depsIn({ stores }: World, proxyUrl?: string): StoreDeps {
  const annotations = proxyUrl === undefined ? {} : { "keyferry.dev/proxy-url": proxyUrl };
  const manifest = accepted(
    parseStore({
      apiVersion: "external-secrets.io/v1",
      kind: "ClusterSecretStore",
      metadata: { name: "main", annotations },
      spec: { provider: { vault: {} } },
    }),
  );
  return stores.depsOf(vault, manifest);
}

const ask = (send: ReturnType<StoreDeps["http"]>) => send({ method: "GET", url, headers: {} }, never);

test("each store has its own way; what a kind sees is the same", async (t) => {
  const world = await openWorld(t);
  const { flagged, owned } = world;
  const seen = [];
  for (const proxyUrl of [undefined, owned.url, ""]) {
    const deps = depsIn(world, proxyUrl);
    seen.push(Object.keys(deps));
    assert.equal((await ask(deps.http(tls))).status, 200);
  }
  assert.deepEqual([flagged.asked, owned.asked], [[url.host], [url.host]]);
  assert.deepEqual(seen[1], seen[0]);
  assert.doesNotMatch(JSON.stringify(depsIn(world, owned.url)), /proxy/i);
});

test("what runs on this machine is never asked through a proxy", async (t) => {
  const world = await openWorld(t);
  // It knows no CA of the store's, so this ends in the handshake: straight here, or behind a proxy.
  await assert.rejects(
    ask(depsIn(world, world.owned.url).machineHttp!),
    /^Failure: 127\.0\.0\.1:\d+: TLS: .*not trusted/,
  );
  assert.deepEqual([world.flagged.connections, world.owned.connections], [0, 0]);
});

test("this cluster's API server is reached without the flag's proxy, and through the store's own", async (t) => {
  const world = await openWorld(t, ["127.0.0.1"]);
  assert.equal((await ask(depsIn(world).apiServerHttp!(tls))).status, 200);
  assert.equal(world.flagged.connections, 0);
  const elsewhere = await openWorld(t);
  assert.equal((await ask(depsIn(elsewhere).apiServerHttp!(tls))).status, 200);
  assert.equal((await ask(depsIn(elsewhere, elsewhere.owned.url).apiServerHttp!(tls))).status, 200);
  assert.deepEqual([elsewhere.flagged.asked.length, elsewhere.owned.asked.length], [1, 1]);
});
