/** Which secrets a find comes to, and what AWS is asked for it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { TestContext } from "node:test";
import type { FindWish, Found } from "../../../plugin/stores/contract.ts";
import type { CannedAnswer } from "../../fakes/hostile-server.ts";
import { openAsked, signal } from "./asked.ts";
import type { Answering, AskedStore } from "./asked.ts";
import { json } from "./fake-aws.ts";

const named = (source: string): Pick<FindWish, "name"> => ({
  name: { source, matches: (name) => new RegExp(source).test(name) },
});
const refusal = (type: string): CannedAnswer => json(400, { __type: type, message: "canary" });

async function opened(t: TestContext, block: object, answering: Answering): Promise<AskedStore> {
  const open = await openAsked(block, answering);
  t.after(open.close);
  return open;
}

const list = ({ store, session }: AskedStore, wish: FindWish): Promise<readonly Found[]> =>
  store.find!.list(wish, session, signal);

interface Secret {
  readonly Name: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value?: string }[];
}

const tag = (Key: string, Value?: string) => ({ Key, ...(Value === undefined ? {} : { Value }) });
const secrets: readonly Secret[] = [
  { Name: "payments/db", Tags: [tag("team", "a"), tag("env", "prod")] },
  { Name: "payments/db-replica", Tags: [tag("team", "b"), tag("env", "a")] },
  { Name: "payments/key", Tags: [tag("team2", "a")] },
  { Name: "PAYMENTS/db" },
  { Name: "admin/db", Tags: [tag("team", "a"), tag("empty")] },
];
/** As an emulator may: it narrows by nothing. */
const everySecret: Answering = () => json(200, { SecretList: secrets });

const inSecretsManager: readonly (readonly [
  name: string,
  prefix: string,
  wish: FindWish,
  want: readonly (readonly [name: string, key: string])[],
  filters: readonly (readonly [string, string])[],
])[] = [
  ["every secret", "", {}, secrets.map(({ Name }) => [Name, Name]), []],
  [
    "by name",
    "",
    named("db$"),
    [
      ["payments/db", "payments/db"],
      ["PAYMENTS/db", "PAYMENTS/db"],
      ["admin/db", "admin/db"],
    ],
    [],
  ],
  [
    "by path and name",
    "",
    { path: "payments/", ...named("db") },
    [
      ["payments/db", "payments/db"],
      ["payments/db-replica", "payments/db-replica"],
    ],
    [["name", "payments/"]],
  ],
  [
    "by a tag, which is that key with that value",
    "",
    { tags: { team: "a" } },
    [
      ["payments/db", "payments/db"],
      ["admin/db", "admin/db"],
    ],
    [
      ["tag-key", "team"],
      ["tag-value", "a"],
    ],
  ],
  [
    "by all tags",
    "",
    { tags: { team: "a", env: "prod" } },
    [["payments/db", "payments/db"]],
    [
      ["tag-key", "team"],
      ["tag-key", "env"],
      ["tag-value", "a"],
      ["tag-value", "prod"],
    ],
  ],
  ["by name and tag together", "", { tags: { team: "a" }, ...named("^admin") }, [["admin/db", "admin/db"]], []],
  ["by a tag without a value", "", { tags: { empty: "" } }, [["admin/db", "admin/db"]], [["tag-key", "empty"]]],
  ["by what AWS would take for its opposite", "", { path: "!payments" }, [], []],
  ["by a tag that AWS cannot be asked for", "", { tags: { straße: "x" } }, [], [["tag-value", "x"]]],
  [
    "behind a prefix, which keys leave out and names do not",
    "payments/",
    named("^payments/db$"),
    [["payments/db", "db"]],
    [["name", "payments/"]],
  ],
  [
    "behind a prefix and below a path",
    "payments/",
    { path: "payments/k" },
    [["payments/key", "key"]],
    [["name", "payments/k"]],
  ],
  ["a path that only begins the prefix", "payments/", { path: "pay", ...named("key") }, [["payments/key", "key"]], []],
];

suite("a find in Secrets Manager", { timeout: 30_000 }, () => {
  for (const [name, prefix, wish, want, filters] of inSecretsManager)
    test(name, async (t) => {
      const open = await opened(t, { prefix }, everySecret);
      const found = await list(open, wish);
      assert.deepEqual(
        found.map((one) => [one.name, one.key]),
        want,
      );
      for (const one of found)
        assert.equal(open.store.locate({ key: one.key, metadataPolicy: "None" }).address, one.name, "reads the same");
      const [call, body] = open.asked[0]!;
      assert.equal(call, "ListSecrets");
      if (filters.length > 0)
        assert.deepEqual(
          body["Filters"],
          filters.map(([Key, value]) => ({ Key, Values: [value] })),
        );
      assert.deepEqual(open.counted, ["AWS/SecretsManager ListSecrets success"]);
    });
  test("goes to the last page", async (t) => {
    const open = await opened(t, {}, (_, { NextToken }) =>
      NextToken === undefined
        ? json(200, { SecretList: [{ Name: "a" }], NextToken: "2" })
        : NextToken === "2"
          ? json(200, { SecretList: [], NextToken: "3" })
          : json(200, { SecretList: [{ Name: "b" }] }),
    );
    assert.deepEqual(
      (await list(open, {})).map(({ name }) => name),
      ["a", "b"],
    );
    assert.equal(open.counted.length, 3);
  });
  test("never asks for more filters than AWS takes", async (t) => {
    const tags = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`k${i}`, `v${i}`]));
    const open = await opened(t, {}, everySecret);
    assert.deepEqual(await list(open, { tags, path: "p" }), []);
    assert.equal((open.asked[0]![1]["Filters"] as unknown[]).length, 10);
  });
});

const parameters = ["/payments/db", "/payments/deep/key", "/paymentsx", "/admin/db", "bare"];
const everyParameter: Answering = () =>
  json(200, { Parameters: parameters.map((Name) => ({ Name, Value: "canary" })) });

const inParameterStore: readonly (readonly [
  name: string,
  prefix: string,
  wish: FindWish,
  want: readonly (readonly [name: string, key: string])[],
  asked: object,
])[] = [
  ["every parameter", "", {}, parameters.map((name) => [name, name]), { Path: "/" }],
  [
    "below a folder",
    "",
    { path: "/payments" },
    [
      ["/payments/db", "/payments/db"],
      ["/payments/deep/key", "/payments/deep/key"],
    ],
    { Path: "/payments" },
  ],
  ["by name", "", named("deep"), [["/payments/deep/key", "/payments/deep/key"]], { Path: "/" }],
  ["behind a prefix that is a folder", "/payments/", named("db"), [["/payments/db", "db"]], { Path: "/payments" }],
  ["behind a prefix that is no folder", "/pay", named("x$"), [["/paymentsx", "mentsx"]], { Path: "/" }],
];

suite("a find in Parameter Store", { timeout: 30_000 }, () => {
  for (const [name, prefix, wish, want, asked] of inParameterStore)
    test(name, async (t) => {
      const open = await opened(t, { service: "ParameterStore", prefix }, everyParameter);
      const found = await list(open, wish);
      assert.deepEqual(
        found.map((one) => [one.name, one.key]),
        want,
      );
      for (const one of found)
        assert.equal(open.store.locate({ key: one.key, metadataPolicy: "None" }).address, one.name, "reads the same");
      const common = { Recursive: true, WithDecryption: false, MaxResults: 10 };
      assert.deepEqual(open.asked, [["GetParametersByPath", { ...common, ...asked }]]);
      assert.deepEqual(open.counted, ["AWS/ParameterStore GetParametersByPath success"]);
    });
  test("by tags asks the one call that knows them", async (t) => {
    const open = await opened(t, { service: "ParameterStore" }, everyParameter);
    const found = await list(open, { tags: { team: "a", env: "prod" }, path: "/payments/", ...named("db") });
    assert.deepEqual(found, [{ name: "/payments/db", key: "/payments/db" }]);
    const ParameterFilters = [
      { Key: "Path", Option: "Recursive", Values: ["/payments"] },
      { Key: "tag:team", Option: "Equals", Values: ["a"] },
      { Key: "tag:env", Option: "Equals", Values: ["prod"] },
    ];
    assert.deepEqual(open.asked, [["DescribeParameters", { ParameterFilters, MaxResults: 50 }]]);
  });
  test("describes where it may not read by path", async (t) => {
    const open = await opened(t, { service: "ParameterStore" }, (call, body) =>
      call === "GetParametersByPath" ? refusal("AccessDeniedException") : everyParameter(call, body),
    );
    const found = await list(open, { path: "/admin" });
    assert.deepEqual(found, [{ name: "/admin/db", key: "/admin/db" }]);
    const ParameterFilters = [{ Key: "Path", Option: "Recursive", Values: ["/admin"] }];
    assert.deepEqual(open.asked[1], ["DescribeParameters", { ParameterFilters, MaxResults: 50 }]);
    assert.deepEqual(open.counted, [
      "AWS/ParameterStore GetParametersByPath error",
      "AWS/ParameterStore DescribeParameter success",
    ]);
  });
  for (const type of ["ExpiredTokenException", "ThrottlingException", "InternalServerError"])
    test(`does not describe after ${type}`, async (t) => {
      const open = await opened(t, { service: "ParameterStore" }, () => refusal(type));
      await assert.rejects(list(open, {}));
      assert.equal(open.asked.length, 1);
    });
});

const [sm, ps] = [{}, { service: "ParameterStore" }];
const refusals: readonly (readonly [name: string, block: object, answer: CannedAnswer, code: string, says: RegExp])[] =
  [
    [
      "a denial",
      sm,
      refusal("AccessDeniedException"),
      "store_denied",
      /the list of "\*" in Secrets.*lack secretsmanager:ListSecrets on it$/,
    ],
    [
      "a denial of both ways",
      ps,
      refusal("AccessDeniedException"),
      "store_denied",
      /lack ssm:DescribeParameters on it$/,
    ],
    ["a throttle", sm, refusal("ThrottlingException"), "store_throttled", /throttling the list/],
    [
      "a filter that AWS does not take",
      ps,
      refusal("ValidationException"),
      "ref_invalid",
      /check find\.path and find\.tags/,
    ],
    ["a lost page", sm, refusal("InvalidNextTokenException"), "store_error", /failed the list/],
    ["no list", sm, json(200, {}), "answer_invalid", /no SecretList/],
    ["no list of parameters", ps, json(200, {}), "answer_invalid", /no Parameters/],
    ["one page for ever", sm, json(200, { SecretList: [], NextToken: "1" }), "answer_invalid", /without an end/],
    [
      "a name that none can have",
      ps,
      json(200, { Parameters: [{ Name: "a:b:c" }] }),
      "answer_invalid",
      /nothing of it can have/,
    ],
    ["a nameless secret", sm, json(200, { SecretList: [{}] }), "answer_invalid", /no name/],
  ];

suite("a find that aws does not answer", { timeout: 30_000 }, () => {
  for (const [name, block, answer, code, says] of refusals)
    test(`${name} is ${code}`, async (t) => {
      const open = await opened(t, block, () => answer);
      await assert.rejects(list(open, {}), (thrown: Error) => {
        assert.equal((thrown as Error & { code?: string }).code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
    });
});

const unaskable: readonly (readonly [name: string, block: object, wish: FindWish, says: RegExp])[] = [
  ["a path out of the prefix", { prefix: "payments/" }, { path: "admin/" }, /leads out of the store's prefix/],
  ["a path with a star", {}, { path: "pay*" }, /nothing that a name can begin with/],
  ["a path that is no folder", { service: "ParameterStore" }, { path: "payments" }, /begin it with \//],
  ["a tag without a value", { service: "ParameterStore" }, { tags: { team: "" } }, /"team" without a value/],
];

suite("a find has an address of its own", { timeout: 30_000 }, () => {
  for (const [name, block, wish, says] of unaskable)
    test(`and none for ${name}`, async (t) => {
      const open = await opened(t, block, everySecret);
      assert.throws(() => open.store.find!.locate(wish), { code: "ref_invalid", message: says });
      await assert.rejects(list(open, wish), { code: "ref_invalid" });
      assert.equal(open.asked.length, 0);
    });
  test("with everything that narrows it, and a star that no name has", async (t) => {
    const { store } = await opened(t, { prefix: "payments/" }, everySecret);
    assert.deepEqual(store.find!.locate({ path: "payments/d", tags: { b: "2", a: "1" }, ...named("x") }), {
      address: "payments/d*",
      method: "LIST",
      arguments: '{"name":"x","tags":{"a":"1","b":"2"}}',
      version: "",
    });
    assert.equal(store.find!.locate({}).address, "payments/*");
  });
});
