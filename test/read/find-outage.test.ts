/** A find while its store is down: the whole earlier result stands in, or nothing does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import type { ReadTerms } from "../../plugin/read/request.ts";
import type { FindBench } from "./find-bench.ts";
import { findBench, textsOf } from "./find-bench.ts";
import { entry, failureOf, pod } from "./read-bench.ts";

const stale: Partial<ReadTerms> = { maxStaleMs: 3_600_000, caller: pod() };

/** Has found `a` and `b` once, a second ago. */
async function afterOneFind(): Promise<FindBench> {
  const bench = findBench(["a", "b"]);
  await bench.find({}, {}, stale);
  await bench.clock.advance(1_000);
  return bench;
}

/** The store fails as told at its listing, or at the read of one secret. */
function failAt(bench: FindBench, at: string, code: FailureCode): void {
  const { onList, onRead } = bench.server;
  const fail = (): never => {
    throw new Failure(code, `the store says ${code}`);
  };
  bench.server.onList = (listing) => (at === "the listing" ? fail() : onList(listing));
  bench.server.onRead = (request) => (request.located.address === at ? fail() : onRead(request));
}

for (const at of ["the listing", "b"])
  test(`an outage at ${at}: the whole earlier result stands in, nothing newer is mixed in`, async () => {
    const bench = await afterOneFind();
    bench.held.set("a", "rotated").set("c", "new");
    failAt(bench, at, "store_sealed");
    const bundle = await bench.find({}, {}, stale);
    assert.deepEqual(textsOf(bundle), { a: "value of a", b: "value of b" });
    assert.equal(bundle.stale?.code, "store_sealed");
    assert.deepEqual(
      bench.audited.slice(-3).map(({ address, cache, ageMs }) => [address, cache, ageMs]),
      ["list of ", "a", "b"].map((address) => [address, "stale", 1_000]),
    );
    assert.equal(bench.asked().filter((address) => address === at).length, at === "b" ? 2 : 0, "one attempt is enough");
  });

for (const at of ["the listing", "b"])
  test(`an outage at ${at} is tried again where nothing can stand in`, async () => {
    const bench = findBench(["a", "b"]);
    const { onList, onRead } = bench.server;
    failAt(bench, at, "store_unreachable");
    const reading = bench.find({}, {}, stale);
    await bench.clock.advance(700);
    bench.server.onList = onList;
    bench.server.onRead = onRead;
    await bench.clock.advance(100);
    assert.deepEqual(textsOf(await reading), { a: "value of a", b: "value of b" });
  });

const noes: readonly FailureCode[] = ["store_denied", "version_not_found"];
for (const at of ["the listing", "b"])
  for (const code of noes)
    test(`${code} at ${at} is no outage, and sticks: a later outage does not revive what was found`, async () => {
      const bench = await afterOneFind();
      const { onList, onRead } = bench.server;
      failAt(bench, at, code);
      assert.equal((await failureOf(bench.find({}, {}, stale))).code, code);
      await bench.clock.advance(11_000);
      bench.server.onList = onList;
      bench.server.onRead = onRead;
      failAt(bench, "the listing", "store_sealed");
      assert.equal((await failureOf(bench.find({}, {}, stale), bench.clock, 20_000)).code, "store_sealed");
    });

test("a no to one found secret that another consumer hears keeps the find from standing in", async () => {
  const bench = await afterOneFind();
  failAt(bench, "b", "store_denied");
  await failureOf(bench.read({ entries: [entry("b")] }, { caller: pod() }));
  failAt(bench, "the listing", "store_sealed");
  assert.equal((await failureOf(bench.find({}, {}, stale), bench.clock, 20_000)).code, "store_sealed");
});

test("what was found gone does not stand in later", async () => {
  const bench = await afterOneFind();
  bench.held.delete("b");
  await bench.find({}, {}, stale);
  await bench.clock.advance(1_000);
  failAt(bench, "the listing", "store_sealed");
  assert.deepEqual(textsOf(await bench.find({}, {}, stale)), { a: "value of a" });
});

test("a secret that went between listing and read is no reason against the rest standing in", async () => {
  const bench = findBench(["a"]);
  bench.server.onList = () => ["a", "gone"].map((name) => ({ name, key: name }));
  await bench.find({}, {}, stale);
  await bench.clock.advance(11_000);
  await failureOf(bench.read({ entries: [entry("gone")] }, { caller: pod() }));
  failAt(bench, "the listing", "store_sealed");
  assert.deepEqual(textsOf(await bench.find({}, {}, stale)), { a: "value of a" });
});

test("an empty find stands in as such", async () => {
  const bench = findBench([]);
  await bench.find({}, {}, stale);
  await bench.clock.advance(1_000);
  failAt(bench, "the listing", "store_sealed");
  const bundle = await bench.find({}, {}, stale);
  assert.deepEqual([bundle.values.size, bundle.stale?.code], [0, "store_sealed"]);
});

test("another find has no part in it", async () => {
  const bench = await afterOneFind();
  failAt(bench, "the listing", "store_sealed");
  assert.equal((await failureOf(bench.find({ regexp: "a" }, {}, stale), bench.clock, 20_000)).code, "store_sealed");
});

test("last-good ends with its age, that of the listing included", async () => {
  const bench = await afterOneFind();
  failAt(bench, "the listing", "store_sealed");
  const terms = { ...stale, maxStaleMs: 900 };
  assert.equal((await failureOf(bench.find({}, {}, terms), bench.clock, 20_000)).code, "store_sealed");
});
