/** What reading many items costs, and that each read keeps its own outcome. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { inspect } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { staticKind } from "../../../plugin/stores/akeyless/items.ts";
import { akeyless } from "../../../plugin/stores/akeyless/kind.ts";
import { KnownItems } from "../../../plugin/stores/akeyless/known-items.ts";
import type { BatchOutcome, Located, Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";
import { startAkeyless } from "./fake-akeyless.ts";
import type { FakeAkeyless } from "./fake-akeyless.ts";

const { signal } = new AbortController();
const clock = new FakeClock();
let clients: HttpClients;
let server: FakeAkeyless;
let store: Store;
let session: Session;

before(() => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
});
after(() => clients.close());
beforeEach(async () => {
  server = await startAkeyless(clock);
  server.accounts.push({ accessId: "p-1", shows: { "k8s-service-account-token": tokenOf("shop") }, reads: "/shop/" });
  for (const name of ["a", "b", "c"]) put(name, `${name}-1`);
  store = open();
  session = await logIn("shop");
  asked();
});
afterEach(() => server.close());

const tokenOf = (account: string): string => Buffer.from(`jwt of ${account}`).toString("base64");
const put = (name: string, ...versions: readonly unknown[]): void =>
  void server.items.set(`/shop/${name}`, { type: "STATIC_SECRET", versions });
const makeDynamic = (name: string): void => void server.items.set(`/shop/${name}`, { type: "DYNAMIC_SECRET" });

function open(block: object = {}): Store {
  const opened = akeyless.open(
    {
      akeylessGWApiURL: server.url,
      authSecretRef: { kubernetesAuth: { accessID: "p-1", k8sConfName: "conf" } },
      ...block,
    },
    { scope: "SecretStore", name: "akeyless", namespace: "shop" },
    {
      clock,
      http: (tls) => clients.send(tls),
      watchPath: () => () => undefined,
      plainHttp: true,
      countCall: () => undefined,
    },
  );
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

const logIn = (account: string): Promise<Session> =>
  store.login({ kind: "token", token: SecretValue.fromText(`jwt of ${account}`) }, signal, facts);

/** Since the last call of this: the operation, and what it was for. */
const asked = (() => {
  let told = 0;
  return (): readonly string[] => {
    if (told > server.asked.length) told = 0;
    return server.asked
      .slice(told, (told = server.asked.length))
      .map(({ operation, body }) => `${operation} ${String(body["names"] ?? body["name"])}`.replaceAll("/shop/", ""));
  };
})();

const locate = (key: string, version?: string): Located =>
  store.locate({ key: `/shop/${key}`, metadataPolicy: "None", ...(version && { version }) });

const told = (outcome: BatchOutcome): string => {
  if (outcome === "alone") return outcome;
  if (outcome instanceof Failure) return outcome.code;
  return `${outcome.value.reveal().toString("utf8")} at ${outcome.version}`;
};

async function together(...keys: readonly string[]): Promise<readonly string[]> {
  const outcomes = await store.batch!.fetch(
    keys.map((key) => locate(key)),
    session,
    signal,
  );
  return outcomes.map(told);
}

const alone = async (key: string, version?: string): Promise<string> =>
  told(await store.fetch(locate(key, version), session, signal).catch((thrown: Failure) => thrown));

async function refusedTogether(...keys: readonly string[]): Promise<string> {
  return together(...keys).then(
    () => assert.fail("was not refused"),
    (thrown: Failure) => thrown.code,
  );
}

suite("one by one", () => {
  test("what an item is, is asked once; its value each time", async () => {
    assert.equal(await alone("a"), "a-1 at 1");
    assert.deepEqual(asked(), ["describe-item a", "get-secret-value a"]);
    assert.equal(await alone("a"), "a-1 at 1");
    assert.deepEqual(asked(), ["get-secret-value a"]);
  });
  test("of a value that has changed the version is asked, once", async () => {
    await alone("a");
    put("a", "a-1", "a-2");
    asked();
    assert.equal(await alone("a"), "a-2 at 2");
    assert.deepEqual(asked(), ["get-secret-value a", "describe-item a"]);
    assert.equal(await alone("a"), "a-2 at 2");
    assert.deepEqual(asked(), ["get-secret-value a"]);
  });
  test("a version is read by its number, whatever is known of the item", async () => {
    put("a", "a-1", "a-2");
    await alone("a");
    asked();
    assert.equal(await alone("a", "1"), "a-1 at 1");
    assert.deepEqual(asked(), ["get-secret-value a"]);
    assert.equal(await alone("a", "3"), "version_not_found");
    assert.deepEqual(asked(), ["describe-item a"], "what is known may be old");
    put("a", "a-1", "a-2", "a-3");
    assert.equal(await alone("a", "3"), "a-3 at 3");
    assert.equal(await alone("a"), "a-3 at 3");
  });
  test("the value of an old version is not taken for the newest", async () => {
    put("a", "x", "y");
    assert.equal(await alone("a", "1"), "x at 1");
    put("a", "x", "y", "x");
    assert.equal(await alone("a"), "x at 3");
  });
  test("a version that has been deleted is gone, and the item still known", async () => {
    put("a", undefined, "a-2");
    await alone("a");
    assert.equal(await alone("a", "1"), "version_not_found");
    asked();
    assert.equal(await alone("a"), "a-2 at 2");
    assert.equal(asked()[0], "get-secret-value a");
  });
  for (const says of [400, 403, 404])
    test(`an item that has become another kind is read as that, where a ${says} is what tells it`, async () => {
      await alone("a");
      makeDynamic("a");
      server.instead = ({ operation }) => (operation === "get-secret-value" ? [says, '{"error":"no"}'] : undefined);
      asked();
      assert.match(await alone("a"), /"id":"tmp\.1".* at $/);
      assert.deepEqual(asked(), ["get-secret-value a", "describe-item a", "get-dynamic-secret-value a"]);
      assert.match(await alone("a"), /"id":"tmp\.2"/);
      assert.deepEqual(asked(), ["get-dynamic-secret-value a"]);
      server.instead = undefined;
      put("a", "static again");
      assert.equal(await alone("a"), "static again at 1");
      assert.equal(await alone("a"), "static again at 1");
    });
  test("one that changes its kind along with its value is read as that kind has it", async () => {
    server.items.set("/shop/a", { type: "ROTATED_SECRET", versions: [{ payload: "p" }] });
    assert.equal(await alone("a"), "p at 1");
    server.items.set("/shop/a", { type: "CERTIFICATE", versions: [{ certificate_pem: "C" }] });
    server.instead = ({ operation }) =>
      operation === "get-rotated-secret-value" ? [200, '{"value":{"payload":"odd"}}'] : undefined;
    assert.equal(await alone("a"), '{"certificate_pem":"C"} at 1');
  });
  test("a refusal stays that, and an outage forgets nothing", async () => {
    await alone("a");
    server.items.delete("/shop/a");
    assert.equal(await alone("a"), "ref_not_found");
    await alone("b");
    server.instead = () => [500, "{}"];
    assert.equal(await alone("b"), "store_error");
    server.instead = undefined;
    asked();
    await alone("b");
    assert.deepEqual(asked(), ["get-secret-value b"]);
  });
});

suite("several at once", () => {
  test("the first time each is described, then one call brings all; after that the one call alone", async () => {
    assert.deepEqual(await together("a", "b", "c", "a"), ["a-1 at 1", "b-1 at 1", "c-1 at 1", "a-1 at 1"]);
    assert.deepEqual(asked(), ["describe-item a", "describe-item b", "describe-item c", "get-secret-value a,b,c"]);
    assert.deepEqual(await together("c", "a", "b"), ["c-1 at 1", "a-1 at 1", "b-1 at 1"]);
    assert.deepEqual(asked(), ["get-secret-value c,a,b"]);
    const [one] = await store.batch!.fetch([locate("a"), locate("b")], session, signal);
    assert.match((one as { requestId?: string }).requestId ?? "", /^r-\d+$/);
  });
  test("of values that have changed the versions are asked, once", async () => {
    await together("a", "b", "c");
    put("b", "b-1", "b-2");
    asked();
    assert.deepEqual(await together("a", "b", "c"), ["a-1 at 1", "b-2 at 2", "c-1 at 1"]);
    assert.deepEqual(asked(), ["get-secret-value a,b,c", "describe-item b"]);
    await together("a", "b", "c");
    assert.deepEqual(asked(), ["get-secret-value a,b,c"]);
  });
  test("a read of one version goes alone", () => {
    assert.equal(store.batch!.takes(locate("a")), true);
    assert.equal(store.batch!.takes(locate("a", "1")), false);
  });
  test("credentials are never made in such a call, nor once for two", async () => {
    makeDynamic("d");
    assert.deepEqual(await together("a", "d", "b", "d"), ["a-1 at 1", "alone", "b-1 at 1", "alone"]);
    assert.deepEqual(asked(), ["describe-item a", "describe-item d", "describe-item b", "get-secret-value a,b"]);
    const made = await Promise.all([alone("d"), alone("d")]);
    assert.equal(new Set(made).size, 2);
    assert.deepEqual(asked(), ["get-dynamic-secret-value d", "get-dynamic-secret-value d"]);
    assert.deepEqual(await together("a", "d", "b"), ["a-1 at 1", "alone", "b-1 at 1"]);
    assert.deepEqual(asked(), ["get-secret-value a,b"]);
  });
  test("what is left when all others go alone, goes alone as well", async () => {
    makeDynamic("d");
    assert.deepEqual(await together("a", "d"), ["alone", "alone"]);
    assert.deepEqual(asked(), ["describe-item a", "describe-item d"]);
  });
  test("no such item, and one without a right to it, are those reads' alone", async () => {
    server.items.set("/other", { type: "STATIC_SECRET", versions: ["canary"] });
    const outcomes = await store.batch!.fetch(
      [locate("a"), locate("none"), store.locate({ key: "/other", metadataPolicy: "None" }), locate("b")],
      session,
      signal,
    );
    assert.deepEqual(outcomes.map(told), ["a-1 at 1", "ref_not_found", "store_denied", "b-1 at 1"]);
    assert.equal(asked().at(-1), "get-secret-value a,b");
  });
  const spoilt: readonly [name: string, spoil: () => void, then: RegExp][] = [
    ["is gone", () => void server.items.delete("/shop/b"), /^ref_not_found$/],
    ["has become a dynamic one", () => makeDynamic("b"), /"id":"tmp\.1"/],
    [
      "may be read no more",
      () =>
        (server.instead = ({ body }) =>
          /\/shop\/b\b/.test(String(body["names"])) ? [403, '{"error":"canary"}'] : undefined),
      /^store_denied$/,
    ],
  ];
  for (const [name, spoil, then] of spoilt)
    test(`an item that ${name} spoils one call, and none after that`, async () => {
      await together("a", "b", "c");
      spoil();
      assert.equal(await refusedTogether("a", "b", "c"), "answer_invalid", "which says nothing of the session");
      asked();
      assert.equal(await alone("a"), "a-1 at 1");
      assert.deepEqual(asked(), ["get-secret-value a"]);
      assert.match(await alone("b"), then);
      asked();
      assert.deepEqual(await together("a", "b", "c"), ["a-1 at 1", "alone", "c-1 at 1"]);
      assert.deepEqual(asked(), ["get-secret-value a,c"]);
    });
  test("an item that was set apart comes back when it can be read", async () => {
    await together("a", "b", "c");
    server.items.delete("/shop/b");
    await refusedTogether("a", "b", "c");
    await alone("b");
    put("b", "b-new");
    assert.equal(await alone("b"), "b-new at 1");
    assert.deepEqual(await together("a", "b", "c"), ["a-1 at 1", "b-new at 1", "c-1 at 1"]);
  });
  test("a value that is left out is asked for alone", async () => {
    await together("a", "b", "c");
    server.instead = ({ operation }) =>
      operation === "get-secret-value" ? [200, '{"/shop/a":"x","shop/c":"y"}'] : undefined;
    assert.deepEqual(await together("a", "b", "c"), ["x at 1", "alone", "y at 1"]);
    asked();
    await together("a", "b", "c");
    assert.deepEqual(asked(), ["get-secret-value a,c"]);
  });
  test("an item that is deleted, or becomes another kind, while its value changes is not half read", async () => {
    await together("a", "b", "c");
    put("a", "a-1", "a-2");
    put("b", "b-1", "b-2");
    server.instead = ({ operation, body }) => {
      if (operation !== "describe-item") return undefined;
      if (body["name"] === "/shop/a") return [404, '{"error":"gone"}'];
      return [200, '{"item_type":"ROTATED_SECRET","last_version":9}'];
    };
    assert.deepEqual(await together("a", "b", "c"), ["ref_not_found", "alone", "c-1 at 1"]);
  });
  const whole: readonly [name: string, status: number, body: string, code: string][] = [
    ["a token that has ended", 401, '{"error":"canary"}', "store_denied"],
    ["throttling", 429, "canary", "store_throttled"],
    ["an outage", 503, "canary", "store_error"],
    ["a page", 200, "<html>", "answer_invalid"],
    ["a list", 200, "[]", "answer_invalid"],
  ];
  for (const [name, status, body, code] of whole)
    test(`${name} is ${code} for the call as a whole`, async () => {
      await together("a", "b");
      server.instead = () => [status, body];
      assert.equal(await refusedTogether("a", "b"), code);
    });
  test("when eight descriptions get no answer the others are not asked for", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    server.instead = () => [429, "{}"];
    assert.equal(await refusedTogether(...names), "store_throttled");
    assert.equal(asked().length, 8);
    server.instead = undefined;
    assert.deepEqual(
      await together(...names),
      names.map(() => "ref_not_found"),
      "which are answers",
    );
    server.instead = ({ body }) => (body["name"] === "/shop/n0" ? [500, "{}"] : undefined);
    assert.equal((await together("n0", "a", "b")).join(), "store_error,a-1 at 1,b-1 at 1");
  });
  test("ends with its signal", async () => {
    const control = new AbortController();
    server.instead = () => {
      control.abort(new Error("enough"));
      return undefined;
    };
    await assert.rejects(
      store.batch!.fetch(
        ["a", "b", "c"].map((key) => locate(key)),
        session,
        control.signal,
      ),
      /enough/,
    );
    assert.ok(!asked().some((call) => call.startsWith("get-secret-value")));
  });
  test("passes the gateway's cache by where the store says so", async () => {
    store = open({ ignoreCache: true });
    await together("a", "b");
    assert.equal(server.asked.at(-1)?.body["ignore-cache"], "true");
    store = open();
    await together("a", "b");
    assert.equal(server.asked.at(-1)?.body["ignore-cache"], undefined);
  });
});

test("what one session knows is not another's, and each shows its own token, in turns and at once", async () => {
  const names = ["alpha", "beta", "gamma"];
  for (const name of names) {
    server.accounts.push({
      accessId: "p-1",
      shows: { "k8s-service-account-token": tokenOf(name) },
      reads: `/${name}/`,
    });
    for (const key of ["x", "y"])
      server.items.set(`/${name}/${key}`, { type: "STATIC_SECRET", versions: [`${key} of ${name}`] });
  }
  const keysOf = (name: string): Located[] =>
    ["x", "y"].map((key) => store.locate({ key: `/${name}/${key}`, metadataPolicy: "None" }));
  const sessions = await Promise.all(names.map((name) => logIn(name)));
  for (let round = 0; round < 3; round++) {
    const all = await Promise.all(sessions.map((one, i) => store.batch!.fetch(keysOf(names[i]!), one, signal)));
    assert.deepEqual(
      all.map((outcomes) => outcomes.map(told)),
      names.map((name) => [`x of ${name} at 1`, `y of ${name} at 1`]),
    );
  }
  const other = await store.batch!.fetch(keysOf("alpha"), sessions[1]!, signal);
  assert.deepEqual(other.map(told), ["store_denied", "store_denied"]);
  assert.doesNotMatch(inspect(sessions, { depth: 12, showHidden: true }), / of (alpha|beta|gamma)|"t-/);
});

test("what is known is bounded, and the longest known goes first", () => {
  const known = new KnownItems();
  const description = { kind: staticKind, lastVersion: "1" };
  const value = SecretValue.fromText("v");
  for (let i = 0; i < 1_000; i++) known.learn(`/${i}`, description, value);
  known.learn("/0", description, value);
  known.setApart("/one more");
  assert.deepEqual([known.of("/0"), known.of("/1"), known.of("/2")], [description, undefined, description]);
  assert.equal(known.isNewest("/0", SecretValue.fromText("v")), true);
  assert.equal(known.isNewest("/0", SecretValue.fromText("w")), false);
});
