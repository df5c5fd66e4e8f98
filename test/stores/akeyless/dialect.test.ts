/** Classes of Akeyless's CSI provider: what they mean, and what is wrong with them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { akeylessDialect } from "../../../plugin/stores/akeyless/dialect.ts";
import { akeyless } from "../../../plugin/stores/akeyless/kind.ts";
import type { DialectSurroundings } from "../../../plugin/stores/class-dialect.ts";
import { publishedSecret } from "../../../plugin/stores/provider-block.ts";
import { openAll, problemsOf, told, understood } from "../dialects.ts";
import type { Parameters } from "../dialects.ts";

const published: Partial<DialectSurroundings> = { secretKeys: ["akeylessAccessKey"] };
const objects = "- {secretPath: /shop/db, fileName: db}\n";
const plain = { akeylessAccessID: "p-1", akeylessGatewayURL: "https://gw.example.com:8000/api/v2", objects };

suite("a class of akeyless", () => {
  test("reads items into files", () => {
    const more = `${objects}- {secretPath: shop/cert, fileName: tls/cert, secretType: x, secretArgs: {a: b}}\n`;
    const request = understood(akeylessDialect, { ...plain, objects: more }, published);
    openAll(akeyless, request);
    assert.deepEqual(request.files.map(told), ["db 644 <- /shop/db as whole", "tls/cert 644 <- shop/cert as whole"]);
    assert.deepEqual(request.files[0]!.object, { id: "db:/shop/db", version: "store" });
    const closed = understood(akeylessDialect, plain, { ...published, filePermission: 0o400 });
    assert.equal(closed.files[0]!.mode, 0o400);
  });

  for (const akeylessAccessType of ["", "access_key", "api_key"])
    test(`logs in by the key that came with the mount (type "${akeylessAccessType}")`, () => {
      const request = understood(akeylessDialect, { ...plain, akeylessAccessType }, published);
      const { proofNeed, loginRealm } = openAll(akeyless, request).get("")!;
      assert.ok(proofNeed.kind === "static");
      const { name, key } = proofNeed.secrets["accessKey"]!;
      assert.deepEqual([name, key], [publishedSecret, "akeylessAccessKey"]);
      assert.match(loginRealm, /https:\/\/gw\.example\.com:8000\/api\/v2/);
      assert.equal(request.secrets, undefined);
    });

  test("may hold the key itself, which nothing then prints", () => {
    const request = understood(akeylessDialect, { ...plain, akeylessAccessKey: "hunter2" });
    openAll(akeyless, request);
    assert.equal(request.secrets?.["akeylessAccessKey"]?.reveal().toString(), "hunter2");
    assert.doesNotMatch(JSON.stringify(request) + inspect(request, { depth: 9 }), /hunter2/);
  });
  test("logs in by the pod's own token", () => {
    const parameters = { ...plain, akeylessAccessType: "k8s", akeylessK8sAuthConfigName: "conf" };
    const { proofNeed } = openAll(akeyless, understood(akeylessDialect, parameters)).get("")!;
    assert.equal(proofNeed.kind, "token");
  });
  test("takes the address from the environment, or that of everybody", () => {
    const silent = { akeylessAccessID: "p-1", objects };
    const realm = (more: Partial<DialectSurroundings>): string =>
      openAll(akeyless, understood(akeylessDialect, silent, { ...published, ...more })).get("")!.loginRealm;
    assert.match(realm({}), /https:\/\/api\.akeyless\.io /);
    assert.match(realm({ environment: { AKEYLESS_URL: "https://gw2.example.com" } }), /https:\/\/gw2\.example\.com /);
  });
});

suite("what is wrong with a class of akeyless", () => {
  const cases: readonly [name: string, parameters: Parameters, path: string, problem: RegExp][] = [
    ["no access id", { akeylessAccessID: "" }, "akeylessAccessID", /^is missing/],
    ["an access id with spaces", { akeylessAccessID: "a b" }, "akeylessAccessID", /ASCII/],
    ["an address that is none", { akeylessGatewayURL: "gw" }, "akeylessGatewayURL", /must be a URL/],
    [
      "a login of a cloud",
      { akeylessAccessType: "aws_iam" },
      "akeylessAccessType",
      /not supported yet; use access_key or k8s/,
    ],
    ["an unknown login", { akeylessAccessType: "magic" }, "akeylessAccessType", /none that is known/],
    ["k8s without its config", { akeylessAccessType: "k8s" }, "akeylessK8sAuthConfigName", /^is missing/],
    ["no objects", { objects: "" }, "objects", /^is missing or empty/],
    ["no item", { objects: "- {fileName: a}" }, "objects[0].secretPath", /^is missing/],
    ["an item that climbs", { objects: "- {fileName: a, secretPath: /a/../b}" }, "objects[0].secretPath", /segment/],
    ["no file", { objects: "- {secretPath: /a}" }, "objects[0].fileName", /^is missing/],
    ["a file that climbs", { objects: "- {secretPath: /a, fileName: ..}" }, "objects[0].fileName", /`\.\.`/],
    ["one file twice", { objects: objects + objects }, "objects[1].fileName", /name of two files/],
  ];
  for (const [name, parameters, path, problem] of cases)
    test(`is ${name}`, () => {
      const problems = problemsOf(akeylessDialect, { ...plain, ...parameters }, published);
      assert.deepEqual(
        problems.map((one) => one.path),
        [path],
      );
      assert.match(problems[0]!.problem, problem);
    });

  test("is no key to log in with, and all of it is told at once", () => {
    const problems = problemsOf(akeylessDialect, { objects: "- {}" });
    assert.deepEqual(problems.map(({ path }) => path).toSorted(), [
      "akeylessAccessID",
      "akeylessAccessKey",
      "objects[0].fileName",
      "objects[0].secretPath",
    ]);
    assert.match(problems.find(({ path }) => path === "akeylessAccessKey")!.problem, /nodePublishSecretRef/);
  });
});
