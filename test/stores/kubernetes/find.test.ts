/** What find lists, and what the check asks. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import type { FindWish } from "../../../plugin/stores/contract.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import { byToken, fails, logIn, signal } from "./opened.ts";
import { startWorld } from "./world.ts";

const { server, block, calls, open, put } = await startWorld();

suite("find", () => {
  const find = async (wish: FindWish, store = open()) =>
    (await store.find!.list(wish, await logIn(store), signal)).map(({ name, key }) => (assert.equal(name, key), name));
  const byName = (pattern: RegExp): FindWish => ({
    name: { source: pattern.source, matches: (name) => pattern.test(name) },
  });
  test("takes the names of the namespace, page by page", async () => {
    const listing = { ...block, remoteNamespace: "many" };
    for (let i = 0; i < 250; i++)
      put(`s-${i}`, { namespace: "many", labels: i % 50 === 0 ? { team: "a", x: "" } : {} });
    const before = server.requests.length;
    const store = open(listing);
    assert.equal((await find({}, store)).length, 250);
    const asked = server.requests.slice(before);
    assert.deepEqual(
      asked.map(({ query }) => [query.get("limit"), query.get("continue") !== null]),
      [
        ["100", false],
        ["100", true],
        ["100", true],
      ],
    );
    assert.match(asked[0]!.accept, /PartialObjectMetadataList/);
    assert.deepEqual((await find(byName(/^s-1\d$/), store)).sort(), [
      "s-10",
      "s-11",
      "s-12",
      "s-13",
      "s-14",
      "s-15",
      "s-16",
      "s-17",
      "s-18",
      "s-19",
    ]);
    assert.deepEqual((await find({ tags: { team: "a", x: "" } }, store)).sort(), [
      "s-0",
      "s-100",
      "s-150",
      "s-200",
      "s-50",
    ]);
    assert.equal(server.requests.at(-1)!.query.get("labelSelector"), "team=a,x=");
    assert.deepEqual(await find({ ...byName(/^s-5/), tags: { team: "a" } }, store), ["s-50"]);
    assert.deepEqual(await find({ tags: { team: "b" } }, store), []);
    assert.deepEqual(calls, Array<string>(5).fill("ListSecrets success"));
  });
  test("gives no part of a list whose next page is gone, or empty, or another's", async (t) => {
    const hostile = await startHostileServer();
    t.after(hostile.close);
    const page = (name: string) => ({ metadata: { continue: "next" }, items: [{ metadata: { name } }] });
    const rows: readonly [status: number, body: object, code: FailureCode, words: RegExp][] = [
      [410, { kind: "Status", reason: "Expired" }, "store_error", /changed while it was read/],
      [200, { metadata: { continue: "next" }, items: [] }, "answer_invalid", /an empty page/],
      [200, page("../secrets"), "answer_invalid", /a name that no Secret can have/],
      [200, { metadata: {} }, "answer_invalid", /no list of Secrets/],
      [404, {}, "answer_invalid", /status 404/],
    ];
    const store = open({ ...byToken, server: { url: hostile.url } });
    for (const [status, body, code, words] of rows) {
      hostile.answer(({ path }) =>
        path.includes("continue=next")
          ? canned({ status, body: JSON.stringify(body) })
          : canned({ status: 200, body: JSON.stringify(page("db")) }),
      );
      await fails(find({}, store), code, words);
    }
    hostile.answer(() => canned({ status: 200, body: JSON.stringify(page("db")) }));
    await fails(find({}, store), "answer_too_large", /more than 10000 Secrets; narrow it with find.tags/);
  });
  test("needs the right to list", async () => {
    server.fail({ verb: "list" }, { status: 403 });
    await fails(
      find({}),
      "store_denied",
      /refused to list the Secrets of namespace prod \(403\): give the account list/,
    );
  });
  test("names what it lists by label and name, in any order of the labels", () => {
    const { find: ability } = open();
    const at = (tags: Readonly<Record<string, string>>) => ability!.locate({ tags });
    assert.deepEqual(at({ a: "1", b: "2" }), at({ b: "2", a: "1" }));
    assert.notDeepEqual(at({ a: "1" }), at({ a: "2" }));
    assert.equal(at({ a: "1" }).address, "prod/*");
    for (const tags of [{ "a,b": "c" }, { a: "b,c" }, { a: "in (b)" }, { "": "a" }, { "A_/x": "a" }])
      assert.throws(() => at(tags), { code: "ref_invalid" });
  });
});

suite("check", () => {
  const rules = (resourceRules: readonly object[], incomplete = false) =>
    server.answerPost("selfsubjectrulesreviews", ({ body }) => ({
      ...(body as object),
      status: { resourceRules, incomplete },
    }));
  const rule = { apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["get"] };
  const admitted: Readonly<Record<string, () => void>> = {
    "a rule for Secrets": () => rules([{ ...rule, verbs: ["list"] }, rule]),
    "a rule for named Secrets": () => rules([{ ...rule, resourceNames: ["db"] }]),
    "a rule for everything": () => rules([{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]),
    "rules that are not all told": () => rules([], true),
  };
  for (const [what, prepare] of Object.entries(admitted))
    test(`is content with ${what}`, async () => {
      prepare();
      const store = open();
      await store.check!(await logIn(store), signal);
      const { path, body } = server.requests.at(-1)!;
      assert.equal(path, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews");
      assert.deepEqual((body as { spec: unknown }).spec, { namespace: "prod" });
      assert.deepEqual(calls, ["CreateSelfSubjectRulesReview success"]);
    });
  const refusedRules: Readonly<Record<string, object>> = {
    "of another group": { ...rule, apiGroups: ["apps"] },
    "for other resources": { ...rule, resources: ["configmaps"] },
    "for other verbs": { ...rule, verbs: ["list", "watch"] },
  };
  for (const [what, one] of Object.entries(refusedRules))
    test(`is refused with rules ${what} alone`, async () => {
      rules([one]);
      const store = open();
      const refusal = store.check!(await logIn(store), signal);
      await fails(refusal, "store_denied", /may not read any Secret in namespace prod: give it get on secrets/);
    });
  test("is refused without a credential that stands", async () => {
    server.acceptTokens([]);
    const store = open();
    await fails(store.check!(await logIn(store), signal), "store_denied", /does not accept the credential/);
  });
});
