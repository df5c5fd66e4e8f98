/** Finding by folder, name and custom metadata; and what is kept about a secret, read in its place. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import type { FindWish, Store } from "../../../plugin/stores/contract.ts";
import { openBao } from "../../../plugin/stores/vault/kind.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { refusal, success } from "../../fakes/vault-answers.ts";
import type { VaultAnswer } from "../../fakes/vault-answers.ts";
import { facts } from "../facts.ts";
import { openStore, startWire, statics } from "./wire.ts";
import type { Wire } from "./wire.ts";

const { signal } = new AbortController();
const auth = { tokenSecretRef: { name: "s", key: "t" } };
let clients: HttpClients;
let wire: Wire;
const calls: string[] = [];

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  wire = await startWire();
  calls.length = 0;
});
afterEach(() => wire.close());

type Tree = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Secrets by their path in the engine, with their custom metadata. */
function holds(tree: Tree, prefix: string): void {
  wire.answer = ({ path }): VaultAnswer => {
    const [at = "", query = ""] = decodeURIComponent(path).split("?");
    if (at !== prefix && !at.startsWith(`${prefix}/`)) return refusal(403, "permission denied");
    const inside = at === prefix ? "" : at.slice(prefix.length + 1);
    if (query !== "list=true") {
      const custom = tree[inside];
      const own = {
        current_version: 3,
        created_time: "2026-01-01T00:00:00Z",
        delete_version_after: "0s",
        max_versions: 0,
      };
      return custom ? success({ data: { ...own, custom_metadata: custom, versions: {} } }) : refusal(404);
    }
    const folder = inside === "" ? "" : `${inside}/`;
    const below = Object.keys(tree).filter((name) => name.startsWith(folder));
    const keys = below.map((name) => name.slice(folder.length).replace(/\/.*/, "/"));
    return keys.length > 0 ? success({ data: { keys: [...new Set(keys)] } }) : refusal(404);
  };
}

const open = (block: object, kind?: typeof openBao): Store =>
  openStore({ auth, ...block }, { url: wire.url, clients, calls, ...(kind ? { kind } : {}) });

async function found(store: Store, wish: FindWish = {}) {
  const session = await store.login(statics({ token: "t" }), signal, facts);
  const list = await store.find!.list(wish, session, signal);
  return [...list].sort((a, b) => a.name.localeCompare(b.name));
}

const named = (source: string): FindWish => ({ name: { source, matches: (name) => new RegExp(source).test(name) } });
const tree: Tree = {
  "payments/db": { team: "shop", tier: "1" },
  "payments/api/key": { team: "shop" },
  "payments/api": { team: "other" },
  top: {},
};

suite("find", () => {
  test("walks every folder, and gives each secret by the key that reads it", async () => {
    holds(tree, "kv/metadata");
    assert.deepEqual(await found(open({ path: "kv" })), [
      { name: "payments/api", key: "payments/api" },
      { name: "payments/api/key", key: "payments/api/key" },
      { name: "payments/db", key: "payments/db" },
      { name: "top", key: "top" },
    ]);
    assert.deepEqual(wire.lines(), [
      "GET kv/metadata?list=true",
      "GET kv/metadata/payments?list=true",
      "GET kv/metadata/payments/api?list=true",
    ]);
    assert.deepEqual(
      calls,
      Array.from({ length: 3 }, () => "ListSecrets success"),
    );
  });
  test("a path narrows where it looks, and stays in the names", async () => {
    holds(tree, "kv/metadata");
    const store = open({ path: "kv" });
    const names = async (path: string) => (await found(store, { path })).map(({ name }) => name);
    assert.deepEqual(await names("payments/api"), ["payments/api/key"]);
    assert.deepEqual(await names("/payments/api/"), ["payments/api/key"]);
    assert.deepEqual(await names("kv/payments/api"), ["kv/payments/api/key"]);
    assert.deepEqual(await names("none"), [], "an empty folder is no failure");
  });
  test("names are matched whole, with their folders", async () => {
    holds(tree, "kv/metadata");
    const store = open({ path: "kv" });
    assert.deepEqual(
      (await found(store, named("^payments/d"))).map(({ name }) => name),
      ["payments/db"],
    );
  });
  test("tags are custom metadata, all of them, and narrow what the name left", async () => {
    holds(tree, "kv/metadata");
    const store = open({ path: "kv" });
    const names = async (wish: FindWish) => (await found(store, wish)).map(({ name }) => name);
    assert.deepEqual(await names({ tags: { team: "shop" } }), ["payments/api/key", "payments/db"]);
    assert.deepEqual(await names({ tags: { team: "shop", tier: "1" } }), ["payments/db"]);
    assert.deepEqual(await names({ ...named("key$"), tags: { team: "shop" } }), ["payments/api/key"]);
    assert.deepEqual(await names({ tags: { team: "none" } }), []);
  });
  test("KV v1 is listed as it lies, and has no tags", async () => {
    holds({ "a/b": {}, c: {} }, "old");
    const store = open({ path: "old", version: "v1" });
    assert.deepEqual(
      (await found(store)).map(({ key }) => key),
      ["a/b", "c"],
    );
    assert.deepEqual(store.find!.by, ["path", "name"]);
    assert.throws(() => store.find!.locate({ tags: { a: "b" } }), { code: "ref_invalid" });
  });
  test("OpenBao's own block finds by name alone", () => {
    assert.deepEqual(open({}, openBao).find!.by, ["path", "name"]);
    assert.throws(() => open({}, openBao).find!.locate({ tags: { a: "b" } }), { code: "ref_invalid" });
  });
  test("without a store path the first part of find.path is the mount", async () => {
    holds({ "a/b": {}, "data/c": {} }, "kv/metadata");
    const store = open({});
    assert.deepEqual(await found(store, { path: "kv" }), [
      { name: "kv/a/b", key: "kv/data/a/b" },
      { name: "kv/data/c", key: "kv/data/data/c" },
    ]);
    assert.deepEqual(await found(store, { path: "kv/a" }), [{ name: "kv/a/b", key: "kv/data/a/b" }]);
    assert.throws(() => store.find!.locate({}), { code: "ref_invalid", message: /which engine/ });
    holds({ a: {} }, "team/kv/metadata");
    assert.deepEqual(await found(store, { path: "team/kv/data" }), [{ name: "team/kv/data/a", key: "team/kv/data/a" }]);
  });
  test("every key that is found is read at the secret's own address", async () => {
    const odd: Tree = { "kv/foo": {}, "kv/data/foo": {}, "data/foo": {}, data: {}, kv: {} };
    holds(odd, "kv/metadata");
    for (const [block, kind] of [[{ path: "kv" }], [{ path: "kv" }, openBao]] as const) {
      const store = open(block, kind);
      const addresses = (await found(store)).map(({ key }) => store.locate({ key, metadataPolicy: "None" }).address);
      assert.deepEqual(
        [...addresses].sort(),
        Object.keys(odd)
          .map((name) => `kv/data/${name}`)
          .sort(),
      );
    }
  });
  test("its address is where it looks, and the rest is in its arguments", () => {
    const { find } = open({ path: "kv" });
    assert.equal(find!.locate({}).address, "kv/metadata");
    assert.equal(find!.locate({ path: "payments" }).address, "kv/metadata/payments");
    const wishes: FindWish[] = [{}, named("a"), named("b"), { tags: { a: "b" } }, { path: "x" }];
    const texts = wishes.map((wish) => JSON.stringify(find!.locate(wish)));
    assert.equal(new Set(texts).size, wishes.length);
    assert.throws(() => find!.locate({ path: "a/../../sys" }), { code: "ref_invalid" });
  });
});

suite("a find that cannot be done whole is refused whole", () => {
  const rows: readonly (readonly [name: string, said: VaultAnswer, code: string, words: RegExp])[] = [
    [
      "a folder that may not be listed",
      refusal(403, "canary"),
      "store_denied",
      /refused to list "kv\/metadata".*list on it/,
    ],
    ["no engine there", refusal(404, "canary: no handler for route"), "store_invalid", /no engine/],
    ["a quota", refusal(429, "canary"), "store_throttled", /throttling/],
    ["a name that climbs", success({ data: { keys: ["../sys"] } }), "answer_invalid", /a name that no secret/],
    ["a name that is empty", success({ data: { keys: ["/"] } }), "answer_invalid", /a name that no secret/],
    ["names that are no texts", success({ data: { keys: [7] } }), "answer_invalid", /no data\.keys/],
    ["no names", success({ data: {} }), "answer_invalid", /no data\.keys/],
    [
      "too many secrets",
      success({ data: { keys: Array.from({ length: 10_001 }, (_, i) => `s${i}`).concat("more/") } }),
      "answer_too_large",
      /narrow it with find\.path/,
    ],
    ["folders without end", success({ data: { keys: ["a/", "b/"] } }), "answer_too_large", /2000 folders/],
  ];
  for (const [name, said, code, words] of rows)
    test(name, async () => {
      wire.answer = () => said;
      await assert.rejects(found(open({ path: "kv" })), (thrown) => {
        const failure = thrown as { code: string; message: string };
        assert.equal(failure.code, code, failure.message);
        assert.match(failure.message, words);
        assert.doesNotMatch(failure.message, /canary/);
        return true;
      });
    });
  test("one secret's metadata that may not be read", async () => {
    wire.answer = ({ path }) =>
      path.endsWith("list=true") ? success({ data: { keys: ["a"] } }) : refusal(403, "permission denied");
    await assert.rejects(found(open({ path: "kv" }), { tags: { a: "b" } }), { code: "store_denied" });
  });
  test("a secret that is removed meanwhile is simply not there", async () => {
    wire.answer = ({ path }) => (path.endsWith("list=true") ? success({ data: { keys: ["a"] } }) : refusal(404));
    assert.deepEqual(await found(open({ path: "kv" }), { tags: { a: "b" } }), []);
  });
});

suite("metadata in place of a secret", () => {
  const fetched = async (store: Store, key = "payments/db") => {
    const session = await store.login(statics({ token: "t" }), signal, facts);
    return store.fetch(store.locate({ key, metadataPolicy: "Fetch" }), session, signal);
  };
  test("is ESO's map, all of it text", async () => {
    holds(tree, "kv/metadata");
    const answer = await fetched(open({ path: "kv" }));
    assert.equal(
      answer.value.reveal().toString(),
      '{"created_time":"2026-01-01T00:00:00Z","current_version":"3","delete_version_after":"0s","team":"shop","tier":"1"}',
    );
    assert.equal(answer.version, "", "it changes while the secret's version does not");
    assert.match(answer.requestId ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual(wire.lines(), ["GET kv/metadata/payments/db"]);
  });
  test("custom metadata stands over what Vault itself keeps", async () => {
    holds({ x: { created_time: "mine" } }, "kv/metadata");
    const value = JSON.parse((await fetched(open({ path: "kv" }), "x")).value.reveal().toString()) as object;
    assert.deepEqual(value, { created_time: "mine", current_version: "3", delete_version_after: "0s" });
  });
  test("a secret that is not there has none", async () => {
    holds(tree, "kv/metadata");
    await assert.rejects(fetched(open({ path: "kv" }), "none"), {
      code: "ref_not_found",
      message: /"kv\/metadata\/none"/,
    });
  });
  for (const data of [null, {}, { data: { a: "canary" }, metadata: { version: 1 } }])
    test(`${JSON.stringify(data)} is no metadata`, async () => {
      wire.answer = () => success({ data });
      await assert.rejects(fetched(open({ path: "kv" })), { code: "answer_invalid" });
    });
  test("OpenBao's own block has none", async () => {
    await assert.rejects(fetched(open({}, openBao)), { code: "ref_invalid", message: /use provider vault/ });
  });
});
