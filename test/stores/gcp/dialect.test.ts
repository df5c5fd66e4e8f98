/** Classes of Google's CSI provider: what they mean, and what is wrong with them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { DialectSurroundings } from "../../../plugin/stores/class-dialect.ts";
import { gcpDialect } from "../../../plugin/stores/gcp/dialect.ts";
import { gcpsm } from "../../../plugin/stores/gcp/kind.ts";
import { publishedSecret } from "../../../plugin/stores/provider-block.ts";
import { openAll, problemsOf, told, understood } from "../dialects.ts";
import type { Parameters } from "../dialects.ts";

const environment = { PROJECT: "prod", CLUSTER_LOCATION: "europe-west3", CLUSTER_NAME: "c1" };
const here: Partial<DialectSurroundings> = { environment };
const db = "projects/shop/secrets/db/versions/latest";
const secret = (fields: string, name = db): string => `- {resourceName: ${name}, ${fields}}\n`;
const plain = { secrets: secret("path: f") };

suite("secrets of a class", () => {
  const cases: readonly [name: string, secrets: string, files: readonly string[]][] = [
    ["a path", secret("path: a/b.txt"), [`a/b.txt 644 <- ${db} as whole`]],
    ["a file name", secret("fileName: b.txt"), [`b.txt 644 <- ${db} as whole`]],
    ["both, where the path goes first", secret("fileName: b, path: a"), [`a 644 <- ${db} as whole`]],
    ["a file name that looks like a number", secret("path: 0644"), [`0644 644 <- ${db} as whole`]],
    ["a mode in octal", secret("path: f, mode: 0400"), [`f 400 <- ${db} as whole`]],
    ["a mode in decimal", secret("path: f, mode: 256"), [`f 400 <- ${db} as whole`]],
    ["a mode of 0, which is one", secret("path: f, mode: 0"), [`f 0 <- ${db} as whole`]],
    ["a key of JSON", secret("path: f, extractJSONKey: user"), [`f 644 <- ${db} as json user`]],
    ["a key of YAML", secret("path: f, extractYAMLKey: user.name"), [`f 644 <- ${db} as yaml user.name`]],
    ["keys that are null", secret("path: f, extractJSONKey: a, extractYAMLKey: ~"), [`f 644 <- ${db} as json a`]],
    ["fields that nobody knows", secret("path: f, colour: red"), [`f 644 <- ${db} as whole`]],
    [
      "one secret in two files",
      secret("path: f, extractJSONKey: a") + secret("path: g, extractJSONKey: b"),
      [`f 644 <- ${db} as json a`, `g 644 <- ${db} as json b`],
    ],
    [
      "secrets of a region, aliases and parameters",
      secret("path: a", "projects/shop/locations/europe-west3/secrets/db/versions/stable") +
        secret("path: b", "projects/shop/locations/global/parameters/conf/versions/v1"),
      [
        "a 644 <- projects/shop/locations/europe-west3/secrets/db/versions/stable as whole",
        "b 644 <- projects/shop/locations/global/parameters/conf/versions/v1 as whole",
      ],
    ],
  ];
  for (const [name, secrets, files] of cases)
    test(`have ${name}`, () => {
      const request = understood(gcpDialect, { secrets }, here);
      assert.deepEqual(request.files.map(told), files);
      openAll(gcpsm, request);
    });

  test("take texts alone out of documents, and are versions by their full names", () => {
    const { files } = understood(gcpDialect, { secrets: secret("path: f, extractJSONKey: a") }, here);
    assert.deepEqual(files[0]!.part, { kind: "key", of: "json", key: "a", textOnly: true });
    assert.deepEqual(files[0]!.object, { id: db, version: "store" });
  });
  test("of several projects have a block for each", () => {
    const other = "projects/123456/secrets/db/versions/3";
    const request = understood(gcpDialect, { secrets: plain.secrets + secret("path: g", other) }, here);
    assert.deepEqual(
      request.files.map(({ block }) => block),
      [undefined, "123456"],
    );
    const stores = openAll(gcpsm, request);
    assert.equal(stores.get("123456")!.locate(request.files[1]!.ref).address, "projects/123456/secrets/db");
  });
});

suite("the login of a class", () => {
  const loginOf = (parameters: Parameters, more: Partial<DialectSurroundings>) => {
    const request = understood(gcpDialect, { ...plain, ...parameters }, more);
    return { request, need: openAll(gcpsm, request).get("")!.proofNeed };
  };
  test("is the pod's own through the cluster's pool", () => {
    for (const auth of ["", "pod-adc"]) {
      const { need, request } = loginOf({ auth }, here);
      assert.ok(need.kind === "token");
      assert.deepEqual([need.audience, need.serviceAccount], ["prod.svc.id.goog", { name: "checkout" }]);
      assert.equal(request.processIdentity, undefined);
    }
    assert.deepEqual(gcpDialect.environment?.toSorted(), Object.keys(environment).toSorted());
  });
  test("is the key that came with the mount", () => {
    const { need } = loginOf({}, { secretKeys: ["key.json"] });
    assert.ok(need.kind === "static");
    assert.deepEqual(
      Object.values(need.secrets).map(({ name, key }) => [name, key]),
      [[publishedSecret, "key.json"]],
    );
  });
  test("is the process's own where the namespace is listed", () => {
    const { need, request } = loginOf({ auth: "provider-adc" }, { processIdentity: true });
    assert.deepEqual([need.kind, request.processIdentity], ["static", true]);
  });
});

suite("what is wrong with a class", () => {
  const cases: readonly [
    name: string,
    parameters: Parameters,
    path: string,
    problem: RegExp,
    more?: Partial<DialectSurroundings>,
  ][] = [
    ["no secrets", { secrets: "" }, "secrets", /^is missing or empty/],
    ["no name", { secrets: "- {path: f}" }, "secrets[0].resourceName", /^is missing/],
    [
      "a name without a version",
      { secrets: secret("path: f", "projects/shop/secrets/db") },
      "secrets[0].resourceName",
      /no name of a version/,
    ],
    [
      "a name of something else",
      { secrets: secret("path: f", "db") },
      "secrets[0].resourceName",
      /no name of a version/,
    ],
    [
      "a location that is none",
      { secrets: secret("path: f", `projects/shop/locations/${"l".repeat(31)}/secrets/db/versions/1`) },
      "secrets[0].resourceName",
      /no location/,
    ],
    [
      "a project that would be a host",
      { secrets: secret("path: f", "projects/evil.example.com#/secrets/db/versions/1") },
      "projectID",
      /not an id/,
    ],
    ["no file", { secrets: secret("mode: 0400") }, "secrets[0].path", /name the file by path or fileName/],
    ["a file that climbs", { secrets: secret("fileName: a/../../b") }, "secrets[0].path", /`\.\.`/],
    ["one file twice", { secrets: secret("path: f") + secret("fileName: f") }, "secrets[1].path", /name of two files/],
    ["a mode too large", { secrets: secret("path: f, mode: 512") }, "secrets[0].mode", /file mode/],
    [
      "two keys",
      { secrets: secret("path: f, extractJSONKey: a, extractYAMLKey: b") },
      "secrets[0].extractYAMLKey",
      /keep one/,
    ],
    ["an unknown login", { auth: "adc" }, "auth", /pod-adc .* or provider-adc/],
    ["the process's login for anybody", { auth: "provider-adc" }, "auth", /--process-identity-namespaces/],
    ["two logins", { auth: "pod-adc" }, "auth", /does not go with nodePublishSecretRef/, { secretKeys: ["key.json"] }],
    [
      "a cluster that nobody knows",
      {},
      "auth",
      /set CLUSTER_NAME in/,
      { environment: { ...environment, CLUSTER_NAME: "" } },
    ],
    [
      "a cluster that is none",
      {},
      "CLUSTER_NAME",
      /GKE cluster/,
      { environment: { ...environment, CLUSTER_NAME: "A" } },
    ],
  ];
  for (const [name, parameters, path, problem, more] of cases)
    test(`is ${name}`, () => {
      const problems = problemsOf(gcpDialect, { ...plain, ...parameters }, { ...here, ...more });
      assert.deepEqual(
        problems.map((one) => one.path),
        [path],
      );
      assert.match(problems[0]!.problem, problem);
    });

  test("is told all at once", () => {
    const secrets = `${secret("path: ../f, mode: x")}- {fileName: [a]}\n- a`;
    const problems = problemsOf(gcpDialect, { auth: "no", secrets });
    assert.deepEqual(problems.map(({ path }) => path).toSorted(), [
      "auth",
      "secrets[0].mode",
      "secrets[0].path",
      "secrets[1].fileName",
      "secrets[1].path",
      "secrets[1].resourceName",
      "secrets[2]",
    ]);
  });
});
