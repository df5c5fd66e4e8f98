/** dataFrom[].find: what it brings, what it refuses, and that both of its steps are reads like any other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import type { FindEntry, FindPlan } from "../../plugin/read/request.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireBlock } from "./fake-server.ts";
import { findBench, findEntry, textsOf } from "./find-bench.ts";
import { entry, externalSecret, failureOf, pod, settle } from "./read-bench.ts";

const fail = (code: FailureCode): never => {
  throw new Failure(code, `the store says ${code}`);
};

interface Row {
  readonly finds: string;
  readonly held: Readonly<Record<string, string>>;
  readonly plan?: FindPlan;
  readonly more?: Partial<FindEntry>;
  readonly makes: Readonly<Record<string, string>>;
}

const rows: readonly Row[] = [
  {
    finds: "everything that the store lists when nothing narrows it",
    held: { db: "one", api: "two" },
    makes: { db: "one", api: "two" },
  },
  {
    finds: "names that an expression matches anywhere",
    held: { "team-db-1": "x", "team-db-2": "y", api: "z" },
    plan: { regexp: "db-[12]" },
    makes: { "team-db-1": "x", "team-db-2": "y" },
  },
  {
    finds: "by the expressions of RE2, flags and classes that JavaScript does not have included",
    held: { DB: "x", "db\n": "y", dc: "z" },
    plan: { regexp: "(?i)^\\Qdb\\E\\z" },
    makes: { DB: "x" },
  },
  {
    finds: "below a path, whose secrets keep their whole names",
    held: { "pay/db": "x", "pay/api": "y", "web/db": "z" },
    plan: { path: "pay/" },
    makes: { pay_db: "x", pay_api: "y" },
  },
  {
    finds: "whole values, of JSON too",
    held: { db: '{"user":"a","n":1.10}' },
    makes: { db: '{"user":"a","n":1.10}' },
  },
  {
    finds: "names with characters that a Secret cannot have, by their code points",
    held: { "a/b": "x", "a b": "y" },
    more: { take: { as: "map", conversion: "Unicode" } },
    makes: { a_U002f_b: "x", a_U0020_b: "y" },
  },
  {
    finds: "names that a rewrite changes, in place of the conversion",
    held: { "pay/db": "x", "pay/api.key": "y" },
    more: {
      take: { as: "map", conversion: "Default", rewrite: [{ by: "regexp", source: "^pay/", target: "" }] },
    },
    makes: { db: "x", "api.key": "y" },
  },
  {
    finds: "objects that a rewrite merges",
    held: { one: '{"a":1}', two: '{"b":2}' },
    more: {
      take: {
        as: "map",
        conversion: "Default",
        rewrite: [
          {
            by: "merge",
            into: "",
            priority: [],
            priorityPolicy: "Strict",
            conflictPolicy: "Error",
            strategy: "Extract",
          },
        ],
      },
    },
    makes: { a: "1", b: "2" },
  },
  { finds: "values that are decoded", held: { db: "aGk=" }, more: { decoding: "Base64" }, makes: { db: "hi" } },
  { finds: "nothing, which is no failure", held: {}, plan: { regexp: "." }, makes: {} },
];
for (const { finds, held, plan, more, makes } of rows)
  test(`a find brings ${finds}`, async () => {
    const bench = findBench([]);
    for (const [name, value] of Object.entries(held)) bench.held.set(name, value);
    assert.deepEqual(textsOf(await bench.find(plan, more)), makes);
  });

test("the store is asked for exactly what narrows", async () => {
  const bench = findBench(["pay/db"]);
  await bench.find({ path: "pay/", regexp: "db$", tags: { team: "red" } });
  await bench.find({});
  const wishes = bench.server.listings.map(({ wish: { name, ...rest } }) => [rest, name?.source]);
  assert.deepEqual(wishes, [
    [{ path: "pay/", tags: { team: "red" } }, "db$"],
    [{}, undefined],
  ]);
});

test("what a listing names by key and property is read by these and keeps its name", async () => {
  const bench = findBench([]);
  bench.held.set("item", '{"user":"ferry","pass":"hunter2"}');
  bench.server.onList = () => [
    { name: "login", key: "item", property: "user" },
    { name: "password", key: "item", property: "pass" },
  ];
  assert.deepEqual(textsOf(await bench.find()), { login: "ferry", password: "hunter2" });
  assert.deepEqual(bench.asked(), ["item"]);
});

test("later entries win over what a find brought, which wins over what came before it", async () => {
  const bench = findBench(["a", "b", "c"]);
  const before = entry("other", { field: "spec.dataFrom[0]", take: { as: "map", conversion: "Default" } });
  bench.held.set("other", '{"a":"extracted","d":"extracted"}');
  const after = entry("single", { take: { as: "value", name: "b" } });
  bench.held.set("single", "set");
  const found = findEntry({ regexp: "^[abc]$" }, { field: "spec.dataFrom[1]" });
  const bundle = await bench.read({ entries: [before, found, after] });
  assert.deepEqual(textsOf(bundle), { a: "value of a", b: "set", c: "value of c", d: "extracted" });
  assert.equal(bundle.values.get("a")!.field, "spec.dataFrom[1]");
});

test("each value knows the answer that it is from", async () => {
  const bench = findBench(["pay/db", "api"]);
  const bundle = await bench.find();
  const addressOf = (name: string) => bundle.sources[bundle.values.get(name)!.source!]!.address;
  assert.deepEqual([addressOf("pay_db"), addressOf("api")], ["pay/db", "api"]);
});

interface Refusal {
  readonly what: string;
  readonly plan?: FindPlan;
  readonly more?: Partial<FindEntry>;
  readonly block?: Partial<WireBlock>;
  readonly held?: readonly string[];
  readonly want: readonly [FailureCode, RegExp];
  /** True: the store is asked for its list first. */
  readonly lists?: true;
}

const manyNames = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);
const refusals: readonly Refusal[] = [
  {
    what: "a kind that cannot find",
    block: { findsBy: undefined as never },
    want: [
      "ref_invalid",
      /^spec\.dataFrom\[0\]\.find: .*main: provider plain cannot find; name each secret in extract/,
    ],
  },
  {
    what: "a narrowing that the kind does not have",
    plan: { path: "a", tags: { team: "red" } },
    block: { findsBy: ["path", "name"] },
    want: ["ref_invalid", /^spec\.dataFrom\[0\]\.find\.tags: .*plain does not find by tags; use path or name$/],
  },
  {
    what: "a path that the store cannot have",
    plan: { path: "/a" },
    want: ["ref_invalid", /^spec\.dataFrom\[0\]: .*a path does not begin with \//],
  },
  {
    what: "what JavaScript takes for an expression and RE2 does not",
    plan: { regexp: "(?=db)" },
    want: [
      "manifest_invalid",
      /^spec\.dataFrom\[0\]\.find\.name\.regexp: .*is no regular expression of RE2; correct it/,
    ],
  },
  {
    what: "an expression without end",
    plan: { regexp: "(" },
    want: ["manifest_invalid", /^spec\.dataFrom\[0\]\.find\.name\.regexp: /],
  },
  {
    what: "an expression that is too long",
    plan: { regexp: "a".repeat(1_001) },
    want: ["manifest_invalid", /find\.name\.regexp: .*longer than 1000 characters/],
  },
  {
    what: "an expression that is costly",
    plan: { regexp: "(a|b)*a(a|b){900}" },
    want: ["manifest_invalid", /find\.name\.regexp: .*costly/],
  },
  {
    what: "more names than a costly expression can be tried on",
    plan: { regexp: "(a|b)*a(a|b){500}" },
    held: manyNames(1).flatMap(() => Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(1_000, "ab"))),
    want: ["answer_too_large", /more names than find\.name\.regexp can be tried on/],
    lists: true,
  },
  {
    what: "more than a thousand secrets",
    held: manyNames(1_001),
    want: ["answer_too_large", /^spec\.dataFrom\[0\]\.find: .*finds 1001 secrets, and at most 1000/],
    lists: true,
  },
  {
    what: "a list without measure",
    held: manyNames(20_001),
    want: ["answer_too_large", /^spec\.dataFrom\[0\]: .*lists more than 20000/],
    lists: true,
  },
];
for (const { what, plan, more, block, held = ["db"], want, lists } of refusals)
  test(`a find is refused for ${what}, before any secret is read`, async () => {
    const bench = findBench(held, block);
    const failure = await failureOf(bench.find(plan, more));
    assert.equal(failure.code, want[0], failure.message);
    assert.match(failure.message, want[1]);
    assert.deepEqual([bench.asked(), bench.server.listings.length], [[], lists ? 1 : 0]);
  });

test("exactly a thousand are read", async () => {
  const bench = findBench(manyNames(1_000));
  const reading = bench.find();
  await bench.clock.advance(5_000);
  assert.equal((await reading).values.size, 1_000);
});

const spoilt: readonly (readonly [what: string, held: Readonly<Record<string, string>>, more: object, told: RegExp])[] =
  [
    ["names that become one", { "a/b": "x", "a b": "y" }, {}, /keys "a b" and "a\/b" of the answer both become "a_b"/],
    ["a name that no Secret can have", { é: "x" }, {}, /invalid secret keys "é"/],
    [
      "a value that is not what it is decoded from",
      { db: "***" },
      { decoding: "Base64" },
      /value for "db" is not Base64/,
    ],
    ["null bytes", { db: "\0" }, { nullBytes: "Fail" }, /value for "db" contains null bytes/],
  ];
for (const [what, held, more, told] of spoilt)
  test(`a find fails for ${what}`, async () => {
    const bench = findBench([]);
    for (const [name, value] of Object.entries(held)) bench.held.set(name, value);
    const failure = await failureOf(bench.find({}, more));
    assert.deepEqual([failure.code, failure.parts[0]!.field], ["decode_failed", "spec.dataFrom[0]"]);
    assert.match(failure.message, told);
  });

test("two secrets of one name are told, whichever is listed first", async () => {
  for (const keys of [
    ["x", "y"],
    ["y", "x"],
  ]) {
    const bench = findBench(["x", "y"]);
    bench.server.onList = () => keys.map((key) => ({ name: "db", key }));
    const failure = await failureOf(bench.find());
    assert.match(failure.message, /^spec\.dataFrom\[0\]\.find: .*two of the secrets found are called "db"; narrow it/);
  }
});

test("a name that cannot be read is told", async () => {
  const bench = findBench([]);
  bench.server.onList = () => [{ name: "odd", key: "/" }];
  const failure = await failureOf(bench.find());
  assert.equal(failure.code, "ref_invalid");
  assert.match(failure.message, /found "odd": the key is empty/);
});

test("what went between the listing and its own read is left out", async () => {
  const bench = findBench(["a", "b"]);
  bench.server.onList = () => ["a", "b", "gone"].map((name) => ({ name, key: name }));
  const bundle = await bench.find();
  assert.deepEqual(textsOf(bundle), { a: "value of a", b: "value of b" });
  assert.deepEqual([bundle.missing, bundle.sources.map(({ address }) => address)], [[], ["list of ", "a", "b"]]);
});

for (const code of ["store_denied", "version_not_found", "answer_invalid", "store_sealed"] as const)
  test(`${code} of one secret fails the whole find and names it`, async () => {
    const bench = findBench(["a", "b", "c"]);
    const { onRead } = bench.server;
    bench.server.onRead = (request) => (request.located.address === "b" ? fail(code) : onRead(request));
    const failure = await failureOf(bench.find(), bench.clock, 20_000);
    assert.deepEqual(
      failure.parts.map((part) => [part.code, part.field]),
      [[code, "spec.dataFrom[0]"]],
    );
    assert.match(failure.message, /^spec\.dataFrom\[0\]: ClusterSecretStore\/main: found "b": the store says/);
  });

test("a listing that the store refuses fails the find, and no secret is read", async () => {
  const bench = findBench(["a"]);
  bench.server.onList = () => fail("store_denied");
  assert.equal((await failureOf(bench.find())).code, "store_denied");
  assert.deepEqual(bench.asked(), []);
});

test("a folder that the store does not have is missing where the find is optional", async () => {
  const bench = findBench(["a"]);
  bench.server.onList = () => fail("ref_not_found");
  assert.equal((await failureOf(bench.find({ path: "pay" }))).code, "ref_not_found");
  const bundle = await bench.find({ path: "pay" }, { optional: true });
  assert.deepEqual(bundle.missing, [{ field: "spec.dataFrom[0]", key: "pay" }]);
});

test("a listing is shared by all who ask for the same, and its secrets with whoever reads them otherwise", async () => {
  const bench = findBench(["a", "b"]);
  const later = { acceptBegunFromMs: 0 };
  await Promise.all([
    bench.find({ regexp: "." }),
    bench.find({ regexp: "." }, { field: "spec.dataFrom[3]" }, { caller: externalSecret("web", "other") }),
    bench.find({ regexp: "." }, {}, { caller: pod() }),
    bench.read({ entries: [entry("a")] }),
  ]);
  await bench.clock.advance(1_000);
  await bench.find({ regexp: "." }, {}, later);
  assert.deepEqual([bench.server.listings.length, bench.asked().toSorted()], [1, ["a", "b"]]);
});

test("a secret that one request both names and finds is read and audited once", async () => {
  const bench = findBench(["a"]);
  const found = findEntry({}, { take: { as: "map", conversion: "Unicode" } });
  await bench.read({ entries: [found, entry("a"), findEntry()] });
  const lines = bench.audited.map(({ address, cache }) => [address, cache]);
  assert.deepEqual(lines, [
    ["list of ", "miss"],
    ["a", "miss"],
  ]);
});

const others: readonly (readonly [what: string, one: FindPlan, other: FindPlan])[] = [
  ["expressions", { regexp: "a" }, { regexp: "." }],
  ["tags", { tags: { team: "red" } }, { tags: { team: "blue" } }],
  ["paths", { path: "a" }, { path: "" }],
  ["narrowings", { regexp: "a" }, { path: "a" }],
];
for (const [what, one, other] of others)
  test(`other ${what} are another listing`, async () => {
    const bench = findBench(["a"]);
    await Promise.all([bench.find(one), bench.find(other), bench.find(one)]);
    assert.equal(bench.server.listings.length, 2);
  });

test("a listing is never the answer to a read of its address, nor the other way round", async () => {
  const bench = findBench(["a", "list of "]);
  const later = { acceptBegunFromMs: 0 };
  await bench.find();
  assert.equal(textsOf(await bench.read({ entries: [entry("list of ")] }, later))["list of "], "value of list of ");
  assert.deepEqual(Object.keys(textsOf(await bench.find({}, {}, later))).sort(), ["a", "list_of_"]);
});

test("identities that log in with other credentials never share a listing", async () => {
  const bench = findBench([]);
  bench.cluster.putStore(
    storeManifest("main", { server: "x", auth: "static", secret: { name: "creds" }, findsBy: ["name"] }),
  );
  bench.server.onList = ({ shown }) => [{ name: "who", key: `of ${shown}` }];
  bench.server.onRead = ({ located, shown }) => answerOf(`${located.address} read by ${shown}`);
  for (const tenant of ["shop", "web"]) bench.cluster.secrets.set(`${tenant}/creds`, `key-${tenant}`);
  for (let round = 0; round < 3; round++)
    for (const tenant of ["shop", "web"]) {
      const bundle = await bench.find({}, {}, { caller: externalSecret(tenant), acceptBegunFromMs: 0 });
      assert.deepEqual(textsOf(bundle), { who: `of key-${tenant} read by key-${tenant}` });
    }
  assert.deepEqual(
    bench.server.listings.map(({ shown }) => shown),
    ["key-shop", "key-web"],
  );
});

test("added, changed and removed secrets reach the next read", async () => {
  const bench = findBench(["a", "b"]);
  await bench.find();
  await bench.clock.advance(1);
  bench.held.delete("a");
  bench.held.set("b", "rotated").set("c", "new");
  assert.deepEqual(textsOf(await bench.find()), { b: "rotated", c: "new" });
});

test("whoever finds is due when another's read brings a listing or one of its secrets anew", async () => {
  const bench = findBench(["a"]);
  const due: string[] = [];
  bench.path.consumers.onDue(({ consumer }) => due.push(consumer.name));
  const other = { caller: externalSecret("web", "other") };
  await bench.find();
  await bench.find({}, {}, other);
  await bench.clock.advance(1);
  bench.held.set("a", "rotated");
  await bench.read({ entries: [entry("a")] }, { caller: pod() });
  assert.deepEqual(due.splice(0).sort(), ["db", "other"]);
  bench.held.set("b", "added");
  await bench.clock.advance(1);
  await bench.find({}, {}, other);
  assert.deepEqual(due, ["db"]);
});

test("whoever could not list stays due for what it found before, and no longer once it is not found", async () => {
  const bench = findBench(["a"]);
  const { onList } = bench.server;
  const due: string[] = [];
  bench.path.consumers.onDue(({ consumer }) => due.push(consumer.name));
  const rotate = async (value: string) => {
    bench.held.set("a", value);
    await bench.clock.advance(1);
    await bench.read({ entries: [entry("a")] }, { caller: pod() });
  };
  await bench.find();
  await bench.clock.advance(1);
  bench.server.onList = () => fail("store_denied");
  await failureOf(bench.find());
  await rotate("two");
  assert.deepEqual(due.splice(0), ["db"]);
  bench.server.onList = onList;
  await bench.find({ regexp: "^b" });
  await rotate("three");
  assert.deepEqual(due, []);
});

test("the reads of a listing run together, under the deadline of the whole read", async () => {
  const bench = findBench(["a", "b", "c"]);
  await bench.find();
  await bench.clock.advance(1);
  bench.server.latencyMs = 1_000;
  const reading = bench.find();
  await bench.clock.advance(2_000);
  assert.equal((await reading).values.size, 3);
  const late = await failureOf(bench.find({}, {}, { limitMs: 1_500 }), bench.clock, 1_500);
  assert.equal(late.code, "store_timeout");
  await settle();
  assert.equal(bench.clock.pending, 0);
});

test("nothing waits for a listing that it does not need", async () => {
  const bench = findBench(["a", "other"]);
  await bench.find({ regexp: "^a$" });
  await bench.clock.advance(5_000);
  bench.server.latencyMs = 1_000;
  const reading = bench.read({ entries: [findEntry({ regexp: "^a$" }), entry("other")] });
  await bench.clock.advance(2_000);
  await reading;
  assert.deepEqual(
    bench.server.requests.slice(1).map(({ located, atMs }) => [located.address, atMs]),
    [
      ["other", 5_000],
      ["a", 6_000],
    ],
  );
});

test("the audit names the listing and each secret that is released", async () => {
  const bench = findBench(["a", "b", "other"]);
  await bench.find({ regexp: "^[ab]$" });
  await bench.find({ regexp: "^[ab]$" }, {}, { acceptBegunFromMs: 0 });
  const lines = bench.audited.map(({ address, cache, withheld }) => [address, cache, withheld]);
  assert.deepEqual(lines, [
    ["list of ", "miss", 0],
    ["a", "miss", undefined],
    ["b", "miss", undefined],
    ["list of ", "hit", 0],
    ["a", "hit", undefined],
    ["b", "hit", undefined],
  ]);
});

test("no message of a find holds a value", async () => {
  const bench = findBench([]);
  bench.held.set("a", "hunter2");
  const messages = [
    await failureOf(bench.find({}, { decoding: "Base64" })),
    await failureOf(bench.find({ regexp: "hunter2(" })),
  ].map(({ message }) => message);
  for (const message of messages) assert.ok(!message.includes("hunter2"), message);
});
