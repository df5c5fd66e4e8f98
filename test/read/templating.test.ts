/** Templates at the end of a read: what wins over what, where templates come from, what stays the same, what is told. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { SecretTemplate, TemplateFrom } from "../../plugin/manifests/objects.ts";
import type { ReadRequest, SecretBundle } from "../../plugin/read/request.ts";
import { answerOf } from "./fake-server.ts";
import { entry, externalSecret, failureOf, pod, simpleBench, textOf, type Bench } from "./read-bench.ts";

const hourMs = 3_600_000;

function withTemplate(template: Partial<SecretTemplate>, keys: readonly string[] = ["user", "pass"]): ReadRequest {
  const full = {
    engine: "go",
    mergePolicy: "Replace",
    labels: {},
    annotations: {},
    finalizers: [],
    data: {},
    templateFrom: [],
  };
  return {
    entries: keys.map((key, i) => entry(key, { field: `spec.data[${i}]` })),
    template: { field: "spec.target.template", template: { ...full, ...template } as SecretTemplate },
  };
}

/** The value of each key is its name and how often the key was read. */
function countingBench(): Bench {
  const bench = simpleBench();
  const counts = new Map<string, number>();
  bench.server.onRead = ({ located: { address } }) => {
    counts.set(address, (counts.get(address) ?? 0) + 1);
    return answerOf(`${address}${counts.get(address)}`);
  };
  return bench;
}

const textsOf = (bundle: SecretBundle): Record<string, string> =>
  Object.fromEntries([...bundle.values.keys()].sort().map((name) => [name, textOf(bundle, name)]));
const literal = (text: string, more: Partial<TemplateFrom> = {}): TemplateFrom => ({
  literal: text,
  target: "Data",
  decoding: "None",
  ...more,
});
const items = (...keys: readonly string[]) => keys.map((key) => ({ key, templateAs: "Values" }) as const);

interface Row {
  readonly is: string;
  readonly template: Partial<SecretTemplate>;
  readonly makes: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const rows: readonly Row[] = [
  { is: "alone in the result", template: { data: { url: "{{ .user }}:{{ .pass }}" } }, makes: { url: "user1:pass1" } },
  { is: "the result as read when it makes no key", template: {}, makes: { user: "user1", pass: "pass1" } },
  {
    is: "beside what was read with mergePolicy Merge, and wins",
    template: { mergePolicy: "Merge", data: { pass: "[{{ .pass }}]", both: "{{ .user }}{{ .pass }}" } },
    makes: { user: "user1", pass: "[pass1]", both: "user1pass1" },
  },
  {
    is: "given the values as read, not what another key made of them",
    template: { mergePolicy: "Merge", data: { user: "x{{ .user }}", pass: "y{{ .user }}" } },
    makes: { user: "xuser1", pass: "yuser1" },
  },
  {
    is: "of three origins: the later of templateFrom wins, and data over all",
    template: {
      data: { c: "data" },
      templateFrom: [
        literal("a: first\nb: first\nc: first"),
        { configMap: { name: "tpl", items: items("b", "c") }, target: "Data", decoding: "None" },
      ],
    },
    makes: { a: "first", b: "map user1", c: "data" },
  },
  {
    is: "of ConfigMap, Secret and literal of one entry, in this order",
    template: {
      templateFrom: [
        {
          configMap: { name: "tpl", items: items("b", "password") },
          secret: { name: "tpl", items: items("password") },
          literal: "b: literal",
          target: "Data",
          decoding: "None",
        },
      ],
    },
    makes: { b: "literal", password: "secret pass1" },
  },
  {
    is: "keys and values, where numbers and words are the texts that they are written as",
    template: {
      templateFrom: [
        literal(
          'port: 05432\nversion: 1.10\non: true\nquoted: "x y"\nempty:\n{{ .user }}: |\n  two\n  lines\nbig: 12345678901234567890',
        ),
      ],
    },
    makes: {
      port: "05432",
      version: "1.10",
      on: "true",
      quoted: "x y",
      empty: "",
      user1: "two\nlines\n",
      big: "12345678901234567890",
    },
  },
  { is: "no key at all where it says nothing", template: { templateFrom: [literal("{{/* */}}")] }, makes: {} },
  {
    is: "decoded before it is stored, in both scopes",
    template: {
      templateFrom: [
        literal("a: {{ .user | b64enc }}\nb: aGk", { decoding: "Auto" }),
        { ...literal("c: aGk="), decoding: "Base64" },
        { configMap: { name: "tpl", items: items("b64") }, target: "Data", decoding: "Base64URL" },
      ],
    },
    makes: { a: "user1", b: "aGk", c: "hi", b64: "?>" },
  },
  {
    is: "labels and annotations too, the template's own over those from elsewhere",
    template: {
      labels: { team: "{{ .user }}", plain: "pay" },
      annotations: { note: "{{ .pass }}" },
      data: { team: "data" },
      templateFrom: [
        literal("team: other\nfrom: {{ .user }}", { target: "Labels" }),
        literal("more: x", { target: "Annotations" }),
      ],
    },
    makes: { team: "data" },
    labels: { team: "user1", plain: "pay", from: "user1" },
    annotations: { note: "pass1", more: "x" },
  },
  { is: "never executed again", template: { data: { a: '{{ "{{ .user }}" }}' } }, makes: { a: "{{ .user }}" } },
];
for (const { is, template, makes, labels = {}, annotations = {} } of rows)
  test(`what a template makes is ${is}`, async () => {
    const bench = countingBench();
    bench.cluster.configMaps.set("shop/tpl/b", "map {{ .user }}");
    bench.cluster.configMaps.set("shop/tpl/c", "map {{ .user }}");
    bench.cluster.configMaps.set("shop/tpl/password", "map");
    bench.cluster.configMaps.set("shop/tpl/b64", "Pz4=");
    bench.cluster.secrets.set("shop/tpl", "secret {{ .pass }}");
    const bundle = await bench.read(withTemplate(template));
    assert.deepEqual(textsOf(bundle), Object.fromEntries(Object.entries(makes).sort(([a], [b]) => (a < b ? -1 : 1))));
    assert.deepEqual(bundle.metadata, { labels, annotations });
    assert.equal(bench.audited.length, 2, "what went in is audited");
  });

test("where nothing was read, nothing is made", async () => {
  const bench = simpleBench();
  bench.server.onRead = () => {
    throw new Failure("ref_not_found", "gone");
  };
  const request = withTemplate({ data: { a: "constant" }, labels: { b: "c" } });
  const entries = request.entries.map((one) => ({ ...one, optional: true }));
  const bundle = await bench.read({ ...request, entries });
  assert.deepEqual([bundle.values.size, bundle.metadata, bundle.missing.length], [0, undefined, 2]);
});

const refusals: readonly (readonly [what: string, template: Partial<SecretTemplate>, told: string | RegExp])[] = [
  [
    "a key that was not read",
    { data: { ok: "", DSN: "x{{ .nobody }}" } },
    'spec.target.template.data[DSN]: template: DSN:1:4: executing "DSN" at <.nobody>: map has no entry for key "nobody"',
  ],
  [
    "a template that does not parse",
    { labels: { app: "{{" } },
    /^spec\.target\.template\.metadata\.labels\[app\]: template: app:1: /,
  ],
  [
    "a missing ConfigMap",
    { templateFrom: [{ configMap: { name: "none", items: items("a") }, target: "Data", decoding: "None" }] },
    "spec.target.template.templateFrom[0].configMap.items[0]: there is no ConfigMap shop/none with the key a; create it, or correct the reference",
  ],
  [
    "a missing key of a Secret",
    { templateFrom: [literal(""), { secret: { name: "tpl", items: items("a") }, target: "Data", decoding: "None" }] },
    "spec.target.template.templateFrom[1].secret.items[0]: there is no Secret shop/tpl with the key a; create it, or correct the reference",
  ],
  [
    "the text of a Secret, none of which is told",
    { templateFrom: [{ secret: { name: "tpl", items: items("password") }, target: "Data", decoding: "None" }] },
    /^spec\.target\.template\.templateFrom\[0\]\.secret\.items\[0\]: template: password:1:\d+: fails: \[secret\]$/,
  ],
  [
    "output that is no map",
    { templateFrom: [literal("- {{ .pass }}")] },
    "spec.target.template.templateFrom[0].literal: its output is no YAML map of keys and texts: it is a list or a single text",
  ],
  [
    "output that is no YAML",
    { templateFrom: [literal("a: b\n{{ .pass }}: [")] },
    /^spec\.target\.template\.templateFrom\[0\]\.literal: its output is no YAML map of keys and texts: line \d: /,
  ],
  [
    "output that is deeper than a map of texts",
    { templateFrom: [literal("pass: {{ .pass }}\na: {b: {{ .pass }}}")] },
    "spec.target.template.templateFrom[0].literal: its output is no YAML map of keys and texts: one of its values is a map or a list",
  ],
  [
    "output that is not the encoding asked for",
    { templateFrom: [literal("a: '*{{ .pass }}'", { decoding: "Base64" })] },
    "spec.target.template.templateFrom[0].literal: its output is not Base64: check valuesDecodingStrategy",
  ],
  [
    "work without an end",
    { data: { a: "{{ range $i := until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}" } },
    /^spec\.target\.template\.data\[a\]: template "a" exceeds its budget "(steps|output)"/,
  ],
];
for (const [what, template, told] of refusals)
  test(`a template is refused for ${what}`, async () => {
    const bench = countingBench();
    bench.cluster.secrets.set("shop/tpl", "hunter2 {{ .pass.hunter2 }}");
    const failure = await failureOf(bench.read(withTemplate(template)));
    assert.equal(failure.code, "template_failed");
    if (typeof told === "string") assert.equal(failure.message, told);
    else assert.match(failure.message, told);
    assert.ok(!/hunter2|pass1/.test(failure.message), failure.message);
    assert.equal(bench.audited.length, 0, "nothing was released");
  });

test("an API server that does not answer fails the read as unavailable, not the template", async () => {
  const bench = countingBench();
  bench.cluster.down = true;
  const template = {
    templateFrom: [{ configMap: { name: "tpl", items: items("a") }, target: "Data", decoding: "None" }],
  };
  const failure = await failureOf(bench.read(withTemplate(template as Partial<SecretTemplate>)));
  assert.equal(failure.code, "kube_unavailable");
});

test("templates are looked up in the caller's namespace alone", async () => {
  const bench = countingBench();
  bench.cluster.configMaps.set("shop/tpl/b", "of shop");
  const template = {
    templateFrom: [{ configMap: { name: "tpl", items: items("b") }, target: "Data", decoding: "None" }],
  };
  const request = withTemplate(template as Partial<SecretTemplate>);
  assert.equal(textOf(await bench.read(request), "b"), "of shop");
  const other = await failureOf(bench.read(request, { caller: externalSecret("bank") }));
  assert.match(other.message, /there is no ConfigMap bank\/tpl/);
});

suite("while a store is down", () => {
  const down = (bench: Bench): void => {
    bench.server.onRead = () => {
      throw new Failure("store_sealed", "sealed");
    };
  };

  test("an edited template is made of the answers that were kept", async () => {
    const bench = countingBench();
    await bench.read(withTemplate({ data: { a: "{{ .user }}" } }));
    await bench.clock.advance(1_000);
    down(bench);
    const bundle = await bench.read(withTemplate({ data: { b: "{{ .user }}-{{ .pass }}" } }), { maxStaleMs: hourMs });
    assert.deepEqual([textsOf(bundle), bundle.stale?.code], [{ b: "user1-pass1" }, "store_sealed"]);
  });

  test("a template that fails on good answers does not lose them", async () => {
    const bench = countingBench();
    await failureOf(bench.read(withTemplate({ data: { a: "{{ .nobody }}" } })));
    await bench.clock.advance(1_000);
    down(bench);
    const bundle = await bench.read(withTemplate({ data: { a: "{{ .user }}" } }), { maxStaleMs: hourMs });
    assert.deepEqual([textsOf(bundle), bundle.stale?.code], [{ a: "user1" }, "store_sealed"]);
  });
});

suite("random and time functions", () => {
  const random = withTemplate({
    data: { token: "{{ randAlphaNum 20 }}", at: "{{ now | unixEpoch }}", user: "{{ .user }}" },
  });
  const anyAge = { acceptBegunFromMs: -Infinity };

  test("are executed once for the same answers, and again for new ones", async () => {
    const bench = countingBench();
    const first = textsOf(await bench.read(random));
    await bench.clock.advance(5_000);
    assert.deepEqual(textsOf(await bench.read(random, anyAge)), first);
    const fresh = textsOf(await bench.read(random));
    assert.deepEqual(textsOf(await bench.read(random, anyAge)), fresh);
    assert.notEqual(fresh["token"], first["token"]);
    assert.notEqual(fresh["at"], first["at"]);
    assert.equal(fresh["user"], "user2");
  });

  test("are executed again when the template, or how its values are read, changes", async () => {
    const bench = countingBench();
    const first = textsOf(await bench.read(random));
    const edited = withTemplate({ data: { token: "{{ randAlphaNum 20 }}{{/* */}}" } });
    assert.notEqual(textsOf(await bench.read(edited, anyAge))["token"], first["token"]);
    const entries = random.entries.map((one) => ({ ...one, decoding: "Auto" as const }));
    assert.notEqual(textsOf(await bench.read({ ...random, entries }, anyAge))["token"], first["token"]);
  });

  test("give each consumer its own result", async () => {
    const bench = countingBench();
    const one = textsOf(await bench.read(random, anyAge));
    const other = textsOf(await bench.read(random, { ...anyAge, caller: externalSecret("shop", "other") }));
    assert.notEqual(one["token"], other["token"]);
  });

  test("stay as they were while the store is down", async () => {
    const bench = countingBench();
    const first = textsOf(await bench.read(random));
    await bench.clock.advance(1_000);
    bench.server.onRead = () => {
      throw new Failure("store_sealed", "sealed");
    };
    for (let i = 0; i < 3; i++) assert.deepEqual(textsOf(await bench.read(random, { maxStaleMs: hourMs })), first);
  });

  test("are refused for a mount, named, before any store is asked", async () => {
    const bench = countingBench();
    const failure = await failureOf(bench.read(random, { caller: pod() }));
    assert.equal(failure.code, "not_mountable");
    assert.equal(
      failure.message,
      "spec.target.template: now, randAlphaNum would give other files at each mount; leave it out, or sync a Secret",
    );
    assert.equal(bench.server.requests.length, 0);
  });

  test("do not matter to a mount where they make labels, which a volume does not have", async () => {
    const bench = countingBench();
    const request = withTemplate({ data: { a: "{{ .user }}" }, labels: { b: "{{ randAlpha 4 }}{{ .nobody }}" } });
    const bundle = await bench.read(request, { caller: pod() });
    assert.deepEqual([textsOf(bundle), bundle.metadata?.labels], [{ a: "user1" }, {}]);
  });
});
