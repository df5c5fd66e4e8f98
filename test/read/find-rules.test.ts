/** StorePolicy and find: what no rule allows is neither read nor told, whoever's listing it stands in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { StorePolicy } from "../../plugin/manifests/objects.ts";
import type { Caller } from "../../plugin/read/caller.ts";
import type { ReadTerms } from "../../plugin/read/request.ts";
import { storeManifest, storePolicy } from "./fake-cluster.ts";
import type { FindBench } from "./find-bench.ts";
import { findBench, findEntry, textsOf } from "./find-bench.ts";
import { externalSecret, failureOf, pod } from "./read-bench.ts";

const held = ["pay/db", "pay/api", "web/db", "web/deep/key", "top"];
const main = { kind: "ClusterSecretStore", name: "main" } as const;

type Rules = Parameters<typeof storePolicy>[2];

function ruledBench(rules: Rules, identity: StorePolicy["identity"] = ["Pod", "Store"]): FindBench {
  const bench = findBench(held);
  bench.cluster.policies.push(storePolicy("main", main, rules, identity));
  return bench;
}

interface Row {
  readonly who: string;
  readonly rules: Rules;
  readonly caller?: Caller;
  readonly gets: readonly string[];
}

const rows: readonly Row[] = [
  {
    who: "a namespace with a folder",
    rules: [{ namespaces: ["shop"], keys: ["pay/*"] }],
    gets: ["pay/api", "pay/db"],
  },
  { who: "a namespace with one secret", rules: [{ namespaces: ["shop"], keys: ["top"] }], gets: ["top"] },
  {
    who: "a namespace with a folder of any depth, and one secret by another rule",
    rules: [
      { namespaces: ["shop"], keys: ["web/**"] },
      { namespaces: ["shop"], keys: ["pay/db"] },
      { namespaces: ["other"], keys: ["pay/api"] },
    ],
    gets: ["pay/db", "web/db", "web/deep/key"],
  },
  { who: "a namespace with everything", rules: [{ namespaces: ["shop"] }], gets: [...held].sort() },
  {
    who: "a namespace with rules for nothing that is there",
    rules: [{ namespaces: ["shop"], keys: ["no/*"] }],
    gets: [],
  },
  {
    who: "a pod of a namespace with a folder",
    rules: [{ namespaces: ["shop"], keys: ["pay/*"] }],
    caller: pod(),
    gets: ["pay/api", "pay/db"],
  },
];
for (const { who, rules, caller = externalSecret(), gets } of rows)
  test(`${who} finds what its rules allow; nothing else is read, told or counted as found`, async () => {
    const bench = ruledBench(rules);
    const bundle = await bench.find({}, {}, { caller });
    assert.deepEqual(Object.keys(textsOf(bundle)).sort(), gets.map((name) => name.replaceAll("/", "_")).sort());
    assert.deepEqual(bench.asked().toSorted(), gets);
    assert.deepEqual(bench.audited.map(({ address, withheld }) => [address, withheld]).toSorted(), [
      ["list of ", held.length - gets.length],
      ...gets.map((name) => [name, undefined]),
    ]);
    assert.deepEqual(bundle.missing, []);
  });

const refused: readonly (readonly [what: string, rules: Rules, terms: Partial<ReadTerms>, told: RegExp])[] = [
  [
    "a namespace that no rule names",
    [{ namespaces: ["web"] }],
    {},
    /^spec\.dataFrom\[0\]: no rule of StorePolicy "main" lets namespace "shop" read anything of ClusterSecretStore\/main; add one/,
  ],
  [
    "an identity that the policy does not list",
    [{ namespaces: ["shop"] }],
    { caller: pod(), identity: "Store" },
    /does not allow identity: Store/,
  ],
];
for (const [what, rules, terms, told] of refused)
  test(`${what} does not even list`, async () => {
    const bench = ruledBench(rules, ["Pod"]);
    const failure = await failureOf(bench.find({}, {}, terms));
    assert.deepEqual([failure.code, bench.server.listings], ["not_allowed", []]);
    assert.match(failure.message, told);
  });

test("an identity allowed by one policy reads nothing that only another policy allows", async () => {
  const bench = findBench(held);
  bench.cluster.policies.push(
    storePolicy("own", main, [{ namespaces: ["shop"], keys: ["pay/*"] }], ["Store"]),
    storePolicy("pods", main, [{ namespaces: ["shop"], keys: ["web/*"] }], ["Pod"]),
  );
  await bench.find({}, {}, { caller: pod(), identity: "Store" });
  assert.deepEqual(bench.asked().toSorted(), ["pay/api", "pay/db"]);
});

test("without a policy the identity of a ClusterSecretStore lists nothing for a pod", async () => {
  const bench = findBench(held);
  const failure = await failureOf(bench.find({}, {}, { caller: pod(), identity: "Store" }));
  assert.deepEqual([failure.code, bench.server.listings], ["not_allowed", []]);
});

test("one listing serves tenants with other rules, and none sees what is the others'", async () => {
  const bench = ruledBench([
    { namespaces: ["shop"], keys: ["pay/*"] },
    { namespaces: ["web"], keys: ["web/*"] },
  ]);
  for (const [tenant, gets] of [
    ["shop", ["pay_api", "pay_db"]],
    ["web", ["web_db"]],
    ["shop", ["pay_api", "pay_db"]],
  ] as const) {
    const bundle = await bench.find({}, {}, { caller: externalSecret(tenant), acceptBegunFromMs: 0 });
    assert.deepEqual(Object.keys(textsOf(bundle)).sort(), gets);
  }
  assert.equal(bench.server.listings.length, 1);
});

test("rules that change take effect at the next read, also where the listing is kept", async () => {
  const bench = ruledBench([{ namespaces: ["shop"] }]);
  await bench.find();
  bench.cluster.policies.splice(0, 1, storePolicy("main", main, [{ namespaces: ["shop"], keys: ["top"] }]));
  assert.deepEqual(textsOf(await bench.find({}, {}, { acceptBegunFromMs: 0 })), { top: "value of top" });
});

test("a policy that is not valid closes the listing too", async () => {
  const bench = findBench(held);
  bench.cluster.policies.push({ ok: false, problems: [{ path: "spec.rules", problem: "are wrong" }], storeRef: main });
  assert.equal((await failureOf(bench.find())).code, "not_allowed");
  assert.equal(bench.server.listings.length, 0);
});

test("where rules exist, names that cannot be read, or are double, are told to nobody who may not read them", async () => {
  const bench = ruledBench([{ namespaces: ["shop"], keys: ["top"] }]);
  bench.server.onList = () => [
    { name: "hidden-odd", key: "/" },
    { name: "hidden-twin", key: "web/db" },
    { name: "hidden-twin", key: "pay/db" },
    { name: "top", key: "top" },
  ];
  assert.deepEqual(textsOf(await bench.find()), { top: "value of top" });
  assert.equal(bench.audited[0]!.withheld, 3);
});

test("the bound counts what may be read, not what others have", async () => {
  const bench = ruledBench([{ namespaces: ["shop"], keys: ["pay/*"] }]);
  for (let i = 0; i < 2_000; i++) bench.held.set(`web/${i}`, "x");
  assert.equal((await bench.find()).values.size, 2);
});

test("of an outage nothing stands in that may not be read any more", async () => {
  const bench = ruledBench([{ namespaces: ["shop"] }]);
  const terms = { maxStaleMs: 3_600_000 };
  await bench.find({}, {}, terms);
  await bench.clock.advance(1_000);
  bench.server.onList = () => {
    throw new Failure("store_unreachable", "no connection");
  };
  assert.equal((await bench.find({}, {}, terms)).values.size, held.length, "the same rules: it stands in");
  const [policy] = bench.cluster.policies.splice(
    0,
    1,
    storePolicy("main", main, [{ namespaces: ["shop"], keys: ["top"] }]),
  );
  assert.equal((await failureOf(bench.find({}, {}, terms), bench.clock, 20_000)).code, "store_unreachable");
  bench.cluster.policies.splice(0, 1, policy!);
  assert.equal((await bench.find({}, {}, terms)).values.size, held.length);
});

test("a find in another store is not under this store's rules", async () => {
  const bench = ruledBench([{ namespaces: ["web"] }]);
  bench.cluster.putStore(
    storeManifest("own", { server: "y", auth: "none", findsBy: ["name"] }, { kind: "SecretStore", namespace: "shop" }),
  );
  const own = findEntry({}, { store: { kind: "SecretStore", name: "own" } });
  assert.equal((await bench.read({ entries: [own] })).values.size, held.length);
});
