/** What a read asks the API server for, and what it makes of the answers. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fails, logIn, read, readText, taken } from "./opened.ts";
import { startWorld } from "./world.ts";

const { server, calls, open, put } = await startWorld();

suite("a Secret", () => {
  test("is read from the namespace that the store names, by its token, with the version it has there", async () => {
    const { metadata } = put("db", { data: { user: "app", password: "a<b>&\u2028" } });
    put("db", { namespace: "default", data: { user: "another" } });
    const answer = await read(open());
    assert.equal(answer.value.reveal().toString(), '{"password":"a<b>&\\u2028","user":"app"}');
    assert.equal(answer.version, metadata["resourceVersion"]);
    const { path, verb, token } = server.requests.at(-1)!;
    assert.deepEqual([verb, path, token], ["get", "/api/v1/namespaces/prod/secrets/db", "reader"]);
    assert.deepEqual(calls, ["GetSecret success"]);
  });
  test("gives each value byte for byte, as a property and as a member", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => 255 - i));
    put("db", { data: { "key.bin": bytes, text: 'é\u2029"\\\n', empty: "" } });
    const answer = await read(open());
    assert.deepEqual(taken(answer, "key.bin").get("it"), bytes);
    const members = taken(answer, undefined, "map");
    assert.deepEqual([...members.keys()].sort(), ["empty", "key.bin", "text"]);
    assert.deepEqual(members.get("key.bin"), bytes);
    assert.equal(members.get("text")?.toString(), 'é\u2029"\\\n');
    assert.equal(members.get("empty")?.length, 0);
  });
  const properties: Readonly<Record<string, string | undefined>> = {
    plain: "1",
    "dotted.key": "2",
    "json.user.name": "app",
    "json.list.#": "3",
    "json.user": '{"name":"app"}',
    "json.a.b": "4",
    "nested.inner.deep": "5",
    "plain.x": undefined,
    "json.missing": undefined,
    "json.": undefined,
    ".json": undefined,
    missing: undefined,
  };
  for (const [property, value] of Object.entries(properties))
    test(`with property ${property} is ${value ?? "refused"}`, async () => {
      const inner = { user: { name: "app" }, list: [1, 2, 3], "a.b": 4 };
      const nested = { inner: JSON.stringify({ deep: 5 }) };
      const data = { plain: "1", "dotted.key": "2", json: JSON.stringify(inner), nested: JSON.stringify(nested) };
      put("db", { data });
      const answer = await read(open());
      if (value === undefined) assert.throws(() => taken(answer, property), { code: "property_not_found" });
      else assert.equal(taken(answer, property).get("it")?.toString(), value);
    });
  test("that is empty is an empty object", async () => {
    put("empty");
    assert.equal(await readText(open(), { key: "empty" }), "{}");
  });
  test("gives its labels and annotations where they are fetched", async () => {
    const labels = { team: "a", "app.kubernetes.io/name": "shop" };
    put("db", { data: { labels: "no" }, labels, annotations: { config: '{"size":3}' } });
    const answer = await read(open(), { metadataPolicy: "Fetch" });
    const at = (property: string) => taken(answer, property).get("it")?.toString();
    assert.deepEqual(JSON.parse(at("labels")!), labels);
    assert.equal(at("labels.team"), "a");
    assert.equal(at("labels.app.kubernetes.io/name"), "shop");
    assert.equal(at("annotations.config.size"), "3");
    assert.throws(() => at("labels.size"), { code: "property_not_found" });
    assert.deepEqual([...taken(answer, undefined, "map").keys()].sort(), ["annotations", "labels"]);
  });
  test("that changed has its new value at the next read", async () => {
    put("db", { data: { password: "old" } });
    const store = open();
    const session = await logIn(store);
    assert.equal(await readText(store, {}, session), '{"password":"old"}');
    put("db", { data: { password: "new" } });
    assert.equal(await readText(store, {}, session), '{"password":"new"}');
  });
  test("that is not there, may not be read, or whose reader is unknown", async () => {
    const store = open();
    await fails(read(store, { key: "missing" }), "ref_not_found", /there is no Secret "prod\/missing" \(404\)/);
    server.fail({ name: "db" }, { status: 403, body: { kind: "Status", message: "canary" } });
    await fails(read(store), "store_denied", /refused Secret "prod\/db" \(403\): give the account get on secrets/);
    server.acceptTokens(["another"]);
    await fails(read(store), "store_denied", /does not accept the credential \(401\)/);
    assert.deepEqual(calls, ["GetSecret success", "GetSecret error", "GetSecret error"]);
  });
  test("that an overloaded server does not give says when it will", async () => {
    server.fail({ name: "db" }, { status: 429, headers: { "retry-after": "3" } });
    assert.equal((await fails(read(open()), "store_throttled", /throttling/)).retryAfterMs, 3_000);
  });
  const wrongs: Readonly<Record<string, object>> = {
    "another Secret": { kind: "Secret", metadata: { name: "other", resourceVersion: "1" } },
    "no resourceVersion": { kind: "Secret", metadata: { name: "db" } },
    "a value that is no base64": { kind: "Secret", metadata: { name: "db", resourceVersion: "1" }, data: { a: "~" } },
    "a key that is none": { kind: "Secret", metadata: { name: "db", resourceVersion: "1" }, data: { "a/b": "" } },
    "data that is a list": { kind: "Secret", metadata: { name: "db", resourceVersion: "1" }, data: [] },
    "a ConfigMap": { kind: "ConfigMap", metadata: { name: "db", resourceVersion: "1" }, data: {} },
  };
  for (const [what, body] of Object.entries(wrongs))
    test(`answered with ${what} is refused`, async () => {
      server.fail({ name: "db" }, { status: 200, body });
      await fails(read(open()), "answer_invalid", /the API server answered with/);
    });
});

suite("a ref", () => {
  const refused: readonly [what: string, ref: Parameters<typeof read>[1], words: RegExp][] = [
    ["a version", { version: "3" }, /one version of a Secret; remove version/],
    ["a path", { key: "db/password" }, /not a name that a Secret can have.*namespace prod/],
    ["a way out of the namespace", { key: "../../secrets" }, /not a name/],
    ["an upper-case name", { key: "DB" }, /not a name/],
    ["no name", { key: "" }, /not a name/],
    ["a query", { key: "db?watch=1" }, /not a name/],
  ];
  for (const [what, ref, words] of refused)
    test(`with ${what} is refused before anything is sent`, async () => {
      const before = server.requests.length;
      await fails(read(open(), ref), "ref_invalid", words);
      assert.equal(server.requests.length, before);
    });
  test("has the namespace in its address, and its metadata apart from its values", () => {
    const store = open();
    const values = store.locate({ key: "db", metadataPolicy: "None" });
    const metadata = store.locate({ key: "db", metadataPolicy: "Fetch" });
    assert.deepEqual([values.address, metadata.address], ["prod/db", "prod/db"]);
    assert.notEqual(values.arguments, metadata.arguments);
  });
});
