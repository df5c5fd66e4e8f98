/** Reads of which the store's API gives many at once: one fetch, and everything else as if each were read alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { storeManifest, storePolicy } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import { entry, externalSecret, failureOf, pod, requestFor, simpleBench, textOf } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

/** A store whose whole has the parts `user` and `password`, counted anew with each rotation. */
function partsBench(): Bench & { rotate: () => void } {
  const bench = simpleBench();
  let rotation = 1;
  bench.server.onRead = () => answerOf(`of ${rotation}`, { version: `w${rotation}`, requestId: `r${rotation}` });
  bench.server.onPart = ({ address }, whole) => {
    if (!/#(user|password)$/.test(address)) throw new Failure("ref_not_found", "the whole has no such part");
    return answerOf(`${address} ${whole.value.reveal().toString()}`, { version: `p${rotation}` });
  };
  return { ...bench, rotate: () => void rotation++ };
}

const kept = { acceptBegunFromMs: 0 };
const steady = { maxStaleMs: 3_600_000 };

test("parts of one whole are one fetch, and each a source and an audit line of its own", async () => {
  const bench = partsBench();
  const bundle = await bench.read(requestFor("db#user", "db#password"));
  assert.deepEqual([textOf(bundle, "db#user"), textOf(bundle, "db#password")], ["db#user of 1", "db#password of 1"]);
  assert.deepEqual(
    bench.server.requests.map(({ located }) => located.address),
    ["db"],
  );
  assert.deepEqual(
    bench.audited.map(({ address, version, cache, storeRequestId }) => [address, version, cache, storeRequestId]),
    [
      ["db#user", "p1", "miss", "r1"],
      ["db#password", "p1", "hit", "r1"],
    ],
  );
  assert.notEqual(bench.audited[0]!.digest, bench.audited[1]!.digest);
  assert.deepEqual(bench.counted.answers, ["miss", "hit"]);
});

test("the same part twice is one source", async () => {
  const bench = partsBench();
  const twice = entry("db#user", { field: "spec.data[1]", take: { as: "value", name: "again" } });
  const bundle = await bench.read({ entries: [entry("db#user"), twice] });
  assert.deepEqual([bundle.sources.length, textOf(bundle, "again")], [1, "db#user of 1"]);
});

test("what was kept of one part serves another, and the whole itself", async () => {
  const bench = partsBench();
  await bench.read(requestFor("db#user"));
  const bundle = await bench.read(requestFor("db#password", "db"), kept);
  assert.deepEqual([textOf(bundle, "db#password"), textOf(bundle, "db")], ["db#password of 1", "of 1"]);
  assert.equal(bench.server.requests.length, 1);
});

test("a right to one part is none to the others, nor to the whole", async () => {
  const bench = partsBench();
  const main = { kind: "ClusterSecretStore", name: "main" } as const;
  bench.cluster.policies.push(storePolicy("p", main, [{ namespaces: ["shop"], keys: ["db#user"] }]));
  await bench.read(requestFor("db#user"));
  for (const key of ["db#password", "db"])
    assert.equal((await failureOf(bench.read(requestFor(key), kept))).code, "not_allowed");
});

test("a part that is not there fails its own entry, or is left out of an optional one", async () => {
  const bench = partsBench();
  const failure = await failureOf(bench.read(requestFor("db#user", "db#lost")));
  assert.deepEqual(
    failure.parts.map(({ code, field }) => [code, field]),
    [["ref_not_found", "spec.data[1]"]],
  );
  const optional = entry("db#lost", { field: "spec.data[1]", optional: true });
  const bundle = await bench.read({ entries: [entry("db#user"), optional] }, kept);
  assert.deepEqual([[...bundle.values.keys()], bundle.missing.length], [["db#user"], 1]);
  assert.deepEqual(bench.audited.at(-1)!.address, "db#user");
});

test("a part that is gone does not stand in later, and one that is there does", async () => {
  const bench = partsBench();
  const read = (...keys: readonly string[]) => bench.read(requestFor(...keys), { ...steady, limitMs: 1_000 });
  await read("db#user");
  await read("db#password");
  const { onPart } = bench.server;
  bench.server.onPart = (located, whole) => {
    if (located.address === "db#password") throw new Failure("ref_not_found", "gone");
    return onPart(located, whole);
  };
  assert.equal((await failureOf(read("db#password"))).code, "ref_not_found");
  bench.server.onRead = () => {
    throw new Failure("store_sealed", "sealed");
  };
  await bench.clock.advance(1);
  assert.equal(textOf(await read("db#user"), "db#user"), "db#user of 1");
  assert.equal((await failureOf(read("db#password"), bench.clock, 1_000)).code, "store_sealed");
});

test("a refused whole is refused for all of its parts, each under its own field", async () => {
  const bench = partsBench();
  bench.server.onRead = () => {
    throw new Failure("store_denied", "no");
  };
  const failure = await failureOf(bench.read(requestFor("db#user", "db#password")));
  assert.deepEqual(
    failure.parts.map(({ code, field }) => [code, field]),
    [
      ["store_denied", "spec.data[0]"],
      ["store_denied", "spec.data[1]"],
    ],
  );
});

test("a whole that changed makes the readers of all its parts due", async () => {
  const bench = partsBench();
  const due: string[] = [];
  bench.path.consumers.onDue(({ consumer }) => due.push(consumer.name));
  const sync = (name: string, key: string) => bench.read(requestFor(key), { caller: externalSecret("shop", name) });
  await sync("one", "db#user");
  await sync("two", "db#password");
  await bench.clock.advance(1);
  bench.rotate();
  await sync("one", "db#user");
  assert.deepEqual(due, ["two"]);
});

test("parts of what is one consumer's alone are never shared either", async () => {
  const bench = partsBench();
  await bench.read(requestFor("db#user|POST", "db#password|POST"), kept);
  await bench.read(requestFor("db#user|POST"), { caller: externalSecret("shop", "other"), ...kept });
  await bench.read(requestFor("db#user|POST"), { caller: pod(), ...kept });
  assert.equal(bench.server.requests.length, 3);
});

test("a kind that takes properties out itself is told them, and nothing is looked up after it", async () => {
  const bench = simpleBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }, { provider: "owning" }));
  bench.server.onRead = () => answerOf("whole");
  bench.server.onPart = ({ address }) => answerOf(`{"user":"at ${address}"}`);
  const map = { as: "map", conversion: "Default" } as const;
  const bundle = await bench.read({
    entries: [entry("db", { property: "user", take: map }), entry("db", { take: { as: "value", name: "whole" } })],
  });
  assert.deepEqual([textOf(bundle, "user"), textOf(bundle, "whole")], ["at db#user", "whole"]);
  assert.equal(bench.server.requests.length, 1);
  assert.deepEqual(
    bench.audited.map(({ address }) => address),
    ["db#user", "db"],
  );
});

test("a property that such a kind does not find is the entry's failure", async () => {
  const bench = simpleBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none" }, { provider: "owning" }));
  bench.server.onPart = () => {
    throw new Failure("property_not_found", "there is no such field");
  };
  const failure = await failureOf(bench.read({ entries: [entry("db", { property: "lost" })] }));
  assert.deepEqual([failure.code, failure.parts[0]!.field], ["property_not_found", "spec.data[0]"]);
});
