/** `keyferry render` as a process: what it prints where, how it ends, and what it never shows. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { replaceFile, runOnce } from "../scenario/program.ts";

const main = join(import.meta.dirname, "../../plugin/main.ts");
const seedTemplate = join(import.meta.dirname, "../../crds/examples/seed-template.yaml");
let folder = "";
const at = (name: string): string => join(folder, name);

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hiddenValue = base64("[hidden]");

const externalSecret = (
  name: string,
  target: string,
  data = "[{secretKey: user, remoteRef: {key: db, property: user}}]",
) => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  secretStoreRef: {name: files, kind: ClusterSecretStore}
  target: ${target}
  data: ${data}
`;

const files: Readonly<Record<string, string>> = {
  "values.yaml":
    "secret/payments/db: {username: app, password: hunter2}\ndb: {user: canary-user, id: 1}\nraw: canary-raw\n",
  "values.json": '{"db": {"user": "x", "id": 12345678901234567890}, "empty": ""}',
  "numbers.yaml": "db: 5\n",
  "plain.yaml": externalSecret("plain", "{}"),
  "many.yaml": [
    externalSecret("one", "{}"),
    externalSecret("two", "{template: {data: {a: '{{ .nobody }}'}}}"),
    externalSecret("three", "{template: {data: {b: 'x{{ .user }}'}, metadata: {finalizers: [example.com/f]}}}"),
  ].join("---"),
  "texts.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: tpl, namespace: shop}
data: {conf: "user={{ .user }}"}
---${externalSecret(
    "texts",
    `
    template:
      metadata: {labels: {plain: shown, made: "{{ .user }}"}, annotations: {more: "{{ .user | upper }}"}}
      templateFrom: [{configMap: {name: tpl, items: [{key: conf}]}}, {literal: "from: {{ .user }}", target: Labels}]`,
  )}`,
  "live.yaml": `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: files}
spec: {provider: {file: {path: store}}}
---${externalSecret("live", "{template: {data: {url: '{{ .user }}@live'}}}")}`,
  "store/db.yaml": "user: of-the-store\n",
  "wrong.yaml": externalSecret("wrong", "{tmplate: {}}").replace("shop", "Shop"),
  "broken.yaml": "kind: [",
  "none.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
  "generated.yaml": externalSecret(
    "generated",
    "{}",
    "[]\n  dataFrom: [{sourceRef: {generatorRef: {kind: VaultDynamicSecret, name: db}}}]",
  ),
  "find.yaml": externalSecret("found", "{}", "[]\n  dataFrom: [{find: {path: secret/, name: {regexp: db$}}}]"),
  "id.yaml": externalSecret("id", "{}", "[{secretKey: id, remoteRef: {key: db, property: id}}]"),
  "secret-text.yaml": externalSecret("bad", "{template: {data: {a: '{{ .user | mustFromJson }}'}}}"),
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyferry-render-"));
  for (const [name, text] of Object.entries(files)) await replaceFile(at(name), text);
});
after(() => rm(folder, { recursive: true, force: true }));

const render = (...args: readonly string[]) => runOnce([main, "render", ...args]);
const withValues = (...args: readonly string[]) => render(...args, "--values", at("values.yaml"));

test("one ExternalSecret is one Secret, its values hidden", async () => {
  const { code, stdout, stderr } = await withValues(seedTemplate);
  assert.deepEqual([code, stderr], [0, ""]);
  const { kind, metadata, type, data } = parse(stdout) as Record<string, Record<string, unknown>>;
  assert.deepEqual(
    [kind, metadata!["name"], metadata!["namespace"], type],
    ["Secret", "postgres-connection", "payments", "Opaque"],
  );
  assert.deepEqual(data, { DATABASE_URL: hiddenValue, POSTGRES_PASSWORD: hiddenValue });
});

test("with --show-values they are there, in base64 as in a Secret", async () => {
  const { stdout } = await withValues(seedTemplate, "--show-values");
  const { data } = parse(stdout) as { data: Record<string, string> };
  assert.deepEqual(data, {
    DATABASE_URL: base64("postgresql://app:hunter2@db-prod.internal:5432/payments?sslmode=require\n"),
    POSTGRES_PASSWORD: base64("hunter2"),
  });
});

test("a find looks among the keys of the values, which have no folders", async () => {
  const { stdout } = await withValues(at("find.yaml"), "--show-values");
  const { data } = parse(stdout) as { data: Record<string, string> };
  assert.deepEqual(data, { secret_payments_db: base64('{"password":"hunter2","username":"app"}') });
});

test("of a generator the values are those under its name", async () => {
  const { stdout } = await withValues(at("generated.yaml"), "--show-values");
  const { data } = parse(stdout) as { data: Record<string, string> };
  assert.deepEqual(data, { user: base64("canary-user"), id: base64("1") });
});

test("several are several documents or a JSON array; one that fails is a line, and the others are printed", async () => {
  const yaml = await withValues(at("many.yaml"), seedTemplate);
  assert.equal(yaml.code, 1);
  assert.equal(
    yaml.stderr,
    'keyferry: ExternalSecret shop/two: spec.target.template.data[a]: template: a:1:3: executing "a" at <.nobody>: map has no entry for key "nobody"\n',
  );
  const names = parseAllDocuments(yaml.stdout).map(
    (one) => (one.toJS() as { metadata: { name: string } }).metadata.name,
  );
  assert.deepEqual(names, ["one", "three", "postgres-connection"]);
  const json = await withValues(at("many.yaml"), "-o", "json");
  const secrets = JSON.parse(json.stdout) as { metadata: { name: string; finalizers?: string[] } }[];
  assert.deepEqual(
    secrets.map(({ metadata }) => [metadata.name, metadata.finalizers]),
    [
      ["one", undefined],
      ["three", ["example.com/f"]],
    ],
  );
  const one = await withValues(seedTemplate, "--output=json");
  assert.equal((JSON.parse(one.stdout) as { kind: string }).kind, "Secret");
});

test("hidden are labels, annotations and hashes that values have shaped, too", async () => {
  const { stdout } = await withValues(at("texts.yaml"));
  assert.ok(!/canary/i.test(stdout), stdout);
  const { metadata, data } = parse(stdout) as { metadata: Record<string, Record<string, string>>; data: object };
  const { labels, annotations } = metadata;
  assert.deepEqual(
    [labels!["plain"], labels!["made"], labels!["from"], annotations!["more"]],
    ["shown", "[hidden]", "[hidden]", "[hidden]"],
  );
  assert.equal(annotations!["reconcile.external-secrets.io/data-hash"], "[hidden]");
  assert.deepEqual(data, { conf: hiddenValue });
  const shown = await withValues(at("texts.yaml"), "--show-values");
  assert.equal((parse(shown.stdout) as { data: { conf: string } }).data.conf, base64("user=canary-user"));
});

test("a template that fails on a value shows none of it", async () => {
  const { code, stdout, stderr } = await withValues(at("secret-text.yaml"), "--show-values");
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^keyferry: spec\.target\.template\.data\[a\]: template: a:1:\d+: .*\[secret\].*\n$/);
  assert.ok(!stderr.includes("canary"), stderr);
});

test("values from JSON keep every digit", async () => {
  const { stdout } = await render(at("id.yaml"), "--values", at("values.json"), "--show-values");
  assert.equal((parse(stdout) as { data: { id: string } }).data.id, base64("12345678901234567890"));
});

test("--live reads the stores among the manifests", async () => {
  const { code, stdout, stderr } = await render(at("live.yaml"), "--live", "--show-values");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal((parse(stdout) as { data: { url: string } }).data.url, base64("of-the-store@live"));
});

interface Row {
  readonly what: string;
  readonly args: () => readonly string[];
  readonly code: number;
  readonly told: RegExp;
}

const rows: readonly Row[] = [
  { what: "no file", args: () => ["--live"], code: 2, told: /^keyferry: FILE: is missing; name a manifest\n$/ },
  { what: "no source of values", args: () => [at("plain.yaml")], code: 2, told: /^keyferry: --values: is missing; / },
  {
    what: "two sources of values",
    args: () => [at("plain.yaml"), "--live", "--values", "x"],
    code: 2,
    told: /^keyferry: --live: does not go with --values/,
  },
  {
    what: "an unknown form",
    args: () => [at("plain.yaml"), "--live", "-o", "xml"],
    code: 2,
    told: /--output: is none of/,
  },
  { what: "a flag that is not there", args: () => [at("plain.yaml"), "--lve"], code: 2, told: /did you mean --live/ },
  {
    what: "a missing file",
    args: () => [at("gone.yaml"), "--live"],
    code: 2,
    told: /gone\.yaml: there is no such file/,
  },
  {
    what: "a missing file of values",
    args: () => [at("plain.yaml"), "--values", at("gone")],
    code: 2,
    told: /--values: .* cannot be read/,
  },
  {
    what: "values that are numbers",
    args: () => [at("plain.yaml"), "--values", at("numbers.yaml")],
    code: 2,
    told: /each value must be text or a map/,
  },
  { what: "no ExternalSecret", args: () => [at("none.yaml"), "--live"], code: 2, told: /holds no ExternalSecret/ },
  { what: "a broken file", args: () => [at("broken.yaml"), "--live"], code: 1, told: /broken\.yaml: line 1: / },
  {
    what: "a manifest with wrong fields, all of them",
    args: () => [at("wrong.yaml"), "--live"],
    code: 1,
    told: /^keyferry: .*wrong\.yaml: .*metadata\.namespace must be/,
  },
  {
    what: "a misspelt field",
    args: () => [at("plain.yaml"), at("misspelt.yaml"), "--values", at("values.yaml")],
    code: 1,
    told: /^keyferry: ExternalSecret shop\/misspelt: spec\.target\.tmplate: unknown field; did you mean template\?\n$/,
  },
  {
    what: "a key that the values lack",
    args: () => [seedTemplate, "--values", at("values.json")],
    code: 1,
    told: /^keyferry: spec\.data\[0\]: .*--values has no key "secret\/payments\/db"; add it/,
  },
  {
    what: "a store that is not among the manifests",
    args: () => [at("plain.yaml"), "--live"],
    code: 1,
    told: /^keyferry: spec\.data\[0\]: ClusterSecretStore\/files does not exist/,
  },
  {
    what: "an object that is there twice",
    args: () => [at("plain.yaml"), at("again.yaml"), "--values", at("values.yaml")],
    code: 1,
    told: /plain\.yaml, .*again\.yaml: ExternalSecret\/shop\/plain is defined twice/,
  },
];
for (const { what, args, code, told } of rows)
  test(`${what} ends with ${code} and a line that says so`, async () => {
    await replaceFile(at("misspelt.yaml"), externalSecret("misspelt", "{tmplate: {}}"));
    await replaceFile(at("again.yaml"), files["plain.yaml"]!);
    const ended = await render(...args());
    assert.match(ended.stderr, told);
    assert.equal(ended.code, code);
  });
