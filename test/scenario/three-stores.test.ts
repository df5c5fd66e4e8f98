/**
 * Three stores, fifty due objects each: one hangs, one throttles, one is fine. Read through the whole read path, with the
 * real vault kind over real sockets; time is the fake clock's, the findings are those of the stores' own request logs.
 */
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { ReadFailure } from "../../plugin/core/failure.ts";
import { createLane, type Lane } from "../../plugin/read/lane/lane.ts";
import { createReadPath } from "../../plugin/read/read-path.ts";
import type { SecretBundle } from "../../plugin/read/request.ts";
import { storeKinds } from "../../plugin/stores/registry.ts";
import { createHttpClients } from "../../plugin/wire/http.ts";
import { FakeClock, settle } from "../fakes/clock.ts";
import { FakeCluster, storeManifest } from "../read/fake-cluster.ts";

const objects = 50;
const slots = 16;

/** One request as the store saw it, by the fake clock. */
interface Logged {
  readonly atMs: number;
  /** When its answer was sent or its socket closed; undefined while it is open. */
  endedAtMs?: number;
}

interface LoggedStore {
  readonly url: string;
  readonly log: Logged[];
  /** Requests without an answer, oldest first. */
  readonly open: ServerResponse[];
  /** What happens to a request when it arrives. */
  onRequest: (response: ServerResponse) => void;
  close(): void;
}

async function openStore(clock: FakeClock, onRequest: LoggedStore["onRequest"]): Promise<LoggedStore> {
  const server = createServer((_request, response) => {
    const entry: Logged = { atMs: clock.monotonicMs() };
    store.log.push(entry);
    store.open.push(response);
    response.on("close", () => {
      entry.endedAtMs = clock.monotonicMs();
      store.open.splice(store.open.indexOf(response), 1);
    });
    store.onRequest(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const store: LoggedStore = {
    url: `http://127.0.0.1:${port}`,
    log: [],
    open: [],
    onRequest,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return store;
}

const hang = (): void => {};
const answer = (response: ServerResponse): void =>
  void response
    .setHeader("content-type", "application/json")
    .end('{"request_id":"r","data":{"data":{"v":"value"},"metadata":{"version":1}}}');
const throttle = (response: ServerResponse): void =>
  void response.writeHead(429, { "content-type": "application/json", "retry-after": "3" }).end('{"errors":[]}');

/** The most requests that were open at one time. */
function mostOpen(log: readonly Logged[]): number {
  const openAt = (ms: number): number =>
    log.filter((entry) => entry.atMs <= ms && (entry.endedAtMs ?? Infinity) > ms).length;
  return Math.max(0, ...log.map((entry) => openAt(entry.atMs)));
}

/** The read path of one process with some of the stores, and what became of their reads. */
async function openProcess(names: readonly string[]) {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  cluster.secrets.set("shop/login", "token");
  const lanes = new Map<string, Lane>();
  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  const path = createReadPath({
    clock,
    cluster,
    kinds: new Map(Object.entries(storeKinds)),
    storeDeps: () => ({
      clock,
      http: (tls) => clients.send(tls),
      watchPath: () => () => {},
      fileStore: { base: "/" },
      plainHttp: true,
      countCall: () => {},
    }),
    openLane(manifest) {
      const lane = createLane({ clock, ratePerSecond: 50, burst: 100, maxInFlight: slots, attemptMs: 5_000 });
      lanes.set(manifest.meta.name, lane);
      return lane;
    },
    loadRenderer: () => Promise.reject(new Error("there is no template here")),
    audit: { record: () => Promise.resolve() },
    metrics: { cacheAnswer: () => {}, authFailure: () => {} },
    tokenAudience: "vault",
    controllerClass: "default",
    digestKey: Buffer.alloc(32, 1),
    limits: { cacheEntries: 1_000, cacheBytes: 1_000_000, sessions: 100 },
  });
  const stores = new Map<string, LoggedStore>();
  for (const name of names) {
    const store = await openStore(clock, hang);
    stores.set(name, store);
    const auth = { tokenSecretRef: { name: "login", namespace: "shop", key: "password" } };
    const block = { server: store.url, path: "secret", version: "v2", auth };
    cluster.putStore(storeManifest(name, block, { provider: "vault" }));
  }
  return {
    clock,
    store: (name: string): LoggedStore => stores.get(name)!,
    lane: (name: string): Lane => lanes.get(name)!,
    readAll: (name: string) => Array.from({ length: objects }, (_, i) => readOne(name, i)),
    async close() {
      path.close();
      await clients.close();
      for (const store of stores.values()) store.close();
    },
  };

  /** What one due ExternalSecret does. */
  function readOne(store: string, index: number): Due {
    const due: Due = { ended: undefined };
    path.reader
      .read(
        {
          entries: [
            {
              field: "spec.data[0]",
              store: { kind: "ClusterSecretStore", name: store },
              ref: { key: `object-${index}`, metadataPolicy: "None" },
              property: "v",
              take: { as: "value", name: "v" },
              decoding: "None",
              nullBytes: "Ignore",
              optional: false,
            },
          ],
        },
        {
          caller: { kind: "ExternalSecret", namespace: "shop", name: `${store}-${index}`, uid: `${store}-${index}` },
          delivery: "sync",
          identity: "Store",
          priority: "periodic",
          acceptBegunFromMs: clock.monotonicMs(),
          maxStaleMs: 0,
          limitMs: 30_000,
        },
        new AbortController().signal,
      )
      .then(
        (bundle) => (due.ended = bundle),
        (thrown: unknown) => (due.ended = thrown),
      );
    return due;
  }
}

interface Due {
  /** The bundle, or what was thrown. */
  ended: unknown;
}

const valueOf = ({ ended }: Due): string | undefined =>
  (ended as SecretBundle).values.get("v")?.value.reveal().toString();

/** Lets real I/O go on until something is so; no time passes. The runner's own limit ends a wait that never ends. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle(1);
}

const house = await openProcess(["a", "b", "c"]);
after(() => house.close());
const [a, b, c] = [house.store("a"), house.store("b"), house.store("c")];
const { clock } = house;

test("a store that hangs and one that throttles do not touch the third", async (t) => {
  const due = { a: house.readAll("a"), b: house.readAll("b"), c: house.readAll("c") };
  c.onRequest = answer;

  await t.test("C finishes as if alone", async () => {
    await until(() => due.c.every((one) => one.ended !== undefined));
    const alone = await openProcess(["c"]);
    alone.store("c").onRequest = answer;
    const dueAlone = alone.readAll("c");
    await until(() => dueAlone.every((one) => one.ended !== undefined));
    await alone.close();
    assert.deepEqual(
      due.c.map((one) => valueOf(one)),
      dueAlone.map((one) => valueOf(one)),
    );
    const times = (log: readonly Logged[]): number[] => log.map((entry) => entry.atMs);
    assert.deepEqual(times(c.log), times(alone.store("c").log));
    assert.equal(c.log.length, objects);
    assert.equal(clock.monotonicMs(), 0, "without any time passing");
  });

  await t.test("after B's first 429 has arrived nothing is sent to B until its Retry-After ends", async () => {
    await until(() => b.log.length === slots);
    throttle(b.open[0]!);
    await until(() => house.lane("b").holdMs() > 0);
    assert.equal(house.lane("b").state().inFlight, slots - 1, "a slot is free");
    for (const response of [...b.open]) throttle(response);
    await until(() => house.lane("b").state().inFlight === 0);
    await clock.advance(2_999);
    await settle(50);
    assert.equal(b.log.length, slots);
  });

  await t.test("then one probe goes to B, and the others follow its answer at half the rate", async () => {
    await clock.advance(1);
    await until(() => b.log.length > slots);
    await clock.advance(900);
    await settle(50);
    assert.deepEqual(
      b.log.slice(slots).map((entry) => entry.atMs),
      [3_000],
    );
    b.onRequest = answer;
    answer(b.open[0]!);
    while (due.b.some((one) => one.ended === undefined)) {
      await clock.advance(20);
      await settle(5);
    }
    assert.ok(due.b.every((one) => valueOf(one) === "value"));
    const followers = b.log.slice(slots + 1).map((entry) => entry.atMs);
    const tookMs = followers.at(-1)! - followers[0]!;
    assert.ok(followers.length <= 25 + (tookMs / 1_000) * 26, `${followers.length} requests in ${tookMs} ms`);
    assert.ok(mostOpen(b.log) <= slots);
  });

  await t.test("A holds at most 16 sockets, and its reads end with an outage within their limit", async () => {
    const firstMs = a.log.map((entry) => entry.atMs);
    assert.deepEqual(
      firstMs.slice(0, slots),
      Array.from({ length: slots }, () => 0),
    );
    while (due.a.some((one) => one.ended === undefined)) {
      await clock.advance(50);
      await settle(5);
    }
    assert.ok(clock.monotonicMs() <= 30_100);
    await until(() => a.open.length === 0);
    assert.equal(mostOpen(a.log), slots);
    for (const { ended } of due.a) {
      assert.ok(ended instanceof ReadFailure);
      assert.equal(ended.code, "store_timeout");
    }
    assert.ok(a.log.length <= 2 * slots, `${a.log.length} requests to a store that never answered`);
  });
});
