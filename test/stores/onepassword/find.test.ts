import assert from "node:assert/strict";
import { after, afterEach, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FindWish, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { startConnect } from "../../fakes/connect-server.ts";
import type { FakeConnect } from "../../fakes/connect-server.ts";
import { logIn, openConnect, readText } from "./opened.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
const { signal } = new AbortController();
let server: FakeConnect;
let prod: string;
let shared: string;

after(() => clients.close());
beforeEach(async () => {
  server = await startConnect();
  prod = server.vault("prod");
  shared = server.vault("shared");
  server.grant("token", prod, shared);
});
afterEach(() => server.close());

const open = (): Store => openConnect({ prod: 1, shared: 2 }, { url: server.url, clients });
const fields = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([label, value], i) => ({ id: `f${i}`, label, value }));

/** Names found, each with what reading it brings. */
async function found(wish: FindWish, store = open()): Promise<Readonly<Record<string, string>>> {
  const session = await logIn(store);
  const list = await store.find!.list(wish, session, signal);
  const texts = list.map(async ({ name, key, property }) => [
    name,
    await readText(store, { key, ...(property && { property }) }, session),
  ]);
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
}

const named = (expression: RegExp): NonNullable<FindWish["name"]> => ({
  source: expression.source,
  matches: (name) => expression.test(name),
});

suite("find", () => {
  beforeEach(() => {
    server.put(prod, { title: "db", tags: ["app", "sql"], fields: fields({ DB_USER: "app", DB_PASSWORD: "p" }) });
    server.put(prod, { title: "cache", tags: ["app"], fields: [...fields({ CACHE_URL: "c" }), { id: "notesPlain" }] });
    server.put(shared, { title: "db", fields: fields({ DB_USER: "of shared", DB_PORT: "1" }) });
    server.put(shared, {
      title: "cert",
      category: "DOCUMENT",
      files: [{ name: "tls.crt", content: Buffer.from("pem") }],
    });
  });
  const all = { DB_USER: "app", DB_PASSWORD: "p", CACHE_URL: "c", DB_PORT: "1", "tls.crt": "pem" };
  const wishes: readonly [what: string, wish: FindWish, want: object][] = [
    ["everything: of one name the first vault's", {}, all],
    [
      "labels and file names by an expression",
      { name: named(/^DB_|crt$/) },
      { DB_USER: "app", DB_PASSWORD: "p", DB_PORT: "1", "tls.crt": "pem" },
    ],
    ["the items of exactly one title", { path: "db" }, { DB_USER: "app", DB_PASSWORD: "p", DB_PORT: "1" }],
    ["no item by a part of its title", { path: "d" }, {}],
    [
      "items that have all the tags, whatever values these have",
      { tags: { app: "x", sql: "" } },
      { DB_USER: "app", DB_PASSWORD: "p" },
    ],
    ["title, name and tags together", { path: "cache", name: named(/URL/), tags: { app: "" } }, { CACHE_URL: "c" }],
  ];
  for (const [what, wish, want] of wishes) test(what, async () => assert.deepEqual(await found(wish), want));

  test("what is found is read by its title where that leads to it, else by its id", async () => {
    const twin = server.put(prod, { title: "cache", fields: fields({ SECOND: "2" }) });
    const list = await open().find!.list({}, await logIn(open()), signal);
    const keyOf = (wanted: string) => list.find(({ name }) => name === wanted)?.key;
    assert.equal(keyOf("DB_USER"), "db");
    assert.match(keyOf("DB_PORT")!, /^[a-z0-9]{26}$/, "the first vault has this title too");
    assert.equal(keyOf("SECOND"), twin);
    assert.deepEqual(await found({}), { ...all, SECOND: "2" });
  });
  test("the items of exactly one title, however loosely Connect compares", async () => {
    server.compareLoosely();
    server.put(prod, { title: "DB", fields: fields({ OTHER: "1" }) });
    assert.deepEqual(await found({ path: "db" }), { DB_USER: "app", DB_PASSWORD: "p", DB_PORT: "1" });
  });
  test("one call for each vault and one for each item", async () => {
    const store = open();
    const session = await logIn(store);
    server.asked();
    await store.find!.list({ path: "db" }, session, signal);
    assert.equal(server.asked().length, 2 + 2);
  });
  test("a hundred items are all found, in their order", async () => {
    for (let i = 0; i < 100; i++) server.put(shared, { title: `item ${i}`, fields: fields({ [`K${i}`]: "v" }) });
    const list = await open().find!.list({ name: named(/^K/) }, await logIn(open()), signal);
    assert.deepEqual(
      list.map(({ name }) => name),
      Array.from({ length: 100 }, (_, i) => `K${i}`),
    );
  });
  test("two wanted fields of one label in one item are refused; others do not matter", async () => {
    server.put(prod, { title: "twins", fields: [...fields({ TWIN: "1" }), ...fields({ TWIN: "2", ONE: "1" })] });
    await assert.rejects(found({ path: "twins" }), (thrown) => {
      assert.ok(thrown instanceof Failure && thrown.code === "answer_invalid");
      assert.match(thrown.message, /"twins" has more than one field of one label/);
      return true;
    });
    assert.deepEqual(await found({ path: "twins", name: named(/ONE/) }), { ONE: "1" });
  });
  test("its address is the title, or none; what it asks for is part of its identity", () => {
    const find = open().find!;
    assert.equal(find.locate({ path: "db" }).address, "db");
    assert.equal(find.locate({}).address, "*");
    const wishes: FindWish[] = [
      {},
      { path: "*" },
      { path: "db" },
      { name: named(/a/) },
      { name: named(/b/) },
      { tags: { a: "" } },
    ];
    assert.equal(new Set(wishes.map((wish) => JSON.stringify(find.locate(wish)))).size, wishes.length);
    assert.throws(() => find.locate({ path: "a\nb" }), { code: "ref_invalid" });
  });
});
