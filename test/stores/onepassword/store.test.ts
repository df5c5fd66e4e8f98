import assert from "node:assert/strict";
import { after, afterEach, beforeEach, suite, test } from "node:test";
import { inspect } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import type { Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { startConnect } from "../../fakes/connect-server.ts";
import type { FakeConnect, FakeItem } from "../../fakes/connect-server.ts";
import { logIn, openConnect, read, readText, tokenProof } from "./opened.ts";
import type { Wish } from "./opened.ts";
import { facts } from "../facts.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
const { signal } = new AbortController();
let server: FakeConnect;
let prod: string;
let shared: string;
let calls: string[];
let clock: FakeClock;

after(() => clients.close());
beforeEach(async () => {
  server = await startConnect();
  calls = [];
  clock = new FakeClock();
  prod = server.vault("prod");
  shared = server.vault("shared");
  server.grant("token", prod, shared);
});
afterEach(() => server.close());

const open = (vaults: Readonly<Record<string, number>> = { shared: 2, prod: 1 }): Store =>
  openConnect(vaults, { url: server.url, clients, clock, calls });

async function fails(attempt: Promise<unknown>, code: FailureCode, words: RegExp): Promise<Failure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail(`resolved instead of failing with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, inspect(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, words);
  assert.doesNotMatch(inspect(thrown, { depth: 9 }), /canary|not in scope|Invalid (Item|Vault|token)/);
  return thrown;
}

const field = (label: string, value?: string, more: object = {}) => ({
  id: `id-${label}`,
  label,
  ...(value === undefined ? {} : { value }),
  ...more,
});
const pem = Buffer.from([0x30, 0x82, 0xff, 0x00, 0xc3]);
const inDb = { section: { id: "s1" } };
const inCache = { section: { id: "s2" } };

const login: FakeItem = {
  title: "db",
  sections: [{ id: "s1", label: "database" }, { id: "s2", label: "cache" }, { id: "s3" }],
  fields: [
    { id: "username", label: "username", value: "app" },
    { id: "password", label: "password", value: "canary-1" },
    { id: "notesPlain", value: "canary-note" },
    field("host", "canary-db-host", inDb),
    { ...field("host", "canary-cache-host", inCache), id: "cache-host" },
    field("port", "5432", inDb),
    field("a/b", "slashed"),
    field("empty"),
    field("one-time password", "otpauth://totp/x?secret=canary", { type: "OTP", totp: "123456" }),
    field("__proto__", "odd"),
  ],
  files: [{ name: "ca.pem", content: pem }],
};
const certificate: FakeItem = {
  title: "cert",
  category: "DOCUMENT",
  fields: [field("password", "of the document")],
  files: [
    { name: "tls.crt", content: Buffer.from("certificate") },
    { name: "tls.key", content: Buffer.from("key") },
  ],
};

suite("one value", () => {
  const values: readonly [what: string, item: FakeItem, property: string | undefined, text: string][] = [
    ["the password, where no property is named", login, undefined, "canary-1"],
    ["a field by its label", login, "username", "app"],
    ["a label with a slash", login, "a/b", "slashed"],
    ["a field by its id", login, "cache-host", "canary-cache-host"],
    ["a field by its id where it has no label", login, "notesPlain", "canary-note"],
    ["the field prefix", login, "field/username", "app"],
    ["a section by its label", login, "database/host", "canary-db-host"],
    ["a section by its id", login, "s2/host", "canary-cache-host"],
    ["a section under the field prefix", login, "field/cache/host", "canary-cache-host"],
    ["a field without a value", login, "empty", ""],
    ["the link of a one-time password, not a code of it", login, "one-time password", "otpauth://totp/x?secret=canary"],
    ["a label that is __proto__", login, "__proto__", "odd"],
    ["the first file of a document", certificate, undefined, "certificate"],
    ["a file of a document", certificate, "tls.key", "key"],
    ["a file of a document by the prefix", certificate, "file/tls.key", "key"],
    ["a field of a document by the prefix", certificate, "field/password", "of the document"],
    ["the first file by the prefix alone", certificate, "file/", "certificate"],
  ];
  for (const [what, item, property, text] of values)
    test(what, async () => {
      server.put(prod, item);
      assert.equal(await readText(open(), { key: item.title, ...(property && { property }) }), text);
    });
  test("a file comes byte for byte, with the item's version and the request's id", async () => {
    const id = server.put(prod, login);
    server.put(prod, login, id);
    const answer = await read(open(), { key: "db", property: "file/ca.pem" });
    assert.deepEqual(answer.value.reveal(), pem);
    assert.equal(answer.version, "2");
    assert.match(answer.requestId ?? "", /^request-\d+$/);
  });
  test("a file of a document that is no text comes byte for byte, too", async () => {
    server.put(prod, { ...certificate, files: [{ name: "store.p12", content: pem }] });
    assert.deepEqual((await read(open(), { key: "cert" })).value.reveal(), pem);
  });

  const missing: readonly [what: string, item: FakeItem, wish: Wish, code: FailureCode, words: RegExp][] = [
    ["no such field", login, { key: "db", property: "nope" }, "property_not_found", /"db" has no field "nope"/],
    [
      "a label in two sections",
      login,
      { key: "db", property: "host" },
      "answer_invalid",
      /more than one field "host" \(2\): name its section too, as in section\/host/,
    ],
    [
      "a section without the field",
      login,
      { key: "db", property: "cache/port" },
      "property_not_found",
      /"cache\/port"/,
    ],
    ["no password", { title: "db" }, { key: "db" }, "property_not_found", /has no field "password"/],
    ["no such file", login, { key: "db", property: "file/x" }, "property_not_found", /"db" has no file "x"/],
    ["a document without files", { ...certificate, files: [] }, { key: "cert" }, "property_not_found", /has no file:/],
    [
      "no such file of a document",
      certificate,
      { key: "cert", property: "x" },
      "property_not_found",
      /has no file "x"/,
    ],
    ["no such item", login, { key: "other" }, "ref_not_found", /no item titled "other".*\("prod", "shared"\)/],
    ["no such id", login, { key: "z".repeat(26) }, "ref_not_found", /no item with the id "z+"/],
    ["an empty key", login, { key: "" }, "ref_invalid", /key is empty/],
    ["a key with a line end", login, { key: "a\nb" }, "ref_invalid", /control character/],
    ["a version", login, { key: "db", version: "1" }, "ref_invalid", /no versions; remove version/],
  ];
  for (const [what, item, wish, code, words] of missing)
    test(`${what} is ${code}`, async () => {
      server.put(prod, item);
      await fails((async () => read(open(), wish))(), code, words);
    });
  test("metadata is refused", () =>
    assert.throws(() => open().locate({ key: "db", metadataPolicy: "Fetch" }), { code: "ref_invalid" }));
});

suite("all values", () => {
  const members: readonly [what: string, item: FakeItem, property: string | undefined, object: object][] = [
    [
      "every field that has a label",
      { title: "x", fields: [field("a", "1"), field("b"), { id: "n", value: "unlabelled" }, { id: "m", label: "" }] },
      undefined,
      { a: "1", b: "" },
    ],
    ["a document's files", certificate, undefined, { "tls.crt": "certificate", "tls.key": "key" }],
    ["a document's fields by the prefix", certificate, "field/", { password: "of the document" }],
    ["files by the prefix", certificate, "file/", { "tls.crt": "certificate", "tls.key": "key" }],
    ["one field", login, "username", { username: "app" }],
    ["one file", certificate, "tls.key", { "tls.key": "key" }],
    ["an item without fields", { title: "x" }, undefined, {}],
  ];
  for (const [what, item, property, object] of members)
    test(what, async () => {
      server.put(prod, item);
      const text = await readText(open(), { key: item.title, members: true, ...(property && { property }) });
      assert.deepEqual(JSON.parse(text), object);
    });
  test("two fields of one label are refused, and the label is not told", async () => {
    server.put(prod, { title: "x", fields: [field("canary-label", "1"), { ...field("canary-label", "2"), id: "2" }] });
    await fails(read(open(), { key: "x", members: true }), "answer_invalid", /more than one field or file of one name/);
  });
  test("a file that is no text is refused with the way to read it", async () => {
    server.put(prod, { ...certificate, files: [{ name: "p12", content: pem }] });
    await fails(
      read(open(), { key: "cert", members: true }),
      "answer_invalid",
      /through data, with property file\/NAME/,
    );
  });
});

suite("which item", () => {
  const passwordOf = (title: string, value: string): FakeItem => ({ title, fields: [field("password", value)] });
  test("the first vault in the order of the numbers wins", async () => {
    server.put(shared, passwordOf("db", "of shared"));
    server.put(prod, passwordOf("db", "of prod"));
    assert.equal(await readText(open({ shared: 2, prod: 1 }), { key: "db" }), "of prod");
    assert.equal(await readText(open({ shared: 1, prod: 2 }), { key: "db" }), "of shared");
  });
  test("a later vault is searched when an earlier one lacks it, by title and by id", async () => {
    const id = server.put(shared, passwordOf("db", "of shared"));
    assert.equal(await readText(open(), { key: "db" }), "of shared");
    assert.equal(await readText(open(), { key: id }), "of shared");
  });
  test("a vault may be named by its id", async () => {
    server.put(shared, passwordOf("db", "of shared"));
    assert.equal(await readText(open({ [shared]: 1 }), { key: "db" }), "of shared");
  });
  test("two items of one title in one vault are refused; their ids work", async () => {
    const id = server.put(prod, passwordOf("db", "one"));
    server.put(prod, passwordOf("db", "two"));
    await fails(read(open(), { key: "db" }), "answer_invalid", /vault "prod" has more than one item titled "db" \(2\)/);
    assert.equal(await readText(open(), { key: id }), "one");
  });
  test("a title that would end the filter's text is looked for as it is", async () => {
    const title = 'x" or title eq "db';
    server.put(prod, passwordOf("db", "canary"));
    server.put(prod, passwordOf(title, "odd"));
    assert.equal(await readText(open(), { key: title }), "odd");
  });
  test("an item of a title that merely resembles it is another item", async () => {
    server.compareLoosely();
    server.put(prod, passwordOf("DB", "canary"));
    server.put(prod, passwordOf("db old", "canary"));
    await fails(read(open(), { key: "db" }), "ref_not_found", /titled "db"/);
    server.put(prod, passwordOf("db", "of db"));
    assert.equal(await readText(open(), { key: "db" }), "of db");
  });
  test("a title and an id are two addresses; ten properties are one fetch", () => {
    const store = open();
    const at = (wish: Wish) => store.locate({ metadataPolicy: "None", ...wish });
    const wishes = [{ key: "db" }, { key: "db", property: "host" }, { key: "db", members: true as const }];
    for (const wish of wishes) assert.deepEqual(at(wish).whole, at({ key: "db" }).whole);
    assert.equal(new Set(wishes.map((wish) => at(wish).arguments)).size, 3);
    assert.equal(at({ key: "db", property: "file/x" }).whole, undefined);
    assert.notEqual(at({ key: "x".repeat(26) }).address, at({ key: "db" }).address);
  });
});

suite("what it costs", () => {
  test("one call for the vaults of a session, then two for an item by title, one by id, one more for a file", async () => {
    const id = server.put(prod, login);
    const store = open();
    const session = await logIn(store);
    assert.deepEqual(server.asked(), ["vaults"]);
    await read(store, { key: "db" }, session);
    assert.deepEqual(server.asked(), [`vaults/${prod}/items?filter=title eq "db"`, `vaults/${prod}/items/${id}`]);
    await read(store, { key: id, property: "host/x" }, session).catch(() => undefined);
    assert.deepEqual(server.asked(), [`vaults/${prod}/items/${id}`]);
    await read(store, { key: id, property: "file/ca.pem" }, session);
    assert.deepEqual(server.asked(), [
      `vaults/${prod}/items/${id}`,
      `vaults/${prod}/items/${id}/files/${"file0".padEnd(26, "y")}/content`,
    ]);
    assert.deepEqual(calls, [
      "GetVaults success",
      "GetItemsByTitle success",
      "GetItem success",
      "GetItem success",
      "GetItem success",
      "GetFileContent success",
    ]);
  });
  test("an unchanged item costs the listing alone, a changed one is read", async () => {
    const id = server.put(prod, login);
    const store = open();
    const session = await logIn(store);
    const { whole } = store.locate({ key: "db", metadataPolicy: "None" });
    const first = await store.fetch(whole!, session, signal);
    server.asked();
    assert.equal(await store.refetch!(whole!, first.validator!, session, signal), "unchanged");
    assert.deepEqual(server.asked(), [`vaults/${prod}/items?filter=title eq "db"`]);
    server.put(prod, { ...login, fields: [field("password", "new")] }, id);
    const again = await store.refetch!(whole!, first.validator!, session, signal);
    assert.ok(again !== "unchanged" && again.version === "2");
  });
  test("another item of the title in an earlier vault is no unchanged one", async () => {
    server.put(shared, { title: "db", fields: [field("password", "of shared")] });
    const store = open();
    const session = await logIn(store);
    const { whole } = store.locate({ key: "db", metadataPolicy: "None" });
    const first = await store.fetch(whole!, session, signal);
    server.put(prod, { title: "db", fields: [field("password", "of prod")] });
    assert.notEqual(await store.refetch!(whole!, first.validator!, session, signal), "unchanged");
  });
  test("a session ends after ten minutes, so that vaults are looked for again", async () => {
    assert.equal((await logIn(open())).expiresAtMs, clock.nowMs() + 600_000);
  });
});

suite("items that are asked for together", () => {
  const titles = ["db", "cache", "mail"];
  const ids = new Map<string, string>();
  let store: Store;
  let session: Session;
  const putAll = (vault: string, ...all: readonly string[]): void => {
    for (const title of all) ids.set(title, server.put(vault, { title, fields: [field("password", `of ${title}`)] }));
  };
  const readAll = (...all: readonly string[]): Promise<readonly string[]> =>
    Promise.all(all.map((key) => readText(store, { key }, session)));
  const listings = (): readonly string[] =>
    server.asked().filter((path) => path.endsWith("/items") || path.includes("filter"));
  const whole = (vault: string): string => `vaults/${vault}/items`;
  const filtered = (vault: string, title: string): string => `vaults/${vault}/items?filter=title eq "${title}"`;
  async function begin(): Promise<void> {
    store = open();
    session = await logIn(store);
    server.asked();
  }
  beforeEach(async () => {
    putAll(prod, ...titles);
    await begin();
  });

  test("are found by one listing, at first and when asked whether they have changed", async () => {
    const located = titles.map((key) => store.locate({ key, metadataPolicy: "None" }).whole!);
    const answers = await Promise.all(located.map((one) => store.fetch(one, session, signal)));
    assert.deepEqual(server.asked(), [whole(prod), ...titles.map((title) => `${whole(prod)}/${ids.get(title)}`)]);
    server.put(prod, { title: "db", fields: [field("password", "new")] }, ids.get("db"));
    const again = await Promise.all(
      located.map((one, i) => store.refetch!(one, answers[i]!.validator!, session, signal)),
    );
    assert.deepEqual(
      again.map((one) => (one === "unchanged" ? one : one.version)),
      ["2", "unchanged", "unchanged"],
    );
    assert.deepEqual(server.asked(), [whole(prod), `${whole(prod)}/${ids.get("db")}`]);
    assert.ok(calls.includes("GetItems success") && !calls.includes("GetItemsByTitle success"));
  });
  test("in a later vault are looked for there by one listing too", async () => {
    putAll(shared, "x", "y");
    await begin();
    assert.deepEqual(await readAll("x", "db", "y"), ["of x", "of db", "of y"]);
    assert.deepEqual(listings(), [whole(prod), whole(shared)]);
    await readAll("x", "db");
    assert.deepEqual(listings(), [whole(prod), filtered(shared, "x")]);
  });
  test("one that is missing, or is there twice, is its own read's failure", async () => {
    putAll(prod, "cache");
    const outcomes = await Promise.allSettled(["db", "cache", "none", "mail"].map((title) => readAll(title)));
    assert.deepEqual(
      outcomes.map((one) => (one.status === "fulfilled" ? one.value[0] : (one.reason as Failure).code)),
      ["of db", "answer_invalid", "ref_not_found", "of mail"],
    );
    assert.deepEqual(listings(), [whole(prod), filtered(shared, "none")]);
  });
  test("reads of one item share the listing that is filtered by its title", async () => {
    await readAll("db", "db");
    assert.deepEqual(listings(), [filtered(prod, "db")]);
  });
  test("a listing that is under way answers nobody who asks later, and none is kept", async () => {
    const held = server.hold();
    const first = readAll("db", "cache");
    await held.received(1);
    const changed = server.put(prod, { title: "mail", fields: [field("password", "new")] }, ids.get("mail"));
    const second = readAll("mail", "db");
    await held.received(2);
    held.release();
    assert.deepEqual(
      [await first, await second],
      [
        ["of db", "of cache"],
        ["new", "of db"],
      ],
    );
    assert.equal(listings().length, 2);
    assert.equal(changed, ids.get("mail"));
    await readAll("db");
    assert.deepEqual(listings(), [filtered(prod, "db")]);
  });
  test("where the vault holds far more than is asked for, each title is asked for", async () => {
    for (let i = 0; i < 98; i++) server.put(prod, { title: `other ${i}` });
    await begin();
    assert.deepEqual(await readAll("db", "cache"), ["of db", "of cache"]);
    assert.deepEqual(listings(), [filtered(prod, "db"), filtered(prod, "cache")]);
    await readAll(...titles);
    assert.deepEqual(listings(), [whole(prod)]);
  });
  test("a vault that has grown since the login is noticed when it is listed", async () => {
    for (let i = 0; i < 98; i++) server.put(prod, { title: `other ${i}` });
    await readAll("db", "cache");
    assert.deepEqual(listings(), [whole(prod)]);
    await readAll("db", "cache");
    assert.deepEqual(listings(), [filtered(prod, "db"), filtered(prod, "cache")]);
  });
  const unlistable: readonly [name: string, answer: Parameters<FakeConnect["listWhole"]>[0]][] = [
    ["is too large", { status: 200, body: [{ title: "x".repeat(4 * 1024 * 1024) }] }],
    ["is too large for Connect", { status: 413, body: { status: 413, message: "canary" } }],
    ["holds an item that is none", { status: 200, body: [{ id: "odd", title: "canary" }] }],
  ];
  for (const [name, answer] of unlistable)
    test(`a listing that ${name} is tried once in a session; the titles are asked for`, async () => {
      server.listWhole(answer);
      for (const first of [[whole(prod)], []]) {
        assert.deepEqual(await readAll("db", "cache"), ["of db", "of cache"]);
        assert.deepEqual(listings(), [...first, filtered(prod, "db"), filtered(prod, "cache")]);
      }
    });
  test("a refusal is everybody's", async () => {
    server.grant("token", shared);
    for (const one of await Promise.allSettled(titles.map((title) => readAll(title))))
      assert.equal(one.status === "rejected" && (one.reason as Failure).code, "store_denied");
    assert.deepEqual(listings(), [whole(prod)]);
  });
  test("who leaves takes nobody along; when all have left, nothing is asked, or no longer", async () => {
    const read = (key: string, leaving: AbortController) =>
      store.fetch(store.locate({ key, metadataPolicy: "None" }).whole!, session, leaving.signal).then(
        () => "read",
        (thrown: Error) => thrown.message,
      );
    const [one, other] = [new AbortController(), new AbortController()];
    const both = [read("db", one), read("cache", other)];
    one.abort(new Error("left"));
    assert.deepEqual(await Promise.all(both), ["left", "read"]);
    server.asked();

    const early = new AbortController();
    const gone = read("db", early);
    early.abort(new Error("left"));
    const next = read("mail", new AbortController());
    assert.deepEqual([await gone, await next], ["left", "read"]);
    assert.deepEqual(listings(), [filtered(prod, "mail")]);

    store = open({ shared: 1 });
    session = await logIn(store);
    putAll(shared, "mail");
    server.asked();
    const earliest = new AbortController();
    const nobody = read("db", earliest);
    earliest.abort(new Error("left"));
    assert.equal(await nobody, "left");
    assert.equal(await read("mail", new AbortController()), "read");
    assert.deepEqual(listings(), [filtered(shared, "mail")]);
    assert.ok(!calls.some((call) => call.endsWith("error")), "a call that was not made is not counted");

    const held = server.hold();
    const late = [new AbortController(), new AbortController()];
    const under = [read("db", late[0]!), read("cache", late[1]!)];
    await held.received(1);
    for (const each of late) each.abort(new Error("left"));
    await held.dropped(1);
    assert.deepEqual(await Promise.all(under), ["left", "left"]);
  });
});

suite("refusals", () => {
  test("a token that Connect does not know", async () => {
    await fails(logIn(open(), "canary-token"), "store_login_denied", /refused the token \(401\)/);
  });
  test("a vault that the token may not see", async () => {
    server.grant("token", prod);
    await fails(logIn(open()), "store_login_denied", /may see no vault "shared": check its name/);
  });
  test("two vaults of one name", async () => {
    server.grant("token", prod, shared, server.vault("prod"));
    await fails(logIn(open()), "answer_invalid", /more than one vault named "prod" \(2\): write the id/);
  });
  test("a right that was taken away since the login", async () => {
    server.put(prod, login);
    const store = open();
    const session = await logIn(store);
    server.grant("token", shared);
    await fails(read(store, { key: "db" }, session), "store_denied", /vault "prod" \(403\).*grant it/);
    server.removeVault(prod);
    await fails(read(store, { key: "db" }, session), "store_denied", /no longer has the vault/);
    assert.deepEqual(calls.at(-1), "GetItemsByTitle error");
  });
  test("a token that is no token is not sent", async () => {
    const twoLines = open().login(tokenProof("two\nlines"), signal, facts);
    await fails(twoLines, "store_invalid", /connectTokenSecretRef: the Secret's value is no token/);
    assert.equal(server.requests.length, 0);
  });
  test("a line end behind the token is not sent", async () => {
    await logIn(open(), "token\n");
  });
  for (const [header, value] of [
    ["retry-after", "9"],
    ["x-ratelimit-reset", "9"],
    ["ratelimit-reset", String(Date.UTC(2026, 0, 1) / 1_000 + 9)],
  ] as const)
    test(`429 with ${header} says how long to wait`, async () => {
      const store = open();
      const session = await logIn(store);
      server.refuse({ status: 429, headers: { [header]: value } });
      const failure = await fails(read(store, { key: "db" }, session), "store_throttled", /throttling/);
      assert.equal(failure.retryAfterMs, 9_000);
    });
  test("400 at a read is about the key, 413 about the size", async () => {
    const store = open();
    const session = await logIn(store);
    server.refuse({ status: 400 });
    await fails(read(store, { key: "db" }, session), "ref_invalid", /check the key/);
    server.refuse({ status: 413 });
    await fails(read(store, { key: "db" }, session), "answer_too_large", /larger than 1Password Connect sends/);
  });
});

test("two identities never share a credential, however their reads are mixed", async () => {
  const tokens = ["alpha", "beta", "gamma"];
  const vaultOf = new Map(tokens.map((token) => [token, server.vault("team")]));
  for (const [token, vault] of vaultOf) {
    server.grant(token, vault);
    server.put(vault, { title: "db", fields: [field("password", `of ${token}`)] });
  }
  const store = open({ team: 1 });
  const sessions = await Promise.all(tokens.map((token) => logIn(store, token)));
  for (let round = 0; round < 5; round++) {
    const texts = await Promise.all(sessions.map((session) => readText(store, { key: "db" }, session)));
    assert.deepEqual(
      texts,
      tokens.map((token) => `of ${token}`),
    );
  }
  assert.equal(server.requests.length, 3 + 3 * 5 * 2);
  // Listings are shared within a session alone.
  for (const [token, vault] of vaultOf)
    server.put(vault, { title: "cache", fields: [field("password", `cache of ${token}`)] });
  const texts = await Promise.all(
    sessions.flatMap((session) => ["db", "cache"].map((key) => readText(store, { key }, session))),
  );
  assert.deepEqual(
    texts,
    tokens.flatMap((token) => [`of ${token}`, `cache of ${token}`]),
  );
  assert.equal(server.requests.filter(({ path }) => path.endsWith("/items")).length, tokens.length);
  for (const { token, path } of server.requests)
    if (path !== "/v1/vaults") assert.ok(path.startsWith(`/v1/vaults/${vaultOf.get(token)}/`), `${token} ${path}`);
  assert.doesNotMatch(inspect(sessions, { depth: 12, showHidden: true }), /alpha|beta|gamma/);
});
