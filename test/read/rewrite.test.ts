/** dataFrom[].rewrite over whole answers: what each step makes of keys and values, in which order, and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyRewrite } from "../../plugin/manifests/objects.ts";
import { answerOf } from "./fake-server.ts";
import { entry, failureOf, pod, simpleBench, textOf } from "./read-bench.ts";

const regexp = (source: string, target: string): KeyRewrite => ({ by: "regexp", source, target });
const transform = (template: string): KeyRewrite => ({ by: "transform", template });
const merge = (more: Partial<Extract<KeyRewrite, { by: "merge" }>> = {}): KeyRewrite => ({
  by: "merge",
  into: "",
  priority: [],
  priorityPolicy: "Strict",
  conflictPolicy: "Error",
  strategy: "Extract",
  ...more,
});

const readWith = (rewrite: readonly KeyRewrite[], answer: string) => {
  const bench = simpleBench();
  bench.server.onRead = () => answerOf(answer);
  const field = "spec.dataFrom[0]";
  return bench.read({ entries: [entry("db", { field, take: { as: "map", conversion: "Default", rewrite } })] });
};

interface Row {
  readonly does: string;
  readonly rewrite: readonly KeyRewrite[];
  readonly answer: object;
  readonly makes: Readonly<Record<string, string>>;
}

const objects = { b: { user: "b", port: 5432 }, a: { user: "a", list: [1, 2] } };
const rows: readonly Row[] = [
  {
    does: "puts a word before each key",
    rewrite: [regexp("^", "DB_")],
    answer: { user: "x", pass: "y" },
    makes: { DB_user: "x", DB_pass: "y" },
  },
  {
    does: "fills in groups by number and by name, as Go does",
    rewrite: [regexp("(?P<env>dev|prod)-([a-z]+)", "${2}_${env}$$$9"), regexp("\\$", ".d")],
    answer: { "prod-db": "x", "dev-api": "y", other: "z" },
    makes: { "db_prod.d": "x", "api_dev.d": "y", other: "z" },
  },
  {
    does: "takes the longest name after a dollar, as Go does",
    rewrite: [regexp("(a)b", "$1x")],
    answer: { cab: "x" },
    makes: { c: "x" },
  },
  {
    does: "matches every place, empty ones too",
    rewrite: [regexp("x*", "-")],
    answer: { baac: "v" },
    makes: { "-b-a-a-c-": "v" },
  },
  {
    does: "frees keys of what a Secret cannot have, without the conversion that would come without it",
    rewrite: [regexp("[^-._a-zA-Z0-9]", ".")],
    answer: { "a/b": "x", "c d": "y" },
    makes: { "a.b": "x", "c.d": "y" },
  },
  {
    does: "keeps the later of two keys that come to one name, by the bytes of the old ones",
    rewrite: [regexp("[12]$", "")],
    answer: { key2: "two", key1: "one" },
    makes: { key: "two" },
  },
  {
    does: "drops what comes to no name",
    rewrite: [regexp("^tmp.*", "")],
    answer: { tmp_a: "x", kept: "y" },
    makes: { kept: "y" },
  },
  {
    does: "makes keys with a template",
    rewrite: [transform('{{ .value | upper | replace "-" "_" }}')],
    answer: { "db-user": "x" },
    makes: { DB_USER: "x" },
  },
  {
    does: "gives a template Go's own words for what is missing",
    rewrite: [transform("{{ .value }}{{ .other }}"), regexp("<no value>", ".none")],
    answer: { a: "x" },
    makes: { "a.none": "x" },
  },
  {
    does: "takes each step on what the one before it made",
    rewrite: [regexp("^", "a_"), transform("{{ .value }}_b"), regexp("_", ".")],
    answer: { k: "x" },
    makes: { "a.k.b": "x" },
  },
  {
    does: "merges objects in the order of their keys, those of priority last",
    rewrite: [merge({ conflictPolicy: "Ignore", priority: ["a"] })],
    answer: objects,
    makes: { user: "a", port: "5432", list: "[1,2]" },
  },
  {
    does: "lets the later of equal members win by the keys' order without priority",
    rewrite: [merge({ conflictPolicy: "Ignore" })],
    answer: objects,
    makes: { user: "b", port: "5432", list: "[1,2]" },
  },
  {
    does: "goes on without a key of priority that is not there, when told so",
    rewrite: [merge({ conflictPolicy: "Ignore", priority: ["none", "a"], priorityPolicy: "IgnoreNotFound" })],
    answer: objects,
    makes: { user: "a", port: "5432", list: "[1,2]" },
  },
  {
    does: "writes the merged object to one key beside the others, with every digit",
    rewrite: [merge({ strategy: "JSON", into: "all" })],
    answer: { one: { z: "ü\n", id: 1 }, two: { a: [{ y: 1, x: 2 }], n: null, t: true } },
    makes: {
      one: '{"z":"ü\\n","id":1}',
      two: '{"a":[{"y":1,"x":2}],"n":null,"t":true}',
      all: '{"a":[{"y":1,"x":2}],"id":1,"n":null,"t":true,"z":"ü\\n"}',
    },
  },
  {
    does: "renames what a merge brought",
    rewrite: [merge(), transform("X_{{ .value }}")],
    answer: { one: { a: "1" }, two: { b: "2" } },
    makes: { X_a: "1", X_b: "2" },
  },
];
for (const { does, rewrite, answer, makes } of rows)
  test(`a rewrite ${does}`, async () => {
    const bundle = await readWith(rewrite, JSON.stringify(answer));
    assert.deepEqual(Object.fromEntries([...bundle.values.keys()].map((name) => [name, textOf(bundle, name)])), makes);
  });

test("a merged number keeps its digits", async () => {
  const bundle = await readWith([merge()], '{"one":{"id":12345678901234567890,"f":1.10}}');
  assert.deepEqual([textOf(bundle, "id"), textOf(bundle, "f")], ["12345678901234567890", "1.10"]);
});

test("values are decoded after the rewrite, and named by their new keys", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => answerOf('{"one":{"a":"aGk=","b":"***"}}');
  const take = { as: "map", conversion: "Default", rewrite: [merge(), regexp("^b$", "dropped/")] } as const;
  const read = (more: object) =>
    bench.read({ entries: [entry("db", { field: "spec.dataFrom[0]", take, decoding: "Base64", ...more })] });
  assert.match((await failureOf(read({}))).message, /invalid secret keys "dropped\/"/);
  const kept = { ...take, rewrite: [merge()] };
  assert.match((await failureOf(read({ take: kept }))).message, /the value for "b" is not Base64/);
  assert.equal(textOf(await read({ take: kept, decoding: "Auto" }), "a"), "hi");
});

const refusals: readonly (readonly [what: string, rewrite: readonly KeyRewrite[], answer: object, told: RegExp])[] = [
  [
    "an expression that RE2 does not have",
    [regexp("(?=a)", "")],
    { a: "x" },
    /^spec\.dataFrom\[0\]\.rewrite\[0\]\.regexp\.source: ClusterSecretStore\/main: is no regular expression of RE2/,
  ],
  [
    "a template that does not parse",
    [regexp("a", "b"), transform("{{ .value ")],
    { a: "x" },
    /^spec\.dataFrom\[0\]\.rewrite\[1\]\.transform\.template: template: transform:1: unclosed action/,
  ],
  [
    "a template that fails, without the key that it failed on",
    [transform("{{ .value | mustFromJson }}")],
    { "hidden-key": "x" },
    /rewrite\[0\]\.transform\.template: .*template: transform:1:12: .*\[secret\]/,
  ],
  [
    "a name that a Secret cannot have",
    [transform("{{ .value }}/x")],
    { a: "x" },
    /^spec\.dataFrom\[0\]: .*invalid secret keys "a\/x"/,
  ],
  [
    "a member that two objects have",
    [merge({ priority: ["a"] })],
    objects,
    /^spec\.dataFrom\[0\]\.rewrite\[0\]\.merge: .*member "user" is in two of the values: conflictPolicy is Error/,
  ],
  [
    "a key of priority that is not there",
    [merge({ priority: ["c"] })],
    objects,
    /^spec\.dataFrom\[0\]\.rewrite\[0\]\.merge\.priority: .*there is no key "c": priorityPolicy is Strict/,
  ],
  [
    "a value that is no object",
    [merge()],
    { a: { b: 1 }, plain: "hunter2" },
    /^spec\.dataFrom\[0\]\.rewrite\[0\]\.merge: .*the value of "plain" is not a JSON object/,
  ],
];
for (const [what, rewrite, answer, told] of refusals)
  test(`a rewrite is refused for ${what}`, async () => {
    const { message } = await failureOf(readWith(rewrite, JSON.stringify(answer)));
    assert.match(message, told);
    assert.ok(!message.includes("hunter2") && !message.includes("hidden-key"), message);
  });

test("a mount whose keys would be others each time is refused before any store is asked", async () => {
  const bench = simpleBench();
  const rewrite = [transform("{{ .value }}{{ randAlpha 4 }}")];
  const entries = [entry("db", { field: "spec.dataFrom[0]", take: { as: "map", conversion: "Default", rewrite } })];
  const failure = await failureOf(bench.read({ entries }, { caller: pod() }));
  assert.equal(failure.code, "not_mountable");
  assert.match(failure.message, /^spec\.dataFrom\[0\]\.rewrite\[0\]\.transform\.template: randAlpha would give/);
  assert.equal(bench.server.requests.length, 0);
});
