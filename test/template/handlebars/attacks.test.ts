/** What attackers try on a Handlebars template: prototypes, code in parsed templates, endless work, endless output. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { systemClock } from "../../../plugin/core/clock.ts";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { createMeter } from "../../../plugin/template/handlebars/meter.ts";
import { createEngine } from "../../../plugin/template/handlebars/engine.ts";
import { helperNames } from "../../../plugin/template/handlebars/functions.ts";
import { plainObject } from "../../../plugin/template/handlebars/values.ts";
import { createRenderer, defaultBudgets } from "../../../plugin/template/render.ts";
import type { RenderRequest } from "../../../plugin/template/render.ts";
import { BudgetError } from "../../../plugin/template/go/errors.ts";
import { FakeClock } from "../../fakes/clock.ts";

const engine = createEngine();
const canary = "Zw9-canary";
const data = plainObject([
  ["user", "app"],
  ["secret", canary],
  ["nested", plainObject([["key", "inner"]])],
]);

/** What the engine makes of a template here, without the worker: its output, or what it refuses. */
function made(text: string, strict = true): { out: string } | { refused: string } {
  try {
    return { out: engine.render(text, data, { ctx: createMeter(systemClock, defaultBudgets), strict }) };
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return { refused: thrown instanceof BudgetError ? thrown.budget : thrown.message };
  }
}

const inherited = [
  ...["constructor", "__proto__", "prototype", "hasOwnProperty", "valueOf", "toLocaleString", "isPrototypeOf"],
  ...["__defineGetter__", "__lookupGetter__", "call", "apply", "bind", "arguments", "caller"],
];

for (const name of inherited)
  test(`${name} leads nowhere`, () => {
    const bases = ["", "this.", "nested.", "@root.", "nested.key.", "@root.nested."];
    const paths = bases.map((base) => `{{${base}${name}}}`);
    const lookups = [`{{lookup nested '${name}'}}`, `{{lookup (list 1) '${name}'}}`, `{{lookup user '${name}'}}`];
    const inner = [
      `{{#with nested}}{{${name}}}{{../${name}}}{{/with}}`,
      `{{#each (list 'a')}}{{this.${name}}}{{@${name}}}{{/each}}`,
      `{{#with (dict 'a' 1)}}{{${name}.${name}}}{{/with}}`,
      `{{upper ${name}}}{{#with ${name}}}x{{/with}}{{#each ${name}}}x{{/each}}`,
    ];
    for (const template of [...paths, ...lookups, ...inner]) {
      const strict = made(template);
      assert.ok("refused" in strict || strict.out === "", `${template}: ${JSON.stringify(strict)}`);
      const lax = made(template, false);
      assert.ok("refused" in lax || lax.out === "", `${template}: ${JSON.stringify(lax)}`);
    }
  });

test("no way to the Function constructor that has been published works", () => {
  const published = [
    '{{#with "s" as |string|}}{{#with "e"}}{{#with split as |conslist|}}{{this.pop}}{{/with}}{{/with}}{{/with}}',
    '{{#with (lookup this "constructor") as |c|}}{{c}}{{/with}}',
    "{{lookup (lookup this 'constructor') 'name'}}",
    "{{#each this}}{{#with this.constructor}}{{this}}{{/with}}{{/each}}",
    "{{blockHelperMissing 1}}{{helperMissing 1}}",
    '{{#with (fromJson \'{"__proto__":{"x":1},"constructor":{"y":2}}\')}}{{x}}{{/with}}',
  ];
  for (const template of published) {
    const result = made(template, false);
    assert.ok("refused" in result || !/function|native code|\[object (?!object)/i.test(result.out), template);
  }
  assert.deepEqual(made("{{#with (fromJson '{\"__proto__\":{\"x\":1}}')}}{{lookup this '__proto__'}}{{/with}}"), {
    out: "[object]",
  });
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test("a parsed template is no template", () => {
  const code = { type: "NumberLiteral", value: "process.exit(7)", original: 1 };
  const path = { type: "PathExpression", parts: ["list"], original: "list", depth: 0, data: false };
  const call = { type: "MustacheStatement", path, params: [code], escaped: true, strip: {} };
  const program = { type: "Program", body: [call], strip: {}, blockParams: [] };
  assert.deepEqual(made(program as unknown as string), { refused: "a template is a text" });
});

const nest = (open: string, close: string, depth: number): string => `${open.repeat(depth)}x${close.repeat(depth)}`;
const thousands = "(until 1000)";

const exhausting: readonly (readonly [name: string, template: string, budget: string])[] = [
  ["a list without end", "{{#each (until 1000000000)}}x{{/each}}", "steps"],
  [
    "loops in loops",
    `{{#each ${thousands}}}{{#each ${thousands}}}{{#each ${thousands}}}{{/each}}{{/each}}{{/each}}`,
    "steps",
  ],
  ["a text repeated", "{{repeat 1000000000 'x'}}", "output"],
  ["output that doubles", `${"{{#each (list 1 2)}}".repeat(24)}{{@root.user}}${"{{/each}}".repeat(24)}`, "steps"],
  [
    "output that doubles in long parts",
    `${"{{#each (list 1 2)}}".repeat(12)}{{repeat 9999 'x'}}${"{{/each}}".repeat(12)}`,
    "steps",
  ],
  ["long parts side by side", "{{repeat 3000000 'x'}}{{repeat 3000000 'y'}}", "output"],
  ["wide numbers", `{{printf '${"%1000000[1]d".repeat(9)}' 1}}`, "output"],
  ["an indentation", "{{indent 1000000000 'x'}}", "output"],
  ["random text", "{{randAlphaNum 1000000000}}", "output"],
  ["parentheses two thousand deep", `{{upper ${nest("(upper ", ")", 2_000)}}}`, "depth"],
];

for (const [name, template, budget] of exhausting)
  test(`${name} ends at the budget`, () => {
    assert.deepEqual(made(template), { refused: budget });
  });

test("every function fails or answers on any argument, and tells no value in its error", () => {
  const args = ["secret", "secret secret", "secret secret secret", "nested secret", "1 secret"];
  const slow = /bcrypt|htpasswd|derivePassword|genPrivateKey/;
  for (const name of helperNames.filter((helper) => !slow.test(helper)))
    for (const arg of args) {
      const result = made(`{{${name} ${arg}}}`);
      if ("refused" in result) assert.ok(!shown(result.refused).includes(canary), `${name} ${arg}: ${result.refused}`);
    }
});

/** As it may leave: marked parts hidden. */
const shown = (message: string): string => message.replace(/\ue000[^\ue001]*\ue001/g, "[secret]");

const requestOf = (text: string): RenderRequest => ({
  engine: "handlebars",
  templates: [{ key: "out", text, field: "template.data.out" }],
  data: new Map([["user", SecretValue.fromText("app")]]),
  missingKey: "error",
});

const never = new AbortController().signal;

test("what no counter sees is killed with its worker, and the next job runs", async () => {
  const clock = new FakeClock();
  const renderer = createRenderer(clock);
  after(() => renderer.close());
  // Seconds of parsing, in which nothing is charged.
  const endless = renderer.render(requestOf("{{upper user}}".repeat(200_000)), defaultBudgets, never);
  const next = renderer.render(requestOf("{{user}}"), defaultBudgets, never);
  const killed = assert.rejects(
    endless,
    (thrown) => thrown instanceof Failure && thrown.code === "template_failed" && /budget "time"/.test(thrown.message),
  );
  await clock.advance(defaultBudgets.timeMs + 1_000);
  await killed;
  assert.equal((await next).values.get("out")!.reveal().toString(), "app");
});

test("the same budget names are told for both engines", async () => {
  const renderer = createRenderer(systemClock);
  after(() => renderer.close());
  const go = { ...requestOf('{{ repeat 1000000000 "x" }}'), engine: "go" } as const;
  const messages = await Promise.all(
    [go, requestOf("{{repeat 1000000000 'x'}}")].map((asked) =>
      renderer.render(asked, defaultBudgets, never).then(
        () => "rendered",
        (thrown: unknown) => (thrown as Failure).message,
      ),
    ),
  );
  assert.equal(messages[0], messages[1]);
  assert.match(messages[0]!, /exceeds its budget "output"/);
});
