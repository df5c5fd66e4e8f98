import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readManifestText } from "../../plugin/directory/manifest-file.ts";
import { idOf } from "../../plugin/directory/manifest-index.ts";
import { externalSecret, store, texts } from "./setup.ts";

const ids = (text: string): readonly string[] => readManifestText(text).objects.map(idOf);

const found: readonly (readonly [name: string, text: string, ids: readonly string[]])[] = [
  ["one document", externalSecret("a"), ["ExternalSecret/shop/a"]],
  ["empty documents between", `---\n---\n# nothing\n---\n${store("s")}---\n`, ["SecretStore/shop/s"]],
  ["nothing", "", []],
  ["CRLF", externalSecret("a").replaceAll("\n", "\r\n"), ["ExternalSecret/shop/a"]],
  [
    "a cluster kind has no namespace",
    store("s", { kind: "ClusterSecretStore" }).replace("name: s", "name: s, namespace: x"),
    ["ClusterSecretStore/s"],
  ],
  ["no namespace is default", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n", ["Secret/default/s"]],
  [
    "an empty namespace is default",
    'apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ""}\n',
    ["Secret/default/s"],
  ],
  [
    "a JSON list",
    JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: [
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
        {
          apiVersion: "v1",
          kind: "List",
          items: [{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "sa" } }],
        },
      ],
    }),
    ["Namespace/shop", "ServiceAccount/default/sa"],
  ],
  [
    "a typed list, whose items leave out what the list says",
    JSON.stringify({ apiVersion: "v1", kind: "SecretList", items: [{ metadata: { name: "s" } }] }),
    ["Secret/default/s"],
  ],
  ["v1beta1", externalSecret("a").replace("/v1", "/v1beta1"), ["ExternalSecret/shop/a"]],
];

suite("what a manifest file holds", () => {
  for (const [name, text, wanted] of found) test(name, () => assert.deepEqual(ids(text), wanted));
  test("kinds that mean nothing here are told apart, also those of another group", () => {
    const text =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\napiVersion: other.io/v1\nkind: Secret\nmetadata: {name: s}\n";
    const { objects, unknown, problems } = readManifestText(text);
    assert.deepEqual([objects.length, unknown.map(({ kind }) => kind), problems], [0, ["Deployment", "Secret"], []]);
  });
});

const broken: readonly (readonly [name: string, text: string, says: RegExp])[] = [
  ["YAML syntax", 'a: "canary', /^line \d+: /],
  ["text", "canary", /not a map with apiVersion/],
  ["no kind", "apiVersion: v1\nmetadata: {name: canary}", /kind is missing/],
  ["no apiVersion", "kind: Secret\nmetadata: {name: canary}", /apiVersion is missing/],
  ["no name", "apiVersion: v1\nkind: Secret\n", /Secret: metadata\.name must be/],
  ["a name that is no name", "apiVersion: v1\nkind: Secret\nmetadata: {name: ../canary}", /metadata\.name must be/],
  [
    "a namespace that is none",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: a/b}",
    /metadata\.namespace must be/,
  ],
  [
    "bad base64",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: canary!}",
    /Secret\/default\/s: data\.k: is not base64/,
  ],
  ["base64 without padding", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: YQ}", /is not base64/],
  [
    "a number as data",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: 12345678}",
    /data\.k: must be text, not a number/,
  ],
  ["a bad key", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a/b: YQ==}", /is not a key/],
  ["data that is a list", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: [canary]", /data: must be a map/],
];

suite("what is wrong with a manifest file", () => {
  for (const [name, text, says] of broken)
    test(name, () => {
      const { objects, problems } = readManifestText(text);
      assert.equal(objects.length, 0);
      assert.match(problems.join("\n"), says);
      assert.doesNotMatch(problems.join("\n"), /canary/);
    });
  test("an ExternalSecret with problems is an object: they are its own", () => {
    const { objects, problems } = readManifestText(externalSecret("a").replace("secretKey", "secretKy"));
    assert.deepEqual(problems, []);
    const content = objects[0]!.content;
    assert.ok(content.kind === "ExternalSecret" && !content.parsed.ok);
  });
  test("a broken document does not hide the next, and its line counts from the top", () => {
    const { objects, problems } = readManifestText(`a: [\n---\n${externalSecret("a")}---\nkind: x\n`);
    assert.deepEqual(objects.map(idOf), ["ExternalSecret/shop/a"]);
    assert.equal(problems.length, 2);
    assert.match(problems[1]!, /^line 10: apiVersion is missing/);
  });
});

suite("a v1 Secret", () => {
  const head = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
  const dataOf = (text: string) => {
    const content = readManifestText(head + text).objects[0]?.content;
    assert.ok(content?.kind === "Secret");
    return { ...content.secret, data: texts(content.secret.data) };
  };
  const rows: readonly (readonly [name: string, text: string, data: Record<string, string>])[] = [
    ["data is base64", "data: {a: eA==}", { a: "x" }],
    ["base64 may span lines", "data:\n  a: |\n    eHh4\n    eHh4\n", { a: "xxxxxx" }],
    ["stringData is text and wins", "data: {a: eA==, b: eA==}\nstringData: {a: text}", { a: "text", b: "x" }],
    ["null is empty", "data: {a: null}", { a: "" }],
    ["none", "", {}],
  ];
  for (const [name, text, data] of rows) test(name, () => assert.deepEqual(dataOf(text).data, data));
  test("the type is Opaque unless it says so", () => {
    assert.equal(dataOf("").type, "Opaque");
    assert.equal(dataOf("type: kubernetes.io/tls").type, "kubernetes.io/tls");
  });
});

suite("what the API server would fill in", () => {
  const metaOf = (text: string) => readManifestText(text).objects[0]!.meta;
  test("a uid that is the same each time, another for each object, and cannot be chosen", () => {
    const uid = metaOf(externalSecret("a")).uid;
    assert.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(metaOf(externalSecret("a", { key: "other" }).replace("name: a", `name: a, uid: chosen`)).uid, uid);
    const others = [externalSecret("b"), externalSecret("a", { namespace: "other" }), store("a")];
    assert.equal(new Set([uid, ...others.map((text) => metaOf(text).uid)]).size, 4);
  });
  test("a generation that follows the spec alone", () => {
    const { generation } = metaOf(externalSecret("a"));
    assert.ok(Number.isSafeInteger(generation) && generation > 0);
    assert.equal(
      metaOf(externalSecret("a").replace("name: a", "name: a, labels: {x: y}, generation: 7")).generation,
      generation,
    );
    assert.notEqual(metaOf(externalSecret("a", { key: "other" })).generation, generation);
  });
  test("the order of fields and a status change nothing", () => {
    const fingerprint = (text: string) => readManifestText(text).objects[0]!.fingerprint;
    const [spec, head] = [`spec: {provider: {file: {path: /x}}}\n`, `metadata: {name: s, namespace: shop}\n`];
    const kind = "apiVersion: external-secrets.io/v1\nkind: SecretStore\n";
    assert.equal(fingerprint(kind + head + spec), fingerprint(kind + spec + head + "status: {conditions: []}\n"));
  });
});
