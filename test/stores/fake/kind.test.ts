import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { OpenedStore, Ref, StoreContext, StoreDeps } from "../../../plugin/stores/contract.ts";
import { fake } from "../../../plugin/stores/fake/kind.ts";
import { canaries, runLocalContractSuite } from "../contract-suite.ts";
import { facts } from "../facts.ts";

const context: StoreContext = { scope: "SecretStore", name: "trial", namespace: "shop" };
const never = new AbortController().signal;
/** The kind uses nothing of the world. */
const noDeps = {} as StoreDeps;

function opened(raw: unknown): OpenedStore {
  const parsed = fake.open(raw, context, noDeps);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const ref = (key: string, version?: string): Ref => ({
  key,
  metadataPolicy: "None",
  ...(version === undefined ? {} : { version }),
});

async function outcome(raw: unknown, wanted: Ref): Promise<string> {
  const { store } = opened(raw);
  try {
    const answer = await store.fetch(store.locate(wanted), await store.login({ kind: "none" }, never, facts), never);
    return `${answer.value.reveal().toString()}@${answer.version}`;
  } catch (thrown) {
    assert.ok(thrown instanceof Failure);
    return thrown.code;
  }
}

const entries = [
  { key: "db", value: "first" },
  { key: "db", value: "one", version: "v1" },
  { key: "db", value: "second" },
  { key: "only-versioned", value: "x", version: "v1" },
  { key: "a/b.c d", value: '{"n": 12345678901234567890}' },
];

suite("a fake store reads exactly what its manifest says", () => {
  const rows: readonly (readonly [name: string, wanted: Ref, answer: string])[] = [
    ["the later of two entries with one key and version counts", ref("db"), "second@"],
    ["a version is another secret", ref("db", "v1"), "one@v1"],
    ["an empty version is none", ref("db", ""), "second@"],
    ["a version that is not there", ref("db", "v2"), "version_not_found"],
    ["a key that is there only with a version", ref("only-versioned"), "ref_not_found"],
    ["key and version are not glued together", ref("dbv1"), "ref_not_found"],
    ["a key that is not there", ref("nope"), "ref_not_found"],
    ["a key that is not there, with a version", ref("nope", "v1"), "ref_not_found"],
    ["any character may be in a key, and numbers keep their digits", ref("a/b.c d"), '{"n": 12345678901234567890}@'],
    ["keys are not prefixes", ref("d"), "ref_not_found"],
    ["a name of Object's own", ref("constructor"), "ref_not_found"],
    ["an empty key", ref(""), "ref_invalid"],
    ["metadata, of which there is none", { ...ref("db"), metadataPolicy: "Fetch" }, "ref_invalid"],
  ];
  for (const [name, wanted, answer] of rows)
    test(name, async () => assert.equal(await outcome({ data: entries }, wanted), answer));
});

suite("a fake store finds", () => {
  const named = (source: string) => ({ name: { source, matches: (name: string) => new RegExp(source).test(name) } });
  const rows = [
    ["every key that has a value without version, once", {}, ["a/b.c d", "db"]],
    ["keys by their names", named("^d"), ["db"]],
    ["nothing", named("^only-versioned$"), []],
  ] as const;
  for (const [what, wish, keys] of rows)
    test(what, async () => {
      const { find } = opened({ data: entries }).store;
      const found = await find!.list(wish, {}, never);
      assert.deepEqual(
        found.toSorted((a, b) => a.key.localeCompare(b.key)),
        keys.map((key) => ({ name: key, key })),
      );
    });
  test("what it finds can be read", async () => {
    const { store } = opened({ data: entries });
    for (const { key } of await store.find!.list({}, {}, never)) await store.fetch(store.locate(ref(key)), {}, never);
  });
  test("until whoever waits has left", async () => {
    const gone = AbortSignal.abort(new Error("gone"));
    await assert.rejects(opened({ data: entries }).store.find!.list({}, {}, gone), /gone/);
  });
});

suite("a fake block that is wrong says where", () => {
  const rows: readonly (readonly [name: string, raw: unknown, path: string])[] = [
    ["no data", {}, "data"],
    ["data that is no list", { data: { key: "a" } }, "data"],
    ["an entry without key", { data: [{ value: "x" }] }, "data[0].key"],
    ["an empty key", { data: [{ key: "", value: "x" }] }, "data[0].key"],
    ["an empty value, as in ESO", { data: [{ key: "a", value: "" }] }, "data[0].value"],
    ["a value that is no text", { data: [{ key: "a", value: 5 }] }, "data[0].value"],
    ["an unknown field", { data: [], dta: 1 }, "dta"],
    ["the valueMap of v1beta1", { data: [{ key: "a", valueMap: { b: "c" } }] }, "data[0].value"],
    ["a store that is asked to fail its validation", { data: [], validationResult: 2 }, "validationResult"],
    ["a validation result that does not exist", { data: [], validationResult: 7 }, "validationResult"],
    ["no block", "text", ""],
  ];
  for (const [name, raw, path] of rows)
    test(name, () => {
      const parsed = fake.open(raw, context, noDeps);
      assert.ok(!parsed.ok);
      assert.equal(parsed.problems[0].path, path);
    });
  for (const validationResult of [0, 1, undefined, null])
    test(`validationResult ${validationResult} is accepted`, () => {
      opened({ data: entries, validationResult });
    });
});

test("the configuration in cache keys holds no value and changes with every value", () => {
  const before = JSON.stringify(opened({ data: [{ key: "a", value: "canary-1" }] }).config);
  const after = JSON.stringify(opened({ data: [{ key: "a", value: "canary-2" }] }).config);
  assert.ok(!before.includes("canary"));
  assert.notEqual(before, after);
});

test("failures name the key and never a value", async () => {
  const { store } = opened({ data: [{ key: "a", value: "canary-1" }] });
  await assert.rejects(store.fetch(store.locate(ref("b")), {}, never), (thrown: Error) => {
    return thrown.message.includes('"b"') && !thrown.message.includes("canary");
  });
});

runLocalContractSuite("fake", {
  open: () => opened({ data: [{ key: "db", value: canaries.value, version: "7" }] }).store,
  ref: ref("db", "7"),
  proof: { kind: "none" },
  value: canaries.value,
  version: "7",
  missing: ref("nope"),
});
