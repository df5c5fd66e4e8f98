/** Handlebars for who asks for it: its results, its errors, and what it refuses. All of it through the worker. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { systemClock } from "../../../plugin/core/clock.ts";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { createRenderer, defaultBudgets } from "../../../plugin/template/render.ts";
import type { RenderRequest, TemplateBudgets } from "../../../plugin/template/render.ts";

const renderer = createRenderer(systemClock);
after(() => renderer.close());

const canary = "Zw9-canary";
const secrets = new Map(
  Object.entries({
    user: "app",
    password: canary,
    host: "db.local",
    port: "5432",
    title: "Dr",
    hosts: "a,b,c",
    "dash-key": "dashed",
    höhe: "ü",
    constructorish: "no",
  }).map(([key, value]) => [key, SecretValue.fromText(value)] as const),
);
const bytes = Buffer.from([0x00, 0xff, 0x80, 0xc3, 0xa9, 0xed, 0xb2, 0x80]);
const data = new Map<string, SecretValue | ReadonlyMap<string, SecretValue>>([
  ...secrets,
  ["raw", new SecretValue(bytes)],
  ["nested", new Map([["key", SecretValue.fromText("inner")]])],
]);

interface Asked extends Partial<RenderRequest> {
  readonly budgets?: Partial<TemplateBudgets>;
  readonly signal?: AbortSignal;
}

async function render(text: string, { budgets, signal, ...more }: Asked = {}): Promise<Buffer> {
  const templates = [{ key: "out", text, field: "template.data.out" }];
  const request: RenderRequest = { engine: "handlebars", templates, data, missingKey: "error", ...more };
  const never = new AbortController().signal;
  const { values } = await renderer.render(request, { ...defaultBudgets, ...budgets }, signal ?? never);
  return values.get("out")!.reveal();
}

/** What a template gives, or what its failure says. */
const told = (text: string, asked: Asked = {}): Promise<string> =>
  render(text, asked).then(
    (out) => out.toString(),
    (thrown: unknown) => {
      if (!(thrown instanceof Failure)) throw thrown;
      assert.equal(thrown.code, "template_failed");
      assert.equal(thrown.field, "template.data.out");
      assert.ok(!thrown.message.includes(canary), thrown.message);
      return thrown.message;
    },
  );

const results: readonly (readonly [template: string, out: string])[] = [
  ["db://{{user}}:{{urlquery password}}@{{host}}:{{port}}", `db://app:${canary}@db.local:5432`],
  ["{{user}} {{{user}}} {{! comment }}{{!-- more --}}\\{{raw}}", "app app {{raw}}"],
  ["{{#if user}}yes{{else}}no{{/if}}{{#unless user}}no{{/unless}}", "yes"],
  ["{{#if missing}}yes{{else if user}}other{{/if}}", "other"],
  [
    "{{#each (splitList ',' hosts)}}{{@index}}{{@first}}{{@last}}={{this}};{{/each}}",
    "0truefalse=a;1falsefalse=b;2falsetrue=c;",
  ],
  ["{{#each nested as |value key|}}{{key}}={{value}}{{@key}}{{/each}}", "key=innerkey"],
  ["{{#each (list)}}x{{else}}empty{{/each}}", "empty"],
  ["{{#with nested}}{{key}}{{../user}}{{@root.host}}{{/with}}", "innerappdb.local"],
  ["{{nested.key}}{{lookup nested 'key'}}{{[dash-key]}}{{höhe}}", "innerinnerdashedü"],
  ["a \n {{~user~}} \n b\u00a0{{~user}}", "aappb" + "app"],
  ["{{upper user}} {{upper (lower 'X')}} {{replace '.' '-' host}} {{quote user}}", 'APP X db-local "app"'],
  ["{{add 1 2}}{{add 3 4}}{{len user}}{{{len host}}}{{not user}}", "3738false"],
  ["{{repeat 3 'x'}}{{repeat '2' 'y'}}{{add 1 port}}{{div port 2}}", "xxxyy54332716"],
  ["{{add 0.5 1}} {{addf 0.5 1}} {{round 2.345 1}}", "1 1.5 2.3"],
  ["{{toJson nested}} {{toPrettyJson (list 1 2.5 true)}}", '{"key":"inner"} [\n  1,\n  2.5,\n  true\n]'],
  ['{{#with (fromJson \'{"a":{"b":[1,"x"]}}\')}}{{a.b.[1]}}{{a.b.length}}{{/with}}', "x2"],
  ["{{toYaml (dict 'a' 1 'b' (list 'x' 'z'))}}", "a: 1\nb:\n- x\n- z"],
  [
    "{{default 'none' missing}}{{default 'none' user}}{{coalesce missing '' host}}{{ternary 'a' 'b' true}}",
    "noneappdb.locala",
  ],
  ["{{#if (and user (eq port '5432'))}}ok{{/if}}{{#if (or '' (not user))}}bad{{/if}}", "ok"],
  ["{{join '-' (splitList ',' hosts)}} {{first (splitList ',' hosts)}} {{len hosts}}", "a-b-c a 5"],
  ["{{regexReplaceAll '[ab]' hosts '_'}} {{semverCompare '^1.2' '1.3.0'}}", "_,_,c true"],
  ["{{printf '%05d|%s|%q' 42 user host}}", '00042|app|"db.local"'],
  ["{{this.title}} {{./title}} {{title user}}", "Dr Dr App"],
  ["{{date '2006-01-02' 0}}", "1970-01-01"],
  ["{{mul 3000000000 3}} {{mul 3000000000 4000000000}}", "9000000000 -6446744073709551616"],
  ["<{{user}}&{{{host}}}>", "<app&db.local>"],
  ["", ""],
];

for (const [template, out] of results)
  test(`gives ${JSON.stringify(out)} for ${JSON.stringify(template)}`, async () => {
    assert.equal(await told(template), out);
  });

const refused: readonly (readonly [template: string, message: string | RegExp])[] = [
  ["{{missing}}", 'handlebars: out:1:2: "missing" is not defined'],
  ["a\n b {{nested.none}}", 'handlebars: out:2:5: "none" is not defined'],
  ["{{upper missing}}", "handlebars: out:1:0: upper: argument 1 is not defined"],
  ["{{#each missing}}{{/each}}", "handlebars: out:1:0: each: argument 1 is not defined"],
  ["{{lookup nested 'none'}}", "handlebars: out:1:0: lookup: argument 1 has no such entry"],
  ["{{user.name}}", "handlebars: out: a name is looked up in a value that has none"],
  ["{{title}}", "handlebars: out:1:0: title: wants 1 arguments and has 0; write this.title for the value of that name"],
  ["{{upper user host}}", "handlebars: out:1:0: upper: wants 1 arguments and has 2"],
  ["{{repeat user 'x'}}", "handlebars: out:1:0: repeat: argument 1 must be a number"],
  ["{{repeat 1.5 'x'}}", "handlebars: out:1:0: repeat: argument 1 must be a whole number"],
  ["{{upper nested}}", "handlebars: out:1:0: upper: argument 1 must be a string"],
  ["{{ternary 1 2 'x'}}", "handlebars: out:1:0: ternary: argument 3 must be true or false"],
  ["{{keys user}}", "handlebars: out:1:0: keys: argument 1 must be an object"],
  ["{{mustFromJson password}}", /^handlebars: out:1:0: mustFromJson: invalid character \[secret\] looking for/],
  ["{{nofunction user}}", "handlebars: out:1:0: there is no function nofunction"],
  ["{{upper (nofunction)}}", "handlebars: out:1:8: there is no function nofunction"],
  ["{{upper user x=1}}", "handlebars: out:1:13: functions take no named arguments"],
  ["{{#hosts}}x{{/hosts}}", /^handlebars: out:1:0: there is no block hosts: write /],
  ["{{^hosts}}x{{/hosts}}", /^handlebars: out:1:0: there is no block hosts: write /],
  ["{{#upper user}}x{{/upper}}", /^handlebars: out:1:0: there is no block upper/],
  ["{{> partial}}", "handlebars: out:1:0: there are no partials here"],
  ["{{#> layout}}x{{/layout}}", "handlebars: out:1:0: there are no partials here"],
  ['{{#*inline "x"}}y{{/inline}}', "handlebars: out:1:0: there are no decorators and no inline partials here"],
  ["{{* decorate}}", "handlebars: out:1:0: there are no decorators here"],
  ["{{log password}}", "handlebars: out:1:0: there is no function log"],
  ["{{helperMissing}}", 'handlebars: out:1:2: "helperMissing" is not defined'],
  ["{{#if user}}x", "handlebars: out:1: unexpected EOF"],
  ["{{#if user}}x{{/each}}", "handlebars: out:1:3: if doesn't match each"],
  ["a\n{{#if user host}}x{{/if}}", "handlebars: out:2:0: if: wants 1 arguments and has 2"],
  ["{{env 'HOME'}}", "handlebars: out:1:0: there is no function env"],
];

for (const [template, message] of refused)
  test(`refuses ${JSON.stringify(template)}`, async () => {
    const said = await told(template);
    if (typeof message === "string") assert.equal(said, message);
    else assert.match(said, message);
  });

test("Go templates are refused, never half understood", async () => {
  const hint = "(is it a Go template? set the engine to go)";
  assert.equal(await told("{{ .user }}"), `handlebars: out:1: unexpected SEP ${hint}`);
  assert.equal(await told("{{ $x := .user }}"), `handlebars: out:1: unexpected SEP ${hint}`);
  for (const template of ["{{ if .user }}x{{ end }}", "{{ range .hosts }}x{{ end }}", "{{- if eq .user `x` -}}"])
    assert.match(await told(template), /^handlebars: out:1/);
});

test("a key that is missing is empty where Go's default would be asked for", async () => {
  assert.equal(await told("[{{missing}}{{nested.none}}{{lookup nested 'x'}}]", { missingKey: "default" }), "[]");
});

test("bytes that are no text come out as they went in, also through functions", async () => {
  assert.deepEqual(await render("{{raw}}"), bytes);
  assert.equal(await told("{{b64enc raw}}"), bytes.toString("base64"));
  assert.deepEqual(await render("{{b64dec (b64enc raw)}}é"), Buffer.concat([bytes, Buffer.from("é")]));
});

test("what a value holds is not a template", async () => {
  const injected = new Map([["a", SecretValue.fromText("{{password}}<b>&")]]);
  assert.equal(await told("{{a}}{{printf a}}", { data: injected }), "{{password}}<b>&{{password}}<b>&");
});

test("of a template that is itself secret a failure quotes nothing", async () => {
  for (const text of ["{{missing}}", "{{#nope}}", "{{upper}}"]) {
    const templates = [{ key: "out", text, field: "template.data.out", secretText: true }];
    const said = await told("", { templates });
    assert.match(said, /^handlebars: out:1(:\d+)?: (fails|does not parse): \[secret\]$/);
  }
});

test("functions that give something else each time are known without rendering", () => {
  const text = "{{randAlphaNum 5}}{{#if user}}{{upper (uuidv4)}}{{~ now }}{{/if}}{{this.randAlpha}} now";
  const asked = { engine: "handlebars", templates: [{ key: "k", text }] } as const;
  assert.deepEqual(renderer.volatileFunctions(asked), ["now", "randAlphaNum", "uuidv4"]);
});
